import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Hook } from '../definition.ts';
import { createInlinePool } from '../test-support/inline-pool.ts';
import { createEvaluator } from './evaluator.ts';
import type { WorkerRequest } from './worker.ts';

/** Counts what the other process is asked. */
const createCounted = () => {
  const inline = createInlinePool();
  const asked: WorkerRequest['kind'][] = [];
  const evaluator = createEvaluator({
    ...inline,
    run: (request) => {
      asked.push(request.kind);
      return inline.run(request);
    },
  });
  const compile = (triggerSchema: object) => {
    const definition = { hookGroupId: 'g', hookId: 'h', task: {}, triggerSchema, schedule: [], bindings: [] };
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
      ...{ body: Buffer.from('{}'), headers: { 'content-type': ['application/json'] }, when: undefined, insertions },
      webhook: { name: 'w', scheme: 'none', event: null, deliveryId: null, headers },
      map: { all: Array.from({ length: insertions }, () => ({ $eval: 'webhook' })) },
    });
  };
  return { asked, evaluate, deliver, evaluator };
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
