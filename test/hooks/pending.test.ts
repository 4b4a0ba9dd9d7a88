// Fires that are stored and have no outcome yet: `listFires` says so.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createFakeClock } from '../support/fake-clock.ts';
import { eventually } from '../support/wait.ts';
import { definition, passTimeUntil } from './support/definitions.ts';
import { createWorld } from './support/world.ts';

it('a fire that waits for the queue is shown as pending, with why, until it ends', async (t) => {
  const clock = createFakeClock();
  const { start, queue } = await createWorld(t, { clock });
  const server = await start();
  const listFires = async () => (await server.send('/api/hooks/v1/hooks/g/h/fires')).json;
  await server.hooks.createHook('g', 'h', definition());
  queue.behave('hang');
  const triggered = server.hooks.triggerHook('g', 'h', { a: 1 });
  await eventually('the queue is asked', () => queue.asked.length === 1);
  const { fires, pending } = await listFires();
  assert.deepEqual(fires, []);
  assert.equal(pending.length, 1);
  const [{ firedBy, attempts, taskId, arrived, givesUp, error }] = pending;
  assert.deepEqual([firedBy, attempts, error], ['triggerHook', 0, undefined]);
  assert.equal(Date.parse(givesUp) - Date.parse(arrived), 24 * 3_600_000);

  queue.behave('unavailable');
  const again = await passTimeUntil(clock, 'an attempt fails', async () => {
    const [waiting] = (await listFires()).pending ?? [];
    return waiting?.attempts > 0 && waiting;
  });
  assert.match(again.error.message, /503|did not answer/);
  assert.equal((await triggered).taskId, taskId);

  queue.behave('create');
  await passTimeUntil(clock, 'the task exists', () => queue.tasks.size === 1);
  await eventually('the fire has ended', async () => (await listFires()).pending === undefined);
  assert.equal((await listFires()).fires[0].outcome, 'created');
});
