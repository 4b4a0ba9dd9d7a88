import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { newSlugId } from '../../core/ids.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { statement } from '../../database/statement.ts';
import { createLedger } from '../../ledger/create-ledger.ts';
import type { CreateTaskAnswer, CreateTaskRequest, Queue } from '../../queue/queue.ts';
import { createRecord } from '../../timers/test-support/world.ts';
import { createEvaluator } from '../evaluation/evaluator.ts';
import { createHookStore } from '../hooks/hook-store.ts';
import { createInlinePool } from '../test-support/inline-pool.ts';
import type { Fire } from './fire.ts';
import { type FireRunner, LEASE_MS } from './fire-runner.ts';
import { createFireStore, type FireStore } from './fire-store.ts';
import { createFiring } from './firing.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const CREATED: CreateTaskAnswer = { kind: 'created' };
const UNAVAILABLE = new Error('the queue answered 503');

type FireRow = { cause: string; due: number; attempts: number; task: string };
const listFires = statement<FireRow>(
  'test.fires',
  'select cause, due, attempts, task::text as task from fires order by cause',
);

type Asked = CreateTaskRequest & {
  readonly at: number;
  readonly signal: AbortSignal;
  readonly answer: (answer: CreateTaskAnswer) => void;
};
type Decision = (request: CreateTaskRequest) => CreateTaskAnswer | Error | 'hang';

/** A database, a clock in the test's hands, and processes that attempt fires in it. */
const createWorld = async (t: TestContext) => {
  const running = new AsyncDisposableStack();
  t.after(() => running.disposeAsync());
  const database = await freshDatabase(t, { poolSize: 6 });
  const ledger = createLedger(database);
  const clock = createFakeClock();
  const fires = createFireStore(database, ledger);
  const evaluator = createEvaluator(createInlinePool());

  const runners: FireRunner[] = [];
  const uids: string[] = [];
  const newHook = async (hookId: string) => {
    const hook = await createHookStore(database).create(
      {
        hookGroupId: 'g',
        hookId,
        metadata: { name: 'n', description: '', owner: 'o@example.com', emailOnError: false },
        task: {},
        bindings: [],
        schedule: [],
        triggerSchema: {},
      },
      clock.now(),
    );
    uids.push(hook?.uid ?? '');
    return evaluator.compile(hook ?? assert.fail());
  };
  type TestHook = Awaited<ReturnType<typeof newHook>>;

  /** A fire as it is stored before its first attempt. */
  const store = async (hook: TestHook, more: Partial<Fire> = {}, leaseMs = LEASE_MS): Promise<Fire> => {
    const taskId = newSlugId();
    const fire: Fire = {
      hookUid: hook.uid,
      cause: taskId,
      hookGroupId: 'g',
      hookId: hook.definition.hookId,
      firedBy: 'triggerHook',
      taskId,
      task: `{"payload": {"b":1,  "a":"\\u0000"}, "of":"${taskId}"}`,
      payloadHash: undefined,
      clientId: 'me',
      requestId: 'r',
      arrived: clock.now(),
      givesUp: clock.now() + 24 * HOUR,
      attempts: 0,
      ...more,
    };
    assert.equal(await fires.store(hook, fire, clock.now() + leaseMs), true);
    return fire;
  };

  /** The ledger follows the answer; whoever reads it waits for what is known. */
  const whenRecorded = () => Promise.all(runners.flatMap((runner) => uids.map((uid) => runner.whenRecorded(uid))));
  const newProcess = async (decide: Decision, options: { runs: boolean } = { runs: true }) => {
    const asked = createRecord<Asked>();
    const queue: Queue = {
      createTask: (request, signal) => {
        const { promise, resolve, reject } = Promise.withResolvers<CreateTaskAnswer>();
        asked.add({ ...request, at: clock.now(), signal, answer: resolve });
        const decision = decide(request);
        if (decision instanceof Error) reject(decision);
        else if (decision !== 'hang') resolve(decision);
        return promise;
      },
      taskStates: async () => new Map(),
    };
    const claims = createRecord<number>();
    const renewals = createRecord<number>();
    const monitored: FireStore = {
      ...fires,
      claimDue: async (...values) => {
        const claimed = await fires.claimDue(...values);
        claims.add(claimed.length);
        return claimed;
      },
      extendLeases: async (keys, until) => {
        await fires.extendLeases(keys, until);
        renewals.add(until);
      },
    };
    const { runner } = createFiring({
      ...{ database, ledger, store: monitored, queue, render: evaluator.renderStored },
      failureMail: async () => {},
      ...{ clock, log: silentLog, metrics: createMetrics() },
    });
    runners.push(runner);
    const stopping = new AbortController();
    if (options.runs) {
      const before = clock.sleepers();
      const run = runner.run(stopping.signal);
      running.defer(async () => {
        stopping.abort();
        await run;
      });
      await claims.reached(1); // it looks once at its start
      await nextTurn();
      await clock.asleep(before + 2);
    }
    return {
      runner,
      asked,
      renewals,
      stop: () => stopping.abort(),
      /** After a second it has looked for fires that are due, and has begun what it found. */
      looked: async () => {
        await claims.reached(claims.things.length + 1);
        await nextTurn();
      },
    };
  };
  type Process = Awaited<ReturnType<typeof newProcess>>;

  /** A second passes, in which each of the processes looks once. */
  const pass = async (...processes: Process[]) => {
    const looks = processes.map(({ looked }) => looked());
    await clock.advance(SECOND);
    await Promise.all(looks);
  };

  return {
    clock,
    fires,
    newHook,
    store,
    newProcess,
    pass,
    unfinished: async () => {
      await whenRecorded();
      return database.query(listFires);
    },
    entries: async (hook: TestHook) => {
      await whenRecorded();
      return (await ledger.page({ hookUid: hook.uid, limit: 1_000 })).entries;
    },
  };
};

