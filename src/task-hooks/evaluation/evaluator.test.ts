// biome-ignore-all lint/suspicious/noTemplateCurlyInString: JSON-e's, not JavaScript's.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createMetrics } from '../../core/metrics.ts';
import type { Hook } from '../definition.ts';
import { createInlinePool } from '../test-support/inline-pool.ts';
import { ORDINARY_SCHEMAS } from '../test-support/ordinary-schemas.ts';
import { createEvaluator } from './evaluator.ts';
import { newBudget } from './json-e/render.ts';
import type { EvaluationPool } from './pool.ts';
import type { WorkerRequest } from './worker.ts';

/** Counts what the other process is asked. */
const createCounted = () => {
  const inline = createInlinePool();
  const asked: WorkerRequest['kind'][] = [];
  const metrics = createMetrics();
  const counted: EvaluationPool = {
    ...inline,
    run: (request) => {
      asked.push(request.kind);
      return inline.run(structuredClone(request)); // as another process gets it
    },
  };
  const evaluator = createEvaluator(counted, metrics);
  const compile = (triggerSchema: object, task: unknown = {}) => {
    const definition = { hookGroupId: 'g', hookId: 'h', task, triggerSchema, schedule: [], bindings: [] };
    return evaluator.compile({ uid: 'u', revision: 1, sealedToken: undefined, definition } as unknown as Hook);
  };
  const evaluate = (triggerSchema: object, payload: unknown) => {
    const context = { firedBy: 'triggerHook', taskId: 'T', now: '2026-11-20T00:00:00.000Z', payload } as const;
    return evaluator.evaluate(compile(triggerSchema), context, JSON.stringify(payload).length);
  };
  /** A delivery with a small body and a header of so many bytes, which `map` inserts so often. */
  const deliver = (headerBytes: number, insertions: number) => {
    const context = { firedBy: 'triggerHookWithToken', taskId: 'T', now: '2026-11-20T00:00:00.000Z' } as const;
    const headers = { 'x-long': 'x'.repeat(headerBytes) };
    return evaluator.evaluateDelivery(compile({}), context, {
      ...{ body: Buffer.from('{}'), headers: { 'content-type': ['application/json'] }, when: undefined },
      webhook: { name: 'w', scheme: 'none', event: null, deliveryId: null, headers },
      map: { all: Array.from({ length: insertions }, () => ({ $eval: 'webhook' })) },
    });
  };
  /** `server fits` → how many. */
  const counts = async () => {
    const { values } = (await metrics.registry.getSingleMetric('hookwright_evaluations_total')?.get()) ?? assert.fail();
    return Object.fromEntries(values.map(({ labels, value }) => [`${labels.place} ${labels.why}`, value]));
  };
  return { asked, evaluate, deliver, evaluator, compile, counts };
};

const hasProperties = (count: number, of: object) => ({
  properties: Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, of])),
});

