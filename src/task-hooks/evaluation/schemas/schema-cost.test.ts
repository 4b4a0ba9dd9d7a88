import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ORDINARY_SCHEMAS } from '../../test-support/ordinary-schemas.ts';
import { costOfSchema } from './schema-cost.ts';
import { compileTriggerSchema } from './trigger-schema.ts';

const largestFor = (schema: unknown): number => costOfSchema(schema)?.largestPayload() ?? -1;
const repeat = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const nest = (depth: number, wrap: (inner: object) => object, inner: object): object =>
  depth === 0 ? inner : wrap(nest(depth - 1, wrap, inner));

const LARGE = 4 * 1024;
const PROPERTY = { type: 'string' };

describe('a trigger schema is used on the main thread', () => {
  for (const [what, schema] of Object.entries(ORDINARY_SCHEMAS)) {
    it(`when it is that of ${what}, with payloads of some KB`, () => {
      assert.ok(compileTriggerSchema(schema).ok);
      assert.ok(largestFor(schema) >= LARGE, `${largestFor(schema)}`);
    });
  }

  for (const [keyword, schema] of Object.entries({
    'no keyword': {},
    uniqueItems: { uniqueItems: true },
    anyOf: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    oneOf: { items: { oneOf: [{ const: { a: 1 } }, { enum: [{ b: 1 }, 2] }] } },
    'allOf and not': { allOf: [{ required: ['a'] }, { not: { required: ['b'] } }] },
    'if, then and else': { if: { type: 'string' }, then: { minLength: 1 }, else: { type: 'null' } },
    patternProperties: { patternProperties: { '^a': { type: 'string' } }, additionalProperties: false },
    propertyNames: { propertyNames: { pattern: '^[a-z]+$' } },
    contains: { contains: { const: 1 } },
    dependencies: { dependencies: { a: ['b'], c: { required: ['d'] } } },
    unevaluatedProperties: {
      $schema: 'https://json-schema.org/draft/2019-09/schema',
      anyOf: [{ properties: { a: {} } }, { patternProperties: { '^b': {} } }],
      unevaluatedProperties: false,
    },
    'prefixItems and unevaluatedItems': {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      prefixItems: [{ type: 'string' }],
      unevaluatedItems: false,
    },
    'items as a list': { items: [{ type: 'string' }], additionalItems: { type: 'number' } },
    'a format with a pattern of its own': { properties: { a: { format: 'email' }, b: { format: 'uri' } } },
    'counted repetitions': { items: { pattern: '^[0-9a-f]{40}$' } },
    'a reference': { definitions: { a: { type: 'string' } }, items: { $ref: '#/definitions/a' } },
    'defaults of items': { items: { properties: { a: { type: 'string', default: 'x' } } } },
  })) {
    it(`when it has ${keyword}`, () => {
      const compilation = compileTriggerSchema(schema);
      assert.ok(compilation.ok);
      assert.ok(largestFor(schema) >= LARGE, `${largestFor(schema)}`);
    });
  }

  it('when it is recursive, and each part of a payload is met once', () => {
    const node = { properties: { children: { items: { $ref: '#/definitions/node' } }, name: { type: 'string' } } };
    assert.ok(largestFor({ $ref: '#/definitions/node', definitions: { node } }) >= 500);
    assert.ok(largestFor({ properties: { left: { $ref: '#' }, right: { $ref: '#' } } }) >= 500);
  });

  it('when it has an $id, and references below it', () => {
    const properties = Object.fromEntries(repeat(50, (at) => [`p${at}`, { $ref: '#/definitions/a' }]));
    const $id = 'https://schemas.example.com/hooks/v1/a-trigger-schema.json#';
    assert.ok(largestFor({ $id, properties, definitions: { a: { type: 'string' } } }) >= LARGE);
  });

  it('when it refuses unknown names on each of some levels, with payloads of 60 KB', () => {
    const closed = nest(5, (a) => ({ type: 'object', properties: { a }, additionalProperties: false }), PROPERTY);
    assert.ok(largestFor(closed) >= 60_000, `${largestFor(closed)}`);
  });

  it('when it wants names of each object of a list, with payloads of 20 KB', () => {
    const branch = {
      ...{ type: 'object', additionalProperties: false, required: ['pattern', 'level'] },
      properties: { pattern: PROPERTY, level: { type: 'integer', enum: [1, 2, 3] } },
    };
    assert.ok(largestFor({ properties: { event: {}, branches: { type: 'array', items: branch } } }) >= 20_000);
  });

  it('when most of it are descriptions', () => {
    assert.ok(largestFor({ properties: { a: { type: 'string', description: 'x'.repeat(30_000) } } }) >= LARGE);
  });
});