describe('a fire that is attempted', () => {
  it('becomes a task with the authority of its hook alone, and one row of the ledger', async (t) => {
    const { newHook, store, newProcess, unfinished, entries, clock } = await createWorld(t);
    const hook = await newHook('a/b');
    const fire = await store(hook);
    const { runner, asked } = await newProcess(() => CREATED);
    assert.deepEqual(await runner.attempt(fire, 10 * SECOND), { outcome: 'created' });
    const [request] = asked.things;
    assert.equal(request?.taskId, fire.taskId);
    assert.equal(request?.task, fire.task);
    assert.deepEqual(request?.authorizedScopes, ['assume:hook-id:g/a/b']);
    assert.deepEqual(await unfinished(), []);
    const [row, ...others] = await entries(hook);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [row?.kind, row?.outcome, row?.taskId, row?.attempts, row?.clientId, row?.requestId, row?.arrived, row?.error],
      ['fire', 'created', fire.taskId, 1, 'me', 'r', clock.now(), null],
    );
  });

  for (const [statusCode, code] of [
    [403, 'InsufficientScopes'],
    [409, 'RequestConflict'],
    [400, 'InputError'],
  ] as const) {
    it(`that the queue refuses with ${statusCode} has failed, and the ledger says why`, async (t) => {
      const { newHook, store, newProcess, unfinished, entries, pass } = await createWorld(t);
      const hook = await newHook('h');
      const refusal = { kind: 'refused', statusCode, code, message: 'not so' } as const;
      const process = await newProcess(() => refusal);
      assert.deepEqual(await process.runner.attempt(await store(hook), 10 * SECOND), { outcome: 'failed', refusal });
      for (let second = 0; second < 20; second += 1) await pass(process);
      assert.equal(process.asked.things.length, 1);
      assert.deepEqual(await unfinished(), []);
      const [row, ...others] = await entries(hook);
      assert.deepEqual(others, []);
      assert.equal(row?.outcome, 'failed');
      assert.deepEqual(row?.error, { name: 'Error', message: 'not so', code, statusCode });
    });
  }

  it('is tried again after a pause that doubles, each time with the same taskId and the same text', async (t) => {
    const { clock, newHook, store, newProcess, pass, unfinished, entries } = await createWorld(t);
    const hook = await newHook('h');
    let failures = 6;
    const process = await newProcess(() => (failures-- > 0 ? UNAVAILABLE : CREATED));
    const fire = await store(hook);
    const ended = process.runner.attempt(fire, HOUR);
    for (let failed = 1; failed <= 6; failed += 1) {
      await process.asked.reached(failed);
      await process.runner.whenIdle();
      const [row] = await unfinished();
      const pause = (row?.due ?? 0) - clock.now();
      const whole = 250 * 2 ** (failed - 1);
      assert.ok(pause >= whole * 0.75 - 1 && pause <= whole, `a pause of ${pause} ms after ${failed} failures`);
      assert.equal(row?.attempts, failed);
      while (process.asked.things.length === failed) await pass(process);
    }
    assert.deepEqual(await ended, { outcome: 'created' });
    const requests = process.asked.things.map(({ taskId, task, authorizedScopes }) =>
      JSON.stringify([taskId, task, authorizedScopes]),
    );
    assert.equal(requests.length, 7);
    assert.equal(new Set(requests).size, 1);
    assert.equal(process.asked.things[0]?.task, fire.task);

    const [last, ...attempts] = await entries(hook);
    assert.deepEqual([last?.kind, last?.outcome, last?.attempts], ['fire', 'created', 7]);
    assert.deepEqual(
      attempts.map(({ kind, outcome, attempts: made, error }) => [kind, outcome, made, error]),
      [6, 5, 4, 3, 2, 1].map((made) => ['attempt', null, made, { message: 'the queue answered 503' }]),
    );
  });

  it('is exhausted when its deadline passes, and no attempt begins after it', async (t) => {
    const { clock, newHook, store, newProcess, pass, unfinished, entries } = await createWorld(t);
    const hook = await newHook('h');
    const process = await newProcess(() => UNAVAILABLE);
    const givesUp = clock.now() + 60 * SECOND;
    const ended = process.runner.attempt(await store(hook, { givesUp }), HOUR);
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    for (let second = 0; second < 70 && !isOver; second += 1) {
      await pass(process);
      await process.runner.whenIdle();
    }
    assert.deepEqual(await ended, { outcome: 'exhausted' });
    const times = process.asked.things.map(({ at }) => at);
    assert.ok(times.length > 5 && times.every((at) => at < givesUp), String(times.map((at) => givesUp - at)));
    assert.deepEqual(await unfinished(), []);
    const [last, ...attempts] = await entries(hook);
    assert.deepEqual([last?.outcome, last?.attempts], ['exhausted', times.length]);
    assert.match(JSON.stringify(last?.error), /deadline passed after \d+ attempts/);
    assert.equal(attempts.length, times.length);
  });

  it('is not waited for beyond the patience of the caller, and becomes a task all the same', async (t) => {
    const { clock, newHook, store, newProcess, entries } = await createWorld(t);
    const hook = await newHook('h');
    const { runner, asked } = await newProcess(() => 'hang', { runs: false });
    const ended = runner.attempt(await store(hook), 10 * SECOND);
    await asked.reached(1);
    let isKnown = false;
    void ended.then(() => {
      isKnown = true;
    });
    await clock.advance(10 * SECOND - 1);
    assert.equal(isKnown, false);
    await clock.advance(1);
    assert.equal(await ended, undefined);
    asked.things[0]?.answer(CREATED);
    await runner.whenIdle();
    assert.equal((await entries(hook))[0]?.outcome, 'created');
  });

  it('whose attempt hangs is tried again after 30 s, the hanging request is told to end, and its late answer changes nothing', async (t) => {
    const { clock, newHook, store, newProcess, pass, entries } = await createWorld(t);
    const hook = await newHook('h');
    let attempts = 0;
    const process = await newProcess(() => (attempts++ === 0 ? 'hang' : CREATED));
    const ended = process.runner.attempt(await store(hook), HOUR);
    const began = clock.now();
    await process.asked.reached(1);
    for (let second = 0; second < 29; second += 1) await pass(process);
    assert.equal(process.asked.things[0]?.signal.aborted, false);
    await pass(process);
    assert.equal(process.asked.things[0]?.signal.aborted, true);
    await process.runner.whenIdle();
    while (process.asked.things.length === 1) await pass(process);
    assert.deepEqual(await ended, { outcome: 'created' });
    assert.ok((process.asked.things[1]?.at ?? 0) <= began + 32 * SECOND);
    process.asked.things[0]?.answer({ kind: 'refused', statusCode: 400, code: 'InputError', message: 'late' });
    await nextTurn();
    const [last, attempt, ...others] = await entries(hook);
    assert.deepEqual([last?.outcome, attempt?.kind, others.length], ['created', 'attempt', 0]);
    assert.match(JSON.stringify(attempt?.error), /did not answer within 30 s/);
  });

  it('that two processes finish makes one row of the ledger', async (t) => {
    const { newHook, store, newProcess, pass, entries, unfinished } = await createWorld(t);
    const hook = await newHook('h');
    const slow = await newProcess(() => 'hang', { runs: false }); // as if it stood still: it does not renew its lease
    const fire = await store(hook);
    const first = slow.runner.attempt(fire, HOUR);
    await slow.asked.reached(1);
    const quick = await newProcess(() => 'hang');
    for (let second = 0; second < 16; second += 1) await pass(quick);
    await quick.asked.reached(1);
    quick.asked.things[0]?.answer(CREATED);
    slow.asked.things[0]?.answer(CREATED);
    await Promise.all([quick.runner.whenIdle(), slow.runner.whenIdle()]);
    assert.deepEqual(await first, { outcome: 'created' });
    assert.equal((await entries(hook)).length, 1);
    assert.deepEqual(await unfinished(), []);
  });
});

