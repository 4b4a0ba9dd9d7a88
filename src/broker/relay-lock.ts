// Who relays: one process at a time, whichever broker it has.
import type { BackoffSettings } from '../core/backoff.ts';
import type { Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';

/** An arbitrary number that only relays use. */
const LOCK_KEY = 4_665_776_502;

/**
 * Who has the lock is told of everything that is published, too; only if that one dies is it for us
 * to go on.
 */
export const HELD_BY_ANOTHER: BackoffSettings = { firstMs: 20, longestMs: 1_000 };

// A process that is frozen in the middle of its turn must not stop all others for ever.
const lockRelay = statement<{ is_ours: boolean }>(
  'relay.lock',
  `select set_config('idle_in_transaction_session_timeout', '15s', true), pg_try_advisory_xact_lock(${LOCK_KEY}) as is_ours`,
);

/** Until the transaction ends. */
export const tryToRelay = async (tx: Transaction): Promise<boolean> => (await tx.query(lockRelay))[0]?.is_ours ?? false;
