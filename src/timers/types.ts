// The words of durable timers.
//
//   timer      one row: at `due`, hand `data` to the handler of `kind`. (kind, key) is its identity
//   turn       one transaction in which a scheduler claims what is due, runs its handlers and moves
//              or removes the timers
//   scheduler  whoever runs turns; any number of them, in any number of processes, on one database
//
// All times are milliseconds since the epoch.
import type { Transaction } from '../database/database.ts';

export type NewTimer = {
  /** What is to be done, as its handler is called: `schedule`, `ledger.retention`. */
  readonly kind: string;
  /** Which one of its kind. */
  readonly key: string;
  readonly due: number;
  /** Handed to the handler. JSON. */
  readonly data?: unknown;
};

export type TimerId = { readonly kind: string; readonly key: string };

export type DueTimer = TimerId & {
  /**
   * The time that the timer was set for, also when earlier turns failed: with the key, the identity
   * of what happens now.
   */
  readonly due: number;
  readonly data: unknown;
  /** How many turns failed since the last good one. */
  readonly attempts: number;
};

export type TimerAnswer = {
  /** When the timer is due again; `never` removes it. */
  readonly next: number | 'never';
  /** Replaces the timer's data; absent: they stay as they are. */
  readonly data?: unknown;
  /**
   * What must not happen before the turn is committed. Nobody waits for it, and it is lost when the
   * process dies.
   */
  readonly afterCommit?: () => void | Promise<void>;
};

/**
 * Does what is due, in the transaction that claims the timer. It may be called again for the same
 * due time when that transaction does not commit, so its effects belong into `tx` or into
 * `afterCommit`. While it runs no other timer of its kind is handled by this scheduler: it asks the
 * database, not the world.
 */
export type TimerHandler = (tx: Transaction, timer: DueTimer) => Promise<TimerAnswer>;

/**
 * Handles many at once, in order of due time; answers one for each, in the same order. `isHasty`:
 * it may answer before the database has answered its last statements. When they fail the turn is
 * undone, and the handler is asked once more, not to be hasty.
 */
export type BatchTimerHandler = (
  tx: Transaction,
  timers: readonly DueTimer[],
  isHasty: boolean,
) => Promise<readonly TimerAnswer[]>;
