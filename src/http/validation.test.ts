import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from './api-error.ts';
import { compilePayloadCheck } from './validation.ts';

const check = compilePayloadCheck(
  {
    name: 'thing',
    schema: {
      type: 'object',
      properties: {
        kind: { enum: ['a', 'b'] },
        owner: { type: 'string', format: 'email' },
        inner: { type: 'object', properties: { n: { type: 'integer', default: 5 } }, default: {} },
      },
      required: ['owner'],
      additionalProperties: false,
    },
  },
  () => 'http://example.com/schemas/thing.json#',
);
const messageOf = (payload: unknown): string => {
  try {
    check(payload);
  } catch (error) {
    assert.ok(error instanceof ApiError && error.code === 'InputValidationError');
    return error.message;
  }
  return assert.fail('it fits');
};

describe('the check of a payload', () => {
  it('admits what fits, and fills in what was left out', () => {
    const payload = { owner: 'o@example.com' };
    check(payload);
    assert.deepEqual(payload, { owner: 'o@example.com', inner: { n: 5 } });
  });

  it('names the schema and everything that is wrong, each with its place', () => {
    const message = messageOf({ kind: 'c', inner: { n: 'x' }, more: 1 });
    assert.ok(
      message.startsWith(
        '\nSchema Validation Failed!\nRejecting Schema: http://example.com/schemas/thing.json#\nErrors:\n  * ',
      ),
    );
    assert.deepEqual(message.split('\n').slice(4).toSorted(), [
      '  * data must NOT have additional properties: "more"',
      "  * data must have required property 'owner'",
      '  * data/inner/n must be integer',
      '  * data/kind must be equal to one of the allowed values: ["a","b"]',
    ]);
  });

  it('looks at formats', () => assert.match(messageOf({ owner: 'nobody' }), /data\/owner must match format "email"/));

  it('refuses what is no object at all', () => {
    for (const payload of [[], null, 'x']) assert.match(messageOf(payload), /data must be object/);
  });
});
