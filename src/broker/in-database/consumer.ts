// Consuming: takes up queues on which something lies, and hands what lies there to the reader, in
// batches one after another.
import { backoff } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { createLoop, type Loop } from '../../core/loop.ts';
import type { Delivery, Reader } from '../broker.ts';
import type { BrokerMetrics } from '../metrics.ts';
import type { ClaimedQueue, QueueStore, StoredDelivery } from './queue-store.ts';

export type ConsumerSettings = {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: BrokerMetrics;
  readonly reader: Reader;
  /** The reader has seen to it, in a transaction of its own, that the delivery is over. */
  readonly wasAcknowledged: (delivery: Delivery) => boolean;
};

/** A queue that is read here. */
type Held = {
  readonly queue: string;
  /** Of the reader at the delivery that is next. */
  failures: number;
  /** On the wall clock, as others see it. */
  leaseEnds: number;
  isLost: boolean;
  /**
   * A claim left it out because it is read here already. By the time that this ends, something may
   * have come in again.
   */
  wasLeftOut: boolean;
};

/** How a queue is left: `due again`, now or later, is for the claiming loop to see. */
type Left = 'at rest' | 'due again';

/**
 * Most of them wait for something, as for a slow template; what they hold is bounded by what is
 * read at once.
 */
const MOST_QUEUES = 64;
const LEASE_MS = 15_000;
const RENEW_EVERY_MS = 4_000;
/** Another process's clock may be this far ahead, and see our lease end so much earlier. */
const SKEW_MS = 5_000;
/** So many deliveries or so long, and then it is another queue's turn. */
const MOST_IN_A_ROW = 500;
const LONGEST_IN_A_ROW_MS = 5_000;
/**
 * What is handed at once: few at first, twice as many each time while that goes fast, so that a
 * slow queue is soon left.
 */
const FIRST_BATCH = 20;
const MOST_AT_ONCE = 100;
const FAST_MS = 500;
const READER_FAILED = { firstMs: 500, longestMs: 60_000 };
/** What is due and was not to be had is being claimed by another process at this moment. */
const SHORTEST_PAUSE_MS = 20;

export const createConsumer = (settings: ConsumerSettings): Loop => {
  const { store, clock, log, metrics, reader, wasAcknowledged } = settings;
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

  const renew = async (): Promise<void> => {
    const queues = [...held.values()];
    if (queues.length === 0) return;
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
  };
  const renewing = createLoop({ name: 'lease renewal', clock, log, everyMs: RENEW_EVERY_MS, turn: renew });

  const start = ({ queue, failures }: ClaimedQueue, leaseEnds: number) => {
    const one: Held = { queue, failures, leaseEnds, isLost: false, wasLeftOut: false };
    held.set(queue, one);
    const work = empty(one)
      .catch((error: unknown): Left => {
        // The claiming loop meets the same database, and it is the one that speaks of it.
        log.debug({ err: error, queue }, 'queue left: the database fails');
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

  /**
   * Reads a queue until nothing is on it, the reader fails, or it is another one's turn; its lease
   * has ended then.
   */
  const empty = async (one: Held): Promise<Left> => {
    const began = clock.monotonic();
    let read = 0;
    let most = FIRST_BATCH;
    while (mayGoOn(one) && read < MOST_IN_A_ROW && clock.monotonic() - began < LONGEST_IN_A_ROW_MS) {
      const content = await store.read(one.queue, most);
      if (!content) return 'at rest';
      const { deliveries, routed } = content;
      const [first] = deliveries;
      if (!first) {
        if (await store.release(one.queue, routed)) return 'at rest';
        continue;
      }
      const handed = clock.monotonic();
      const failed = await hand(one, deliveries);
      if (failed) {
        await postpone(one, first, failed.error);
        return 'due again';
      }
      read += deliveries.length;
      most = clock.monotonic() - handed < FAST_MS ? Math.min(most * 2, MOST_AT_ONCE) : 1;
    }
    await store.giveBack([one.queue], clock.now());
    return 'due again';
  };

  /** Answers how the reader failed, if it did. Rejects when the database does. */
  const hand = async (one: Held, stored: readonly StoredDelivery[]): Promise<{ error: unknown } | undefined> => {
    const now = clock.now();
    if (one.failures === 0) for (const { accepted } of stored) metrics.lag(now - accepted);
    const deliveries = stored.map((delivery) => deliveryOf(one.queue, delivery));
    try {
      await reader(deliveries);
    } catch (error) {
      return { error };
    }
    metrics.delivered(deliveries.length);
    const left = deliveries.filter((delivery) => !wasAcknowledged(delivery));
    if (left.length > 0) await store.remove(left.map(({ id }) => Number(id)));
    if (one.failures > 0) {
      one.failures = 0;
      await store.forgive(one.queue);
    }
    return undefined;
  };

  const postpone = async ({ queue, failures }: Held, first: StoredDelivery, error: unknown) => {
    metrics.failed();
    const pauseMs = backoff(failures, READER_FAILED);
    log.warn(
      { err: error, queue, firstDelivery: first.id, exchange: first.exchange, failures: failures + 1, pauseMs },
      'messages not read; trying again',
    );
    await store.postpone(queue, clock.now() + pauseMs, first.id);
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
        log.debug({ err: error }, 'queue leases not ended: the database fails; they run out');
      });
    },
  };
};

const deliveryOf = (queue: string, stored: StoredDelivery): Delivery => ({
  queue,
  id: String(stored.id),
  exchange: stored.exchange,
  routingKey: stored.routing_key,
  messageId: stored.message_id ?? undefined,
  body: Buffer.from(stored.body),
  accepted: stored.accepted,
});