describe('an evaluation', () => {
  it('of a usual schema and payload is done on the main thread', async () => {
    const { asked, evaluate, evaluator } = createCounted();
    const schema = {
      type: 'object',
      ...hasProperties(20, { type: 'string', pattern: '^v[0-9]{1,20}$', maxLength: 80 }),
    };
    assert.equal(await evaluator.checkTriggerSchema(schema), undefined);
    assert.equal((await evaluate(schema, { p0: 'v7' })).outcome, 'rendered');
    assert.equal((await evaluate(schema, { p0: 'w7' })).outcome, 'rejected');
    assert.deepEqual(asked, []);
  });

  it('of an ordinary schema is done on the main thread, whatever keywords it has', async () => {
    const { asked, evaluate, evaluator } = createCounted();
    for (const schema of Object.values(ORDINARY_SCHEMAS)) {
      assert.equal(await evaluator.checkTriggerSchema(schema), undefined);
      assert.equal((await evaluate(schema, { ref: 7, commits: Array(100).fill({ id: 7 }) })).outcome, 'rejected');
    }
    assert.deepEqual(asked, []);
  });

  for (const [what, schema] of [
    ['many patterns with counted repetitions', hasProperties(1_500, { pattern: '(a?b?){999}' })],
    ['one pattern with nested repetitions', { pattern: '((a{40}){40}){40}' }],
    ['thousands of names', hasProperties(3_000, { type: 'string' })],
    ['thousands of values', { enum: Array.from({ length: 3_000 }, (_, at) => ({ at })) }],
  ] as const) {
    it(`of a schema with ${what} is done elsewhere, and so is looking at it`, async () => {
      const { asked, evaluate, evaluator } = createCounted();
      await evaluator.checkTriggerSchema(schema);
      assert.deepEqual(asked, ['compile']);
      if (!('pattern' in schema) && !JSON.stringify(schema).includes('pattern')) {
        await evaluate(schema, {});
        assert.deepEqual(asked, ['compile', 'evaluate']);
      }
    });
  }

  it('of a large payload is done elsewhere when a pattern is long', async () => {
    const { asked, evaluate } = createCounted();
    const schema = { properties: { a: { pattern: '[ab]{0,900}[^ab]' } } };
    assert.equal((await evaluate(schema, { a: 'ab!' })).outcome, 'rendered');
    assert.deepEqual(asked, []);
    await evaluate(schema, { a: 'ab'.repeat(2_000) });
    assert.deepEqual(asked, ['evaluate']);
  });

  it('of a large payload gives what it would give here', async () => {
    const { asked, evaluate } = createCounted();
    const list = Array.from({ length: 50_000 }, (_, at) => at);
    assert.equal(
      (await evaluate({ properties: { list: { items: { type: 'number' } } } }, { list })).outcome,
      'rendered',
    );
    assert.equal((await evaluate({ properties: { list: { maxItems: 3 } } }, { list })).outcome, 'rejected');
    assert.deepEqual(asked, ['evaluate', 'evaluate']);
  });

  it('of a delivery is done elsewhere when its webhook inserts large headers many times', async () => {
    const { asked, deliver } = createCounted();
    await deliver(1_000, 20);
    assert.deepEqual(asked, []);
    await deliver(14_000, 400);
    assert.deepEqual(asked, ['evaluate-delivery']);
  });
});

const triggered = (payload: unknown) =>
  ({ firedBy: 'triggerHook', taskId: 'T', now: '2026-11-20T00:00:00.000Z', clientId: 'me', payload }) as const;
const scheduled = { firedBy: 'schedule', taskId: 'T', now: '2026-11-20T00:00:00.000Z' } as const;
const LONG_LOOP = { list: { $map: { $eval: 'range(0, 50000)' }, 'each(x)': { $eval: 'x' } } };
const HOOK = JSON.parse(readFileSync(new URL('../../../bench/decision-hook.json', import.meta.url), 'utf8'));

