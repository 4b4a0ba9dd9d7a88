// The broker that needs no other: topic exchanges as RabbitMQ has them, durable in PostgreSQL. The
// default without AMQP_URL.
import type { Clock } from '../../core/clock.ts';
import { newUuid } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Database } from '../../database/database.ts';
import type { Broker, Delivery, Reader } from '../broker.ts';
import { listenForLoop } from '../listen-for-loop.ts';
import { createLoop, type Loop } from '../loop.ts';
import { createBrokerMetrics, MOST_COUNTED } from '../metrics.ts';
import { OUTBOX_CHANNEL, pendingUpTo, publish } from '../outbox.ts';
import { bindingStates, boundAmong, setBindings } from './bindings.ts';
import { createConsumer } from './consumer.ts';
import { createQueueStore, QUEUES_CHANNEL } from './queue-store.ts';
import { createRelay } from './relay.ts';
import { createSweep } from './sweep.ts';
import { createInProcessTools } from './tools.ts';
import { sweepWatches } from './watches.ts';

export type InProcessBrokerSettings = {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

const LOOK_AFTER_EVERY_MS = 15_000;

/**
 * Any number of processes may run one on the same database. A process without a reader routes, and
 * leaves the queues to others.
 *
 * @example
 * const broker = createInProcessBroker({ database, clock, log, metrics });
 * broker.consume(async (deliveries) => console.log(deliveries.map(({ body }) => body.toString())));
 * await database.transaction(async (tx) => {
 *   await broker.setBindings(tx, { id: 'all', name: 'all' }, [{ exchange: 'exchange/a', routingKeyPattern: '#' }]);
 *   await broker.publish(tx, [{ exchange: 'exchange/a', routingKey: 'some.words', body: { x: 1 } }]);
 * });
 * await broker.run(signal);
 */
export const createInProcessBroker = (settings: InProcessBrokerSettings): Broker => {
  const { database, clock, log } = settings;
  const metrics = createBrokerMetrics(settings.metrics);
  const store = createQueueStore(database, newUuid());
  /** In transactions that may have been undone. */
  const acknowledged = new WeakSet<Delivery>();
  let consumer: Loop | undefined;
  let isRunning = false;

  const relay = createRelay({ database, clock, metrics, onRouted: () => consumer?.wake() });
  const relaying = createLoop({ name: 'routing', clock, log, turn: relay });

  const sweep = createSweep(database);
  const lookAfter = async () => {
    await sweep();
    await sweepWatches(database, clock.now());
    const pending = await pendingUpTo(database, MOST_COUNTED);
    if (pending) metrics.pending(pending);
    return LOOK_AFTER_EVERY_MS;
  };

  const consume = (reader: Reader) => {
    if (consumer) throw new Error('the broker has a reader already');
    if (isRunning) throw new Error('the reader comes too late: the broker runs already');
    consumer = createConsumer({ store, clock, log, metrics, reader, wasAcknowledged: (one) => acknowledged.has(one) });
  };

  const publishIn: Broker['publish'] = async (tx, messages) => {
    await publish(tx, messages, clock.now());
    metrics.accepted(messages.length);
  };

  return {
    publish: publishIn,
    boundAmong,
    setBindings: (tx, queue, bindings) => setBindings(tx, queue, bindings, clock.now()),
    bindingStates: (queue) => bindingStates(database, queue),
    acknowledge: async (tx, deliveries) => {
      const wereThere = await store.acknowledge(
        tx,
        deliveries.map(({ id }) => Number(id)),
      );
      for (const delivery of deliveries) acknowledged.add(delivery);
      return new Set(deliveries.filter(({ id }) => !wereThere.has(Number(id))));
    },
    consume,
    onBindingChange: () => {},
    checkHealth: async () => {}, // it is where the database is
    tools: createInProcessTools({ database, clock, publish: publishIn }),
    run: async (signal) => {
      isRunning = true;
      // Listening stands before the first question to the database, so that nothing is published
      // unseen in between.
      await using listening = new AsyncDisposableStack();
      listening.use(await listenForLoop(settings, OUTBOX_CHANNEL, relaying, signal));
      if (consumer) listening.use(await listenForLoop(settings, QUEUES_CHANNEL, consumer, signal));
      const lookingAfter = createLoop({ name: 'looking after', clock, log, turn: lookAfter });
      await Promise.all([relaying.run(signal), consumer?.run(signal), lookingAfter.run(signal)]);
    },
  };
};