describe('a trigger schema goes to the other process', () => {
  for (const [what, schema] of Object.entries({
    'of very many keywords': { properties: Object.fromEntries(repeat(1_000, (at) => [`p${at}`, PROPERTY])) },
    'of anyOf that doubles with each level': nest(12, (inner) => ({ anyOf: [inner, inner] }), PROPERTY),
    'of references that double with each level': {
      $ref: '#/definitions/a30',
      definitions: Object.fromEntries(
        repeat(31, (at) => [
          `a${at}`,
          at === 0 ? PROPERTY : { anyOf: repeat(2, () => ({ $ref: `#/definitions/a${at - 1}` })) },
        ]),
      ),
    },
    'of references to something large': {
      allOf: repeat(60, () => ({ $ref: '#/definitions/large' })),
      definitions: { large: { properties: Object.fromEntries(repeat(50, (at) => [`p${at}`, PROPERTY])) } },
    },
    'that meets each part twice as often as the value around it': {
      anyOf: [{ items: { $ref: '#' } }, { items: { $ref: '#' } }],
    },
    'that meets a part by two ways': { allOf: [{ items: { items: { $ref: '#' } } }, { items: { $ref: '#' } }] },
    'with defaults in defaults without end': { properties: { a: { default: {}, $ref: '#' } } },
    'of thousands of values': { enum: repeat(3_000, (at) => ({ at })) },
    'of thousands of required names': { required: repeat(3_000, (at) => `a${at}`) },
    'that is nested very deeply': nest(400, (inner) => ({ items: inner }), {}),
    'with patterns of very many instructions': {
      properties: Object.fromEntries(repeat(1_500, (at) => [`p${at}`, { pattern: '(a?b?){999}' }])),
    },
    'with one pattern of very many instructions': { pattern: '((a{40}){40}){40}' },
    'with a pattern that RE2 does not know': { pattern: '(?=a)' },
    'with a name in patternProperties that RE2 does not know': { patternProperties: { '(?=a)': {} } },
    'with a format that backtracks': { format: 'url' },
    'with a format that is a pattern': { format: 'regex' },
    'with a dynamic reference': { $schema: 'https://json-schema.org/draft/2020-12/schema', $dynamicRef: '#a' },
    'with a reference that leads nowhere': { $ref: '#/definitions/none' },
    'with a keyword that nobody knows': { unknownKeyword: 1 },
    'that would answer later': { $async: true },
    'that is longer than 64 KB': { description: 'x'.repeat(70_000) },
    'of thousands of definitions that nothing refers to': { definitions: { a: { allOf: repeat(6_000, () => ({})) } } },
    'of many names under a long $id': {
      $id: `http://a.example/${'x/'.repeat(5_000)}`,
      definitions: Object.fromEntries(repeat(500, (at) => [`d${at}`, { $id: `${at}` }])),
    },
    'of many references under many an $id': {
      definitions: Object.fromEntries(repeat(500, (at) => [`d${at}`, { $id: `a${at}`, items: { $ref: `#${at}` } }])),
    },
    'with dynamic references that nothing refers to': {
      $defs: Object.fromEntries(repeat(500, (at) => [`d${at}`, { $dynamicAnchor: 'x', items: { $dynamicRef: '#x' } }])),
    },
  })) {
    it(what, () => {
      assert.equal(costOfSchema(schema), undefined);
      assert.equal(costOfSchema({ properties: { a: schema } }), undefined);
      assert.equal(costOfSchema({ items: schema }), undefined);
    });
  }

  for (const [what, schema, bytes] of [
    ['a payload of some KB, when a pattern has 1,800 instructions', { pattern: '[ab]{0,890}[^ab]' }, LARGE],
    ['a payload of 19 KB, when a pattern has counted repetitions', { pattern: '[ab]{0,999}[^ab]\\b' }, 19_000],
    ['a list of 10,000 objects that must be unique', { properties: { a: { uniqueItems: true } } }, 300_000],
    ['a list, when each item may be wrong in 100 ways', { items: { allOf: repeat(100, () => PROPERTY) } }, LARGE],
    ['a tree of unique lists', { uniqueItems: true, items: { $ref: '#' } }, LARGE],
    ['any payload of 1 MB', {}, 1_000_000],
  ] as const) {
    it(`with ${what}`, () => assert.ok(largestFor(schema) < bytes, `${largestFor(schema)}`));
  }

  it('when it is none', () => {
    for (const value of [null, 1, 'x', []]) assert.equal(costOfSchema(value), undefined);
  });
});

describe('defaults of a trigger schema', () => {
  const grownBy = (schema: object, bytes: number) => (costOfSchema(schema)?.withDefaults(bytes) ?? 0) - bytes;

  it('count as part of the payload', () => {
    const schema = {
      properties: {
        a: { default: 'x'.repeat(100) },
        b: { default: {}, properties: { c: { default: 'y'.repeat(100) } } },
      },
      items: { properties: { d: { default: 1 } } },
    };
    const compilation = compileTriggerSchema(schema);
    if (!compilation.ok) return assert.fail(compilation.problem);
    for (const payload of [{}, { b: {} }, repeat(50, () => ({}))]) {
      const before = JSON.stringify(payload).length;
      compilation.schema.check(payload, before);
      assert.ok(grownBy(schema, before) >= JSON.stringify(payload).length - before);
    }
    assert.equal(grownBy({ properties: { a: { type: 'string' } } }, 1_000), 0);
  });
});
