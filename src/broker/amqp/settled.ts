// What becomes of receipts once RabbitMQ has processed the acknowledgements: settled, kept for a moment, gone.
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Database } from '../../database/database.ts';
import { drop, dropEarlierReceipts, dropOldReceipts, type Reading, type ReceiptKey, settle } from './receipts.ts';

export type Settled = {
  /** RabbitMQ has processed the acknowledgements of these. Does not reject. */
  readonly add: (keys: readonly ReceiptKey[]) => Promise<void>;
  /** Nothing can come any more for receipts that earlier readings left of this queue. */
  readonly forgetEarlier: (reading: Reading) => void;
  /** Drops what is due until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** What RabbitMQ 3.10 processed less than some hundred ms before kill -9 came back; what it had processed a second before never did. */
const KEEP_MS = 3_000;
const DROP_EVERY_MS = 500;
const DROP_OLD_EVERY_MS = 10_000;

export const createSettled = ({ database, clock, log }: { database: Database; clock: Clock; log: Log }): Settled => {
  let kept: { readonly at: number; readonly keys: readonly ReceiptKey[] }[] = [];
  /** The database could not be told of these. */
  let untold: ReceiptKey[] = [];
  let earlier: Reading[] = [];
  let droppedOldAt = clock.monotonic();

  const settleNow = async (keys: readonly ReceiptKey[]) => {
    await settle(database, keys, clock.now());
    kept.push({ at: clock.monotonic(), keys });
  };

  const dropDue = async () => {
    const late = untold;
    if (late.length > 0) {
      await settleNow(late);
      untold = untold.slice(late.length);
    }
    const now = clock.monotonic();
    const due = kept.filter(({ at }) => now - at >= KEEP_MS);
    if (due.length > 0) {
      await drop(
        database,
        due.flatMap(({ keys }) => keys),
      );
      kept = kept.filter((one) => !due.includes(one));
    }
    const some = earlier;
    if (some.length > 0) {
      await dropEarlierReceipts(database, some);
      earlier = earlier.filter((one) => !some.includes(one));
    }
    if (now - droppedOldAt < DROP_OLD_EVERY_MS) return;
    droppedOldAt = now;
    await dropOldReceipts(database, clock.now());
  };

  return {
    add: async (keys) => {
      try {
        await settleNow(keys);
      } catch (error) {
        // A receipt that stays would answer for a message that is still to come, and is no other than the one before.
        untold = [...untold, ...keys];
        log.debug({ err: error }, 'acknowledgements could not be settled, because the database fails; trying again');
      }
    },
    forgetEarlier: (reading) => {
      earlier = [...earlier, reading];
    },
    run: async (signal) => {
      while (!signal.aborted) {
        await clock.sleep(DROP_EVERY_MS, signal);
        await dropDue().catch((error: unknown) =>
          log.debug({ err: error }, 'receipts could not be dropped; trying again'),
        );
      }
    },
  };
};
