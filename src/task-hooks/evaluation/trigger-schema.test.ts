import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv, type AnySchemaObject } from 'ajv';
import fc from 'fast-check';
import { roundsOf } from '../../../test/support/test-length.ts';
import { type CompiledSchema, compileTriggerSchema, isLinearSchema } from './trigger-schema.ts';

const compiled = (schema: AnySchemaObject): CompiledSchema => {
  const compilation = compileTriggerSchema(schema);
  if (!compilation.ok) return assert.fail(compilation.problem);
  return compilation.schema;
};
const problemOf = (schema: AnySchemaObject): string => {
  const compilation = compileTriggerSchema(schema);
  return compilation.ok ? assert.fail('it compiles') : compilation.problem;
};
const fits = (schema: AnySchemaObject, payload: unknown): boolean => compiled(schema).check(payload).length === 0;

describe('a trigger schema', () => {
  it('admits what fits and names each thing that does not, with its place', () => {
    const { check } = compiled({
      type: 'object',
      required: ['a'],
      properties: { a: { type: 'integer' }, b: { enum: ['x', 'y'] }, list: { items: { type: 'string' } } },
      additionalProperties: false,
    });
    assert.deepEqual(check({ a: 1, b: 'x', list: ['z'] }), []);
    assert.deepEqual(check({}), ["data must have required property 'a'"]);
    assert.deepEqual(check({ a: 'no', b: 'z', list: ['z', 1], c: 1 }).toSorted(), [
      'data must NOT have additional properties: "c"',
      'data/a must be integer',
      'data/b must be equal to one of the allowed values: ["x","y"]',
      'data/list/1 must be string',
    ]);
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
    const told = compiled({ properties: { a: { items: { type: 'string' } } } }).check({ a: Array(25).fill(1) });
    assert.equal(told.length, 21);
    assert.equal(told.at(-1), 'and 5 more');
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
    assert.deepEqual(check(payload), []);
    assert.deepEqual(payload, { level: 3, inner: { on: true } });
    const given = { level: 1, inner: { on: false } };
    check(given);
    assert.deepEqual(given, { level: 1, inner: { on: false } });
  });

  it('gives each payload a default of its own', () => {
    const { check } = compiled({ properties: { a: { default: { list: [] } } } });
    const [first, second] = [{}, {}] as { a?: { list: number[] } }[];
    check(first);
    first?.a?.list.push(1);
    check(second);
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

describe('a pattern in a trigger schema', () => {
  it('means by \\s and by a dot what JavaScript means', () => {
    const texts = ['\u00a0', '\v', '\ufeff', '\u2028', '\r', '\n', ' ', 'a', '\u{1f600}', ''];
    for (const pattern of ['^\\s$', '^\\S$', '^[\\sa]$', '^.$', '^[.]$', '^\\.$', '^[^\\s]$', 'a.*b', '^\\s*$']) {
      const compilation = compileTriggerSchema({ type: 'string', pattern });
      if (!compilation.ok) assert.fail(pattern);
      for (const text of texts) {
        const fits: boolean = compilation.schema.check(text).length === 0;
        assert.equal(fits, new RegExp(pattern, 'u').test(text), `${pattern} on ${JSON.stringify(text)}`);
      }
    }
  });

  it('is refused when only other engines know it', () => {
    for (const pattern of ['(?i:a', '[[:alpha:]]', '\\Qa', 'a\\z']) {
      assert.equal(compileTriggerSchema({ type: 'string', pattern }).ok, false, pattern);
    }
  });

  const AGES_OF_BACKTRACKING = `${'a'.repeat(30_000)}!`;

  for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(a*)*$', '^(a|aa)+$', '(a*)*b']) {
    it(`of the form ${pattern} does not backtrack`, () => {
      assert.ok(isLinearSchema({ pattern }));
      assert.equal(fits({ pattern }, AGES_OF_BACKTRACKING), false);
    });
  }

  it('with a lookahead, a lookbehind or a backreference works, and is not linear', () => {
    for (const [pattern, good, bad] of [
      ['^(?!bad).*$', 'good', 'bad one'],
      ['^(?=.*[0-9])[a-z0-9]+$', 'a1', 'ab'],
      ['(?<=a)b', 'ab', 'cb'],
      ['^(a|b)\\1$', 'aa', 'ab'],
    ] as const) {
      assert.ok(fits({ pattern }, good) && !fits({ pattern }, bad), pattern);
      assert.equal(isLinearSchema({ pattern }), false, pattern);
    }
  });

  it('means the same whether RE2 or the runtime looks at it', () => {
    const letter = fc.constantFrom('a', 'b', 'c', '0', '1', '-', '_', 'ü');
    const atom = fc.oneof(
      letter,
      fc.constantFrom('.', '\\d', '\\D', '\\w', '\\W', '[a-c]', '[^a-c]', '[0-9_]', '\\.', '\\b', '[\\w-]', '\\u0061'),
    );
    const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
      pattern: fc.oneof(
        { depthSize: 'small' },
        fc
          .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{1,2}', '{2}', '*?'))
          .map(([one, quantifier]) => (one === '\\b' ? one : `${one}${quantifier}`)),
        fc.array(tie('pattern'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
        fc.tuple(tie('pattern'), tie('pattern')).map(([left, right]) => `(${left}|${right})`),
        tie('pattern').map((inner) => `(?:${inner})*`),
        tie('pattern').map((inner) => `^${inner}`),
        tie('pattern').map((inner) => `${inner}$`),
      ),
    }));
    const text = fc.array(fc.oneof(letter, fc.constantFrom('.', ' ', 'A', '\n', '💡')), { maxLength: 8 });
    const schemas = new Map<string, CompiledSchema>();
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 5 }), (source, texts) => {
        const schema = schemas.get(source) ?? compiled({ pattern: source });
        schemas.set(source, schema);
        for (const characters of texts) {
          const value = characters.join('');
          assert.equal(
            schema.check(value).length === 0,
            new RegExp(source, 'u').test(value),
            `/${source}/ on ${value}`,
          );
        }
      }),
      { numRuns: roundsOf(300) },
    );
  });
});

