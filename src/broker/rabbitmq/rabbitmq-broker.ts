// RabbitMQ behind the broker's port: each hook with bindings has a durable queue of its own there,
// which follows the database.

import type { Base } from '../../database/base.ts';
import { keepListening } from '../../database/keep-listening.ts';
import type { Broker, Reader } from '../broker.ts';
import { createBrokerMetrics } from '../metrics.ts';
import type { BrokerTools } from '../operator-tools.ts';
import { heardAll, publish } from '../outbox.ts';
import { checkAmqplib } from './check-amqplib.ts';
import type { AmqpConnection } from './connection/connection.ts';
import { createAmqpConsumer } from './consuming/consumer.ts';
import { receivedPiece } from './consuming/receipts.ts';
import { createAmqpMetrics } from './metrics.ts';
import { createAmqpRelay } from './publishing/relay.ts';
import type { QueueType } from './topology/declare-queue.ts';
import { replaceQueue } from './topology/replace-queue.ts';
import { createTopology } from './topology/topology.ts';
import { bindingStates, setBindings, TOPOLOGY_CHANNEL } from './topology/topology-store.ts';

export type RabbitmqBrokerSettings = Base & {
  /** For publishing, declaring and binding. Runs until after the broker has ended. */
  readonly connection: AmqpConnection;
  /**
   * For consuming only: it is not read from while too much is in flight. Runs until after the
   * broker has ended.
   */
  readonly consuming: AmqpConnection;
  readonly queueType: QueueType;
  /** Queues that exist with other arguments are emptied into their hooks, deleted and made anew. */
  readonly replaceQueues: boolean;
  readonly tools: BrokerTools;
  /**
   * Messages that were received and are not over; beyond it nothing is read. Default 64 MB.
   */
  readonly mostBytesInFlight?: number;
  /** The server's own exchanges. */
  readonly exchanges: readonly string[];
};

/**
 * Without a reader it only publishes; queues and bindings are the business of those that read.
 * Throws HW_AMQP_LIBRARY.
 */
export const createRabbitmqBroker = (settings: RabbitmqBrokerSettings): Broker => {
  checkAmqplib();
  const { database, connection, consuming, queueType, replaceQueues, tools, exchanges, clock, log } = settings;
  const metrics = { ...createBrokerMetrics(settings.metrics), ...createAmqpMetrics(settings.metrics) };
  const relay = createAmqpRelay({
    ...{ database, connection, clock, log, metrics: settings.metrics, exchanges },
    onPending: metrics.pending,
  });
  let tell: Parameters<Broker['onBindingChange']>[0] | undefined;
  let reading: ReturnType<typeof createReading> | undefined;
  let isRunning = false;

  const createReading = (reader: Reader) => {
    const consumer = createAmqpConsumer({
      database,
      connection: consuming,
      clock,
      log,
      metrics,
      reader,
      mostBytesInFlight: settings.mostBytesInFlight,
      onSession: () => topology.changedAll(true),
      onGone: ({ name }) => topology.changed(name, true),
    });
    const topology = createTopology({
      database,
      connection,
      clock,
      log,
      queueType,
      onReady: consumer.ensure,
      replace: async (queue, channelPool) => replaceQueues && replaceQueue(queue, { consumer, channelPool, log }),
      onBindingChange: async (tx, changes) => tell?.(tx, changes),
      onRefused: metrics.refused,
    });
    return { consumer, topology };
  };

  return {
    publish: async (tx, messages) => {
      await publish(tx, messages, clock.now());
      metrics.accepted(messages.length);
    },
    pieces: { heard: heardAll, accepted: metrics.accepted },
    setBindings: (tx, queue, bindings) => setBindings(tx, queue, bindings, clock.now()),
    bindingStates: (queue) => bindingStates(database, queue),
    acknowledge: (tx, deliveries) => {
      if (!reading) throw new Error('nobody reads here');
      return reading.consumer.acknowledge(tx, deliveries);
    },
    endings: { piece: receivedPiece, values: (deliveries) => reading?.consumer.endingValues(deliveries) },
    consume: (reader) => {
      if (reading) throw new Error('the broker has a reader already');
      if (isRunning) throw new Error('the reader comes too late: the broker runs already');
      reading = createReading(reader);
    },
    tools,
    onBindingChange: (changed) => {
      tell = changed;
    },
    checkHealth: async () => {
      await connection.checkHealth();
      if (reading) await consuming.checkHealth();
    },
    run: async (signal) => {
      isRunning = true;
      const relaying = relay.run(signal);
      if (!reading) return relaying;
      const { consumer, topology } = reading;
      const listener = {
        onNotification: topology.changed,
        onInterruption: (state: 'lost' | 'restored') => {
          if (state === 'restored') topology.changedAll(false); // changes in the gap went unheard
        },
      };
      await using _listening = await keepListening(settings, TOPOLOGY_CHANNEL, listener, signal);
      connection.onSession(() => topology.changedAll(true));
      await Promise.all([relaying, topology.run(signal), consumer.run(signal)]);
    },
  };
};
