// A process that reads from RabbitMQ until it is killed. It says a line for each batch that it has
// read. node amqp-victim.ts <connection to the database as JSON> <URL of RabbitMQ>
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { openDatabase } from '../../database/connection.ts';
import type { BrokerTools } from '../operator-tools.ts';
import { createAmqpConnection } from '../rabbitmq/connection/connection.ts';
import { createRabbitmqBroker } from '../rabbitmq/rabbitmq-broker.ts';
import { effectsReader } from './effects.ts';

const [connection = '{}', url = ''] = process.argv.slice(2);
const settings = { address: 'the test database', poolSize: 4, clock: systemClock, log: silentLog };
const database = openDatabase({ connection: JSON.parse(connection), ...settings });
const metrics = createMetrics();
const common = { clock: systemClock, log: silentLog, metrics };
const connect = (name: string) => createAmqpConnection({ url: new URL(url), name, ...common });
const [publishing, consuming] = [connect('publishing'), connect('consuming')];
const broker = createRabbitmqBroker({
  ...common,
  database,
  connection: publishing,
  consuming,
  queueType: 'classic',
  replaceQueues: false,
  tools: {} as BrokerTools, // not used here
  exchanges: [],
});
const read = effectsReader(database);
broker.consume(async (deliveries) => {
  await read(deliveries, broker);
  process.stdout.write(`read ${deliveries.length}\n`);
});
const { signal } = new AbortController();
await Promise.all([publishing.run(signal), consuming.run(signal), broker.run(signal)]);
