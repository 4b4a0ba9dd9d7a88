// The one place where fires end: the row of the ledger, the owner's mail, the metric, the log line.
import type { Clock } from '../../core/clock.ts';
import type { Database, Transaction } from '../../database/database.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import { type FailureMail, isMailed } from './failure-mail.ts';
import { type EndedFire, type Ending, ledgerEntryOf, type NewFire, type StoredFire } from './fire.ts';
import type { FireLog } from './fire-log.ts';
import type { FireMetrics } from './fire-metrics.ts';
import type { FireStore } from './fire-store.ts';

/** Counts and logs. To be called when the transaction is committed, and not otherwise. */
export type AfterCommit = () => void;

export type EndFires = {
  /** Ends fires that are not stored, in the caller's transaction. */
  readonly inTransaction: (tx: Transaction, fires: readonly EndedFire[]) => Promise<AfterCommit>;
  /** Of fires whose tasks and rows one statement made. */
  readonly told: (fires: readonly NewFire[]) => void;
  /** Ends one that is not stored, in a commit of its own. */
  readonly alone: (fire: EndedFire) => Promise<void>;
  /** Moves a stored fire to the ledger. Harmless when another process has done so. */
  readonly stored: (fire: StoredFire, ending: Ending) => Promise<void>;
};

export type EndFiresSettings = {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly store: FireStore;
  readonly failureMail: FailureMail;
  readonly clock: Clock;
  readonly fireLog: FireLog;
  readonly fireMetrics: FireMetrics;
  /** To those who follow the ledger. */
  readonly tellWritten: () => void;
};

const MADE = { outcome: 'created', error: undefined } as const;

export const createEndFires = (settings: EndFiresSettings): EndFires => {
  const { database, ledger, store, failureMail, clock, fireLog, fireMetrics, tellWritten } = settings;

  const tell = (fires: readonly EndedFire[]): void => {
    const now = clock.now();
    if (fires.length > 0) tellWritten();
    for (const fire of fires) {
      fireMetrics.ended(fire, fire.outcome, now, fire.events);
      if (fire.hasRow !== false) fireLog.ended(fire, fire);
    }
  };

  const inTransaction: EndFires['inTransaction'] = async (tx, fires) => {
    const withRows = fires.filter(({ hasRow }) => hasRow !== false);
    if (withRows.length > 0) {
      const now = clock.now();
      await ledger.write(
        withRows.map((fire) => ledgerEntryOf(fire, now)),
        tx,
      );
      await failureMail(tx, withRows);
    }
    return () => tell(fires);
  };

  return {
    inTransaction,
    told: (fires) => {
      const now = clock.now();
      if (fires.length > 0) tellWritten();
      for (const fire of fires) {
        fireMetrics.ended(fire, 'created', now);
        fireLog.ended(fire, MADE);
      }
    },
    alone: async (fire) => {
      if (isMailed(fire)) await database.transaction((tx) => inTransaction(tx, [fire]));
      else if (fire.hasRow !== false) await ledger.write([ledgerEntryOf(fire, clock.now())]); // one statement needs no transaction
      tell([fire]);
    },
    stored: async (fire, ending) => {
      const { hookUid, cause } = fire;
      const finished = { hookUid, cause, at: clock.now(), ...ending };
      const ended: EndedFire = { ...fire, ...ending };
      if (isMailed(ended)) await store.finishAnd(finished, (tx) => failureMail(tx, [ended]));
      else await store.finish(finished);
      tell([ended]);
    },
  };
};
