// Random templates of all operators together, beside the library.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../../../test/support/test-length.ts';
import { compareWithLibrary, CONTEXT as context } from '../../test-support/json-e-oracle.ts';

const PATHS = ['list', 'words', 'people', 'object.b.c', 'text', 'n', 'people[0]', 'people[1].name', 'list[1:]', 'deep'];
const CALLS = [
  'len(list)',
  'str(n)',
  'join(words, "-")',
  'range(0, n)',
  'split(text, "l")',
  'fromNow("1 day")',
  '[n, text]',
  '{a: n}',
];
/** Most of them are whole. */
const combined = fc
  .tuple(
    fc.constantFrom(...PATHS),
    fc.constantFrom('==', '!=', '+', '*', '<', '&&', '||', 'in'),
    fc.constantFrom(...PATHS, ...CALLS),
  )
  .map((words) => words.join(' '));
const source = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...PATHS, ...CALLS) },
  { weight: 2, arbitrary: combined },
  fc.constantFrom('list', 'words', 'people', 'object.b', 'text', 'n', 'x', 'y', 'acc', 'unknown', 'now', 'min', 'deep'),
  fc
    .array(
      fc.constantFrom(
        ...['list', 'people', 'object', 'text', 'n', 'x', 'acc', 'yes', 'no', '1', '0.5', '"a"', "'b'", 'null', 'true'],
        ...[
          '+',
          '-',
          '*',
          '/',
          '**',
          '==',
          '!=',
          '<',
          '>=',
          '&&',
          '||',
          'in',
          '!',
          '(',
          ')',
          '[',
          ']',
          '{',
          '}',
          ',',
          ':',
          '.',
        ],
        ...[
          'len(list)',
          'str(n)',
          'join(words, "-")',
          'range(0, n)',
          'list[0]',
          'people[1].name',
          'text[1:3]',
          '.a',
          '[0]',
        ],
        ...[
          'split(text, "l")',
          'typeof(x)',
          'defined("x")',
          'uppercase(text)',
          'min(n, 1)',
          'fromNow("1 day")',
          '{a: n}',
        ],
      ),
      { minLength: 1, maxLength: 6 },
    )
    .map((words) => words.join(' ')),
);
const text = fc
  .array(
    fc.oneof(
      source.map((one) => `\${${one}}`),
      fc.constantFrom('a', '$', '{', '}', '${', '$${', "'", 'é'),
    ),
    { maxLength: 3 },
  )
  .map((pieces) => pieces.join(''));
const { template } = fc.letrec((tie) => {
  const inner = tie('template');
  const name = fc.constantFrom('x', 'y', 'acc');
  const loop = (operator: string) =>
    fc.tuple(inner, inner, name).map(([a, b, x]) => ({ [operator]: a, [`each(${x})`]: b }));
  const one = (operator: string) => inner.map((argument) => ({ [operator]: argument }));
  return {
    template: fc.oneof(
      { depthSize: 'medium', maxDepth: 5 },
      fc.oneof(text, fc.constantFrom(null, 1, true, 'x')),
      source.map(($eval) => ({ $eval })),
      fc.array(inner, { maxLength: 3 }),
      fc.dictionary(fc.oneof(text, fc.constantFrom('a', 'b', '$$x', '$x', '__proto__', '7')), inner, { maxKeys: 3 }),
      fc.record({ $if: source, then: inner, else: inner }, { requiredKeys: ['$if'] }),
      fc.record({ $let: fc.dictionary(name, inner, { maxKeys: 2 }), in: inner }),
      fc.oneof(...['$map', '$find'].map(loop)),
      fc.tuple(source, source, name).map(([a, b, x]) => ({ $find: { $eval: a }, [`each(${x})`]: b })),
      fc.tuple(source, source, name).map(([a, b, x]) => ({ $sort: { $eval: a }, [`by(${x})`]: b })),
      fc.record({ $reduce: inner, initial: inner, 'each(acc,x)': inner }),
      fc.oneof(
        ...['$flatten', '$flattenDeep', '$merge', '$mergeDeep', '$reverse', '$sort', '$json', '$fromNow'].map(one),
      ),
      fc.oneof(
        ...['$match', '$switch'].map((operator) =>
          fc.dictionary(source, inner, { maxKeys: 3 }).map((cases) => ({ [operator]: cases })),
        ),
      ),
    ),
  };
});

describe('a template of any shape', () => {
  it('renders what the library renders, and fails with its errors', () => {
    const counts = { value: 0, error: 0, budget: 0, crash: 0, odd: 0 };
    fc.assert(
      fc.property(template, (one) => {
        counts[compareWithLibrary(one, context)] += 1;
      }),
      { numRuns: roundsOf(20_000) },
    );
    assert.ok(counts.value > 0 && counts.value + counts.error > 20 * counts.odd, JSON.stringify(counts));
  });

  it('gives the same when it is rendered again', () => {
    fc.assert(
      fc.property(template, (one) => {
        compareWithLibrary(one, context);
        compareWithLibrary(one, context);
      }),
      { numRuns: roundsOf(2_000) },
    );
  });
});