describe('a template', () => {
  it('with names, loops, conditions, merged objects and dates, and a schema with unique items, is the main thread’s', async () => {
    const { asked, evaluator, compile, counts } = createCounted();
    const hook = compile(HOOK.definition.triggerSchema, HOOK.definition.task);
    const evaluation = await evaluator.evaluate(hook, triggered(HOOK.payload), JSON.stringify(HOOK.payload).length);
    assert.ok(evaluation.outcome === 'rendered' && evaluation.ranIn === 'server', JSON.stringify(evaluation));
    assert.deepEqual(JSON.parse(evaluation.task).scopes, ['assume:repo:bench/level-2']);
    assert.equal(evaluator.renderNow(hook, scheduled, newBudget())?.outcome, 'rendered');
    assert.deepEqual(asked, []);
    assert.deepEqual(await counts(), { 'server fits': 2 });
  });

  it('that is beyond the budget is rendered elsewhere, and at once there with a payload as large', async () => {
    const { asked, evaluator, compile, counts } = createCounted();
    const hook = compile({}, { list: { $map: { $eval: 'range(0, payload.n)' }, 'each(x)': { $eval: 'x' } } });
    const evaluate = (n: number, bytes: number) => evaluator.evaluate(hook, triggered({ n }), bytes);
    const heavy = await evaluate(50_000, 100);
    assert.ok(heavy.outcome === 'rendered' && heavy.ranIn === 'process');
    assert.equal(JSON.parse(heavy.task).list.length, 50_000);
    assert.equal((await evaluate(5, 101)).ranIn, 'process');
    assert.equal((await evaluate(5, 99)).ranIn, 'server');
    assert.deepEqual(asked, ['evaluate', 'evaluate']);
    assert.deepEqual(await counts(), { 'process budget': 2, 'server fits': 1 });
  });

  it('that was given up for one payload is soon the main thread’s again, for all events', async () => {
    const { evaluator, compile } = createCounted();
    for (const [template, bad] of [
      [{ deadline: { $fromNow: '${payload.ttl}' } }, { ttl: 'soon' }],
      [{ list: { $map: { $eval: 'range(0, payload.n)' }, 'each(x)': { $eval: 'x' } } }, { n: 50_000 }],
    ] as const) {
      const hook = compile({}, template);
      const places = (payload: object, times: number) =>
        Promise.all(
          Array.from({ length: times }, async () => (await evaluator.evaluate(hook, triggered(payload), 20)).ranIn),
        );
      assert.deepEqual(await places(bad, 1), ['process']);
      assert.equal((await places({ ttl: '1 day', n: 5 }, 64)).lastIndexOf('process'), 62);
      assert.deepEqual(new Set(await places({ ttl: '1 day', n: 5 }, 100)), new Set(['server']));
    }
    const ticks = compile({}, { a: '${firedBy}' });
    ticks.template.heavyFrom = 0;
    const rendered = Array.from({ length: 66 }, () => evaluator.renderNow(ticks, scheduled, newBudget()) !== undefined);
    assert.equal(rendered.indexOf(true), 63);
    assert.ok(rendered.slice(63).every(Boolean));
  });

  it('that stumbles where the library crashes fails with the same words as there', async () => {
    const { asked, evaluator, compile, counts } = createCounted();
    const evaluation = await evaluator.evaluate(compile({}, { a: { $eval: 'payload[' } }), triggered({}), 2);
    assert.ok(evaluation.outcome === 'failed');
    assert.match(evaluation.message, /^TemplateError at template\.a: an expression is unfinished/);
    assert.deepEqual(asked, ['evaluate']);
    assert.deepEqual(await counts(), { 'process odd': 1 });
  });

  it('leaves the payload as it was, also one that turns its arrays around or is given up', async () => {
    const { evaluator, compile } = createCounted();
    const payload = { list: [1, 2, 3] };
    const turned = { a: { $reverse: { $eval: 'payload.list' } }, b: { $mergeDeep: { $eval: '[{a: payload.list}]' } } };
    for (const task of [turned, { ...turned, c: LONG_LOOP }]) {
      assert.equal((await evaluator.evaluate(compile({}, task), triggered(payload), 18)).outcome, 'rendered');
    }
    assert.deepEqual(payload, { list: [1, 2, 3] });
  });

  it('of a tick is left unrendered when it is heavy, or when nothing is left for the turn', () => {
    const { asked, evaluator, compile } = createCounted();
    const light = compile({}, { a: '${firedBy}' });
    const turn = newBudget(3);
    assert.equal(evaluator.renderNow(compile({}, LONG_LOOP), scheduled, turn), undefined);
    assert.equal(evaluator.renderNow(light, scheduled, turn)?.outcome, 'rendered');
    const heavy = compile({}, LONG_LOOP);
    assert.equal(evaluator.renderNow(heavy, scheduled, turn), undefined);
    const left = turn.steps;
    assert.equal(evaluator.renderNow(heavy, scheduled, turn), undefined);
    assert.equal(turn.steps, left, 'a heavy one is not tried twice');
    assert.equal(evaluator.renderNow(compile({}, LONG_LOOP), scheduled, turn), undefined);
    assert.equal(evaluator.renderNow(light, scheduled, turn), undefined);
    assert.deepEqual(asked, []);
  });

  it('that was stored unrendered is rendered elsewhere', async () => {
    const { asked, evaluator } = createCounted();
    assert.equal((await evaluator.renderStored({ template: LONG_LOOP, context: scheduled })).outcome, 'rendered');
    assert.deepEqual(asked, ['evaluate']);
  });
});
