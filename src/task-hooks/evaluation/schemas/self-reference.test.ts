import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileTriggerSchema } from './trigger-schema.ts';

const DRAFT_2019 = 'https://json-schema.org/draft/2019-09/schema';
const DRAFT_2020 = 'https://json-schema.org/draft/2020-12/schema';
const NOTHING_CONSUMED = [
  [{ $ref: '#' }, '/$ref'],
  [{ allOf: [{ $ref: '#' }] }, '/allOf/0/$ref'],
  [{ anyOf: [{ type: 'string' }, { $ref: '#' }] }, '/anyOf/1/$ref'],
  [{ oneOf: [{ $ref: '#/oneOf/0' }] }, '/oneOf/0/$ref'],
  [{ not: { $ref: '#' } }, '/not/$ref'],
  [{ if: { $ref: '#' }, then: {} }, '/if/$ref'],
  [{ if: {}, then: { $ref: '#' } }, '/then/$ref'],
  [{ if: {}, else: { $ref: '#' } }, '/else/$ref'],
  [{ dependencies: { a: { $ref: '#' } } }, '/dependencies/a/$ref'],
  [{ $schema: DRAFT_2019, dependentSchemas: { 'a/b': { $ref: '#' } } }, '/dependentSchemas/a~1b/$ref'],
  [{ $schema: DRAFT_2019, allOf: [{ $recursiveRef: '#' }] }, '/allOf/0/$recursiveRef'],
  [{ $schema: DRAFT_2020, allOf: [{ $dynamicRef: '#' }] }, '/allOf/0/$dynamicRef'],
  [{ $schema: DRAFT_2020, $dynamicAnchor: 'n', anyOf: [{ $dynamicRef: '#n' }] }, '/anyOf/0/$dynamicRef'],
  [{ $schema: DRAFT_2020, $anchor: 'n', anyOf: [{ $ref: '#n' }] }, '/anyOf/0/$ref'],
  [{ $id: 'http://example.com/a', allOf: [{ $ref: 'a' }] }, '/allOf/0/$ref'],
  [
    {
      definitions: { a: { $ref: '#/definitions/b' }, b: { allOf: [{ $ref: '#/definitions/a' }] } },
      items: { $ref: '#/definitions/a' },
    },
    '/definitions/b/allOf/0/$ref',
  ],
  [
    { definitions: { a: { $id: 'http://example.com/a', $ref: 'b' }, b: { $id: 'http://example.com/b', $ref: 'a' } } },
    '/definitions/b/$ref',
  ],
  [{ definitions: { 'a b': { $ref: '#/definitions/a%20b' } }, $ref: '#/definitions/a%20b' }, '/definitions/a b/$ref'],
] as const;

const CONSUMING = [
  { properties: { a: { $ref: '#' } } },
  { items: { allOf: [{ $ref: '#' }] } },
  { anyOf: [{ type: 'string' }, { additionalProperties: { $ref: '#' } }] },
  { definitions: { a: { type: 'string' } }, allOf: [{ $ref: '#/definitions/a' }, { $ref: '#/definitions/a' }] },
  {
    definitions: { a: { contains: { $ref: '#/definitions/b' } }, b: { $ref: '#/definitions/a' } },
    $ref: '#/definitions/b',
  },
  { $schema: DRAFT_2019, $recursiveAnchor: true, items: { $recursiveRef: '#' } },
  {
    $schema: DRAFT_2020,
    $id: 'http://example.com/strict',
    $dynamicAnchor: 'node',
    $ref: 'tree',
    $defs: {
      tree: {
        $id: 'http://example.com/tree',
        $dynamicAnchor: 'node',
        properties: { children: { items: { $dynamicRef: '#node' } } },
      },
    },
  },
  { const: { $ref: '#' }, default: { $ref: '#' }, enum: [{ $ref: '#' }] },
];

describe('a trigger schema that refers to itself', () => {
  for (const [schema, place] of NOTHING_CONSUMED) {
    it(`without going on to a part of the value is refused, with the place: ${JSON.stringify(schema)}`, () => {
      const compilation = compileTriggerSchema(schema as object);
      assert.ok(!compilation.ok);
      assert.ok(compilation.problem.startsWith(` * ${place} leads back to`), compilation.problem);
    });
  }

  for (const schema of CONSUMING) {
    it(`from a part of the value is taken: ${JSON.stringify(schema)}`, () => {
      const compilation = compileTriggerSchema(schema);
      assert.ok(compilation.ok, !compilation.ok ? compilation.problem : '');
      compilation.schema.check({ a: [{ a: {} }] }, 0);
    });
  }
});
