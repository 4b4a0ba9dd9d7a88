// Consuming: takes up queues on which something lies, and hands what lies there to the reader, one delivery after another.
import { backoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Delivery, Reader } from './broker.ts';
import type { BrokerMetrics } from './broker-metrics.ts';
import { createLoop, type Loop } from './loop.ts';
import type { ClaimedQueue, QueueStore, StoredDelivery } from './queue-store.ts';

export type ConsumerSettings = {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: BrokerMetrics;
  readonly reader: Reader;
};

/** A queue that is read here. */
type Held = {
  readonly queue: string;
  /** Of the reader at the delivery that is next. */
  failures: number;
  /** On the wall clock, as others see it. */
  leaseEnds: number;
  isLost: boolean;
  /** A claim left it out because it is read here already. By the time that this ends, something may have come in again. */
  wasLeftOut: boolean;
};

/** How a queue is left: `due again`, now or later, is for the claiming loop to see. */
type Left = 'at rest' | 'due again';

const MOST_QUEUES = 16;
const LEASE_MS = 15_000;
const RENEW_EVERY_MS = 4_000;
/** Another process's clock may be this far ahead, and see our lease end so much earlier. */
const SKEW_MS = 5_000;
/** So many deliveries, and then it is another queue's turn. */
const MOST_IN_A_ROW = 500;
const READER_FAILED = { firstMs: 500, longestMs: 60_000 };
/** What is due and was not to be had is being claimed by another process at this moment. */
const SHORTEST_PAUSE_MS = 20;

