// biome-ignore-all lint/suspicious/noTemplateCurlyInString: JSON-e's, not JavaScript's.
// biome-ignore-all lint/suspicious/noThenProperty: a word of JSON-e.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { toIso } from '../../core/clock.ts';
import { newSlugId } from '../../core/ids.ts';
import { canonicalJson } from '../../core/json.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { statement } from '../../database/statement.ts';
import { createLedger } from '../../ledger/create-ledger.ts';
import type { CreateTaskAnswer, CreateTaskRequest, Queue } from '../../queue/queue.ts';
import { createRecord } from '../../timers/test-support/world.ts';
import type { HookDefinition } from '../definition.ts';
import { createEvaluator } from '../evaluation/evaluator.ts';
import type { EvaluationPool } from '../evaluation/pool.ts';
import { createHookCache } from '../hooks/hook-cache.ts';
import { createHookStore } from '../hooks/hook-store.ts';
import { heavy } from '../test-support/heavy-template.ts';
import type { HookCall } from './evaluate-call.ts';
import { createFireCall } from './fire-call.ts';
import { LEASE_MS } from './fire-runner.ts';
import { createFireStore } from './fire-store.ts';
import { createFiring } from './firing.ts';
import { createKnownEvents } from './repeats/known-events.ts';

const SECOND = 1_000;
const DAY = 24 * 3_600_000;
const NAME = { hookGroupId: 'g', hookId: 'h' };
const CREATED: CreateTaskAnswer = { kind: 'created' };

type FireRow = { cause: string; task: string; gives_up: number };
const listFires = statement<FireRow>('test.fires', 'select cause, task::text as task, gives_up from fires');
const editHook = statement(
  'test.edit-hook',
  'update hooks set definition = $1, revision = revision + 1 where hook_group_id = $2 and hook_id = $3',
);
const removeHook = statement('test.remove-hook', 'delete from hooks where hook_group_id = $1 and hook_id = $2');

const definitionOf = (task: object, triggerSchema: object = {}): HookDefinition => ({
  ...NAME,
  metadata: { name: 'n', description: '', owner: 'o@example.com', emailOnError: false },
  task,
  bindings: [],
  schedule: [],
  triggerSchema,
});

type Asked = CreateTaskRequest & { readonly answer: (answer: CreateTaskAnswer) => void };
type Options = {
  readonly decide?: () => CreateTaskAnswer | 'hang';
  /** Called before each evaluation is used. */
  readonly meanwhile?: () => Promise<void>;
  readonly pool?: EvaluationPool;
};

const UNUSED_POOL: EvaluationPool = { run: () => assert.fail('not heavy'), [Symbol.asyncDispose]: async () => {} };

