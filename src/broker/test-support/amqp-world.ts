// A world for tests of RabbitMQ behind the broker's port: a database and a user of RabbitMQ of the
// test's own, and brokers as if each were a process.
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type ChannelModel, connect } from 'amqplib';
import { type Cleanup, freshDatabase } from '../../../test/support/database.ts';
import { newRabbitmqName, onChannel, openRabbitmq, RABBITMQ_URL } from '../../../test/support/rabbitmq.ts';
import { lastFirst } from '../../../test/support/wait.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics, type Metrics } from '../../core/metrics.ts';
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Binding, Broker, QueueIdentity, Reader } from '../broker.ts';
import type { BrokerTools } from '../operator-tools.ts';
import { createAmqpConnection } from '../rabbitmq/connection/connection.ts';
import { runMarkerOf } from '../rabbitmq/consuming/restart-marker.ts';
import { createRabbitmqBroker, type RabbitmqBrokerSettings } from '../rabbitmq/rabbitmq-broker.ts';
import { queueNameOf } from '../rabbitmq/topology/queue-name.ts';

export type AmqpWorld = {
  readonly database: Database;
  readonly rabbitmq: ChannelModel;
  /** A topic exchange of the test's own, removed afterwards. */
  readonly exchange: string;
  /** The name of another one, removed afterwards. */
  readonly exchangeName: (purpose: string) => string;
  /** An identity that no other test has; its queue is removed afterwards. */
  readonly queue: (name: string) => QueueIdentity;
  readonly nameOf: (queue: QueueIdentity) => string;
  /** `prepare`: before it runs. */
  readonly start: (
    reader?: Reader,
    options?: Partial<RabbitmqBrokerSettings>,
    prepare?: (broker: Broker) => void,
  ) => Promise<RunningAmqpBroker>;
  readonly isThere: (queue: QueueIdentity) => Promise<boolean>;
  readonly bind: (queue: QueueIdentity, ...bindings: readonly (string | Binding)[]) => Promise<void>;
  /** Straight to RabbitMQ, as others publish. */
  readonly publish: (routingKey: string, body: unknown, options?: object, exchange?: string) => Promise<void>;
};

export type RunningAmqpBroker = {
  readonly broker: Broker;
  readonly metrics: Metrics;
  /** The connection that consumes breaks without a word. */
  readonly breakConnection: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

const readRun = statement<{ run: string }>('test.amqp-run', 'select run from amqp_run');

/** The tests of tools are elsewhere. */
const NO_TOOLS = {} as BrokerTools;

export const createAmqpWorld = async (
  t: Cleanup,
  { url = RABBITMQ_URL, database: given }: { url?: string; database?: Database } = {},
): Promise<AmqpWorld> => {
  const cleanup = lastFirst(t);
  const database = given ?? (await freshDatabase(cleanup, { poolSize: 12 }));
  const exchanges: string[] = [];
  const exchangeName = (purpose: string): string => {
    const name = newRabbitmqName(purpose);
    exchanges.push(name);
    return name;
  };
  const exchange = exchangeName('exchange');
  const user = new URL(url).username;
  const identities: QueueIdentity[] = [];
  const rabbitmq = await openRabbitmq(cleanup, url);
  await onChannel(rabbitmq, (channel) => channel.assertExchange(exchange, 'topic', { durable: true }));
  cleanup.after(async () => {
    const cleaner = await connect(url).catch(() => undefined); // a node of the test's own may be gone
    if (!cleaner) return;
    const runs = await database.query(readRun);
    await onChannel(cleaner, async (channel) => {
      for (const { run } of runs) await channel.deleteExchange(runMarkerOf(user, run));
      for (const name of exchanges) await channel.deleteExchange(name);
      for (const { name } of identities) await channel.deleteQueue(queueNameOf(user, name));
    });
    await cleaner.close();
  });
  const running = new AsyncDisposableStack();
  cleanup.after(() => running.disposeAsync());
  const common = { database, clock: systemClock, log: silentLog };
  const settings = { ...common, queueType: 'classic', replaceQueues: false, tools: NO_TOOLS, exchanges: [] } as const;
  const connection = (metrics: Metrics, name: string) =>
    createAmqpConnection({ url: new URL(url), clock: systemClock, log: silentLog, metrics, name });
  const setter = createRabbitmqBroker({
    ...settings,
    metrics: createMetrics(),
    connection: connection(createMetrics(), 'setter'),
    consuming: connection(createMetrics(), 'setter'),
  });

  const start: AmqpWorld['start'] = async (reader, options = {}, prepare = () => {}) => {
    const metrics = createMetrics();
    const publishing = connection(metrics, 'publishing');
    const consuming = connection(metrics, 'consuming');
    const broker = createRabbitmqBroker({ ...settings, metrics, connection: publishing, consuming, ...options });
    if (reader) broker.consume(reader);
    prepare(broker);
    const stopping = new AbortController();
    const closing = new AbortController();
    const run = broker.run(stopping.signal);
    const connections = Promise.all([publishing.run(closing.signal), consuming.run(closing.signal)]);
    const stop = async () => {
      stopping.abort();
      await run;
      closing.abort();
      await connections;
    };
    running.defer(stop);
    const breakConnection = async () => {
      const session = await consuming.session(closing.signal);
      const channel = await session.channel();
      (channel as unknown as { connection: { stream: Socket } }).connection.stream.destroy(
        new Error('the connection broke'),
      );
    };
    return { broker, metrics, breakConnection, stop };
  };

  return {
    database,
    rabbitmq,
    exchange,
    exchangeName,
    queue: (name) => {
      const identity = { id: randomBytes(8).toString('hex'), name: `test-${exchange.slice(-12)}/${name}` };
      identities.push(identity);
      return identity;
    },
    nameOf: ({ name }) => queueNameOf(user, name),
    start,
    isThere: ({ name }) =>
      onChannel(rabbitmq, (channel) => channel.checkQueue(queueNameOf(user, name))).then(
        () => true,
        () => false,
      ),
    bind: (queue, ...bindings) =>
      database.transaction((tx) =>
        setter.setBindings(
          tx,
          queue,
          bindings.map((one) => (typeof one === 'string' ? { exchange, routingKeyPattern: one } : one)),
        ),
      ),
    publish: async (routingKey, body, options = {}, to = exchange) => {
      const channel = await rabbitmq.createConfirmChannel();
      channel.publish(to, routingKey, Buffer.from(JSON.stringify(body)), { persistent: true, ...options });
      await channel.waitForConfirms();
      await channel.close();
    },
  };
};