describe('a fire that a process left behind', () => {
  it('is taken up by another one when its lease has run out, and not before', async (t) => {
    const { clock, newHook, store, newProcess, pass, entries } = await createWorld(t);
    const hook = await newHook('h');
    const stored = clock.now();
    const fire = await store(hook); // and then its process was killed
    const other = await newProcess(() => CREATED);
    for (let second = 1; second < LEASE_MS / SECOND; second += 1) await pass(other);
    assert.equal(other.asked.things.length, 0);
    await pass(other);
    await other.asked.reached(1);
    assert.equal(other.asked.things[0]?.at, stored + LEASE_MS);
    assert.equal(other.asked.things[0]?.task, fire.task);
    assert.equal(other.asked.things[0]?.taskId, fire.taskId);
    await other.runner.whenIdle();
    assert.equal((await entries(hook))[0]?.outcome, 'created');
  });

  it('is taken up by one of several', async (t) => {
    const { newHook, store, newProcess, pass } = await createWorld(t);
    const hook = await newHook('h');
    for (let index = 0; index < 30; index += 1) await store(hook, {}, 0);
    const processes = [await newProcess(() => CREATED), await newProcess(() => CREATED)];
    await pass(...processes);
    for (const { runner } of processes) await runner.whenIdle();
    const asked = processes.flatMap((process) => process.asked.things.map(({ taskId }) => taskId));
    assert.equal(asked.length, 30);
    assert.equal(new Set(asked).size, 30);
  });

  it('is taken up at once when its process gave it back at its end', async (t) => {
    const { newHook, store, newProcess } = await createWorld(t);
    const hook = await newHook('h');
    const first = await newProcess(() => 'hang');
    const ended = first.runner.attempt(await store(hook), HOUR);
    await first.asked.reached(1);
    first.stop();
    await first.runner[Symbol.asyncDispose]();
    assert.equal(await ended, undefined); // whoever waited is answered
    const second = await newProcess(() => CREATED); // it looks at its start
    await second.asked.reached(1);
    await second.runner.whenIdle();
    first.asked.things[0]?.answer(CREATED);
    await first.runner.whenIdle();
  });
});