const createWorld = async (t: TestContext, options: Options = {}) => {
  const { decide = () => CREATED, meanwhile = async () => {}, pool = UNUSED_POOL } = options;
  const database = await freshDatabase(t, { poolSize: 6 });
  const ledger = createLedger(database);
  const clock = createFakeClock();
  const hooks = createHookStore(database);
  const evaluator = createEvaluator(pool);
  const cache = createHookCache(hooks, evaluator);
  const fires = createFireStore(database, ledger);
  const asked = createRecord<Asked>();
  const queue: Queue = {
    createTask: (request) => {
      const { promise, resolve } = Promise.withResolvers<CreateTaskAnswer>();
      asked.add({ ...request, answer: resolve });
      const decision = decide();
      if (decision !== 'hang') resolve(decision);
      return promise;
    },
    taskStates: async () => new Map(),
  };
  const { beginFires, endFires, runner } = createFiring({
    ...{ database, ledger, store: fires, queue, render: evaluator.renderStored },
    failureMail: async () => {},
    ...{ clock, log: silentLog, metrics: createMetrics() },
  });
  const fireCall = createFireCall({
    payloads: { keep: () => undefined },
    cache,
    evaluator: {
      ...evaluator,
      evaluate: async (...values) => {
        const evaluation = await evaluator.evaluate(...values);
        await meanwhile();
        return evaluation;
      },
    },
    ...{ store: fires, ledger, beginFires, runner, clock },
    knownEvents: createKnownEvents({ database, endFires, clock, log: silentLog }),
    tokens: { matches: () => assert.fail('nobody came with a token') },
  });
  let uid = '';
  const create = async (task: object, triggerSchema?: object) => {
    uid = (await hooks.create(definitionOf(task, triggerSchema), clock.now()))?.uid ?? assert.fail();
  };
  const fire = (payload: unknown = {}, more: Partial<HookCall> = {}) =>
    fireCall({
      ...NAME,
      firedBy: 'triggerHook',
      payload,
      payloadBytes: JSON.stringify(payload).length,
      clientId: 'me',
      taskId: newSlugId(),
      chosenTaskId: undefined,
      requestId: 'r',
      ...more,
    });
  return {
    clock,
    asked,
    runner,
    create,
    fire,
    /** The fire of a call, as a process leaves it behind that dies before the first attempt. */
    store: async (taskId: string, payload: unknown) => {
      const hook = (await hooks.find(NAME)) ?? assert.fail();
      const fire = {
        ...({
          ...NAME,
          hookUid: hook.uid,
          cause: `chosen:${taskId}`,
          firedBy: 'triggerHook',
          taskId,
          task: '{}',
        } as const),
        payloadHash: createHash('sha256').update(canonicalJson(payload)).digest(),
        ...{ clientId: 'me', requestId: 'r', arrived: clock.now(), givesUp: clock.now() + DAY, attempts: 0 },
      };
      assert.ok(await fires.storeOnce(hook, fire, clock.now() + LEASE_MS));
    },
    /** As a caller who chooses the taskId. */
    fireAs: (taskId: string, payload: unknown) => fire(payload, { taskId, chosenTaskId: taskId }),
    edit: async (task: object, triggerSchema?: object) => {
      const definition = JSON.stringify(definitionOf(task, triggerSchema));
      await database.query(editHook, [definition, NAME.hookGroupId, NAME.hookId]);
    },
    remove: async () => {
      await database.query(removeHook, [NAME.hookGroupId, NAME.hookId]);
    },
    unfinished: async () => {
      await runner.whenRecorded(uid);
      return database.query(listFires);
    },
    entries: async () => {
      await runner.whenRecorded(uid);
      return (await ledger.page({ hookUid: uid, limit: 100 })).entries;
    },
  };
};

describe('an event', () => {
  it('becomes a task as the template renders it, filled in, with the authority of the hook', async (t) => {
    const { create, fire, asked, clock } = await createWorld(t);
    await create({ said: { $eval: 'payload' }, by: '${clientId} through ${firedBy}', at: { $eval: 'now' } });
    const taskId = newSlugId();
    assert.deepEqual(await fire({ a: 'x' }, { taskId }), { outcome: 'created' });
    const [request] = asked.things;
    const now = toIso(clock.now());
    assert.equal(request?.taskId, taskId);
    assert.deepEqual(request?.authorizedScopes, ['assume:hook-id:g/h']);
    assert.deepEqual(JSON.parse(request?.task ?? ''), {
      said: { a: 'x' },
      by: 'me through triggerHook',
      at: now,
      created: now,
      deadline: toIso(clock.now() + DAY),
      expires: '2026-12-20T12:00:00.000Z',
      taskGroupId: taskId,
    });
  });

  it('is stored with its task before the queue hears of it', async (t) => {
    const { create, fire, asked, unfinished, runner, clock } = await createWorld(t, { decide: () => 'hang' });
    await create({ a: 1, deadline: { $fromNow: '2 hours' } });
    const result = fire();
    await asked.reached(1);
    const [row] = await unfinished();
    assert.equal(row?.task, asked.things[0]?.task);
    assert.equal(row?.cause, asked.things[0]?.taskId);
    assert.equal(row?.gives_up, clock.now() + 7_200_000);
    asked.things[0]?.answer(CREATED);
    assert.deepEqual(await result, { outcome: 'created' });
    await runner.whenIdle();
  });

  it('is answered as pending when the queue says nothing for ten seconds', async (t) => {
    const { create, fire, asked, clock, runner, entries } = await createWorld(t, { decide: () => 'hang' });
    await create({});
    const result = fire();
    await asked.reached(1);
    await clock.advance(10 * SECOND);
    assert.deepEqual(await result, { outcome: 'pending' });
    assert.equal(asked.things.length, 1);
    asked.things[0]?.answer(CREATED);
    await runner.whenIdle();
    assert.equal((await entries())[0]?.outcome, 'created');
  });

  it('for a hook that does not exist leaves nothing behind', async (t) => {
    const { fire, asked, unfinished } = await createWorld(t);
    assert.deepEqual(await fire(), { outcome: 'no-such-hook' });
    assert.equal(asked.things.length, 0);
    assert.deepEqual(await unfinished(), []);
  });

  it('of a schedule has no payload, and is not validated', async (t) => {
    const { create, fire, asked } = await createWorld(t);
    await create({ at: { $eval: 'now' } }, { required: ['never'] });
    assert.deepEqual(await fire({}, { firedBy: 'schedule', clientId: undefined }), { outcome: 'created' });
    assert.equal(asked.things.length, 1);
  });

  it('has the defaults of the schema filled in, and they are no part of what the caller sent', async (t) => {
    const { create, fireAs, asked } = await createWorld(t);
    await create({ said: { $eval: 'payload' } }, { properties: { a: { default: 7 } } });
    const [taskId, payload] = [newSlugId(), {}];
    assert.deepEqual(await fireAs(taskId, payload), { outcome: 'created' });
    assert.deepEqual(JSON.parse(asked.things[0]?.task ?? '').said, { a: 7 });
    assert.deepEqual(payload, {});
    assert.deepEqual(await fireAs(taskId, {}), { outcome: 'created' });
    assert.deepEqual(await fireAs(taskId, { a: 7 }), { outcome: 'conflict' });
  });
});

