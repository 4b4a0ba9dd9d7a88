import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv, type AnySchemaObject } from 'ajv';
import fc from 'fast-check';
import { roundsOf } from '../../../../test/support/test-length.ts';
import { stepsFor } from './bound.ts';
import { boundChecks } from './check-bound.ts';
import { processCode, replaceKeywords } from './own-keywords.ts';
import { findEndlessReference } from './self-reference.ts';

const LIMITS = { keywords: 1_000, instructions: 10_000 };
/** In steps, as little as each takes. */
const [AN_ERROR, A_ROUND, A_CALL] = [40, 1, 10];

/** The work that Ajv's code does for the payload: errors made, rounds of loops, functions called. */
const workOf = (schema: AnySchemaObject, payload: unknown): number => {
  let work = 0;
  const count = (code: string) =>
    processCode(code)
      .replaceAll(/const err\d+ = \{/g, `self.count(${AN_ERROR});$&`)
      .replaceAll(/for\((?:let i\d+|const key\d+)[^{]*\{/g, `$&self.count(${A_ROUND});`)
      .replaceAll(/function validate\d+\([^)]*\)\{/g, `$&self.count(${A_CALL});`);
  const ajv = replaceKeywords(
    new Ajv({
      allErrors: true,
      validateSchema: false,
      useDefaults: true,
      ownProperties: true,
      strict: false,
      code: { process: count },
    }),
  );
  Object.assign(ajv, {
    count: (steps: number) => {
      work += steps;
    },
  });
  ajv.compile(schema)(payload);
  return work;
};

const boundOf = (schema: AnySchemaObject, bytes: number) => stepsFor(boundChecks(schema, LIMITS)(bytes), bytes);

describe('the bound of a check', () => {
  it('counts errors, rounds and calls of what Ajv makes of a schema', () => {
    assert.equal(workOf({ items: { type: 'string' } }, [1, 2, 'x']), A_CALL + 3 * A_ROUND + 2 * AN_ERROR);
    const schema = { items: { $ref: '#' }, type: 'array' };
    assert.equal(workOf(schema, [[], 1]), 3 * A_CALL + 2 * A_ROUND + AN_ERROR);
  });

  it('is at least what is done, whatever the schema and the payload', () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const few = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: 1, maxLength: 3 });
    const reference = fc.constantFrom('#', '#/definitions/p', '#/definitions/q', '#/definitions/r');
    const { schema } = fc.letrec<{ schema: object | boolean; keyword: object }>((tie) => ({
      schema: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom<object | boolean>({ type: 'string' }, { type: 'object' }, { type: 'array' }, {}, false, {
          minItems: 9,
        }),
        few(tie('keyword')).map((keywords) => Object.assign({}, ...keywords) as object),
      ),
      keyword: fc.oneof(
        fc.record({ items: fc.oneof(tie('schema'), few(tie('schema'))) }),
        fc.record({ properties: fc.dictionary(name, tie('schema'), { maxKeys: 3 }) }),
        fc.tuple(name, tie('schema'), fc.constantFrom<unknown>(1, {}, [1, 1])).map(([key, below, value]) => ({
          properties: { [key]: typeof below === 'boolean' ? { default: value } : { ...below, default: value } },
        })),
        fc.record({ additionalProperties: tie('schema') }),
        fc.record({
          patternProperties: fc.dictionary(fc.constantFrom('^a', 'b|c', '.'), tie('schema'), { maxKeys: 2 }),
        }),
        fc.record({ propertyNames: tie('schema') }),
        fc.record({ contains: tie('schema') }),
        fc.record({ anyOf: few(tie('schema')) }),
        fc.record({ oneOf: few(tie('schema')) }),
        fc.record({ allOf: few(tie('schema')) }),
        fc.record({ not: tie('schema') }),
        fc.tuple(tie('schema'), tie('schema')).map(([one, other]) => ({ if: one, then: other, else: other })),
        fc.record({ dependencies: fc.dictionary(name, fc.oneof(tie('schema'), few(name)), { maxKeys: 2 }) }),
        fc.record({ $ref: reference }),
        fc.constantFrom({ required: ['a', 'x', 'y'] }, { uniqueItems: true }, { enum: [{ a: 1 }, 2] }, { const: [1] }),
      ),
    }));
    const { payload } = fc.letrec<{ payload: unknown }>((tie) => ({
      payload: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom<unknown>(1, '', 'a', null),
        fc.array(tie('payload'), { maxLength: 6 }),
        fc.dictionary(name, tie('payload'), { maxKeys: 3 }),
      ),
    }));
    let bounded = 0;
    const cases = fc.record({ root: schema, p: schema, q: schema, r: schema, payloads: few(payload) });
    fc.assert(
      fc.property(cases, ({ root, p, q, r, payloads }) => {
        const whole = { ...(typeof root === 'object' ? root : { not: {} }), definitions: { p, q, r } };
        if (findEndlessReference(whole) !== undefined) return;
        for (const value of payloads) {
          const text = JSON.stringify(value);
          const bound = boundOf(whole, text.length);
          const defaults = boundChecks(whole, LIMITS)(text.length).defaults;
          const grown = text.length + defaults.once + defaults.perByte * text.length;
          if (!Number.isFinite(bound) || !Number.isFinite(grown)) continue;
          bounded += 1;
          const work = workOf(whole, JSON.parse(text));
          assert.ok(work <= boundOf(whole, grown) + A_CALL, `${work} > ${bound}: ${JSON.stringify(whole)} on ${text}`);
        }
      }),
      { numRuns: roundsOf(1_000) },
    );
    assert.ok(bounded > 300, `${bounded}`);
  });
});
