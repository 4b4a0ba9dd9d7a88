// What becomes of receipts once RabbitMQ has processed the acknowledgements: settled, kept for a moment, gone.
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Database } from '../../database/database.ts';
import { drop, dropEarlierReceipts, dropOldReceipts, settle } from './receipts.ts';

export type Settled = {
  /** Of receipts without an id. Does not reject. */
  readonly add: (session: string, numbers: readonly number[]) => Promise<void>;
  /** Nothing can come any more for receipts that earlier sessions left of this queue. */
  readonly forgetEarlier: (session: string, queue: string) => void;
  /** Drops what is due until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** What RabbitMQ 3.10 processed less than some hundred ms before kill -9 came back; what it had processed a second before never did. */
const KEEP_MS = 3_000;
const DROP_EVERY_MS = 500;
const DROP_OLD_EVERY_MS = 10_000;

export const createSettled = ({ database, clock, log }: { database: Database; clock: Clock; log: Log }): Settled => {
  const kept: { readonly at: number; readonly session: string; readonly numbers: readonly number[] }[] = [];
  /** session → queues. */
  const earlier = new Map<string, Set<string>>();
  let droppedOldAt = clock.monotonic();

  const dropDue = async () => {
    const now = clock.monotonic();
    for (let first = kept[0]; first && now - first.at >= KEEP_MS; first = kept[0]) {
      const due = kept.filter(({ at, session }) => now - at >= KEEP_MS && session === first?.session);
      await drop(
        database,
        first.session,
        due.flatMap(({ numbers }) => numbers),
      );
      const gone = new Set(due);
      kept.splice(0, kept.length, ...kept.filter((one) => !gone.has(one)));
    }
    for (const [session, queues] of earlier) {
      const some = [...queues];
      await dropEarlierReceipts(database, session, some);
      for (const queue of some) queues.delete(queue);
      if (queues.size === 0) earlier.delete(session);
    }
    if (now - droppedOldAt < DROP_OLD_EVERY_MS) return;
    droppedOldAt = now;
    await dropOldReceipts(database, clock.now());
  };

  return {
    add: async (session, numbers) => {
      try {
        await settle(database, session, numbers, clock.now());
        kept.push({ at: clock.monotonic(), session, numbers });
      } catch (error) {
        // They count as unknown, until their queue shows that nothing comes for them any more.
        log.debug({ err: error }, 'acknowledgements could not be settled, because the database fails');
      }
    },
    forgetEarlier: (session, queue) => {
      const queues = earlier.get(session) ?? new Set();
      earlier.set(session, queues);
      queues.add(queue);
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