describe('an event that makes no task', () => {
  const message = 'The evaluation took too long.';
  const stopping: EvaluationPool = { ...UNUSED_POOL, run: async () => ({ ok: false, message }) };

  it('because the payload does not fit is rejected, and the ledger says why', async (t) => {
    const { create, fire, entries, asked } = await createWorld(t);
    await create({}, { type: 'object', required: ['a', 'b'] });
    const problems = ["data must have required property 'a'", "data must have required property 'b'"];
    assert.deepEqual(await fire({}), { outcome: 'rejected', problems });
    const [row, ...others] = await entries();
    assert.deepEqual([row?.kind, row?.outcome, row?.attempts, others.length], ['fire', 'rejected', 0, 0]);
    assert.deepEqual(row?.error, { message: problems.join('; ') });
    assert.equal(asked.things.length, 0);
  });

  it('because the template declines is declined', async (t) => {
    const { create, fire, entries, asked } = await createWorld(t);
    await create({ $if: 'payload.go', then: {} });
    assert.deepEqual(await fire({ go: false }), { outcome: 'declined' });
    const [row] = await entries();
    assert.equal(row?.outcome, 'declined');
    assert.deepEqual(row?.error, { message: 'The template rendered to nothing.' });
    assert.equal(asked.things.length, 0);
  });

  it('because the template fails has failed', async (t) => {
    const { create, fire, entries } = await createWorld(t);
    await create({ a: { $eval: 'nope' } });
    const why = 'InterpreterError at template.a: unknown context value nope';
    assert.deepEqual(await fire(), { outcome: 'not-rendered', message: why, mayPass: false });
    const [row] = await entries();
    assert.deepEqual([row?.outcome, row?.error], ['failed', { message: why }]);
  });

  it('because a bound was reached is limited', async (t) => {
    const { create, fire, entries } = await createWorld(t, { pool: stopping });
    await create({ a: heavy(1) });
    assert.deepEqual(await fire(), { outcome: 'not-rendered', message, mayPass: false });
    const [row] = await entries();
    assert.deepEqual([row?.outcome, row?.error], ['limited', { message }]);
  });

  it('because the chosen taskId is none is rejected', async (t) => {
    const { create, fire, entries, asked } = await createWorld(t);
    await create({});
    const result = await fire({}, { chosenTaskId: 'mine' });
    assert.deepEqual(result, { outcome: 'rejected', problems: ['Invalid taskId format: mine'] });
    assert.equal((await entries())[0]?.outcome, 'rejected');
    assert.equal(asked.things.length, 0);
  });

  it('because the queue refuses it has failed with the reason', async (t) => {
    const refusal = { kind: 'refused', statusCode: 403, code: 'InsufficientScopes', message: 'no' } as const;
    const { create, fire, entries } = await createWorld(t, { decide: () => refusal });
    await create({});
    assert.deepEqual(await fire(), { outcome: 'refused', refusal });
    assert.equal((await entries())[0]?.outcome, 'failed');
  });
});

