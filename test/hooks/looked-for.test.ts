// Who looks for the task of a fire that a dead process left behind gets it, and not a 404 until the
// lease of that process ends.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import pg from 'pg';
import { newSlugId } from '../../src/core/ids.ts';
import { ECHO_SCOPES, echoHook, rootClients } from '../support/client.ts';
import { databaseOf, newDataFolder, serve } from '../support/server.ts';

const DAY = 24 * 3_600_000;
const iso = (ms: number) => new Date(ms).toISOString();

const LEAVE_BEHIND = `
  insert into fires (hook_uid, cause, hook_group_id, hook_id, fired_by, task_id, task, request_id, arrived, gives_up, due, attempts)
  select uid, 'chosen:' || $1, hook_group_id, hook_id, 'triggerHook', $1, $2, 'r', $3, $4, $5, 0 from hooks`;

it('a task is told, waited for and canceled whose fire was stored by a process that was killed then', async (t) => {
  const data = await newDataFolder(t);
  const server = await serve(t, data);
  const { hooks, auth, queue } = rootClients(server.credentials);
  await auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
  await hooks.createHook('g', 'h', echoHook());
  const client = new pg.Client(await databaseOf(data));
  await client.connect();
  const leaveBehind = async (): Promise<string> => {
    const [taskId, now] = [newSlugId(), Date.now()];
    const task = {
      ...echoHook().task,
      ...{ payload: {}, taskGroupId: taskId, created: iso(now), deadline: iso(now + DAY), expires: iso(now + 2 * DAY) },
    };
    await client.query(LEAVE_BEHIND, [taskId, JSON.stringify(task), iso(now), iso(now + DAY), iso(now + DAY)]);
    return taskId;
  };

  const [first, second, third, fourth] = [
    ...[await leaveBehind(), await leaveBehind()],
    ...[await leaveBehind(), await leaveBehind()],
  ];
  await client.end(); // before the server, whose database ends with it
  const dependent = {
    ...{ ...echoHook().task, payload: {}, dependencies: [third] },
    ...{ created: iso(Date.now()), deadline: iso(Date.now() + DAY / 2) },
  };
  assert.equal((await queue.createTask(newSlugId(), dependent)).status.state, 'unscheduled');
  await assert.rejects(queue.createTask(newSlugId(), { ...dependent, dependencies: [newSlugId()] }), {
    statusCode: 400,
  });
  assert.equal((await queue.cancelTask(fourth)).status.state, 'exception');
  assert.equal((await queue.task(first)).taskGroupId, first);
  assert.equal((await queue.status(second)).status.state, 'pending');
  await assert.rejects(queue.task(newSlugId()), { statusCode: 404 });
  const { lastFires } = await hooks.listLastFires('g', 'h');
  assert.deepEqual(
    lastFires.map((fire: { taskId: string; result: string }) => `${fire.taskId} ${fire.result}`).sort(),
    [first, second, third, fourth].map((taskId) => `${taskId} success`).sort(),
  );
});
