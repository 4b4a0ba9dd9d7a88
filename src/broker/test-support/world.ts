// A world for tests of the broker: one database, a clock in the test's hands, and brokers as if
// each were a process.
import { type Cleanup, freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics, type Metrics } from '../../core/metrics.ts';
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Broker, Delivery, OutgoingMessage } from '../broker.ts';
import { createDatabaseBroker } from '../in-database/database-broker.ts';

/** A reader that is told which broker it reads from. */
export type TestReader = (deliveries: readonly Delivery[], broker: Broker) => Promise<void>;

export type World = {
  readonly database: Database;
  readonly clock: FakeClock;
  /**
   * Runs one more broker until the test ends or it is stopped. `on`: its own way to the database.
   */
  readonly start: (reader?: TestReader, on?: Database) => Promise<RunningBroker>;
  readonly publish: (...messages: readonly Partial<OutgoingMessage>[]) => Promise<void>;
  /** Binds the queue to the exchange `x` with these patterns. */
  readonly bind: (queue: string, ...patterns: readonly string[]) => Promise<void>;
  readonly left: () => Promise<Left>;
};

export type RunningBroker = {
  readonly broker: Broker;
  readonly metrics: Metrics;
  readonly stop: () => Promise<void>;
};

export type Left = {
  readonly outbox: number;
  readonly bodies: number;
  readonly deliveries: number;
  readonly bindings: number;
  readonly queues: number;
  /** Queues that are not at rest. */
  readonly due: number;
};

const countLeft = statement<Left>(
  'test.left',
  `select (select count(*) from outbox) as outbox, (select count(*) from broker_messages) as bodies,
          (select count(*) from broker_deliveries) as deliveries, (select count(*) from broker_bindings) as bindings,
          (select count(*) from broker_queues) as queues,
          (select count(*) from broker_queues where due is not null) as due`,
);

/**
 * What sleeps when a broker has nothing to do: it routes, looks after, and with a reader delivers
 * and renews.
 */
const SLEEPERS = { withReader: 4, without: 2 };

export type WorldOptions = {
  /** What the clock shows at first. */
  readonly start?: number;
  /** Instead of a fresh one. */
  readonly database?: Database;
};

export const createWorld = async (t: Cleanup, options: WorldOptions = {}): Promise<World> => {
  const running = new AsyncDisposableStack();
  t.after(() => running.disposeAsync()); // node:test runs such hooks in order, and brokers stop before the database goes
  const database = options.database ?? (await freshDatabase(t, { poolSize: 12 }));
  const clock = createFakeClock(options.start);
  const publisher = createDatabaseBroker({ database, clock, log: silentLog, metrics: createMetrics() });

  const start: World['start'] = async (reader, on = database) => {
    const metrics = createMetrics();
    const broker = createDatabaseBroker({ database: on, clock, log: silentLog, metrics });
    if (reader) broker.consume((deliveries) => reader(deliveries, broker));
    const stopping = new AbortController();
    const before = clock.sleepers();
    const run = broker.run(stopping.signal);
    const stop = async () => {
      stopping.abort();
      await run;
    };
    running.defer(stop);
    await clock.asleep(before + (reader ? SLEEPERS.withReader : SLEEPERS.without));
    return { broker, metrics, stop };
  };

  return {
    database,
    clock,
    start,
    publish: (...messages) =>
      database.transaction((tx) =>
        publisher.publish(
          tx,
          messages.map((message) => ({ exchange: 'x', routingKey: 'a', body: null, ...message })),
        ),
      ),
    bind: (queue, ...patterns) =>
      database.transaction((tx) =>
        publisher.setBindings(
          tx,
          { id: queue, name: `the queue ${queue}` },
          patterns.map((routingKeyPattern) => ({ exchange: 'x', routingKeyPattern })),
        ),
      ),
    left: async () => {
      const [left] = await database.query(countLeft);
      if (!left) throw new Error('counting answered nothing');
      return left;
    },
  };
};

/** Its body, which is JSON here. */
export const said = ({ body }: Delivery): unknown => JSON.parse(body.toString());

/** Reads deliveries one after another. */
export const oneByOne =
  (read: (delivery: Delivery, broker: Broker) => Promise<void>): TestReader =>
  async (deliveries, broker) => {
    for (const delivery of deliveries) await read(delivery, broker);
  };
