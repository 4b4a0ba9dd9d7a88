// biome-ignore-all lint/suspicious/noTemplateCurlyInString: JSON-e's, not JavaScript's.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { warningsOfEvaluation } from './evaluation-warnings.ts';

const ofSchema = (schema: object) => warningsOfEvaluation({}, schema);

describe('a warning of an evaluation', () => {
  it('names the place of a template that can never be rendered', () => {
    const [warning, ...others] = warningsOfEvaluation({ payload: { env: '${payload.who' } }, {});
    assert.match(warning ?? '', /^task\.payload\.env cannot be rendered, .*no closing \}/);
    assert.deepEqual(others, []);
  });

  for (const [schema, place] of [
    [{ properties: { a: { type: 'number', default: '12' } } }, 'data/a must be number'],
    [{ properties: { a: { properties: { b: { enum: [1], default: 2 } } } } }, 'data/a/b must be equal'],
    [{ properties: { a: { default: {}, required: ['x'] } } }, "data/a must have required property 'x'"],
    [{ properties: { a: { default: [1], items: { type: 'string' } } } }, 'data/a/0 must be string'],
    [{ properties: { a: { default: { b: 1 }, properties: { b: { type: 'string' } } } } }, 'data/a/b must be string'],
    [
      { $ref: '#/definitions/x', definitions: { x: { properties: { a: { default: 1, maximum: 0 } } } } },
      'data/a must be <= 0',
    ],
  ] as const) {
    it(`tells that a default does not fit: ${JSON.stringify(schema)}`, () => {
      const [warning, ...others] = ofSchema(schema);
      assert.match(warning ?? '', /^A default in triggerSchema does not fit it/);
      assert.ok(warning?.includes(place), warning);
      assert.deepEqual(others, []);
    });
  }

  for (const [schema, ...places] of [
    [{ default: {} }, '/default'],
    [{ anyOf: [{ properties: { a: { default: 1 } } }] }, '/anyOf/0/properties/a/default'],
    [{ oneOf: [{ default: {} }] }, '/oneOf/0/default'],
    [{ if: { properties: { a: { default: 1 } } }, then: {} }, '/if/properties/a/default'],
    [{ properties: { 'a/b': { items: { default: 1 } } } }, '/properties/a~1b/items/default'],
    [{ properties: { a: { $ref: '#/definitions/a' } }, definitions: { a: { default: 1 } } }, '/definitions/a/default'],
  ] as const) {
    it(`tells that a default is ignored: ${JSON.stringify(schema)}`, () => {
      assert.deepEqual(
        ofSchema(schema).map((warning) => warning.replace(/^triggerSchema(\S+) has no effect: a default .*/, '$1')),
        places,
      );
    });
  }

  it('tells what else has no effect', () => {
    assert.deepEqual(ofSchema({ if: {} }), ['In triggerSchema, "if" without "then" and "else" is ignored.']);
  });

  it('is short, however long the names of the definition are', () => {
    const name = 'k'.repeat(60_000);
    for (const [template, schema] of [
      [{ [name]: [{ $foo: 1 }] }, {}],
      [{ [`$${name}`]: 1 }, {}],
      [`\${${name}@`, {}],
      [{}, { definitions: { [name]: { default: 1 } } }],
      [{}, { properties: { a: { properties: { [name]: { type: 'string', default: 1 } } } } }],
    ] as const) {
      const warnings = warningsOfEvaluation(template, schema);
      assert.equal(warnings.length, 1);
      assert.ok(warnings.join().length < 2_000, `${warnings.join().length}`);
    }
  });

  it('does not come of a schema whose defaults are filled in and fit', () => {
    for (const schema of [
      true as unknown as object,
      { required: ['b'], properties: { a: { type: 'number', default: 1 }, b: { type: 'string' } } },
      { properties: { a: { type: 'object', default: {}, properties: { b: { default: 1 } } }, c: { required: ['x'] } } },
      { allOf: [{ properties: { a: { default: 1 } } }], then: true, if: true },
      { properties: { list: { items: [{ default: 1 }] } } },
      { properties: { a: { default: 'x' } }, patternProperties: { '^a': { type: 'string' } } },
    ]) {
      assert.deepEqual(ofSchema(schema), [], JSON.stringify(schema));
    }
  });
});