export const createConsumer = ({ store, clock, log, metrics, reader }: ConsumerSettings): Loop => {
  const held = new Map<string, Held>();
  const working = new Set<Promise<void>>();
  /** Queues whose lease could not be ended because the database failed. */
  const abandoned = new Set<string>();
  /** The last claim took all that it could; there may be more. */
  let wasFull = false;
  let ending: AbortSignal | undefined;

  const claim = async (): Promise<number | undefined> => {
    if (abandoned.size > 0) {
      const queues = [...abandoned];
      await store.giveBack(queues, clock.now());
      for (const queue of queues) abandoned.delete(queue);
    }
    const free = MOST_QUEUES - held.size;
    if (free === 0) {
      wasFull = true;
      return undefined;
    }
    for (const one of held.values()) one.wasLeftOut = true;
    const now = clock.now();
    const leaseEnds = now + LEASE_MS;
    const claimed = await store.claim(now, leaseEnds, free, [...held.keys()]);
    for (const one of claimed) start(one, leaseEnds);
    wasFull = claimed.length === free;
    if (wasFull) return held.size < MOST_QUEUES ? 0 : undefined; // some may have become free meanwhile
    const earliest = await store.earliestDue([...held.keys()]);
    return earliest === undefined ? undefined : Math.max(earliest - clock.now(), SHORTEST_PAUSE_MS);
  };
  const claiming = createLoop({ name: 'delivery', clock, log, turn: claim });

  const renew = async (): Promise<number> => {
    const queues = [...held.values()];
    if (queues.length === 0) return RENEW_EVERY_MS;
    const leaseEnds = clock.now() + LEASE_MS;
    const ours = new Set(
      await store.renew(
        queues.map(({ queue }) => queue),
        leaseEnds,
      ),
    );
    for (const one of queues) {
      if (ours.has(one.queue)) one.leaseEnds = leaseEnds;
      else one.isLost = true;
    }
    return RENEW_EVERY_MS;
  };
  const renewing = createLoop({ name: 'leases', clock, log, turn: renew });

  const start = ({ queue, failures }: ClaimedQueue, leaseEnds: number) => {
    const one: Held = { queue, failures, leaseEnds, isLost: false, wasLeftOut: false };
    held.set(queue, one);
    const work = empty(one)
      .catch((error: unknown): Left => {
        // The claiming loop meets the same database, and it is the one that speaks of it.
        log.debug({ err: error, queue }, 'a queue is left, because the database fails');
        abandoned.add(queue);
        return 'due again';
      })
      .then((left) => {
        held.delete(queue);
        working.delete(work);
        if (wasFull || one.wasLeftOut || left === 'due again') claiming.wake();
      });
    working.add(work);
  };

  const mayGoOn = ({ isLost, leaseEnds }: Held): boolean =>
    !isLost && !ending?.aborted && clock.now() < leaseEnds - SKEW_MS;

  /** Reads a queue until nothing is on it, the reader fails, or it is another one's turn; its lease has ended then. */
  const empty = async (one: Held): Promise<Left> => {
    let read = 0;
    while (mayGoOn(one) && read < MOST_IN_A_ROW) {
      const content = await store.read(one.queue);
      if (!content) return 'at rest';
      const { deliveries, routed } = content;
      if (deliveries.length === 0) {
        if (await store.release(one.queue, routed)) return 'at rest';
        continue;
      }
      const failed = await readAll(one, deliveries);
      if (failed) {
        await postpone(one, failed);
        return 'due again';
      }
      read += deliveries.length;
    }
    await store.giveBack([one.queue], clock.now());
    return 'due again';
  };

  type Failed = { readonly delivery: StoredDelivery; readonly error: unknown };

  const readAll = async (one: Held, deliveries: readonly StoredDelivery[]): Promise<Failed | undefined> => {
    // The reader goes on while what it is done with is taken off the queue.
    const removals: Promise<void>[] = [];
    let failed: Failed | undefined;
    for (const delivery of deliveries) {
      if (!mayGoOn(one)) break;
      let isAcknowledged: boolean;
      try {
        isAcknowledged = await hand(one, delivery);
      } catch (error) {
        failed = { delivery, error };
        break;
      }
      if (!isAcknowledged) {
        const removal = store.remove(delivery.id);
        removal.catch(() => {}); // it is awaited below
        removals.push(removal);
      }
      if (one.failures > 0) {
        one.failures = 0;
        await store.forgive(one.queue);
      }
    }
    await Promise.all(removals);
    return failed;
  };

  /** Answers whether the reader saw to it that the delivery is over. */
  const hand = async (one: Held, stored: StoredDelivery): Promise<boolean> => {
    let isAcknowledged = false;
    const acknowledge: Delivery['acknowledge'] = async (tx) => {
      const wasThere = await store.acknowledge(tx, stored.id);
      isAcknowledged = true;
      return wasThere;
    };
    if (one.failures === 0) metrics.lag(clock.now() - stored.accepted);
    await reader({ ...deliveryOf(one.queue, stored), acknowledge });
    metrics.delivered();
    return isAcknowledged;
  };

  const postpone = async ({ queue, failures }: Held, { delivery, error }: Failed) => {
    metrics.failed();
    const pauseMs = backoff(failures, READER_FAILED);
    log.warn(
      { err: error, queue, delivery: delivery.id, exchange: delivery.exchange, failures: failures + 1, pauseMs },
      'a message could not be taken in; it comes again',
    );
    await store.postpone(queue, clock.now() + pauseMs);
  };

  return {
    wake: claiming.wake,
    setListening: claiming.setListening,
    run: async (signal) => {
      ending = signal;
      // Leases are kept until the last delivery under way is over.
      const allRead = new AbortController();
      const leases = renewing.run(allRead.signal);
      await claiming.run(signal);
      await Promise.all(working);
      allRead.abort();
      await leases;
      if (abandoned.size === 0) return;
      await store.giveBack([...abandoned], clock.now()).catch((error: unknown) => {
        log.debug({ err: error }, 'queues are left to their leases, because the database fails');
      });
    },
  };
};

const deliveryOf = (queue: string, stored: StoredDelivery): Omit<Delivery, 'acknowledge'> => ({
  queue,
  id: String(stored.id),
  exchange: stored.exchange,
  routingKey: stored.routing_key,
  messageId: stored.message_id ?? undefined,
  body: Buffer.from(stored.body),
  accepted: stored.accepted,
});
