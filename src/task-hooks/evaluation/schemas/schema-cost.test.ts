import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { costOfSchema } from './schema-cost.ts';

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
      assert.ok(costOfSchema(schema), JSON.stringify(schema));
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
      assert.equal(costOfSchema(schema), undefined);
      assert.equal(costOfSchema({ properties: { a: schema } }), undefined);
      assert.equal(costOfSchema({ items: schema }), undefined);
      assert.equal(costOfSchema({ additionalProperties: schema }), undefined);
    });
  }

  it('multiplies the counted repetitions of a pattern out', () => {
    const programOf = (pattern: string): number | undefined => costOfSchema({ pattern })?.program;
    assert.equal(programOf('(a?b?){999}'), undefined);
    assert.equal(programOf('((a{9}){9}){9}'), undefined);
    assert.ok((programOf('^[ab]{0,499}$') ?? 0) >= 499);
    assert.ok((programOf('^a{3}$') ?? 99) < 20);
  });

  it('is not proved for what is nested very deeply', () => {
    let schema: object = {};
    for (let level = 0; level < 400; level += 1) schema = { items: schema };
    assert.equal(costOfSchema(schema), undefined);
  });

  it('is not proved for what is no schema', () => {
    for (const value of [null, 1, 'x', []]) assert.equal(costOfSchema(value), undefined);
  });
});
