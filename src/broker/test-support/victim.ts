// A process that publishes and reads until it is killed. It says a line for each message that it
// has accepted, and for each that it has read. node victim.ts <connection as JSON> <messages> <how
// many it reads before it waits for ever>
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { openDatabase } from '../../database/connection.ts';
import { createDatabaseBroker } from '../in-database/database-broker.ts';
import { effectsReader } from './effects.ts';
import { oneByOne, type TestReader } from './world.ts';

const [connection = '{}', messages = '0', readable = '0'] = process.argv.slice(2);
const database = openDatabase({
  connection: JSON.parse(connection),
  address: 'the test database',
  poolSize: 4,
  clock: systemClock,
  log: silentLog,
});
const broker = createDatabaseBroker({ database, clock: systemClock, log: silentLog, metrics: createMetrics() });
const read = effectsReader(database);
const readOne: TestReader = oneByOne(async (delivery, on) => {
  if (left === 0) {
    say('waits');
    await new Promise(() => {});
  }
  left -= 1;
  await read([delivery], on);
  say(`read ${delivery.body}`);
});
const say = (line: string) => process.stdout.write(`${line}\n`);

let left = Number(readable);
broker.consume((deliveries) => readOne(deliveries, broker));
const running = broker.run(new AbortController().signal);
for (let number = 0; number < Number(messages); number += 1) {
  await database.transaction((tx) => broker.publish(tx, [{ exchange: 'x', routingKey: 'a', body: number }]));
  say(`accepted ${number}`);
}
await running;
