// What becomes of receipts once RabbitMQ has processed the acknowledgements: settled, kept for a
// moment, gone.
import type { Clock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import { createLoop } from '../../../core/loop.ts';
import type { Database } from '../../../database/database.ts';
import { drop, dropEarlierReceipts, dropOldReceipts, type Reading, type ReceiptKey, settle } from './receipts.ts';

export type ReceiptCleanup = {
  /** RabbitMQ has processed the acknowledgements of these. Does not reject. */
  readonly add: (keys: readonly ReceiptKey[]) => Promise<void>;
  /**
   * A session stands, with this run of RabbitMQ. While none does nothing is dropped: RabbitMQ may
   * have been killed, and bring back what it had forgotten a moment before. What was settled with
   * an earlier run is then left to the readings, which know what came again.
   */
  readonly begin: (run: string) => void;
  /** The session has ended. */
  readonly pause: () => void;
  /** Nothing can come any more for receipts that earlier readings left of this queue. */
  readonly forgetEarlier: (reading: Reading) => void;
  /** Drops what is due until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/**
 * What RabbitMQ 3.10 processed less than some hundred ms before kill -9 came back; what it had
 * processed a second before never did.
 */
const KEEP_MS = 3_000;
const DROP_EVERY_MS = 500;
const DROP_OLD_EVERY_MS = 10_000;

type Group = { readonly run: string | undefined; readonly keys: readonly ReceiptKey[] };

export const createReceiptCleanup = ({
  database,
  clock,
  log,
}: {
  database: Database;
  clock: Clock;
  log: Log;
}): ReceiptCleanup => {
  let kept: (Group & { readonly at: number })[] = [];
  /** The database could not be told of these. */
  let untold: Group[] = [];
  /** Of the session that stands. */
  let run: string | undefined;
  let lastRun: string | undefined;
  let earlier: Reading[] = [];
  let droppedOldAt = clock.monotonic();

  const settleNow = async (group: Group) => {
    await settle(database, group.keys, clock.now());
    kept.push({ ...group, at: clock.monotonic() });
  };

  const dropDue = async () => {
    for (let late = untold[0]; late; late = untold[0]) {
      await settleNow(late);
      untold = untold.slice(1);
    }
    const now = clock.monotonic();
    const due = run === undefined ? [] : kept.filter((one) => one.run === run && now - one.at >= KEEP_MS);
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

  const dropping = createLoop({
    ...{ name: 'receipt cleanup', clock, log, everyMs: DROP_EVERY_MS, turn: dropDue },
    isQuiet: true, // the reader meets the same database, and reports it
  });

  return {
    add: async (keys) => {
      const group = { run: lastRun, keys };
      try {
        await settleNow(group);
      } catch (error) {
        // A receipt that stays would answer for a message that is still to come, and is no other
        // than the one before.
        untold = [...untold, group];
        log.debug({ err: error }, 'receipts not settled; trying again');
      }
    },
    begin: (standing) => {
      run = standing;
      lastRun = standing;
      kept = kept.filter((one) => one.run === standing);
    },
    pause: () => {
      run = undefined;
    },
    forgetEarlier: (reading) => {
      earlier = [...earlier, reading];
    },
    run: dropping.run,
  };
};