describe('a fire whose task somebody looks for', () => {
  it('is attempted at once, although the lease of a process that died still runs', async (t) => {
    const { newHook, store, newProcess, entries, unfinished } = await createWorld(t);
    const hook = await newHook('h');
    const fire = await store(hook); // and then its process was killed
    const { runner, asked } = await newProcess(() => CREATED, { runs: false });
    await runner.takeOver(fire.taskId);
    assert.deepEqual(
      asked.things.map(({ taskId, task }) => [taskId, task]),
      [[fire.taskId, fire.task]],
    );
    assert.deepEqual(await unfinished(), []);
    assert.equal((await entries(hook))[0]?.outcome, 'created');
    await runner.takeOver(fire.taskId);
    assert.equal(asked.things.length, 1, 'a fire that is over is over');
  });

  it('is attempted once, however many look at once, and whether it is under way here or waits for its turn', async (t) => {
    const { newHook, store, newProcess } = await createWorld(t);
    const hook = await newHook('h');
    const { runner, asked } = await newProcess(() => 'hang', { runs: false });
    const [left, ours] = [await store(hook), await store(hook)];
    void runner.attempt(ours, HOUR);
    const looking = [left, left, ours, ours].map(({ taskId }) => runner.takeOver(taskId));
    await asked.reached(2);
    const crowd = await Promise.all(Array.from({ length: 499 }, () => store(hook)));
    runner.enqueue(crowd); // more than are attempted at the same time
    await asked.reached(500);
    const last = crowd.at(-1) ?? assert.fail();
    looking.push(runner.takeOver(last.taskId));
    await asked.reached(501);
    for (const { answer } of asked.things) answer(CREATED);
    await Promise.all(looking);
    await runner.whenIdle();
    assert.equal(asked.things.length, 501);
    assert.equal(new Set(asked.things.map(({ taskId }) => taskId)).size, 501);
  });

  it('is left alone when an attempt has failed: who looks cannot shorten the pauses', async (t) => {
    const { newHook, store, newProcess, entries } = await createWorld(t);
    const hook = await newHook('h');
    const fire = await store(hook);
    const { runner, asked } = await newProcess(() => UNAVAILABLE, { runs: false });
    for (let look = 0; look < 5; look += 1) await runner.takeOver(fire.taskId);
    assert.equal(asked.things.length, 1);
    assert.equal((await entries(hook)).length, 1);
  });

  it('of an unknown task is no fire', async (t) => {
    const { newHook, store, newProcess } = await createWorld(t);
    await store(await newHook('h'));
    const { runner, asked } = await newProcess(() => CREATED, { runs: false });
    await runner.takeOver(newSlugId());
    assert.equal(asked.things.length, 0);
  });
});

