// What waits, looked at now and then: fires without an outcome, and timers that nobody has handled.
// A scrape reads the last look.
import { toIso } from '../../core/clock.ts';
import { createLoop } from '../../core/loop.ts';
import type { Base } from '../../database/base.ts';
import { statement } from '../../database/statement.ts';

export type BacklogGaugesSettings = Base & {
  /** How many timers of each kind are overdue. */
  readonly countOverdue: (before: number, upTo: number) => Promise<ReadonlyMap<string, number>>;
};

const EVERY_MS = 15_000;
/** Up to here what waits is counted; the gauges show no more. */
const MOST_COUNTED = 10_000;
/** By so much clocks of processes may differ, and a lease or a timer end later for others. */
const SKEW_MS = 5_000;

// Each count stops at a bound, so that looking costs little however much waits.
const countUnfinished = statement<{ all: number; overdue: number; oldest: number | null }>(
  'fires.count-unfinished',
  `select (select count(*)::int from (select from fires limit $2) f) as all,
          (select count(*)::int from (select from fires where due < $1 order by due limit $2) f) as overdue,
          (select due from fires order by due limit 1) as oldest`,
);

/** Looks until the signal aborts. */
export const createBacklogGauges = (settings: BacklogGaugesSettings): ((signal: AbortSignal) => Promise<void>) => {
  const { database, countOverdue, clock, log, metrics } = settings;
  const unfinished = metrics.gauge(
    'hookwright_fires_unfinished',
    `Fires in the database without an outcome, counted up to ${MOST_COUNTED}: \`all\`, and those that are \`overdue\` because no process has taken them up`,
    ['which'],
  );
  const oldest = metrics.gauge(
    'hookwright_fires_overdue_seconds',
    'For how long the fire that is overdue longest could have been taken up',
  );
  const overdue = metrics.gauge(
    'hookwright_timers_overdue',
    `Timers that came due more than ${SKEW_MS / 1_000} s ago and were not handled, counted up to ${MOST_COUNTED}`,
    ['kind'],
  );

  const look = async () => {
    const now = clock.now();
    const before = now - SKEW_MS;
    const [fires] = await database.query(countUnfinished, [toIso(before), MOST_COUNTED]);
    unfinished.set({ which: 'all' }, fires?.all ?? 0);
    unfinished.set({ which: 'overdue' }, fires?.overdue ?? 0);
    oldest.set(Math.max(now - (fires?.oldest ?? now), 0) / 1_000);
    for (const [kind, count] of await countOverdue(before, MOST_COUNTED)) overdue.set({ kind }, count);
  };

  // Who works with the database says that it is away; the gauges stay as they were.
  return createLoop({ name: 'backlog gauges', ...{ clock, log, everyMs: EVERY_MS, isQuiet: true }, turn: look }).run;
};
