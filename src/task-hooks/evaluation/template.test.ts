// biome-ignore-all lint/suspicious/noThenProperty: a word of JSON-e.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: JSON-e's, not JavaScript's.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../../test/support/test-length.ts';
import { countInsertions, type FiringContext, type Rendered, renderTemplate } from './template.ts';

const NOW = '2026-11-20T15:29:17.603Z';
const TASK_ID = 'fN1SbArXTPSVFNUvaOlinQ';
const scheduled: FiringContext = { firedBy: 'schedule', taskId: TASK_ID, now: NOW };
const triggered = (payload: unknown): FiringContext => ({
  firedBy: 'triggerHook',
  taskId: TASK_ID,
  now: NOW,
  payload,
  clientId: 'me',
});

const taskOf = (rendered: Rendered) => {
  assert.equal(rendered.outcome, 'rendered', JSON.stringify(rendered));
  return rendered.outcome === 'rendered' ? rendered.task : {};
};
const failureOf = (rendered: Rendered) => (rendered.outcome === 'failed' ? rendered.message : assert.fail());

describe('a template', () => {
  const everything = {
    payload: {
      firedBy: { $eval: 'firedBy' },
      taskId: { $eval: 'taskId' },
      now: { $eval: 'now' },
      payload: { $if: 'payload != null', then: { $eval: 'payload' } },
      clientId: { $eval: 'clientId' },
    },
  };

  it('knows what fired the hook, the taskId, the time, the payload and the caller', () => {
    const { payload } = taskOf(renderTemplate(everything, triggered({ a: [1] })));
    assert.deepEqual(payload, {
      firedBy: 'triggerHook',
      taskId: TASK_ID,
      now: NOW,
      payload: { a: [1] },
      clientId: 'me',
    });
  });

  for (const firedBy of ['triggerHookWithToken', 'pulseMessage'] as const) {
    it(`of a ${firedBy} has a payload and no clientId`, () => {
      const context = { firedBy, taskId: TASK_ID, now: NOW, payload: { a: 1 } };
      assert.deepEqual(taskOf(renderTemplate({ payload: { $eval: 'payload' } }, context)).payload, { a: 1 });
      assert.match(failureOf(renderTemplate({ c: { $eval: 'clientId' } }, context)), /unknown context value clientId/);
    });
  }

  it('of a scheduled fire has neither payload nor clientId', () => {
    for (const name of ['payload', 'clientId']) {
      assert.match(
        failureOf(renderTemplate({ c: { $eval: name } }, scheduled)),
        new RegExp(`unknown context value ${name}`),
      );
    }
  });

  it('renders $fromNow from the moment of the fire, not from the moment of rendering', () => {
    assert.equal(taskOf(renderTemplate({ x: { $fromNow: '1 hour' } }, scheduled)).x, '2026-11-20T16:29:17.603Z');
  });

  it('that says nothing of created, deadline, expires and taskGroupId gets now, a day, a month and the taskId', () => {
    assert.deepEqual(taskOf(renderTemplate({ a: 1 }, scheduled)), {
      a: 1,
      created: NOW,
      deadline: '2026-11-21T15:29:17.603Z',
      expires: '2026-12-20T15:29:17.603Z',
      taskGroupId: TASK_ID,
    });
  });

  it('keeps what it says of them', () => {
    const own = { created: 'c', deadline: 'd', expires: 'e', taskGroupId: 'g' };
    assert.deepEqual(taskOf(renderTemplate(own, scheduled)), own);
  });

  for (const [now, expires] of [
    ['2026-01-31T10:00:00.000Z', '2026-02-28T10:00:00.000Z'],
    ['2028-01-31T10:00:00.000Z', '2028-02-29T10:00:00.000Z'],
    ['2026-03-31T23:59:59.999Z', '2026-04-30T23:59:59.999Z'],
    ['2026-12-31T00:00:00.000Z', '2027-01-31T00:00:00.000Z'],
    ['2026-02-28T00:00:00.000Z', '2026-03-28T00:00:00.000Z'],
  ] as const) {
    it(`fired on ${now.slice(0, 10)} expires on ${expires.slice(0, 10)}`, () => {
      assert.equal(taskOf(renderTemplate({}, { ...scheduled, now })).expires, expires);
    });
  }

  it('that renders to nothing or to null declines', () => {
    assert.deepEqual(renderTemplate({ $if: 'false', then: {} }, scheduled), { outcome: 'declined' });
    assert.deepEqual(renderTemplate({ $eval: 'null' }, scheduled), { outcome: 'declined' });
    assert.deepEqual(renderTemplate({ $if: 'payload.go', then: { a: 1 } }, triggered({ go: false })), {
      outcome: 'declined',
    });
  });

  it('that renders to something other than an object fails and says to what', () => {
    assert.match(failureOf(renderTemplate({ $eval: '1' }, scheduled)), /renders to a number; a task is an object/);
    assert.match(failureOf(renderTemplate({ $eval: '"x"' }, scheduled)), /renders to a string/);
    assert.match(failureOf(renderTemplate({ $eval: '[]' }, scheduled)), /renders to an array/);
    assert.match(failureOf(renderTemplate({ $eval: 'true' }, scheduled)), /renders to a boolean/);
  });

  it('that fails says why and where', () => {
    const failed = (template: unknown) => failureOf(renderTemplate(template, scheduled));
    assert.equal(failed({ a: { $eval: 'nope' } }), 'InterpreterError at template.a: unknown context value nope');
    assert.match(failed({ a: [{ $map: 1 }] }), /^TemplateError at template\.a\[0\]/);
    assert.match(failed({ a: '${taskId' }), /^SyntaxError at template\.a: unterminated/);
    assert.match(failed({ $strange: 1 }), /^TemplateError at template: \$<identifier> is reserved/);
    assert.match(
      failed({ a: [{ $eval: 'taskId[' }] }),
      /^TemplateError at template\.a\[0\]: an expression is unfinished/,
    );
    assert.match(failed({ d: { $fromNow: '1 fortnight' } }), /^TemplateError at template\.d: "1 fortnight" is no time/);
    assert.match(failed({ d: { $fromNow: '1 ${firedBy}' } }), /^TemplateError at template\.d: .*'1 schedule'/);
  });

  it('of any shape renders, declines or fails, and never throws', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('${', '}', '${payload}', '${1/0}', 'payload[', "'"));
    const key = fc.oneof(text, fc.constantFrom('$eval', '$if', 'then', 'each(x)', '$map', '$let', '__proto__'));
    const { any } = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        text,
        fc.constantFrom(null, 1, true),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(key, tie('any'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(any, (template) => {
        const { outcome } = renderTemplate(template, triggered({ a: 1 }));
        assert.ok(['rendered', 'declined', 'failed'].includes(outcome));
      }),
    );
  });

  it('nested too deeply to be rendered fails', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 10_000; level += 1) deep = [deep];
    assert.match(failureOf(renderTemplate({ deep }, scheduled)), /nests too deep/);
  });
});

