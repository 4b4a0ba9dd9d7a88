import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import addAllFormats from 'ajv-formats';
import fc from 'fast-check';
import { ApiError } from './api-error.ts';
import { addFormats, compilePayloadCheck } from './validation.ts';

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

  it('takes the times that ajv-formats takes', () => {
    const compiledWith = (add: (ajv: Ajv) => void) => {
      const ajv = new Ajv();
      add(ajv);
      return ajv.compile({ type: 'string', format: 'date-time' });
    };
    const isTime = compiledWith(addFormats);
    const isTimeThere = compiledWith(addAllFormats as unknown as (ajv: Ajv) => void);
    const number = fc.oneof(fc.nat({ max: 31 }), fc.nat({ max: 99 })).map((one) => String(one).padStart(2, '0'));
    const mark = (usual: string, ...others: string[]) =>
      fc.oneof({ weight: 15, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
    const day = fc.tuple(mark('20', '1', '+02'), number, mark('-', '/'), number, mark('-', ''), number);
    const time = fc.tuple(mark('T', 't', ' ', 'TT'), number, mark(':', '.'), number, mark(':', ''), number);
    const end = fc.tuple(
      mark('', '.', '.123', '.0123456789', ',1'),
      mark('Z', 'z', '', '+01:00', '-2400', 'Z\n', 'ZZ'),
    );
    fc.assert(
      fc.property(day, time, end, (...parts) => {
        const text = parts.flat().join('');
        assert.equal(isTime(text), isTimeThere(text), text);
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses what is no object at all', () => {
    for (const payload of [[], null, 'x']) assert.match(messageOf(payload), /data must be object/);
  });
});
