// The broker that needs no other: topic exchanges as RabbitMQ has them, durable in PostgreSQL. The
// default without AMQP_URL.
import { newUuid } from '../../core/ids.ts';
import { createLoop, type Loop } from '../../core/loop.ts';
import type { Base } from '../../database/base.ts';
import { keepListening, wakes } from '../../database/keep-listening.ts';
import type { Broker, Delivery, Reader } from '../broker.ts';
import { createBrokerMetrics, MOST_COUNTED } from '../metrics.ts';
import { OUTBOX_CHANNEL, pendingUpTo, publish } from '../outbox.ts';
import { bindingStates, boundAmong, heardBound, setBindings } from './bindings.ts';
import { createConsumer } from './consumer.ts';
import { createQueueStore, QUEUES_CHANNEL, removedPiece } from './queue-store.ts';
import { createRelay } from './relay.ts';
import { createSweep } from './sweep.ts';
import { createDatabaseTools } from './tools.ts';
import { sweepWatches } from './watches.ts';

const CLEAN_UP_EVERY_MS = 15_000;

/**
 * Any number of processes may run one on the same database. A process without a reader routes, and
 * leaves the queues to others.
 *
 * @example
 * const broker = createDatabaseBroker({ database, clock, log, metrics });
 * broker.consume(async (deliveries) => console.log(deliveries.map(({ body }) => body.toString())));
 * await database.transaction(async (tx) => {
 *   await broker.setBindings(tx, { id: 'all', name: 'all' }, [{ exchange: 'exchange/a', routingKeyPattern: '#' }]);
 *   await broker.publish(tx, [{ exchange: 'exchange/a', routingKey: 'some.words', body: { x: 1 } }]);
 * });
 * await broker.run(signal);
 */
export const createDatabaseBroker = (settings: Base): Broker => {
  const { database, clock, log } = settings;
  const metrics = createBrokerMetrics(settings.metrics);
  const store = createQueueStore(database, newUuid());
  /** In transactions that may have been undone. */
  const acknowledged = new WeakSet<Delivery>();
  let consumer: Loop | undefined;
  let isRunning = false;

  const relay = createRelay({ database, clock, metrics, onRouted: () => consumer?.wake() });
  const relaying = createLoop({ name: 'relay', clock, log, turn: relay });

  const sweep = createSweep(database);
  const cleanUp = async () => {
    await sweep();
    await sweepWatches(database, clock.now());
    const pending = await pendingUpTo(database, MOST_COUNTED);
    if (pending) metrics.pending(pending);
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
    pieces: { heard: heardBound, accepted: metrics.accepted },
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
    endings: {
      piece: removedPiece,
      values: (deliveries) => {
        for (const delivery of deliveries) acknowledged.add(delivery);
        return [deliveries.map(({ id }) => Number(id))];
      },
    },
    consume,
    onBindingChange: () => {},
    checkHealth: async () => {}, // it is where the database is
    tools: createDatabaseTools({ database, clock, publish: publishIn }),
    run: async (signal) => {
      isRunning = true;
      // Listening stands before the first question to the database, so that nothing is published
      // unseen in between.
      await using listening = new AsyncDisposableStack();
      listening.use(await keepListening(settings, OUTBOX_CHANNEL, wakes(relaying), signal));
      if (consumer) listening.use(await keepListening(settings, QUEUES_CHANNEL, wakes(consumer), signal));
      const cleaning = createLoop({ name: 'broker cleanup', clock, log, everyMs: CLEAN_UP_EVERY_MS, turn: cleanUp });
      await Promise.all([relaying.run(signal), consumer?.run(signal), cleaning.run(signal)]);
    },
  };
};
