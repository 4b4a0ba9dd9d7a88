// Hands what has come of a queue to the reader: in order, batch by batch, and again after a pause
// when the reader fails.
import { backoff } from '../../../core/backoff.ts';
import type { Clock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Reader } from '../../broker.ts';
import type { BrokerMetrics } from '../../metrics.ts';
import { createPlaces, firstOf, type Item, type Subscription } from './subscription.ts';

export type HandOver = {
  /** The reader gets all that has come, unless it is getting it already. */
  readonly start: (subscription: Subscription) => void;
  /** Resolves when the reader has nothing. */
  readonly whenIdle: () => Promise<unknown>;
};

export type HandOverSettings = {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: BrokerMetrics;
  readonly reader: Reader;
  /** Nothing more is handed over once it aborts. Absent until the consumer runs. */
  readonly ending: () => AbortSignal | undefined;
  /** The reader has committed these. */
  readonly onRead: (subscription: Subscription, batch: readonly Item[]) => void;
};

/** Queues whose batches are with the reader at the same time. */
const MOST_READING = 32;
const READER_FAILED = { firstMs: 500, longestMs: 60_000 };

export const createHandOver = ({ clock, log, metrics, reader, ending, onRead }: HandOverSettings): HandOver => {
  const working = new Set<Promise<void>>();
  const places = createPlaces(MOST_READING);

  const pauseAfter = async (subscription: Subscription, error: unknown, failures: number): Promise<void> => {
    const [first] = subscription.items;
    const pauseMs = backoff(failures - 1, READER_FAILED);
    log.warn(
      { err: error, queue: subscription.queue.brokerName, delivery: first?.delivery.id, failures, pauseMs },
      'messages not read; trying again',
    );
    const signals = [subscription.over.signal, ending()].filter((signal) => signal !== undefined);
    await clock.sleep(pauseMs, AbortSignal.any(signals));
  };

  const empty = async (subscription: Subscription): Promise<void> => {
    const isOver = () => subscription.over.signal.aborted || ending()?.aborted === true;
    for (let failures = 0; subscription.items.length > 0 && !isOver(); ) {
      const leavePlace = await places.enter();
      try {
        if (isOver()) return;
        const batch = firstOf(subscription.items);
        const now = clock.now();
        if (failures === 0) for (const { delivery } of batch) metrics.lag(now - delivery.accepted);
        await reader(batch.map(({ delivery }) => delivery));
        failures = 0;
        metrics.delivered(batch.length);
        onRead(subscription, batch);
      } catch (error) {
        if (subscription.over.signal.aborted) return;
        metrics.failed();
        failures += 1;
        leavePlace();
        await pauseAfter(subscription, error, failures);
      } finally {
        leavePlace();
      }
    }
  };

  return {
    start: (subscription) => {
      if (subscription.isWorking) return;
      subscription.isWorking = true;
      const work = empty(subscription).finally(() => {
        subscription.isWorking = false;
        working.delete(work);
      });
      working.add(work);
    },
    whenIdle: () => Promise.all(working),
  };
};
