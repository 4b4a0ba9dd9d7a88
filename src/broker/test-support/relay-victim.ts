// A process that publishes to RabbitMQ what is in the outbox, until it is killed: node
// relay-victim.ts <connection as JSON> <URL of RabbitMQ>
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { openDatabase } from '../../database/connection.ts';
import { createAmqpConnection } from '../rabbitmq/connection/connection.ts';
import { createAmqpRelay } from '../rabbitmq/publishing/relay.ts';

const [database = '{}', url = ''] = process.argv.slice(2);
const surroundings = { clock: systemClock, log: silentLog, metrics: createMetrics() };
const connection = createAmqpConnection({ url: new URL(url), name: 'test', ...surroundings });
const relay = createAmqpRelay({
  ...surroundings,
  connection,
  database: openDatabase({
    ...{ connection: JSON.parse(database), address: 'the test database', poolSize: 4 },
    ...{ clock: systemClock, log: silentLog },
  }),
});
const never = new AbortController().signal;
await Promise.all([connection.run(never), relay.run(never)]);
