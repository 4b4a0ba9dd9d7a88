// How fast the in-process broker is, on a database of its own: node
// src/broker/test-support/measure.ts [reader commits: yes]
import { freshDatabase } from '../../../test/support/database.ts';
import { lastFirst } from '../../../test/support/wait.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { statement } from '../../database/statement.ts';
import type { Reader } from '../broker.ts';
import { createDatabaseBroker } from '../in-database/database-broker.ts';
import { countLeft } from './world.ts';

const undo: (() => Promise<void>)[] = [];
const database = await freshDatabase(lastFirst({ after: (step) => undo.push(step) }), { poolSize: 8 });
const broker = createDatabaseBroker({ database, clock: systemClock, log: silentLog, metrics: createMetrics() });
const transaction = database.transaction;
const vacuum = statement('measure.vacuum', 'analyze');

let seen = 0;
let wanted = Number.POSITIVE_INFINITY;
let done: () => void = () => {};
const commits = process.argv[2] === 'yes';
const read: Reader = async (deliveries) => {
  if (commits) await transaction((tx) => broker.acknowledge(tx, deliveries));
  seen += deliveries.length;
  if (seen >= wanted) done();
};
broker.consume(read);
const stopping = new AbortController();
const run = broker.run(stopping.signal);

const measure = async (name: string, deliveries: number, work: () => Promise<unknown>) => {
  await database.query(vacuum);
  seen = 0;
  wanted = deliveries;
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const began = systemClock.monotonic();
  await work();
  const published = systemClock.monotonic();
  if (deliveries > 0) await all;
  const ms = systemClock.monotonic() - began;
  const rate = deliveries > 0 ? `, ${Math.round((deliveries * 1_000) / ms)} deliveries/s` : '';
  console.log(`${name}: ${Math.round(ms)} ms (published after ${Math.round(published - began)})${rate}`);
};

const publish = (exchange: string, routingKey: string, n: number) =>
  transaction((tx) => broker.publish(tx, [{ exchange, routingKey, body: { n, text: 'x'.repeat(1_000) } }]));

/** So many transactions of one message, so many at once. */
const publishMany = async (messages: number, atOnce: number, keyOf: (n: number) => string, exchange = 'rate') => {
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < messages; n = next++) await publish(exchange, keyOf(n), n);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
};

const bind = (queue: string, exchange: string, routingKeyPattern: string) =>
  transaction((tx) => broker.setBindings(tx, { id: queue, name: queue }, [{ exchange, routingKeyPattern }]));

await bind('one', 'rate', 'one.#');
for (let n = 0; n < 50; n += 1) await bind(`spread-${n}`, 'rate', `spread.${n}`);
for (let round = 0; round < 3; round += 1) {
  await measure('5,000 messages to one queue', 5_000, () => publishMany(5_000, 16, () => 'one.two'));
  await measure('5,000 messages over 50 queues', 5_000, () => publishMany(5_000, 16, (n) => `spread.${n % 50}`));
  await measure('10,000 messages in one transaction over 50 queues', 10_000, () =>
    transaction((tx) =>
      broker.publish(
        tx,
        Array.from({ length: 10_000 }, (_, n) => ({ exchange: 'rate', routingKey: `spread.${n % 50}`, body: { n } })),
      ),
    ),
  );
}

for (let n = 0; n < 1_000; n += 1) await bind(`fan-${n}`, 'fan', '#');
for (let round = 0; round < 3; round += 1)
  await measure('one message to 1,000 queues', 1_000, () => publish('fan', 'a', 0));

const began = systemClock.monotonic();
for (let n = 0; n < 10_000; n += 1) await bind(`many-${n}`, 'many', `*.group${n % 100}.hook${n}.#`);
console.log(`10,000 queues bound: ${Math.round(systemClock.monotonic() - began)} ms`);
for (let n = 0; n < 5; n += 1) {
  await measure('one message among 10,000 bound queues', 1, () => publish('many', `a.group${n}.hook${n}.b`, n));
}
await bind('many-5', 'many', '*.group5.hook5.c');
await measure('one message after one of them was bound anew', 1, () => publish('many', 'a.group5.hook5.c', 5));
await measure('5,000 messages among 10,000 bound queues', 5_000, () =>
  publishMany(5_000, 16, (n) => `a.group${(n + 100) % 100}.hook${n + 100}.x`, 'many'),
);
const cpu = process.cpuUsage();
const idleFrom = systemClock.monotonic();
await systemClock.sleep(10_000);
const idle = process.cpuUsage(cpu);
const share = (idle.user + idle.system) / 10 / (systemClock.monotonic() - idleFrom);
console.log(`idle with 11,051 queues: ${share.toFixed(2)} % of a core`);

stopping.abort();
await run;
console.log('left', await database.query(countLeft));
for (const step of undo) await step();
