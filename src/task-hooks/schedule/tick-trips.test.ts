// Ticks with the queue in the database: what a turn of a scheduler asks of the database.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { freshConnection } from '../../../test/support/database.ts';
import { startDatabaseProxy } from '../../../test/support/database-proxy.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { openDatabase } from '../../database/connection.ts';
import { statement } from '../../database/statement.ts';
import { createTimers } from '../../timers/create-timers.ts';
import { takeTurn } from '../../timers/turn.ts';
import { SCHEDULE_TIMER, scheduleTimer } from '../api/hook-changes.ts';
import type { Hook } from '../definition.ts';
import { createEvaluator } from '../evaluation/evaluator.ts';
import { createFiringProcess } from '../firing/test-support/process.ts';
import { createHookCache } from '../hooks/hook-cache.ts';
import { createHookStore } from '../hooks/hook-store.ts';
import { createInlinePool } from '../test-support/inline-pool.ts';
import { createScheduleHandler } from './schedule-handler.ts';
import { createTicks } from './tick.ts';

const MINUTE = 60_000;
const DEFINED = 'exchange/taskcluster-queue/v1/task-defined';

type Count = {
  readonly tasks: number;
  readonly payloads: number;
  readonly messages: number;
  readonly occurrences: number;
};
const countAll = statement<Count>(
  'test.tick-trips-counts',
  `select (select count(*) from tasks) as tasks, (select count(*) from payloads) as payloads, (select count(*) from outbox) as messages,
          (select count(*) from hook_state where last_occurrence = $1) as occurrences`,
);
const listLedger = statement<{ outcome: string; cause: string }>(
  'test.tick-trips-ledger',
  'select outcome, cause from ledger order by arrived',
);
const plans = statement<{ generic_plans: number; custom_plans: number }>(
  'test.tick-trips-plans',
  `select generic_plans, custom_plans from pg_prepared_statements where name like 'fires.begin-advanced-%'
     and generic_plans + custom_plans > 1`,
);
const listDue = statement<{ due: number; attempts: number }>(
  'test.tick-trips-timers',
  'select due, attempts from timers',
);
const setTask = statement(
  'test.tick-trips-edit',
  `update hooks set revision = revision + 1,
     definition = jsonb_set(definition::jsonb, '{task,metadata,name}', to_jsonb($1::text))`,
);
const listNames = statement<{ name: string }>(
  'test.tick-trips-names',
  `select definition->'metadata'->>'name' as name from tasks order by name`,
);
const setOccurrence = statement('test.tick-trips-occurrence', 'update hook_state set last_occurrence = $1');

const TASK = {
  ...{ taskQueueId: 'proj/worker', payload: {}, created: { $fromNow: '' }, deadline: { $fromNow: '1 hour' } },
  metadata: { name: 'first', description: '', owner: 'o@example.com', source: 'https://example.com/' },
};

/** Hooks that are due each minute, and whose first tick was a minute ago. */
const startHooks = async (t: TestContext, task: object = TASK, count = 1) => {
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  const proxy = await startDatabaseProxy({ after: (work) => undo.defer(work) }, await freshConnection(t));
  const clock = createFakeClock();
  const { connection } = proxy;
  const database = undo.use(openDatabase({ connection, address: 'a test', poolSize: 1, clock, log: silentLog }));
  const { beginFires, runner, broker, ledger } = createFiringProcess(database, clock);
  await ledger.ensureMonths([clock.now()]);
  await ledger.payloadMonths.ensureMonths([clock.now()]);
  const evaluator = createEvaluator(createInlinePool());
  const hooks = createHookStore(database);
  const cache = createHookCache(hooks, evaluator);
  const ticks = createTicks({ cache, evaluator, beginFires, payloads: { keep: () => Buffer.from('sealed') } });
  const handler = createScheduleHandler({ hooks, cache, ticks, runner, clock });
  const failures: unknown[] = [];
  const turn = () =>
    takeTurn({
      ...{ database, clock, log: silentLog, kind: SCHEDULE_TIMER, handler, limit: 500 },
      onClaimed: () => {},
      onFailed: (_timer, error) => failures.push(error),
    });
  const timers = createTimers({ database, clock, log: silentLog, metrics: createMetrics() });
  const due = clock.now() + MINUTE;
  for (let n = 0; n < count; n += 1) {
    const definition = {
      ...{ hookGroupId: 'g', hookId: `h${n}`, task, bindings: [], schedule: ['0 * * * * *'], triggerSchema: {} },
      metadata: { name: 'n', description: '', owner: 'o@example.com', emailOnError: false },
    };
    const hook = (await hooks.create(definition, clock.now())) as Hook;
    await database.transaction((tx) => timers.set(tx, { ...scheduleTimer(hook), due }));
  }
  const tick = async () => {
    clock.jump(MINUTE);
    const before = proxy.trips().length;
    const { handled, next } = await turn();
    return { handled, next: next?.due, trips: proxy.trips().length - before };
  };
  await tick();
  const bind = () =>
    database.transaction((tx) =>
      broker.setBindings(tx, { id: 'q', name: 'q' }, [{ exchange: DEFINED, routingKeyPattern: '#' }]),
    );
  const counts = async () => (await database.query(countAll, [new Date(clock.now()).toISOString()]))[0];
  return { database, clock, tick, bind, counts, failures, start: due - MINUTE };
};

