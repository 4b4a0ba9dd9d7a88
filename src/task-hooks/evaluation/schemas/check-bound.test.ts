import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv, type AnySchemaObject } from 'ajv';
import fc from 'fast-check';
import { roundsOf } from '../../../../test/support/test-length.ts';
import { amountFor, stepsFor } from './bound.ts';
import { boundChecks } from './check-bound.ts';
import { processCode, replaceKeywords } from './own-keywords.ts';

const LIMITS = { keywords: 100_000, instructions: 10_000 };
/** In steps, as little as each takes. */
const [AN_ERROR, A_ROUND, A_CALL] = [40, 1, 10];

/** What Ajv's code does for the payload: errors made, rounds of loops, functions called. */
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

type Case = { readonly schema: object; readonly payload: unknown };
type Wrap = (inner: Case) => Case;

const copies = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const named = (count: number, value: unknown): object =>
  Object.fromEntries(copies(count, value).map((one, at) => [`${'ab'[at % 2]}${at}`, one]));

/** Schemas around a schema, with values around a value that make the most work. */
const WRAPS: Readonly<Record<string, Wrap>> = {
  items: ({ schema, payload }) => ({ schema: { items: schema }, payload: copies(20, payload) }),
  contains: ({ schema, payload }) => ({ schema: { contains: schema }, payload: copies(20, payload) }),
  tuple: ({ schema, payload }) => ({ schema: { items: copies(5, schema) }, payload: copies(5, payload) }),
  rest: ({ schema, payload }) => ({
    schema: { items: [schema], additionalItems: schema },
    payload: copies(9, payload),
  }),
  names: ({ schema, payload }) => ({ schema: { additionalProperties: schema }, payload: named(20, payload) }),
  patterns: ({ schema, payload }) => ({
    schema: { patternProperties: { '^a': schema, '[ab]': schema, '[0-9]': schema, '^b': schema } },
    payload: named(20, payload),
  }),
  properties: ({ schema, payload }) => ({
    schema: { properties: { a0: schema, b1: schema }, additionalProperties: schema },
    payload: named(4, payload),
  }),
  closed: ({ schema, payload }) => ({
    schema: {
      properties: { a0: schema, a2: schema },
      additionalProperties: false,
      patternProperties: { '1$': schema },
    },
    payload: named(9, payload),
  }),
  filledIn: ({ schema, payload }) => ({
    schema: { items: { properties: { a: { ...schema, default: payload }, b: { ...schema, default: payload } } } },
    payload: copies(20, {}),
  }),
  anyOf: ({ schema, payload }) => ({ schema: { anyOf: copies(4, schema) }, payload }),
  oneOf: ({ schema, payload }) => ({ schema: { oneOf: copies(4, schema) }, payload }),
  allOf: ({ schema, payload }) => ({ schema: { allOf: copies(4, schema) }, payload }),
  not: ({ schema, payload }) => ({ schema: { not: schema, if: { not: schema }, then: schema, else: schema }, payload }),
  dependencies: ({ schema, payload }) => ({
    schema: { dependencies: { x: ['y', 'z'], a0: { additionalProperties: schema } } },
    payload: { ...named(9, payload), x: 1 },
  }),
};

const tree = (keywords: object): object => ({
  $ref: '#/definitions/tree',
  definitions: { tree: { type: 'null', ...keywords } },
});
const AGAIN = { $ref: '#/definitions/tree' };
const deep = (wrap: (inner: unknown) => unknown, depth: number): unknown =>
  Array.from({ length: depth }).reduce<unknown>((inner) => wrap(inner), 1);

const LEAVES: readonly Case[] = [
  { schema: { type: 'string' }, payload: 1 },
  { schema: { required: ['a', 'b', 'c', 'd'], minProperties: 1 }, payload: {} },
  { schema: { type: 'object', required: ['a', 'b', 'c', 'd'] }, payload: {} },
  { schema: { type: 'object', required: ['a', 'b', 'c', 'd'] }, payload: 1 },
  { schema: { type: 'object', properties: { a: { type: 'string' }, b: false } }, payload: { a: 1, b: 1 } },
  { schema: { propertyNames: { maxLength: 0, allOf: copies(4, { minLength: 9 }) } }, payload: named(9, 1) },
];
const TREES: readonly Case[] = [
  { schema: tree({ items: AGAIN }), payload: copies(200, 1) },
  { schema: tree({ items: AGAIN }), payload: deep((inner) => [inner, inner], 7) },
  { schema: tree({ items: AGAIN }), payload: deep((inner) => [inner], 150) },
  { schema: tree({ additionalProperties: AGAIN }), payload: deep((inner) => ({ a: inner, b: 1 }), 90) },
  { schema: tree({ items: { items: AGAIN, type: 'null' } }), payload: deep((inner) => [inner, 1], 90) },
  {
    schema: tree({ allOf: [{ items: AGAIN }, { items: { items: { items: { type: 'null' } } } }] }),
    payload: deep((inner) => [inner, 1], 90),
  },
];

const assertBounded = ({ schema, payload }: Case): void => {
  const bytes = JSON.stringify(payload).length;
  const { defaults } = boundChecks(schema, LIMITS)(bytes);
  const bound = A_CALL + boundOf(schema, bytes + amountFor(defaults, bytes));
  const work = workOf(schema, payload);
  assert.ok(work <= bound, `${work} > ${bound}: ${JSON.stringify(schema)} on ${JSON.stringify(payload)}`);
};

describe('the bound of a check', () => {
  it('counts errors, rounds and calls of what Ajv makes of a schema', () => {
    assert.equal(workOf({ items: { type: 'string' } }, [1, 2, 'x']), A_CALL + 3 * A_ROUND + 2 * AN_ERROR);
    const schema = { items: { $ref: '#' }, type: 'array' };
    assert.equal(workOf(schema, [[], 1]), 3 * A_CALL + 2 * A_ROUND + AN_ERROR);
  });

  it('is at least what is done, whatever stands within what', () => {
    const wraps = fc.array(fc.constantFrom(...Object.values(WRAPS)), { maxLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...LEAVES), wraps, (leaf, around) =>
        assertBounded(around.reduce((inner, wrap) => wrap(inner), leaf)),
      ),
      { numRuns: roundsOf(300) },
    );
  });

  it('is at least what is done with what refers to itself', () => {
    for (const one of TREES) assertBounded(one);
  });

  it('is none when parts of a value are met more often than the value', () => {
    for (const schema of [
      tree({ allOf: [{ items: AGAIN }, { contains: AGAIN }] }),
      tree({ items: AGAIN, patternProperties: { a: AGAIN, b: AGAIN } }),
      tree({ items: { anyOf: [AGAIN, { items: AGAIN }] } }),
      tree({ properties: { a: { default: 1, ...AGAIN } } }),
    ]) {
      assert.equal(boundOf(schema, 100), Number.POSITIVE_INFINITY, JSON.stringify(schema));
    }
  });
});
