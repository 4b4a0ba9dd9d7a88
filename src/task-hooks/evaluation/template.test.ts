// biome-ignore-all lint/suspicious/noThenProperty: a word of JSON-e.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: JSON-e's, not JavaScript's.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type FiringContext, type Rendered, renderTemplate } from './template.ts';

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