describe('a hook that changes while it fires', () => {
  /** Runs the first time only. */
  const once = () => {
    let action: (() => Promise<void>) | undefined;
    return {
      set: (next: () => Promise<void>) => {
        action = next;
      },
      run: async () => {
        const now = action;
        action = undefined;
        await now?.();
      },
    };
  };

  it('fires as it is now, not as it was', async (t) => {
    const change = once();
    const { create, fire, edit, asked } = await createWorld(t, { meanwhile: change.run });
    await create({ version: 'old' });
    await fire(); // it is cached from now on
    change.set(() => edit({ version: 'new' }));
    assert.deepEqual(await fire(), { outcome: 'created' });
    assert.deepEqual(
      asked.things.map(({ task }) => JSON.parse(task).version),
      ['old', 'new'],
    );
  });

  it('and was changed before is never fired from the cache', async (t) => {
    const { create, fire, edit, asked } = await createWorld(t);
    await create({ version: 'old' });
    await fire();
    await edit({ version: 'new' });
    await fire();
    assert.equal(JSON.parse(asked.things[1]?.task ?? '').version, 'new');
  });

  it('does not refuse what only its old schema refuses, nor decline what only its old template declines', async (t) => {
    const { create, fire, edit, asked, entries } = await createWorld(t);
    await create({}, { required: ['a'] });
    assert.equal((await fire()).outcome, 'rejected');
    await edit({ $eval: 'null' });
    assert.equal((await fire()).outcome, 'declined');
    await edit({ a: { $eval: 'nope' } });
    assert.equal((await fire()).outcome, 'not-rendered');
    await edit({ a: 1 });
    assert.equal((await fire()).outcome, 'created');
    assert.equal(asked.things.length, 1);
    assert.deepEqual(
      (await entries()).map(({ outcome }) => outcome),
      ['created', 'failed', 'declined', 'rejected'],
    );
  });

  it('and is removed does not fire', async (t) => {
    const change = once();
    const { create, fire, remove, asked, unfinished, entries } = await createWorld(t, { meanwhile: change.run });
    await create({});
    change.set(remove);
    assert.deepEqual(await fire(), { outcome: 'no-such-hook' });
    assert.equal(asked.things.length, 0);
    assert.deepEqual(await unfinished(), []);
    assert.deepEqual(await entries(), []);
  });

  it('and is removed and made anew fires as the new one', async (t) => {
    const change = once();
    const { create, fire, remove, asked, entries } = await createWorld(t, { meanwhile: change.run });
    await create({ version: 'first' });
    change.set(async () => {
      await remove();
      await create({ version: 'second' });
    });
    assert.deepEqual(await fire(), { outcome: 'created' });
    assert.equal(JSON.parse(asked.things[0]?.task ?? '').version, 'second');
    assert.equal((await entries()).length, 1);
  });

  it('without end makes an error and no task', async (t) => {
    let edits = 0;
    const world = await createWorld(t, {
      meanwhile: async () => {
        edits += 1;
        await world.edit({ edits });
      },
    });
    await world.create({});
    await assert.rejects(world.fire(), /g\/h changes all the time/);
    assert.deepEqual(await world.unfinished(), []);
    assert.equal(world.asked.things.length, 0);
  });
});

