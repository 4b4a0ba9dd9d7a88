import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import jsone from 'json-e';
import { roundsOf } from '../../../test/support/test-length.ts';
import { compileQuickTemplate, LEFT_TO_JSON_E } from './quick-template.ts';
import type { FiringContext } from './template.ts';

const context: FiringContext = {
  firedBy: 'triggerHook',
  taskId: 'fN1SbArXTPSVFNUvaOlinQ',
  now: '2026-11-20T15:29:17.603Z',
  clientId: 'me',
  payload: {
    ref: 'main',
    n: 2,
    zero: 0,
    yes: true,
    no: false,
    none: null,
    list: ['a', 1],
    empty: [],
    in: 2,
    env: { A: 'b' },
  },
};

const byJsonE = (template: unknown): { value: unknown } | 'error' => {
  try {
    return { value: jsone(template as Record<string, unknown>, context as unknown as Record<string, unknown>) };
  } catch {
    return 'error';
  }
};

/** The quick answer is json-e's, or there is none. */
const agrees = (template: unknown): void => {
  const quick = compileQuickTemplate(template)?.(context) ?? undefined;
  if (quick === LEFT_TO_JSON_E || compileQuickTemplate(template) === undefined) return;
  const slow = byJsonE(template);
  assert.notEqual(slow, 'error', `json-e refuses ${JSON.stringify(template)}, quick answers ${JSON.stringify(quick)}`);
  assert.deepEqual(quick ?? null, (slow as { value: unknown }).value ?? null, JSON.stringify(template));
};

const expression = fc
  .array(
    fc.constantFrom(
      ...[
        'payload',
        'payload.ref',
        'payload.n',
        'payload.nope',
        "payload['nope']",
        'payload["ref"]',
        'payload.list',
        'payload.env',
      ],
      ...[
        'payload.env.A',
        'payload.in',
        'payload.none',
        'payload.yes',
        'payload.empty',
        'taskId',
        'firedBy',
        'now',
        'unknown',
      ],
      ...[
        'range',
        'true',
        'false',
        'null',
        "'text'",
        "''",
        '"',
        '17',
        '0',
        '==',
        '!=',
        '<',
        '>=',
        '&&',
        '||',
        'in',
        '!',
        '+',
        '(',
        ')',
      ],
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((words) => words.join(' '));

const text = fc
  .array(
    fc.oneof(
      fc.constantFrom('a', ' ', '$', '{', '}', '${', '$${', "'", '"'),
      expression.map((inner) => `\${${inner}}`),
    ),
    {
      maxLength: 4,
    },
  )
  .map((pieces) => pieces.join(''));

const { template } = fc.letrec((tie) => ({
  template: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.constantFrom(0, 1.5, true, null),
    expression.map(($eval) => ({ $eval })),
    fc
      .constantFrom('', '1 day', '2 hours', '1 month', '-1 day', '5 minutes 3 seconds', 'nonsense')
      .map(($fromNow) => ({ $fromNow })),
    fc.record({ $if: expression, then: tie('template'), else: tie('template') }, { requiredKeys: ['$if'] }),
    fc.array(tie('template'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', '$$c', '$d', 'x ${taskId}', '__proto__', '$let', 'in'), tie('template'), {
      maxKeys: 3,
    }),
  ),
}));

describe('a template that is compiled', () => {
  it('renders what json-e renders, whatever the template', () => {
    fc.assert(fc.property(template, agrees), { numRuns: roundsOf(3_000) });
  });

  for (const hostile of [
    ...["${''}${true}", '${"x"}${17}', '${${now}', '${payload.in}', '$${payload.n}', '${payload.n', 'a}${payload.n}b'],
    ...[
      { $eval: 'payload.in' },
      { $eval: 'range' },
      { $if: 'payload.nope', then: 1 },
      { $if: 'payload == payload', then: 1 },
    ],
    ...[[{ $if: 'payload.no', then: 1 }, 2], { a: { $if: 'payload.no', then: 1 } }, { $if: 'payload.no', then: 1 }],
  ]) {
    it(`leaves nothing of ${JSON.stringify(hostile)} to chance`, () => agrees(hostile));
  }

  it('is quick for the common kind', () => {
    const common = { a: 'x ${payload.ref}', b: { $if: "payload.ref == 'main' && payload.n > 1", then: [1], else: [] } };
    const quick = compileQuickTemplate(common);
    assert.deepEqual(quick?.(context), { a: 'x main', b: [1] });
  });
});
