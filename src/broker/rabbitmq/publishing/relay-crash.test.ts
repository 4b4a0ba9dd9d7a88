// What a process that is killed while it relays leaves to the next one.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freshConnection } from '../../../../test/support/database.ts';
import {
  newRabbitmqName,
  onChannel,
  openRabbitmq,
  RABBITMQ_URL,
  WITHOUT_RABBITMQ,
} from '../../../../test/support/rabbitmq.ts';
import { eventually, lastFirst } from '../../../../test/support/wait.ts';
import { systemClock } from '../../../core/clock.ts';
import { silentLog } from '../../../core/log.ts';
import { openDatabase } from '../../../database/connection.ts';
import { statement } from '../../../database/statement.ts';
import { publish } from '../../outbox.ts';

const VICTIM = fileURLToPath(new URL('../../test-support/relay-victim.ts', import.meta.url));
const MESSAGES = 3_000;
const countOutbox = statement<{ count: number }>('test.outbox', 'select count(*) as count from outbox');

test('kill -9 of the relay, again and again, loses no message; a copy has the same message id', {
  skip: WITHOUT_RABBITMQ,
}, async (test) => {
  const t = lastFirst(test);
  const connection = await freshConnection(t);
  const database = openDatabase({
    ...{ connection, address: 'the test database', poolSize: 4, clock: systemClock, log: silentLog },
  });
  t.after(async () => database[Symbol.asyncDispose]());
  const rabbitmq = await openRabbitmq(t);
  const exchange = newRabbitmqName('crash');
  const channel = await rabbitmq.createChannel();
  await channel.assertExchange(exchange, 'topic');
  t.after(async () => {
    await onChannel(rabbitmq, (one) => one.deleteExchange(exchange));
  });
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, exchange, '#');

  /** Message id → the bodies that came with it. */
  const heard = new Map<string, Set<string>>();
  let arrived = 0;
  let victim: ChildProcess | undefined;
  let kills = 0;
  const start = () => {
    const child = spawn(process.execPath, [VICTIM, JSON.stringify(connection), RABBITMQ_URL], { stdio: 'inherit' });
    victim = child;
    child.once('exit', () => victim === child && start());
  };
  t.after(async () => {
    const last = victim;
    victim = undefined;
    if (last?.kill('SIGKILL')) await once(last, 'exit');
  });
  await channel.consume(
    queue,
    (message) => {
      if (!message) return;
      const { messageId } = message.properties;
      heard.set(messageId, (heard.get(messageId) ?? new Set()).add(message.content.toString()));
      arrived += 1;
      // At a moment that the relay does not choose: confirms are under way, or the outbox has not
      // heard of them.
      if (kills < 5 && arrived > (kills + 1) * (MESSAGES / 10)) {
        kills += 1;
        victim?.kill('SIGKILL');
      }
    },
    { noAck: true },
  );
  for (let from = 0; from < MESSAGES; from += 500) {
    const messages = Array.from({ length: 500 }, (_, index) => ({ exchange, routingKey: '', body: from + index }));
    await database.transaction((tx) => publish(tx, messages, systemClock.now()));
  }
  start();
  await eventually('the outbox is empty', async () => (await database.query(countOutbox))[0]?.count === 0, 60_000);
  await eventually('all have arrived', () => heard.size >= MESSAGES);
  assert.equal(kills, 5);
  const bodies = [...heard.values()].map((set) => [...set]);
  assert.deepEqual(
    bodies
      .flat()
      .map(Number)
      .toSorted((a, b) => a - b),
    Array.from({ length: MESSAGES }, (_, n) => n),
  );
  assert.ok(bodies.every(({ length }) => length === 1));
});
