// A world for tests of schedules: one database, a clock in the test's hands, a queue that does as
// it is told, and servers as if each were a process.
import { type Cleanup, freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock.ts';
import type { Broker } from '../../broker/broker.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { type Log, silentLog } from '../../core/log.ts';
import { createMetrics, type Metrics } from '../../core/metrics.ts';
import { createSecretBox } from '../../core/secret-box.ts';
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { createLedger, type Ledger } from '../../ledger/create-ledger.ts';
import type { LedgerRow } from '../../ledger/entry.ts';
import { createPayloads } from '../../ledger/payloads/payloads.ts';
import type { Queue } from '../../queue/queue.ts';
import { createTimers, type Timers } from '../../timers/create-timers.ts';
import { createHookChanges, type HookChanges, SCHEDULE_TIMER } from '../api/hook-changes.ts';
import type { HookDefinition, HookName } from '../definition.ts';
import { createEvaluator } from '../evaluation/evaluator.ts';
import type { EvaluationPool } from '../evaluation/pool.ts';
import type { EndFires } from '../firing/end-fires.ts';
import { createFailureMail, type EnqueueMail } from '../firing/failure-mail.ts';
import type { FireRunner } from '../firing/fire-runner.ts';
import { createFireStore, type FireStore } from '../firing/fire-store.ts';
import { createFiring } from '../firing/firing.ts';
import type { Actor } from '../hooks/audit.ts';
import { createHookCache } from '../hooks/hook-cache.ts';
import { createHookStore, type HookStore } from '../hooks/hook-store.ts';
import { createTriggerTokens } from '../hooks/trigger-token.ts';
import { createCommitMessages } from '../messages/commit-messages.ts';
import { createEvaluateMessage } from '../messages/evaluate-message.ts';
import { createMessageReader } from '../messages/message-reader.ts';
import { createRejections, REJECTIONS_TIMER } from '../messages/rejections.ts';
import { createScheduleHandler } from '../schedule/schedule-handler.ts';
import { createTicks, type Ticks } from '../schedule/tick.ts';
import { createFakeQueue, type FakeQueue } from './fake-queue.ts';
import { createInlinePool } from './inline-pool.ts';

export const POOL_SIZE = 16;
export const ME: Actor = { clientId: 'me', requestId: 'r' };
export const NAME: HookName = { hookGroupId: 'g', hookId: 'h' };

export type ServerOptions = {
  /** How far its clock is ahead of the world's; ms. */
  readonly ahead?: number;
  /** Its own way to the database. */
  readonly database?: Database;
  readonly pool?: EvaluationPool;
  readonly enqueueMail?: EnqueueMail;
  readonly log?: Log;
  /** Stands between it and the queue. */
  readonly queue?: FakeQueue['port'];
  /** For messages; otherwise all deliveries are read for the first time. */
  readonly acknowledge?: Broker['acknowledge'];
  /** A queue that lives in the database. */
  readonly createTasksIn?: Queue['createTasksIn'];
  /** Neither takes turns nor takes up fires: only changes hooks, and does what it is asked to. */
  readonly isIdle?: boolean;
};

/** What one process has of the parts, and what a test wants of it. */
export type Server = {
  readonly clock: Clock;
  readonly hooks: HookStore;
  readonly changes: HookChanges;
  readonly fires: FireStore;
  readonly endFires: EndFires;
  readonly ticks: Ticks;
  readonly runner: FireRunner;
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly readMessages: ReturnType<typeof createMessageReader>;
  /** Whether all its loops wait for time to pass. */
  readonly isAsleep: () => boolean;
  /** Ends its loops, and leaves fires as a graceful end does. */
  readonly stop: () => Promise<void>;
  /** It is as good as dead from now on: what it is about to do does not happen. */
  readonly die: () => void;
};

export type World = {
  readonly clock: FakeClock;
  readonly database: Database;
  readonly ledger: Ledger;
  readonly queue: FakeQueue;
  readonly startServer: (options?: ServerOptions) => Promise<Server>;
  /** Those whose loops run. */
  readonly living: () => readonly Server[];
  /**
   * Time passes until everything that is due has been handled by those who live. Answers until
   * when; undefined when nobody lives.
   */
  readonly handleDue: () => Promise<number | undefined>;
  /** The ledger of a hook, oldest first; waits for what servers know. */
  readonly entries: (hookUid: string) => Promise<readonly LedgerRow[]>;
};

/** Its timers' loops (two), taking up fires, renewing leases. */
const LOOPS = 4;
const LONGEST_PAUSE_MS = 5_000;
/** On a machine that is busy with other tests. */
const LONGEST_SETTLING_MS = 60_000;

/** Messages of changes are another test's concern. */
const silentBroker: Pick<Broker, 'publish' | 'setBindings'> = {
  publish: async () => {},
  setBindings: async () => {},
};

export const createWorld = async (t: Cleanup): Promise<World> => {
  const running = new AsyncDisposableStack();
  t.after(() => running.disposeAsync()); // node:test runs such hooks in order, and servers stop before the database goes
  const database = await freshDatabase(t, { poolSize: POOL_SIZE });
  const clock = createFakeClock();
  const queue = createFakeQueue(clock);
  const secretBox = createSecretBox(Buffer.alloc(32, 7));

  const living = new Set<Server>();

  const handleDue = async () => {
    const giveUpAt = systemClock.monotonic() + LONGEST_SETTLING_MS;
    const areAsleep = () => [...living].every((server) => server.isAsleep());
    while (living.size > 0) {
      if (systemClock.monotonic() > giveUpAt) throw new Error('the schedulers never come to rest');
      await systemClock.sleep(1);
      if (!areAsleep()) continue;
      const latest = Math.max(...[...living].map((server) => server.clock.now()));
      const overdue = (await database.query(listTimers)).filter(({ due }) => due <= latest);
      if (overdue.length === 0 && areAsleep()) return latest;
      await clock.advance(250);
    }
    return undefined;
  };

  const startServer: World['startServer'] = async (options = {}) => {
    const own = mortal(options.database ?? database, clock, options.ahead ?? 0);
    const { pool = createInlinePool(), enqueueMail: enqueue, createTasksIn } = options;
    const [log, metrics] = [options.log ?? silentLog, createMetrics()];
    const ledger = createLedger(own.database);
    const timers = createTimers({ database: own.database, clock: own.clock, log, metrics });
    const evaluator = createEvaluator(pool);
    const hooks = createHookStore(own.database);
    const cache = createHookCache(hooks, evaluator);
    const fires = createFireStore(own.database, ledger);
    const tokens = createTriggerTokens(secretBox);
    const payloads = createPayloads({ secretBox, clock: own.clock, days: 30 });
    const rootUrl = () => 'https://hooks.example.com';
    const failureMail = createFailureMail({ hooks, enqueue, rootUrl, clock: own.clock });
    const { beginFires, endFires, runner } = createFiring({
      ...{ database: own.database, clock: own.clock, log, metrics, ledger, store: fires, failureMail },
      queue: { ...own.guard(options.queue ?? queue.port), ...(createTasksIn && { createTasksIn }) },
      render: evaluator.renderStored,
    });
    const ticks = createTicks({ cache, evaluator, beginFires, payloads });
    const changes = createHookChanges({
      ...{ database: own.database, hooks, tokens, timers, ticks, broker: silentBroker as Broker, clock: own.clock },
    });
    timers.handleBatch(SCHEDULE_TIMER, createScheduleHandler({ hooks, cache, ticks, runner, clock: own.clock }));
    const rejections = createRejections({ timers, beginFires, clock: own.clock });
    timers.handleBatch(REJECTIONS_TIMER, rejections.handler);
    const { acknowledge = async () => new Set<never>() } = options;
    const commitMessages = createCommitMessages({ database: own.database, acknowledge, beginFires, rejections, log });
    const evaluateMessage = createEvaluateMessage({ evaluator, payloads, clock: own.clock, log });
    const readMessages = createMessageReader({
      ...{ cache, evaluateMessage, commitMessages, runner, clock: own.clock, log },
    });

    const ending = new AbortController();
    const run = options.isIdle ? undefined : Promise.all([timers.run(ending.signal), runner.run(ending.signal)]);
    const stop = async () => {
      living.delete(server);
      ending.abort();
      await run;
      if (!own.isDead()) await runner[Symbol.asyncDispose]();
    };
    running.defer(stop);
    const isAsleep = () => own.sleeping() >= LOOPS;
    const die = () => {
      living.delete(server);
      own.die();
      ending.abort();
    };
    const server: Server = {
      clock: own.clock,
      hooks,
      changes,
      fires,
      endFires,
      ticks,
      runner,
      timers,
      metrics,
      readMessages,
      isAsleep,
      stop,
      die,
    };
    if (run) living.add(server);
    while (run && !isAsleep() && !own.isDead()) await nextTurn();
    return server;
  };

  const ledger = createLedger(database);
  const entries: World['entries'] = async (hookUid) => {
    await Promise.all([...living].map(({ runner }) => runner.whenRecorded(hookUid)));
    return (await ledger.page({ hookUid, limit: 1_000 })).entries.toReversed();
  };
  return { clock, database, ledger, queue, startServer, living: () => [...living], handleDue, entries };
};

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What a process has of the world: it is cut off when the process dies. */
const mortal = (database: Database, base: FakeClock, ahead: number) => {
  let isDead = false;
  let sleeping = 0;
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isDead) throw new Error('the process is dead');
    return work();
  };
  const clock: Clock = {
    ...base,
    now: () => base.now() + ahead,
    sleep: async (ms, signal) => {
      sleeping += 1;
      await base.sleep(ms, signal);
      sleeping -= 1;
    },
    // The pauses of loops are shorter than any deadline.
    after: (ms, callback) => {
      if (ms > LONGEST_PAUSE_MS) return base.after(ms, callback);
      sleeping += 1;
      let isOver = false;
      const end = () => {
        if (!isOver) sleeping -= 1;
        isOver = true;
      };
      const cancel = base.after(ms, () => {
        end();
        callback();
      });
      return () => {
        end();
        cancel();
      };
    },
  };
  return {
    clock,
    database: {
      ...database,
      query: (...values: Parameters<Database['query']>) => alive(() => database.query(...values)),
      transaction: <T>(work: Parameters<typeof database.transaction<T>>[0]) =>
        alive(() => database.transaction((tx) => alive(() => work(tx)))),
    } as Database,
    guard: (port: FakeQueue['port']): FakeQueue['port'] => ({
      ...port,
      createTask: (...values) => (isDead ? new Promise(() => {}) : port.createTask(...values)),
    }),
    die: () => {
      isDead = true;
    },
    isDead: () => isDead,
    sleeping: () => sleeping,
  };
};

/** A hook that fires by a schedule. `more` overrides. */
export const scheduledHook = (schedule: string[], more: Partial<HookDefinition> = {}): HookDefinition => ({
  ...NAME,
  metadata: { name: 'a hook', description: '', owner: 'owner@example.com', emailOnError: true },
  task: { said: 'it is time', at: { $eval: 'now' } },
  bindings: [],
  schedule,
  triggerSchema: {},
  ...more,
});

export type TimerRow = { readonly key: string; readonly due: number };
export const listTimers = statement<TimerRow>(
  'test.schedule-timers',
  `select key, due from timers where kind = '${SCHEDULE_TIMER}' order by key`,
);
