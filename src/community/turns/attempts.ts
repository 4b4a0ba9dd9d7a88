// Attempts at a turn, until one is committed: what it reads is checked when it commits, and if
// somebody else has changed it meanwhile, it begins again. After some attempts the states of its
// hooks are locked in the database first.
import type { Database, Transaction } from '../../database/database.ts';
import { ApiError } from '../../http/api-error.ts';
import { readChannelToChange } from '../channels/channel-store.ts';
import { type CommitTurns, type Committed, NotCommitted, type TurnWrite } from './commit-turns.ts';
import { createLocks } from './locks.ts';
import type { TurnHooks, TurnRuns } from './turn-hooks.ts';

export type Attempted<Result> = {
  /** The channel that it changes, if any. */
  readonly nest: string | undefined;
  readonly begin: () => Promise<TurnRuns | undefined>;
  /** As `begin`, with the states locked in `tx`. */
  readonly beginLocked: (tx: Transaction) => Promise<TurnRuns | undefined>;
  /**
   * Does it, and hands in what is to be written, if anything. Answers the result that counts if
   * that is committed; `isKept`: what the hooks wrote is handed in.
   */
  readonly attempt: (
    runs: TurnRuns | undefined,
    commit: (write: TurnWrite) => void,
  ) => Promise<{ readonly result: Result; readonly isKept: boolean }>;
  /** Of an effect that another process has done. */
  readonly whenDoneBefore: Result;
};

export type Attempts = <Result>(attempted: Attempted<Result>) => Promise<Result>;

export type AttemptsSettings = {
  readonly database: Database;
  readonly hooks: Pick<TurnHooks, 'forget'> | undefined;
  readonly commits: CommitTurns;
};

const OPTIMISTIC = 3;
const MOST = 10;

export const createAttempts = ({ database, hooks, commits }: AttemptsSettings): Attempts => {
  const locking = createLocks();

  /** Answers undefined when it has to begin again. */
  const once = async <Result>(
    { attempt, whenDoneBefore }: Attempted<Result>,
    runs: TurnRuns | undefined,
    commit: (write: TurnWrite) => Promise<Committed>,
  ): Promise<Result | undefined> => {
    let committing: Promise<Committed> | undefined;
    let attempted: { readonly result: Result; readonly isKept: boolean } | undefined;
    try {
      attempted = await attempt(runs, (write) => {
        // Handed in before the next turn can read what it wrote: commits keep this order.
        committing = commit(write);
      });
    } finally {
      runs?.release(attempted?.isKept === true);
    }
    const committed = await committing;
    if (committed === 'again') return undefined;
    return committed === 'done before' ? whenDoneBefore : attempted.result;
  };

  /** One at a time in a process: it keeps a connection, and needs others of the pool meanwhile. */
  const locked = async <Result>(attempted: Attempted<Result>): Promise<Result | undefined> => {
    const release = await locking.take(['all']);
    try {
      await commits.whenIdle();
      return await onceLocked(attempted);
    } finally {
      release();
    }
  };

  const onceLocked = async <Result>(attempted: Attempted<Result>): Promise<Result | undefined> => {
    let afterCommit: (() => void) | undefined;
    try {
      const result = await database.transaction(async (tx) => {
        // The channel before the states, as in the commits of others, which then do not wait for
        // this one while it waits for them. Only who does the same effect as well may, and
        // PostgreSQL ends one of the two.
        if (attempted.nest !== undefined) await readChannelToChange(tx, attempted.nest);
        return once(attempted, await attempted.beginLocked(tx), async (write) => {
          await commits.commitIn(tx, write);
          afterCommit = write.hooks?.afterCommit;
          return 'committed';
        });
      });
      afterCommit?.();
      return result;
    } catch (error) {
      hooks?.forget();
      if (!(error instanceof NotCommitted)) throw error;
      return error.answers[0] === 'done before' ? attempted.whenDoneBefore : undefined;
    }
  };

  return async (attempted) => {
    for (let attempts = 0; attempts < MOST; attempts += 1) {
      const result =
        attempts < OPTIMISTIC || !hooks
          ? await once(attempted, await attempted.begin(), commits.commit)
          : await locked(attempted);
      if (result !== undefined) return result;
    }
    const where = attempted.nest ?? 'what it reads';
    throw new ApiError('ServiceUnavailable', `Too much happens at once in ${where}; try again.`);
  };
};
