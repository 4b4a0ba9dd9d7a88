// The ledger's daily care: next month's partition is made in time, and months past their retention
// are dropped; those of kept payloads, too.
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Ledger } from './create-ledger.ts';

export type RetentionSettings = {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
  /** An entry is kept at least this long; it goes when all of its month is older. */
  readonly retentionDays?: number;
  /** The same for kept payloads. */
  readonly payloadDays?: number;
};

/** The timer whose turn `createRetention` is. */
export const RETENTION_TIMER = { kind: 'ledger.retention', key: 'daily' } as const;

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 400;
export const DEFAULT_PAYLOAD_DAYS = 30;

/**
 * One day's care, as a turn of a timer.
 *
 * @example
 * timers.handle(RETENTION_TIMER.kind, createRetention({ ledger, clock, log }));
 * await database.transaction((tx) => timers.set(tx, { ...RETENTION_TIMER, due: clock.now() }));
 */
export const createRetention = (settings: RetentionSettings): (() => Promise<{ next: number }>) => {
  const { ledger, clock, log, retentionDays = DEFAULT_DAYS, payloadDays = DEFAULT_PAYLOAD_DAYS } = settings;
  return async () => {
    // Beside the transaction that holds the timer, because a partition cannot be detached
    // concurrently inside of one. The timer, held meanwhile, keeps other processes from doing the
    // same.
    const now = clock.now();
    const months = [now, startOfNextMonth(now)];
    await ledger.ensureMonths(months);
    if (payloadDays > 0) await ledger.payloadMonths.ensureMonths(months);
    const dropped = await ledger.dropMonthsBefore(now - retentionDays * DAY_MS);
    if (dropped.length > 0) log.info({ dropped, retentionDays }, 'ledger months past retention dropped');
    // None is kept any more: the month that is not over goes, too.
    const endedBefore = payloadDays > 0 ? now - payloadDays * DAY_MS : startOfNextMonth(now);
    const payloads = await ledger.payloadMonths.dropMonthsBefore(endedBefore);
    if (payloads.length > 0) log.info({ dropped: payloads, payloadDays }, 'months of kept payloads dropped');
    return { next: now + DAY_MS };
  };
};

const startOfNextMonth = (ms: number): number => {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
};
