// What many do at once to the same tasks, through two processes: nothing is done twice, nothing is
// forgotten.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { newSlugId } from '../../core/ids.ts';
import { ApiError } from '../../http/api-error.ts';
import { createWorld as createQueueWorld } from '../test-support/world.ts';

const QUEUE = { taskQueueId: 'prov/wt' };

const createWorld = async (t: TestContext) => {
  const world = await createQueueWorld(t);
  const calls = [world.call, world.anotherQueue().call, world.anotherQueue().call];
  const callOf = (n: number) => calls[n % calls.length] as typeof world.call;
  const create = async (count: number, more: object = {}) => {
    const ids = Array.from({ length: count }, newSlugId);
    await Promise.all(ids.map((taskId, n) => callOf(n)('createTask', { taskId }, world.definition(more))));
    return ids;
  };
  const claim = async (n: number, tasks: number) => {
    const gone = new AbortController();
    const worker = { workerGroup: 'g', workerId: `w${n}`, tasks };
    const claiming = callOf(n)('claimWork', QUEUE, worker, { gone: gone.signal });
    gone.abort();
    return (await claiming).tasks.map((one: { status: { taskId: string } }) => one.status.taskId) as string[];
  };
  const status = async (taskId: string) => (await world.call('status', { taskId })).status;
  return { ...world, callOf, create, claim, status };
};

const statusesOf = async (calls: readonly Promise<unknown>[]): Promise<number[]> =>
  (await Promise.allSettled(calls)).map((result) => {
    if (result.status === 'fulfilled') return 200;
    if (result.reason instanceof ApiError) return result.reason.statusCode;
    throw result.reason;
  });

describe('at once', () => {
  it('no two workers get the same run, and none is left', async (t) => {
    const { create, claim } = await createWorld(t);
    const ids = await create(120);
    const claimed: string[] = [];
    while (claimed.length < ids.length) {
      const lists = await Promise.all(Array.from({ length: 24 }, (_, n) => claim(n, 1 + (n % 3))));
      assert.ok(lists.flat().length > 0, 'somebody gets something while there is something');
      claimed.push(...lists.flat());
    }
    assert.deepEqual(claimed.toSorted(), ids.toSorted());
  });

  it('one of several ends of a run counts, and the others are told so', async (t) => {
    const { create, claim, callOf, status } = await createWorld(t);
    const ids = await create(30);
    assert.equal((await claim(0, 30)).length, 30);
    for (const taskId of ids) {
      const run = { taskId, runId: '0' };
      const codes = await statusesOf([
        callOf(0)('reportCompleted', run),
        callOf(1)('reportFailed', run),
        callOf(2)('reportException', run, { reason: 'internal-error' }),
        callOf(0)('reportException', run, { reason: 'worker-shutdown' }),
      ]);
      assert.equal(codes.filter((code) => code === 200).length, 1);
      assert.equal(codes.filter((code) => code === 409).length, 3);
      const { runs } = await status(taskId);
      assert.equal(runs.filter(({ resolved }: { resolved?: string }) => resolved !== undefined).length, 1);
    }
  });

  it('a task is scheduled once when the last things that it waits for end', async (t) => {
    const { create, claim, callOf, status, messages } = await createWorld(t);
    for (let round = 0; round < 15; round += 1) {
      const dependencies = await create(6);
      assert.equal((await claim(0, 6)).length, 6);
      const waiting = await create(3, { dependencies });
      messages.length = 0;
      await Promise.all(dependencies.map((taskId, n) => callOf(n)('reportCompleted', { taskId, runId: '0' })));
      for (const taskId of waiting) assert.equal((await status(taskId)).runs.length, 1);
      assert.equal(messages.filter(({ exchange }) => exchange.endsWith('/task-pending')).length, 3);
      assert.equal((await claim(0, 32)).length, 3);
    }
  });

  it('a task that is created while what it depends on ends is not forgotten', async (t) => {
    const { create, claim, callOf, status, definition } = await createWorld(t);
    for (let round = 0; round < 15; round += 1) {
      const [first = '', second = ''] = await create(2);
      await claim(0, 2);
      const waiting = Array.from({ length: 6 }, newSlugId);
      await Promise.all([
        ...waiting.map((taskId, n) =>
          callOf(n)(
            'createTask',
            { taskId },
            definition({ dependencies: n % 2 === 0 ? [first, second] : [second, first] }),
          ),
        ),
        callOf(1)('reportCompleted', { taskId: first, runId: '0' }),
        callOf(2)('reportCompleted', { taskId: second, runId: '0' }),
      ]);
      for (const taskId of waiting) assert.equal((await status(taskId)).state, 'pending');
      await claim(0, 6);
    }
  });

  it('a claim that ends and the report of its worker do not both count', async (t) => {
    const { create, claim, callOf, status, pass } = await createWorld(t);
    const ids = await create(20, { deadline: new Date(Date.UTC(2026, 10, 21)).toISOString() });
    await claim(0, 20);
    await pass(20 * 60_000 - 1_000);
    const passing = pass(1_000);
    const codes = await statusesOf(ids.map((taskId, n) => callOf(n)('reportCompleted', { taskId, runId: '0' })));
    await passing;
    for (const [n, taskId] of ids.entries()) {
      const { state, runs, retriesLeft } = await status(taskId);
      if (codes[n] === 200) assert.deepEqual([state, runs.length, retriesLeft], ['completed', 1, 5]);
      else assert.deepEqual([state, runs.length, retriesLeft, codes[n]], ['pending', 2, 4, 409]);
    }
  });

  it('a group has one scheduler, whoever comes first', async (t) => {
    const { callOf, definition, call } = await createWorld(t);
    for (let round = 0; round < 10; round += 1) {
      const taskGroupId = newSlugId();
      const codes = await statusesOf(
        ['a', 'b', 'c', 'a', 'b', 'c'].map((schedulerId, n) =>
          callOf(n)('createTask', { taskId: newSlugId() }, definition({ taskGroupId, schedulerId })),
        ),
      );
      assert.deepEqual(codes.toSorted(), [200, 200, 409, 409, 409, 409]);
      const { tasks } = await call('listTaskGroup', { taskGroupId });
      assert.equal(tasks.length, 2);
    }
  });
});