describe('a turn of hooks whose tasks are plain', () => {
  it('takes two round trips: what is due, and all that follows with the next date', async (t) => {
    const { tick, counts, start, failures } = await startHooks(t);
    assert.deepEqual(await tick(), { handled: 1, next: start + 3 * MINUTE, trips: 2 });
    assert.deepEqual(await counts(), { tasks: 2, payloads: 2, messages: 0, occurrences: 1 });
    assert.deepEqual(failures, []);
  });

  it('takes two round trips for many as well', async (t) => {
    const { tick, counts, start } = await startHooks(t, TASK, 40);
    assert.deepEqual(await tick(), { handled: 40, next: start + 3 * MINUTE, trips: 2 });
    assert.deepEqual(await counts(), { tasks: 80, payloads: 80, messages: 0, occurrences: 40 });
  });

  it('is planned once', async (t) => {
    const { database, tick } = await startHooks(t);
    for (let count = 0; count < 14; count += 1) assert.equal((await tick()).trips, 2);
    const [planned] = await database.query(plans);
    assert.ok(planned && planned.custom_plans <= 5 && planned.generic_plans >= 8, JSON.stringify(planned));
  });

  it('fires a hook as it is, where this process knew it as it was', async (t) => {
    const { database, tick, failures } = await startHooks(t);
    await database.query(setTask, ['second']);
    assert.equal((await tick()).handled, 1);
    assert.equal((await tick()).trips, 2, 'it knows it now');
    const names = (await database.query(listNames)).map(({ name }) => name);
    assert.deepEqual([names, failures], [['first', 'second', 'second'], []]);
  });

  it('is told to whoever has bound meanwhile', async (t) => {
    const { tick, bind, counts, failures } = await startHooks(t);
    await bind();
    await tick();
    assert.equal((await counts())?.messages, 1);
    assert.equal((await tick()).trips, 2);
    assert.equal((await counts())?.messages, 2);
    assert.deepEqual(failures, []);
  });

  it('does not fire a date for which another process has fired', async (t) => {
    const { database, clock, tick, counts, failures } = await startHooks(t);
    await database.query(setOccurrence, [new Date(clock.now() + MINUTE).toISOString()]);
    assert.equal((await tick()).handled, 1);
    assert.equal((await counts())?.tasks, 1);
    await tick();
    assert.equal((await counts())?.tasks, 2);
    assert.deepEqual(failures, []);
  });

  it('records what was missed, and fires the latest date', async (t) => {
    const { database, clock, tick, counts, start } = await startHooks(t);
    clock.jump(2 * MINUTE);
    await tick();
    const cause = (kind: string, minute: number) => `${kind}:${new Date(start + minute * MINUTE).toISOString()}`;
    assert.deepEqual(await database.query(listLedger), [
      { outcome: 'created', cause: cause('schedule', 1) },
      { outcome: 'missed', cause: cause('missed', 2) },
      { outcome: 'created', cause: cause('schedule', 4) },
    ]);
    assert.equal((await counts())?.tasks, 2);
  });
});

describe('a turn of hooks whose tasks are not plain', () => {
  it('does as much, in more round trips', async (t) => {
    const near = { ...TASK, deadline: { $fromNow: '1 minute' } };
    const { database, clock, tick, counts, failures } = await startHooks(t, near);
    const first = await tick();
    const second = await tick();
    assert.ok(first.trips > 2 && second.trips > 2);
    assert.deepEqual(await counts(), { tasks: 3, payloads: 3, messages: 0, occurrences: 1 });
    const schedules = (await database.query(listDue)).filter(({ due }) => due === clock.now() + MINUTE);
    assert.ok(schedules.length > 0);
    assert.deepEqual(failures, []);
  });
});
