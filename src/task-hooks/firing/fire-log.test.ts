import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { eventually } from '../../../test/support/wait.ts';
import { newUuid } from '../../core/ids.ts';
import { createLog } from '../../core/log.ts';
import { CREATED, UNAVAILABLE } from '../test-support/fake-queue.ts';
import { createWorld, ME, scheduledHook } from '../test-support/world.ts';

type Line = { readonly requestId?: string; readonly msg: string; readonly hookId?: string; readonly taskId?: string };

test('the log’s lines of one fire have one request id and the hook’s name, whatever fired it: from storing to the outcome', async (t) => {
  const { clock, queue, entries, startServer, handleDue } = await createWorld(t);
  const lines: Line[] = [];
  const destination = new PassThrough().on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split('\n')) lines.push(JSON.parse(line) as Line);
  });
  const server = await startServer({ log: createLog({ level: 'debug', destination }) });
  const uids: Record<string, string> = {};
  for (const [hookId, schedule] of [
    ['of-a-schedule', ['0 * * * * *']],
    ['of-messages', []],
  ] as const) {
    await server.changes.create(scheduledHook([...schedule], { hookId }), ME);
    uids[hookId] = (await server.hooks.find({ hookGroupId: 'g', hookId }))?.uid ?? assert.fail();
  }
  queue.behave(() => UNAVAILABLE);
  await server.readMessages([
    {
      ...{ queue: uids['of-messages'] ?? '', id: newUuid(), exchange: 'x', routingKey: '', messageId: undefined },
      ...{ body: Buffer.from('{}'), accepted: clock.now() },
    },
  ]);
  await clock.advance(60_000);
  await eventually('both were tried', () => new Set(queue.asked.things.map(({ taskId }) => taskId)).size >= 2);
  queue.behave(() => CREATED);
  await eventually('both made their tasks', async () => {
    await clock.advance(1_000);
    return queue.tasks.size >= 2;
  });
  await handleDue();
  await server.runner.whenIdle();
  for (const [hookId, uid] of Object.entries(uids)) {
    const [row] = (await entries(uid)).filter(({ outcome }) => outcome === 'created');
    const ofFire = lines.filter(({ requestId }) => requestId === row?.requestId);
    assert.deepEqual([...new Set(ofFire.map((line) => `${line.hookId} ${line.taskId}`))], [`${hookId} ${row?.taskId}`]);
    const said = [...new Set(ofFire.map(({ msg }) => msg))];
    assert.deepEqual(said, [
      'fire stored',
      'task requested',
      'task request failed; fire postponed',
      'fire created its task',
    ]);
  }
});