describe('the cost of a trigger schema', () => {
  it('is proved for what looks at each value once', () => {
    for (const schema of [
      true,
      {},
      { type: 'object', additionalProperties: false },
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        title: 't',
        description: 'd',
        $comment: 'c',
        type: 'object',
        required: ['a'],
        properties: {
          a: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 9, pattern: '^[a-z]+$' }, maxItems: 3 },
          b: { enum: [1, 2] },
          c: { const: 1 },
          d: { type: 'number', minimum: 1, exclusiveMaximum: 5, multipleOf: 2 },
          e: { type: 'string', format: 'date-time', default: 'x' },
          // These are names of properties here, and no keywords.
          anyOf: { type: 'string' },
          uniqueItems: { type: 'boolean' },
        },
        additionalProperties: { type: 'string' },
      },
    ])
      assert.equal(isLinearSchema(schema), true, JSON.stringify(schema));
  });

  for (const [keyword, value] of Object.entries({
    $ref: '#/definitions/a',
    $dynamicRef: '#a',
    $recursiveRef: '#',
    definitions: {},
    $defs: {},
    $id: 'http://example.com/a',
    $async: true,
    anyOf: [{}],
    oneOf: [{}],
    allOf: [{}],
    not: {},
    if: {},
    then: {},
    else: {},
    uniqueItems: true,
    patternProperties: { a: {} },
    contains: {},
    propertyNames: {},
    dependencies: {},
    dependentSchemas: {},
    dependentRequired: {},
    unevaluatedProperties: false,
    unevaluatedItems: false,
    prefixItems: [{}],
    format: 'email',
    pattern: '(?=a)',
    items: [{}],
    unknownKeyword: 1,
  })) {
    it(`is not proved when it has ${keyword}${keyword === 'items' ? ' as a list' : ''}`, () => {
      const schema = { [keyword]: value };
      assert.equal(isLinearSchema(schema), false);
      assert.equal(isLinearSchema({ properties: { a: schema } }), false);
      assert.equal(isLinearSchema({ items: schema }), false);
      assert.equal(isLinearSchema({ additionalProperties: schema }), false);
    });
  }

  it('is not proved for what is nested very deeply', () => {
    let schema: object = {};
    for (let level = 0; level < 10_000; level += 1) schema = { items: schema };
    assert.equal(isLinearSchema(schema), false);
  });

  it('is not proved for what is no schema', () => {
    for (const value of [null, 1, 'x', []]) assert.equal(isLinearSchema(value), false);
  });
});
