// A world for tests of timers: one database, a clock in the test's hands, and schedulers as if each
// were a process.

import { type Cleanup, freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics, type Metrics } from '../../core/metrics.ts';
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { createTimers, type Timers } from '../create-timers.ts';
import type { NewTimer } from '../types.ts';

export type World = {
  readonly database: Database;
  readonly clock: FakeClock;
  /** One more scheduler, asleep when this resolves. `on`: its own way to the database. */
  readonly schedule: (handlers: (timers: Timers) => number, on?: Database) => Promise<Scheduler>;
  readonly set: (...timers: NewTimer[]) => Promise<void>;
  readonly rows: () => Promise<readonly TimerRow[]>;
};

export type Scheduler = { readonly timers: Timers; readonly metrics: Metrics; readonly stop: () => Promise<void> };

export type TimerRow = {
  readonly kind: string;
  readonly key: string;
  readonly due: number;
  readonly not_before: number;
  readonly data: unknown;
  readonly attempts: number;
  readonly last_error: string | null;
};

const listTimers = statement<TimerRow>('test.timers', 'select * from timers order by kind, key');

export const createWorld = async (t: Cleanup): Promise<World> => {
  const running = new AsyncDisposableStack();
  t.after(() => running.disposeAsync()); // node:test runs such hooks in order, and schedulers stop before the database goes
  const database = await freshDatabase(t, { poolSize: 12 });
  const clock = createFakeClock();

  const schedule: World['schedule'] = async (handlers, on = database) => {
    const metrics = createMetrics();
    const timers = createTimers({ database: on, clock, log: silentLog, metrics });
    const loops = handlers(timers);
    const stopping = new AbortController();
    const before = clock.sleepers();
    const run = timers.run(stopping.signal);
    const stop = async () => {
      stopping.abort();
      await run;
    };
    running.defer(stop);
    await clock.asleep(before + loops);
    return { timers, metrics, stop };
  };

  const writer = createTimers({ database, clock, log: silentLog, metrics: createMetrics() });
  return {
    database,
    clock,
    schedule,
    set: (...timers) => database.transaction((tx) => writer.setMany(tx, timers)),
    rows: () => database.query(listTimers),
  };
};

/** Collects what happens; `reached(n)` resolves when n things have. */
export const createRecord = <T>() => {
  const things: T[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  return {
    things,
    add: (thing: T) => {
      things.push(thing);
      for (const { count, resolve } of waiting) if (things.length >= count) resolve();
    },
    reached: (count: number) =>
      new Promise<void>((resolve) => {
        if (things.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
};