describe('a taskId of the caller’s choice', () => {
  it('that comes again with an equal payload is answered as before, without asking the queue', async (t) => {
    const { create, fireAs, asked, entries } = await createWorld(t);
    await create({ said: { $eval: 'payload' } });
    const taskId = newSlugId();
    assert.deepEqual(await fireAs(taskId, { a: 1, b: [1, 2] }), { outcome: 'created' });
    assert.deepEqual(await fireAs(taskId, { b: [1, 2], a: 1 }), { outcome: 'created' });
    assert.equal(asked.things.length, 1);
    assert.equal((await entries()).length, 1);
  });

  it('that comes again with another payload is a conflict', async (t) => {
    const { create, fireAs, asked, entries, unfinished } = await createWorld(t);
    await create({});
    const taskId = newSlugId();
    await fireAs(taskId, { list: [1, 2] });
    assert.deepEqual(await fireAs(taskId, { list: [2, 1] }), { outcome: 'conflict' });
    assert.equal(asked.things.length, 1);
    assert.equal((await entries()).length, 1);
    assert.deepEqual(await unfinished(), []);
  });

  it('that the queue refused is refused again for the same reason', async (t) => {
    const refusal = { kind: 'refused', statusCode: 403, code: 'InsufficientScopes', message: 'no' } as const;
    const { create, fireAs, asked } = await createWorld(t, { decide: () => refusal });
    await create({});
    const taskId = newSlugId();
    assert.deepEqual(await fireAs(taskId, {}), { outcome: 'refused', refusal });
    assert.deepEqual(await fireAs(taskId, {}), { outcome: 'refused', refusal });
    assert.equal(asked.things.length, 1);
  });

  it('that comes again while its fire is under way waits with it, or conflicts at once', async (t) => {
    const { create, fireAs, asked, clock, runner } = await createWorld(t, { decide: () => 'hang' });
    await create({});
    const taskId = newSlugId();
    const first = fireAs(taskId, { a: 1 });
    await asked.reached(1);
    assert.deepEqual(await fireAs(taskId, { a: 2 }), { outcome: 'conflict' });
    const sleeping = clock.sleepers();
    const second = fireAs(taskId, { a: 1 });
    await clock.asleep(sleeping + 1);
    asked.things[0]?.answer(CREATED);
    assert.deepEqual(await Promise.all([first, second]), [{ outcome: 'created' }, { outcome: 'created' }]);
    assert.equal(asked.things.length, 1);
    await runner.whenIdle();
  });

  it('that is pending is pending for those who come again', async (t) => {
    const { create, fireAs, asked, clock, runner } = await createWorld(t, { decide: () => 'hang' });
    await create({});
    const taskId = newSlugId();
    const first = fireAs(taskId, {});
    await asked.reached(1);
    const sleeping = clock.sleepers();
    const second = fireAs(taskId, {});
    await clock.asleep(sleeping + 1);
    await clock.advance(10 * SECOND);
    assert.deepEqual(await Promise.all([first, second]), [{ outcome: 'pending' }, { outcome: 'pending' }]);
    asked.things[0]?.answer(CREATED);
    await runner.whenIdle();
    assert.deepEqual(await fireAs(taskId, {}), { outcome: 'created' });
  });

  it('that comes again after its process died makes its task at once, and not when the lease ends', async (t) => {
    const { create, fireAs, asked, store, clock, runner } = await createWorld(t);
    await create({});
    const taskId = newSlugId();
    await store(taskId, {});
    const before = clock.now();
    assert.deepEqual(await fireAs(taskId, { other: 1 }), { outcome: 'conflict' });
    assert.deepEqual(await fireAs(taskId, {}), { outcome: 'created' });
    assert.deepEqual([asked.things.length, clock.now()], [1, before]);
    await runner.whenIdle();
  });

  it('that comes ten times at once makes one task', async (t) => {
    const { create, fireAs, asked, clock, entries } = await createWorld(t, { decide: () => 'hang' });
    await create({});
    const taskId = newSlugId();
    const results = Array.from({ length: 10 }, () => fireAs(taskId, { a: 1 }));
    await clock.asleep(11); // ten who wait for the fire, and the attempt's deadline
    asked.things[0]?.answer(CREATED);
    assert.deepEqual(await Promise.all(results), Array(10).fill({ outcome: 'created' }));
    assert.equal(asked.things.length, 1);
    assert.equal((await entries()).length, 1);
  });

  it('that comes ten times at once with different payloads makes one task and nine conflicts', async (t) => {
    const { create, fireAs, asked } = await createWorld(t);
    await create({ said: { $eval: 'payload' } });
    const taskId = newSlugId();
    const results = await Promise.all(Array.from({ length: 10 }, (_, index) => fireAs(taskId, { index })));
    const winner = results.findIndex(({ outcome }) => outcome === 'created');
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      results.map((_, index) => (index === winner ? 'created' : 'conflict')),
    );
    assert.equal(asked.things.length, 1);
    assert.deepEqual(JSON.parse(asked.things[0]?.task ?? '').said, { index: winner });
  });

  it('does not meet the fires of another hook', async (t) => {
    const { create, fireAs, remove, asked } = await createWorld(t);
    await create({});
    const taskId = newSlugId();
    await fireAs(taskId, { a: 1 });
    await remove();
    await create({});
    assert.deepEqual(await fireAs(taskId, { a: 2 }), { outcome: 'created' });
    assert.equal(asked.things.length, 2);
  });
});
