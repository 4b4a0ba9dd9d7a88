// Reads all queues of hooks on RabbitMQ, on channels that hundreds of them share, and hands what
// comes to the reader, queue by queue.
//
// Every process that listens consumes every queue; RabbitMQ hands the messages of a queue to one of
// them (single active consumer).
import type { ConsumeMessage } from 'amqplib';
import { type Clock, withDeadline } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import { retry } from '../../../core/retry.ts';
import type { Database, Transaction } from '../../../database/database.ts';
import type { Delivery, Reader } from '../../broker.ts';
import type { BrokerMetrics } from '../../metrics.ts';
import type { AmqpConnection, AmqpSession } from '../connection/connection.ts';
import type { AmqpMetrics } from '../metrics.ts';
import type { ReadyQueue } from '../topology/declare-queue.ts';
import { type AckChannel, type Entry, openAckChannel } from './ack-channel.ts';
import { createHandOver } from './hand-over.ts';
import { createReadThrottle } from './read-throttle.ts';
import { createReceiptCleanup } from './receipt-cleanup.ts';
import { hashOf, holdQueues, type Received, receivedValues, SupersededError, writeReceipts } from './receipts.ts';
import { findRestartMarker } from './restart-marker.ts';
import {
  bytesOf,
  createSubscription,
  type Item,
  type Session,
  type SharedChannel,
  type Subscription,
} from './subscription.ts';

export type AmqpConsumer = {
  /** The queue is there: it is read from now on, if it is not yet. */
  readonly ensure: (queue: ReadyQueue) => void;
  /** Whether nothing of it is under way here. */
  readonly isIdle: (id: string) => boolean;
  /** It is not read any more; what has come and is not over goes back. */
  readonly stop: (id: string) => Promise<void>;
  readonly acknowledge: (tx: Transaction, deliveries: readonly Delivery[]) => Promise<ReadonlySet<Delivery>>;
  /** Of `receivedPiece`. */
  readonly endingValues: (deliveries: readonly Delivery[]) => readonly unknown[] | undefined;
  readonly run: (signal: AbortSignal) => Promise<void>;
};

export type AmqpConsumerSettings = {
  readonly database: Database;
  readonly connection: AmqpConnection;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: BrokerMetrics & AmqpMetrics;
  readonly reader: Reader;
  readonly mostBytesInFlight?: number | undefined;
  /** A session has begun: no queue is read until it is ensured. */
  readonly onSession: () => void;
  /**
   * RabbitMQ has ended the reading of this queue: it was deleted, or what another one did closed
   * the channel.
   */
  readonly onGone: (queue: ReadyQueue) => void;
};

/** Messages of one queue. With 20 ms for a batch, a queue is read at thousands a second. */
const PREFETCH = 250;
const MOST_CONSUMERS_A_CHANNEL = 250;
const END_WITHIN_MS = 3_000;

