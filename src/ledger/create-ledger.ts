// The ledger: everything that fired and everything that ran, with its outcome. Append-only, a
// partition a month. What fires were made of is kept beside it, and for a shorter time (payloads/).
import type { Database, Queryable } from '../database/database.ts';
import type { LedgerRow, NewEntry } from './entry.ts';
import { createPartitions, type Partitions } from './partitions.ts';
import { hasPayload } from './payloads/columns.ts';
import { findFireByTask, type Page, type PageQuery, readPage } from './read.ts';
import { insertLedger } from './write.ts';

export type Ledger = Partitions & {
  /**
   * Writes entries, and the payloads that are kept of them, in one statement: in the caller's
   * transaction, or in one of its own. A
   * transaction fails (once) when somebody dropped the month meanwhile, or when it is a new month's
   * first entry and the transaction wrote to the ledger already: it sees the months as they were
   * then. The caller tries again.
   */
  readonly write: (entries: readonly NewEntry[], tx?: Queryable) => Promise<void>;
  /**
   * Runs `write`, which writes these entries among other things, where `write` would: in the
   * transaction, or in one of its own.
   */
  readonly writeWith: <T>(
    entries: readonly NewEntry[],
    tx: Queryable | undefined,
    write: () => Promise<T>,
  ) => Promise<T>;
  /**
   * One page of a hook's entries, newest first. Throws InputError when the continuationToken is not
   * one of ours.
   */
  readonly page: (query: PageQuery) => Promise<Page>;
  /** The finished fire of this hook that has this taskId. */
  readonly findFireByTask: (hookUid: string, taskId: string) => Promise<LedgerRow | undefined>;
  /** Those of kept payloads: a month holds what arrived in it. */
  readonly payloadMonths: Partitions;
};

export const createLedger = (database: Database): Ledger => {
  const partitions = createPartitions(database, 'ledger');
  const payloadMonths = createPartitions(database, 'payloads');
  const writeWith: Ledger['writeWith'] = async (entries, tx, write) => {
    const times = entries.map(({ at }) => at);
    const arrivals = entries.filter(hasPayload).map(({ arrived }) => arrived);
    if (!tx) return partitions.withMonths(times, () => payloadMonths.withMonths(arrivals, write));
    await partitions.ensureMonths(times, tx);
    await payloadMonths.ensureMonths(arrivals, tx);
    return write().catch((error: unknown) => {
      partitions.forgetIfMissing(error, times);
      payloadMonths.forgetIfMissing(error, arrivals);
      throw error;
    });
  };
  return {
    ...partitions,
    payloadMonths,
    writeWith,
    write: (entries, tx) => writeWith(entries, tx, () => insertLedger(tx ?? database, entries)),
    page: (query) => readPage(database, query),
    findFireByTask: (hookUid, taskId) => findFireByTask(database, hookUid, taskId),
  };
};