describe('a fire under way', () => {
  it('stays with its process, which renews the lease', async (t) => {
    const { newHook, store, newProcess, pass, unfinished, clock } = await createWorld(t);
    const hook = await newHook('h');
    const first = await newProcess(() => 'hang');
    const second = await newProcess(() => CREATED);
    void first.runner.attempt(await store(hook), HOUR);
    await first.asked.reached(1);
    for (let seconds = 1; seconds <= 29; seconds += 1) {
      await pass(first, second);
      if (seconds % 4 === 0) await first.renewals.reached(seconds / 4);
      const [row] = await unfinished();
      assert.ok((row?.due ?? 0) > clock.now() + 5 * SECOND, 'a process whose clock is 5 s ahead does not take it');
    }
    assert.equal(first.asked.things.length, 1);
    assert.equal(second.asked.things.length, 0);
    first.asked.things[0]?.answer(CREATED);
    await first.runner.whenIdle();
  });

  it('of one hook that hangs does not hold up those of another', async (t) => {
    const { newHook, store, newProcess, pass } = await createWorld(t);
    const [stuck, free] = [await newHook('stuck'), await newHook('free')];
    const early = Array.from({ length: 150 }, () => store(stuck, {}, -10 * SECOND));
    await Promise.all(early);
    const waiting = await store(free, {}, 0);
    const process = await newProcess(({ taskId }) => (taskId === waiting.taskId ? CREATED : 'hang'));
    await pass(process);
    await pass(process);
    const asked = process.asked.things.map(({ taskId }) => taskId);
    assert.ok(asked.includes(waiting.taskId));
    assert.ok(asked.length <= 101);
    for (const { answer } of process.asked.things) answer(CREATED);
    await process.runner.whenIdle();
  });
});