export const createAmqpConsumer = (settings: AmqpConsumerSettings): AmqpConsumer => {
  const { database, connection, clock, log, metrics, reader, onSession, onGone, mostBytesInFlight } = settings;
  const throttle = createReadThrottle(clock, mostBytesInFlight);
  const receiptCleanup = createReceiptCleanup({ database, clock, log });
  const received = new WeakMap<Delivery, { readonly subscription: Subscription; readonly what: Received }>();
  let current: Session | undefined;
  let lastRun: string | undefined;
  let ending: AbortSignal | undefined;

  const begin = async (amqp: AmqpSession) => {
    for (const { over } of current?.subscriptions.values() ?? []) over.abort();
    current = undefined;
    metrics.consumers(0);
    const prepare = async () => {
      const run = await findRestartMarker(database, amqp, connection.user, lastRun);
      throttle.begin(amqp);
      lastRun = run;
      receiptCleanup.begin(run);
      amqp.ended.addEventListener('abort', receiptCleanup.pause, { once: true });
      if (amqp.ended.aborted) return receiptCleanup.pause();
      current = { run, amqp, subscriptions: new Map(), channels: [] };
      onSession();
    };
    const signal = ending ? AbortSignal.any([amqp.ended, ending]) : amqp.ended;
    await retry(prepare, { name: 'consuming', clock, log, signal });
  };

  /** A place on a channel, counted at once: thousands may ask before the first channel is open. */
  const sharedChannel = (session: Session): SharedChannel => {
    const known = session.channels.find(({ consumers }) => consumers < MOST_CONSUMERS_A_CHANNEL);
    if (known) {
      known.consumers += 1;
      return known;
    }
    const opening = openAckChannel({
      session: session.amqp,
      clock,
      prefetch: PREFETCH,
      onAcknowledged: receiptCleanup.add,
      onClose: () => {
        forget();
        for (const subscription of [...session.subscriptions.values()])
          if (subscription.shared === fresh) leave(subscription, true);
      },
    });
    const fresh: SharedChannel = { opening, consumers: 1 };
    const forget = () => {
      session.channels = session.channels.filter((one) => one !== fresh);
    };
    opening.catch(forget); // whoever waits for it hears of it; the next one opens another
    session.channels.push(fresh);
    return fresh;
  };

  const ensure = (queue: ReadyQueue) => {
    const session = current;
    if (!session || ending?.aborted) return;
    const known = session.subscriptions.get(queue.id);
    // A queue that is deleted just after it was read first may be made anew while it goes. RabbitMQ
    // 3.10 then cancels nothing, and hands what comes to a reader that gets none of it, for ever.
    const { unreadAt = Number.NEGATIVE_INFINITY } = queue;
    if (known?.readSince !== undefined && unreadAt > known.readSince) restart(session, queue.id);
    if (known) return;
    const subscription = createSubscription(queue, session);
    session.subscriptions.set(queue.id, subscription);
    subscription.beginning = consume(subscription).catch((error: unknown) => {
      if (session.amqp.ended.aborted || subscription.over.signal.aborted) return;
      log.debug({ err: error, queue: queue.brokerName }, 'queue not read; the topology checks it');
      leave(subscription, true);
    });
  };

  const consume = async (subscription: Subscription) => {
    subscription.shared = sharedChannel(subscription.session);
    const channel = await subscription.shared.opening;
    subscription.channel = channel;
    const onMessage = (message: ConsumeMessage | null) => {
      if (message) take(subscription, channel, message);
      else leave(subscription, true);
    };
    const { consumerTag } = await channel.channel.consume(subscription.queue.brokerName, onMessage);
    subscription.consumerTag = consumerTag;
    subscription.readSince = clock.monotonic();
    metrics.consumers(subscription.session.subscriptions.size);
    if (subscription.over.signal.aborted) await channel.channel.cancel(consumerTag);
  };

  /** Nothing more of it is read; what is with the reader goes on. */
  const leave = (subscription: Subscription, isGone: boolean) => {
    const { session, queue, shared, channel, items, over } = subscription;
    if (over.signal.aborted) return;
    over.abort();
    session.subscriptions.delete(queue.id);
    metrics.consumers(session.subscriptions.size);
    if (shared) shared.consumers -= 1;
    channel?.giveBack(items.map(({ entry }) => entry));
    if (session === current) count(-bytesOf(items));
    subscription.items = [];
    if (isGone && !session.amqp.ended.aborted) onGone(queue);
  };

  const count = (bytes: number) => {
    throttle.count(bytes);
    metrics.inFlight(throttle.bytes());
  };

  const take = (subscription: Subscription, channel: AckChannel, message: ConsumeMessage) => {
    const { queue, reading } = subscription;
    subscription.number += 1;
    const key = { reading, number: subscription.number };
    const { fields, properties, content } = message;
    const messageId: unknown = properties.messageId;
    const isIdentified = typeof messageId === 'string' && messageId !== '';
    const hash = hashOf(queue.id, message);
    const likeness = isIdentified ? undefined : hash.toString('latin1');
    const entry: Entry = { message: { fields }, key, likeness, isOver: false, isAcknowledged: false };
    channel.add(entry);
    if (ending?.aborted) return; // it goes back with the channel
    if (subscription.over.signal.aborted) return channel.giveBack([entry]);
    const delivery: Delivery = {
      queue: queue.id,
      id: `${reading}/${key.number}`,
      exchange: fields.exchange,
      routingKey: fields.routingKey,
      messageId: isIdentified ? messageId : undefined,
      body: content,
      accepted: clock.now(),
    };
    const isRedelivered = fields.redelivered;
    if (isRedelivered) metrics.redelivered();
    const what = { ...key, queue: queue.id, hash, isIdentified, isRedelivered };
    received.set(delivery, { subscription, what });
    const bytes = content.length + 1_000;
    count(bytes);
    subscription.items.push({ delivery, entry, bytes });
    handOver.start(subscription);
  };

  const finish = (subscription: Subscription, batch: readonly Item[]) => {
    const entries = batch.map(({ entry }) => entry);
    if (subscription.over.signal.aborted) return; // given back, or gone with its channel
    subscription.items = subscription.items.slice(batch.length);
    if (subscription.session === current) count(-bytesOf(batch));
    subscription.channel?.finish(entries);
    subscription.isTaken ||= subscription.isBeingTaken; // the reader has committed it
    subscription.isPastRedelivery ||= batch.some(({ entry }) => !entry.message.fields.redelivered);
    if (!subscription.isPastRedelivery || subscription.hasDroppedEarlier || !subscription.isTaken) return;
    subscription.hasDroppedEarlier = true;
    receiptCleanup.forgetEarlier({ queue: subscription.queue.id, reading: subscription.reading });
  };

  const handOver = createHandOver({ clock, log, metrics, reader, ending: () => ending, onRead: finish });

  /** What is known of deliveries that are still ours. */
  const recall = (deliveries: readonly Delivery[]) => {
    const known = deliveries.map((delivery) => {
      const one = received.get(delivery);
      if (!one) throw new Error(`the delivery ${delivery.id} is not from here`);
      return one;
    });
    const late = known.filter(
      ({ subscription }) => subscription.over.signal.aborted || subscription.session !== current,
    );
    if (late.length > 0) throw new SupersededError([...new Set(late.map(({ what }) => what.queue))]);
    const subscriptions = [...new Set(known.map(({ subscription }) => subscription))];
    const held = subscriptions.map(({ queue, reading, isTaken }) => ({ queue: queue.id, reading, isTaken }));
    return { session: current as Session, subscriptions, held, what: known.map((one) => one.what) };
  };

  const endingValues: AmqpConsumer['endingValues'] = (deliveries) => {
    const { session, held, what } = recall(deliveries);
    return receivedValues(held, what, session.run, clock.now());
  };

  const acknowledge: AmqpConsumer['acknowledge'] = async (tx, deliveries) => {
    if (deliveries.length === 0) return new Set();
    const { session, subscriptions, held, what } = recall(deliveries);
    try {
      await holdQueues(tx, held);
    } catch (error) {
      if (error instanceof SupersededError) for (const id of error.queues) restart(session, id);
      throw error;
    }
    for (const subscription of subscriptions) subscription.isBeingTaken = true;
    const over = await writeReceipts(tx, what, session.run, clock.now());
    if (over.size > 0) metrics.deduplicated(over.size);
    return new Set(deliveries.filter((_, index) => over.has(what[index] as Received)));
  };

  /**
   * Another reading had the queue in the meantime: what came before that may be its, and has to
   * come again.
   */
  const restart = (session: Session, id: string) => {
    const subscription = session.subscriptions.get(id);
    if (subscription) void stopReading(subscription).then(() => ensure(subscription.queue));
  };

  /** Resolves when RabbitMQ has back what was handed out and not read. */
  const stopReading = async (subscription: Subscription) => {
    leave(subscription, false);
    await subscription.beginning;
    const { channel, consumerTag } = subscription;
    if (!channel || consumerTag === undefined) return;
    try {
      await channel.channel.cancel(consumerTag);
      await channel.channel.prefetch(PREFETCH); // says the same again; its answer comes after what went back
    } catch (error) {
      log.debug({ err: error }, 'queue reading not ended: its channel was closed before');
    }
  };

  /** What was not handed to the reader goes back with the channel it came on. */
  const endChannels = async () => {
    const { channels = [], subscriptions } = current ?? {};
    for (const { over } of subscriptions?.values() ?? []) over.abort();
    subscriptions?.clear();
    await Promise.all(
      [...channels].map(async ({ opening }) => {
        const channel = await opening;
        await channel.whenAcknowledged();
        await channel.channel.close();
      }),
    );
  };

  return {
    ensure,
    isIdle: (id) => {
      const subscription = current?.subscriptions.get(id);
      return !subscription || (subscription.consumerTag !== undefined && subscription.items.length === 0);
    },
    stop: async (id) => {
      const subscription = current?.subscriptions.get(id);
      if (subscription) await stopReading(subscription);
    },
    acknowledge,
    endingValues,
    run: async (signal) => {
      ending = signal;
      connection.onSession((session) => void begin(session));
      const cleaning = receiptCleanup.run(signal);
      if (!signal.aborted)
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      await handOver.whenIdle();
      throttle.end(); // else answers of RabbitMQ would not be read
      await withDeadline(
        clock,
        END_WITHIN_MS,
        () => endChannels(),
        () => new Error('RabbitMQ does not answer'),
      ).catch((error: unknown) =>
        log.debug({ err: error }, 'queue reading not ended in order; the connection is closed'),
      );
      await cleaning;
    },
  };
};
