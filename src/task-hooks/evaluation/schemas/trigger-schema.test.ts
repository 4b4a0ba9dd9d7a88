import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv, type AnySchemaObject } from 'ajv';
import fc from 'fast-check';
import { type CompiledSchema, compileTriggerSchema } from './trigger-schema.ts';

const compiled = (schema: AnySchemaObject): CompiledSchema => {
  const compilation = compileTriggerSchema(schema);
  if (!compilation.ok) return assert.fail(compilation.problem);
  return compilation.schema;
};
const problemOf = (schema: AnySchemaObject): string => {
  const compilation = compileTriggerSchema(schema);
  return compilation.ok ? assert.fail('it compiles') : compilation.problem;
};
const fits = (schema: AnySchemaObject, payload: unknown): boolean => compiled(schema).check(payload, 0).length === 0;

describe('a trigger schema', () => {
  it('admits what fits and names each thing that does not, with its place', () => {
    const { check } = compiled({
      type: 'object',
      required: ['a'],
      properties: { a: { type: 'integer' }, b: { enum: ['x', 'y'] }, list: { items: { type: 'string' } } },
      additionalProperties: false,
    });
    assert.deepEqual(check({ a: 1, b: 'x', list: ['z'] }, 0), []);
    assert.deepEqual(check({}, 0), [{ text: "data must have required property 'a'", pointer: '' }]);
    const wrong = check({ a: 'no', b: 'z', list: ['z', 1], c: 1 }, 0);
    assert.deepEqual(wrong.map(({ text }) => text).toSorted(), [
      'data must NOT have additional properties: "c"',
      'data/a must be integer',
      'data/b must be equal to one of the allowed values: ["x","y"]',
      'data/list/1 must be string',
    ]);
    assert.deepEqual(wrong.map(({ pointer }) => pointer).toSorted(), ['', '/a', '/b', '/list/1']);
  });

  it('checks each value with its own pattern, wherever the patterns stand', () => {
    const schema = {
      properties: { env: { pattern: '^(dev|stage)$' }, tag: { pattern: '^v[0-9]+$' } },
    };
    assert.ok(fits(schema, { env: 'dev', tag: 'v7' }));
    assert.ok(!fits(schema, { env: 'dev', tag: 'dev' }));
    const prefixes = { patternProperties: { '^s_': { type: 'string' }, '^n_': { type: 'number' } } };
    assert.ok(fits(prefixes, { s_a: 'x', n_b: 2 }));
    assert.ok(!fits(prefixes, { s_a: 'x', n_b: 'x' }));
    const choice = { anyOf: [{ pattern: '^a' }, { pattern: '^b' }] };
    assert.ok(fits(choice, 'b'));
    assert.ok(!fits(choice, 'c'));
  });

  it('checks any number of patterns as native regular expressions do', () => {
    const letter = fc.constantFrom('a', 'b', 'c', '1', '-');
    const atom = fc.oneof(letter, fc.constantFrom('[ab]', '[^a]', '.', '\\d', '(?:a|b1)', 'a+', 'b?', 'c{2}', '(?=a)'));
    const pattern = fc
      .tuple(fc.boolean(), fc.array(atom, { minLength: 1, maxLength: 4 }), fc.boolean())
      .map(([begins, atoms, ends]) => `${begins ? '^' : ''}${atoms.join('')}${ends ? '$' : ''}`);
    const text = fc.array(letter, { maxLength: 5 }).map((letters) => letters.join(''));
    const patterns = fc.uniqueArray(pattern, { minLength: 1, maxLength: 8 });
    const payload = fc.dictionary(text, fc.oneof(text, fc.integer()), { maxKeys: 5 });
    fc.assert(
      fc.property(patterns, payload, fc.array(text, { maxLength: 8 }), (all, named, listed) => {
        const value = { list: listed, named };
        const patternProperties = Object.fromEntries(all.map((one, index) => [one, { pattern: all.at(index - 1) }]));
        const anyOf = all.map((one) => ({ additionalProperties: { pattern: one } }));
        const schema = {
          properties: { list: { items: all.map((one) => ({ pattern: one })) }, named: { patternProperties, anyOf } },
        };
        const native = new Ajv({ allErrors: true, strict: false });
        assert.equal(fits(schema, value), native.validate(schema, value));
      }),
    );
  });

  it('tells twenty errors and how many more there are', () => {
    const told = compiled({ properties: { a: { items: { type: 'string' } } } }).check({ a: Array(25).fill(1) }, 0);
    assert.equal(told.length, 21);
    assert.deepEqual(told[0], { text: 'data/a/0 must be string', pointer: '/a/0' });
    assert.deepEqual(told.at(-1), { text: 'and 5 more' });
  });

  it('is checked up to the first error when there may be millions', () => {
    const payload = Array(3_000_000).fill(0);
    const told = compiled({ items: { type: 'string' } }).check(payload, 6_000_000);
    assert.deepEqual(told, [
      { text: 'data/0 must be string', pointer: '/0' },
      { text: 'and perhaps more: a payload of this size is checked up to its first error' },
    ]);
  });

  it('may be what Ajv takes in its strict mode, or only beyond it', () => {
    for (const schema of [
      { default: {} },
      { oneOf: [{ properties: { a: { default: 1 } } }] },
      { anyOf: [{ default: 1 }] },
      { if: { properties: { a: { default: 1 } } }, then: {} },
      { properties: { ab: { type: 'string' } }, patternProperties: { '^a': { minLength: 1 } } },
      { if: {} },
      { additionalItems: false },
      { type: ['string', 'null'], nullable: true },
      { $schema: 'http://json-schema.org/schema#', type: 'object' },
      { $schema: 'http://json-schema.org/schema', required: ['a'] },
    ]) {
      compiled(schema);
    }
    assert.ok(!fits({ $schema: 'http://json-schema.org/schema#', type: 'string' }, 1));
    assert.ok(!fits({ properties: { ab: true }, patternProperties: { '^a': { minLength: 1 } } }, { ab: '' }));
  });

  it('fills in its defaults, also those of nested objects', () => {
    const { check } = compiled({
      type: 'object',
      properties: {
        level: { type: 'integer', default: 3 },
        inner: { type: 'object', default: {}, properties: { on: { type: 'boolean', default: true } } },
      },
      additionalProperties: false,
    });
    const payload = {};
    assert.deepEqual(check(payload, 0), []);
    assert.deepEqual(payload, { level: 3, inner: { on: true } });
    const given = { level: 1, inner: { on: false } };
    check(given, 0);
    assert.deepEqual(given, { level: 1, inner: { on: false } });
  });

  it('gives each payload a default of its own', () => {
    const { check } = compiled({ properties: { a: { default: { list: [] } } } });
    const [first, second] = [{}, {}] as { a?: { list: number[] } }[];
    check(first, 0);
    first?.a?.list.push(1);
    check(second, 0);
    assert.deepEqual(second, { a: { list: [] } });
  });

  it('may be of draft 7, 2019-09 or 2020-12, each with its own meaning', () => {
    const pair = (draft: string, list: object) => ({ $schema: draft, properties: { p: list } });
    const draft7 = { items: [{ type: 'string' }, { type: 'number' }] };
    const draft2020 = { prefixItems: [{ type: 'string' }, { type: 'number' }] };
    for (const [draft, list] of [
      ['http://json-schema.org/draft-07/schema#', draft7],
      ['http://json-schema.org/draft-07/schema', draft7],
      ['https://json-schema.org/draft/2019-09/schema', draft7],
      ['https://json-schema.org/draft/2020-12/schema', draft2020],
    ] as const) {
      assert.ok(fits(pair(draft, list), { p: ['a', 1] }), draft);
      assert.ok(!fits(pair(draft, list), { p: [1, 1] }), draft);
    }
    assert.ok(fits(draft7, ['a', 1]));
    assert.match(problemOf(draft2020), /prefixItems/);
  });

  for (const [what, schema, reason] of [
    [
      'of another draft',
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      /draft-04.*use draft-07, 2019-09 or 2020-12/,
    ],
    ['with a type that does not exist', { properties: { a: { type: 'text' } } }, /\/properties\/a\/type/],
    ['with required that is no list', { required: 'a' }, /\/required must be array/],
    ['with a keyword that nobody knows', { requird: ['a'] }, /unknown keyword: "requird"/],
    ['with a format that nobody knows', { format: 'phone' }, /unknown format "phone"/],
    ['with a reference that leads nowhere', { $ref: '#/definitions/none' }, /can't resolve reference/],
    ['with a reference that leads outside', { $ref: 'http://example.com/x.json' }, /can't resolve reference/],
    ['with a pattern that is none', { pattern: '(' }, /[Rr]egular expression|pattern/],
    ['with a negative length', { minLength: -1 }, /\/minLength/],
  ] as const) {
    it(`${what} is refused with the reason`, () => assert.match(problemOf(schema), reason));
  }

  it('checks formats', () => {
    const of = (format: string, value: string) => fits({ format }, value);
    assert.ok(of('date-time', '2026-11-20T15:29:17Z') && !of('date-time', 'yesterday'));
    const limited = { type: 'string', format: 'date-time', formatMinimum: '2026-11-20T00:00:00Z' };
    assert.ok(fits(limited, '2026-11-20T15:29:17Z') && !fits(limited, '2026-11-19T15:29:17Z'));
    assert.ok(of('email', 'a@example.com') && !of('email', 'a'));
    assert.ok(of('uuid', '123e4567-e89b-12d3-a456-426614174000') && !of('uuid', '123'));
    assert.ok(of('ipv4', '10.0.0.1') && !of('ipv4', '10.0.0.256'));
  });

  it('follows references within itself, also recursive ones', () => {
    const tree = {
      $ref: '#/definitions/node',
      definitions: { node: { type: 'object', properties: { child: { $ref: '#/definitions/node' } } } },
    };
    assert.ok(fits(tree, { child: { child: {} } }));
    assert.ok(!fits(tree, { child: { child: 1 } }));
  });
});

describe('a trigger schema that would answer later', () => {
  it('is refused, because a promise is no verdict', () => {
    const compilation = compileTriggerSchema({ $async: true, type: 'object', required: ['a'] });
    assert.deepEqual(compilation, { ok: false, problem: ' * /$async is not supported: validation is synchronous' });
  });
});
