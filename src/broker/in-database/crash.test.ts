// What a process that is killed leaves to the others.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freshConnection } from '../../../test/support/database.ts';
import { eventually, lastFirst } from '../../../test/support/wait.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { openDatabase } from '../../database/connection.ts';
import { createEffects, effectsReader, listEffects } from '../test-support/effects.ts';
import { createWorld } from '../test-support/world.ts';

const VICTIM = fileURLToPath(new URL('../test-support/victim.ts', import.meta.url));
/** Our clock is so far ahead of the victim's that its lease has ended. */
const LATER_MS = 60_000;

/**
 * Kills a process with -9 when it says what `isTime` waits for; answers what it had accepted. All
 * of that takes effect, once.
 */
const expectNothingLost = async (t: TestContext, readable: number, isTime: (line: string) => boolean) => {
  const cleanup = lastFirst(t);
  const connection = await freshConnection(cleanup);
  const settings = { connection, address: 'the test database', poolSize: 8, clock: systemClock, log: silentLog };
  const database = openDatabase(settings);
  cleanup.after(async () => database[Symbol.asyncDispose]());
  const { bind, start, left, clock } = await createWorld(cleanup, { database, start: systemClock.now() + LATER_MS });
  await createEffects(database);
  await bind('q1', '#');
  await bind('q2', 'a');

  const child = spawn(process.execPath, [VICTIM, JSON.stringify(connection), '300', String(readable)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  cleanup.after(async () => {
    child.kill('SIGKILL');
  });
  const exited = once(child, 'exit');
  const accepted: number[] = [];
  for await (const line of createInterface(child.stdout)) {
    const [, number] = /^accepted (\d+)$/.exec(line) ?? [];
    if (number !== undefined) accepted.push(Number(number));
    if (isTime(line)) child.kill('SIGKILL');
  }
  await exited;
  assert.ok(accepted.length > 0);

  await start(effectsReader(database));
  await eventually('all is read', async () => {
    await clock.advance(100); // PostgreSQL may take a moment to see that the victim's transactions have ended
    const { outbox, deliveries, due } = await left();
    return outbox + deliveries + due === 0;
  });
  const effects = await listEffects(database);
  for (const queue of ['q1', 'q2']) {
    const numbers = effects.filter((effect) => effect.queue === queue).map(({ number }) => number);
    // One more may have been committed whose line did not come through.
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index),
      queue,
    );
    assert.ok(numbers.length >= accepted.length, `${numbers.length} of ${accepted.length}`);
  }
};

test('kill -9 between acceptance and delivery loses nothing', async (t) => {
  await expectNothingLost(t, 0, (line) => line === 'accepted 120');
});

test('kill -9 in the middle of deliveries loses nothing, and nothing takes effect twice', async (t) => {
  await expectNothingLost(t, Number.POSITIVE_INFINITY, (line) => line === 'read 60');
});

test('kill -9 while a delivery is under way has it delivered to another process', async (t) => {
  await expectNothingLost(t, 7, (line) => line === 'waits');
});
