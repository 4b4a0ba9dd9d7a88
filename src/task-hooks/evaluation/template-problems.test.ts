// biome-ignore-all lint/suspicious/noThenProperty: a word of JSON-e.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: JSON-e's, not JavaScript's.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import jsone from 'json-e';
import { findTemplateProblems } from './template-problems.ts';

const told = (template: unknown) => findTemplateProblems(template).map(({ place, reason }) => `${place}: ${reason}`);

describe('what keeps a template from being rendered', () => {
  for (const [template, place, reason] of [
    [{ $foo: 1 }, 'task', /no operator \$foo; write \$\$foo/],
    [{ payload: { env: '${payload.who' } }, 'task.payload.env', /no closing \}/],
    [{ a: [{ $eval: 'payload.' }] }, 'task.a[0]', /./],
    [{ a: { $eval: 'a b' } }, 'task.a', /"b" is not expected/],
    [{ a: { $eval: '' } }, 'task.a', /expression is missing/],
    [{ a: '${}' }, 'task.a', /./],
    [{ a: 'x ${now} ${1 +} y' }, 'task.a', /./],
    [{ a: { $eval: 1 } }, 'task.a', /\$eval must be given a string/],
    [{ a: { $eval: '1', $if: '1' } }, 'task.a', /only one operator/],
    [{ a: { $if: 'x', then: { b: { $if: 'y >' } } } }, 'task.a.then.b', /./],
    [{ 'a-b': { $fromNow: '1 fortnight' } }, 'task["a-b"]', /"1 fortnight" is no time span/],
    [{ a: { $let: { x: 1 } } }, 'task.a', /needs `in`/],
    [{ a: { $let: [], in: 1 } }, 'task.a', /must be given an object/],
    [{ a: { $map: [1] } }, 'task.a', /needs `each\(x\)`/],
    [{ a: { $map: [1], 'each(x)': '${x' } }, 'task.a["each(x)"]', /no closing/],
    [{ a: { $reduce: [1], 'each(s,x)': 1 } }, 'task.a', /`initial`/],
    [{ a: { $switch: { 'x ==': 1 } } }, 'task.a', /./],
    [{ a: { $sort: [2, 1], 'by(x)': 'x.' } }, 'task.a', /./],
    [{ '${a': 1 }, 'task, in the key "${a"', /no closing/],
  ] as const) {
    it(`is found with its place in ${JSON.stringify(template)}`, () => {
      const [problem, ...others] = findTemplateProblems(template);
      assert.equal(problem?.place, place);
      assert.match(problem?.reason ?? '', reason);
      assert.deepEqual(others, []);
      assert.throws(() => jsone(template, { x: 1, y: 1, payload: {}, a: {}, b: 1 }));
    });
  }

  it('is nothing in templates that render', () => {
    for (const template of [
      { a: "$${x ${'}'} ${payload['a']} ${now}", $$eval: 'x', 'a ${payload.b} b': 1 },
      { $if: 'payload && !(a in b)', then: { $eval: '{a: 1, "b": [1, 2][0:1]}' }, else: { $json: { $eval: 'x' } } },
      { $let: { x: { $eval: 'payload.x' } }, in: { $map: { $eval: 'x' }, 'each(v, k)': '${v}' } },
      { $switch: { 'a == 1': 1, $default: 2 } },
      { $match: { 'a == 1': 1 } },
      { $sort: [1], 'by(x)': 'x' },
      { $find: [1], 'each(x)': 'x == 1' },
      { $reduce: [1], initial: 0, 'each(s, x, i)': { $eval: 's + x' } },
      ...['', '1 day', '-1 day', '2 days 3 hours', '1y 2 mo', '${payload.days} days'].map((span) => ({
        $fromNow: span,
      })),
    ]) {
      assert.deepEqual(told(template), [], JSON.stringify(template));
    }
  });

  it('is never found in what JSON-e renders', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('${', '}', '${x}', "${'}'}", '$${', 'x.', '1 day', '[x, 1]', '!x'),
    );
    const key = fc.oneof(
      text,
      fc.constantFrom('$eval', '$if', 'then', 'each(x)', '$map', '$let', 'in', '$fromNow', '$x'),
    );
    const { any } = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.array(text, { maxLength: 3 }).map((texts) => texts.join('')),
        fc.constantFrom(null, 1, true),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(key, tie('any'), { maxKeys: 3 }),
      ),
    }));
    const isLazy = (template: unknown) => /\$if|\$map|then|else/.test(JSON.stringify(template)); // parts may not be reached
    fc.assert(
      fc.property(any, (template) => {
        if (isLazy(template) || findTemplateProblems(template).length === 0) return;
        assert.throws(() => jsone(template as object, { x: 1, now: '2026-01-01' }));
      }),
    );
  });
});