describe('the cost of a template', () => {
  it('is proved for paths into the context, literals, comparisons and conditions', () => {
    const counts: [unknown, number][] = [
      ['text', 0],
      [null, 0],
      [1, 0],
      [{}, 0],
      ['${payload.a} and ${payload.b[0]} and ${payload["c d"].e}', 3],
      [{ '${payload.key}': '${payload.value}' }, 2],
      [{ $eval: 'payload' }, 1],
      [[{ $eval: 'payload' }, [{ a: { $eval: 'clientId' } }]], 2],
      // Each operand may be compared as a whole.
      [{ $eval: 'payload.a == 1 && !payload.b || "x" in payload.c' }, 5],
      [{ $if: 'payload == payload', then: 1 }, 2],
      [{ $fromNow: '1 day' }, 0],
      [{ $fromNow: '${payload.days} days' }, 1],
      [{ $$eval: 'payload' }, 0],
    ];
    for (const [template, count] of counts) assert.equal(countInsertions(template), count, JSON.stringify(template));
    const condition = { $if: 'payload.a', then: { $eval: 'payload' }, else: '${taskId}' };
    assert.ok((countInsertions(condition) ?? 0) >= 2);
  });

  // Whatever can repeat or grow its input.
  const DANGEROUS: Readonly<Record<string, unknown>> = {
    'a function behind an escape': { a: "$${'${join(range(0,3000000),'}')}" },
    $map: { $map: { $eval: 'payload' }, 'each(x)': 1 },
    '$map in a branch': { $if: 'payload', then: { a: [{ $map: [1], 'each(x)': 1 }] } },
    '$map in the other branch': { $if: 'payload', else: { $map: [1], 'each(x)': 1 } },
    '$map in a branch that nobody takes': { $if: 'payload', then: 1, extra: { $map: [1], 'each(x)': 1 } },
    '$map beside another operator': { $eval2: 1, $map: [1], 'each(x)': 1 },
    $reduce: { $reduce: [1], initial: 1, 'each(a,b)': { $eval: 'a' } },
    $let: { $let: { a: { $eval: 'payload' } }, in: 1 },
    $sort: { $sort: { $eval: 'payload' } },
    $reverse: { $reverse: { $eval: 'payload' } },
    $flatten: { $flatten: [] },
    $flattenDeep: { $flattenDeep: [] },
    $merge: { $merge: [] },
    $mergeDeep: { $mergeDeep: [] },
    $json: { $json: { $eval: 'payload' } },
    $find: { $find: [1], 'each(x)': 'true' },
    $match: { $match: { true: 1 } },
    $switch: { $switch: { true: 1 } },
    '$fromNow from a computed moment': { $fromNow: '1 day', from: { $map: [1], 'each(x)': 1 } },
    'a computed $fromNow': { $fromNow: { $map: [1], 'each(x)': 1 } },
    'an operator that nobody knows': { $later: 1 },
    'a function call': { $eval: 'range(0, 10000000)' },
    'a function call in text': 'a ${join(range(0, 10000000), "")}',
    'a function call in a key': { '${join(range(0, 10000000), "")}': 1 },
    'a function call in a condition': { $if: 'len(range(0, 10000000)) > 1', then: 1 },
    'a function call in brackets': { $eval: 'payload[len(range(0, 10000000))]' },
    'a function call in brackets after a string': { $eval: 'payload["a"][str(payload)]' },
    'a function call on a path': { $eval: 'payload.a(1)' },
    'a function call with a blank before it': { $eval: 'range (0, 10000000)' },
    'a call in parentheses': { $eval: '(range)(0, 10)' },
    addition: { $eval: 'payload.a + payload.a' },
    'addition in text': '${payload.a + payload.a}',
    power: { $eval: '2 ** 1000000' },
    'a list': { $eval: '[payload, payload]' },
    'an object': { $eval: '{a: payload}' },
    'a slice': { $eval: 'payload[0:10]' },
    'a brace in a string of an expression': "${payload['}']} ${join(range(0, 10000000), '')}",
    'an expression that ends nowhere': '${payload',
    '$eval of something else than text': { $eval: { $eval: 'payload' } },
    '$if of something else than text': { $if: { $eval: 'payload' }, then: 1 },
    'a long expression': { $eval: Array(200).fill('payload.a').join(' == ') },
  };
  for (const [name, template] of Object.entries(DANGEROUS)) {
    it(`is not proved for ${name}`, () => {
      assert.equal(countInsertions(template), undefined);
      assert.equal(countInsertions({ deep: [{ inside: template }] }), undefined);
    });
  }

  it('that is proved holds: what is rendered is at most insertions times the size of what came in', () => {
    const expression = fc.constantFrom(
      ...['payload', 'payload.a', 'payload.a.b', "payload['c']", 'payload["c"][0]', 'payload.list[1]', 'clientId'],
      ...['"literal"', '17', 'null', '!payload', 'payload.a == payload.c', '"x" in payload.list', 'payload && "z"'],
      ...['range(0, 1000)', 'join(range(0, 999), "-")', 'str(payload)', 'payload.list + payload.list', '[payload]'],
      ...['payload[len(payload)]', 'payload["a', '}', '(payload)', 'x', 'payload.s + payload.s', '"}" in payload'],
    );
    const piece = fc.oneof(
      expression.map((one) => `\${${one}}`),
      fc.constantFrom('a ', '$', '}', '{', '"', "'", '$${escaped}', '\\', '${', 'é'),
    );
    const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''));
    const { any } = fc.letrec((tie) => {
      const inner = tie('any');
      const operator = fc.oneof(
        fc.record({ $eval: fc.oneof(expression, inner) }),
        fc.record({ $if: expression, then: inner, else: inner, extra: inner }, { requiredKeys: ['$if'] }),
        fc.record({ $map: inner, 'each(x)': inner }),
        fc.record({ $reduce: inner, initial: inner, 'each(acc, x)': fc.constant({ $eval: 'acc + acc' }) }),
        fc.record({ $let: fc.record({ x: inner }), in: inner }),
        fc.record({ $json: inner }),
        fc.record({ $sort: inner }),
        fc.record({ $merge: fc.array(inner, { maxLength: 3 }) }),
        fc.record({ $fromNow: text, from: inner }, { requiredKeys: ['$fromNow'] }),
      );
      return {
        any: fc.oneof(
          { depthSize: 'small' },
          text,
          fc.record({ $eval: expression }),
          fc.array(inner, { maxLength: 3 }),
          fc.dictionary(fc.oneof(text, fc.constantFrom('a', '$$eval', '$$if')), inner, { maxKeys: 3 }),
          operator,
        ),
      };
    });
    const payload = fc.record({
      a: fc.record({ b: fc.string({ maxLength: 50 }) }),
      c: fc.array(fc.string({ maxLength: 20 }), { maxLength: 5 }),
      s: fc.string({ maxLength: 100 }),
      list: fc.array(fc.integer(), { maxLength: 20 }),
    });
    let proved = 0;
    fc.assert(
      fc.property(any, payload, (template, value) => {
        const insertions = countInsertions(template);
        if (insertions === undefined) return;
        const context = triggered(value);
        const rendered = renderTemplate({ template }, context);
        if (rendered.outcome !== 'rendered') return;
        proved += 1;
        const size = (part: unknown) => Buffer.byteLength(JSON.stringify(part) ?? '');
        const bound = (insertions + 1) * (size(context) + size(template)) + 20;
        assert.ok(size({ template: rendered.task.template }) <= bound, `${insertions} insertions`);
      }),
      { numRuns: roundsOf(2_000) },
    );
    assert.ok(proved > 100, `only ${proved} were proved and rendered`);
  });
});
