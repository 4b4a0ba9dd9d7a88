import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { toIso } from '../../core/clock.ts';
import { newSlugId } from '../../core/ids.ts';
import { createWorld as createQueueWorld } from '../test-support/world.ts';

const QUEUE = { taskQueueId: 'prov/wt' };
const WORKER = { workerGroup: 'g1', workerId: 'w1', tasks: 32 };
const HOUR = 3_600_000;
const RESOLVED = 'exchange/taskcluster-queue/v1/task-group-resolved';
const SEALED = 'exchange/taskcluster-queue/v1/task-group-sealed';

const createWorld = async (t: TestContext) => {
  const world = await createQueueWorld(t);
  const { call, definition, messages } = world;
  const create = async (more: object = {}, taskId = newSlugId()) => {
    await call('createTask', { taskId }, definition(more));
    return taskId;
  };
  const claimAll = () => call('claimWork', QUEUE, WORKER);
  const report = (taskId: string, runId = 0, how = 'Completed') =>
    call(`report${how}`, { taskId, runId: String(runId) });
  /** The groups that were published as resolved since the last time. */
  const resolved = () =>
    messages.splice(0).flatMap(({ exchange, routingKey }) => (exchange === RESOLVED ? [routingKey.split('.')[1]] : []));
  return { ...world, create, claimAll, report, resolved };
};

describe('a task group', () => {
  it('is published as resolved once its last task is, with its scheduler and expiry', async (t) => {
    const { create, claimAll, report, messages, clock } = await createWorld(t);
    const taskGroupId = newSlugId();
    const more = { taskGroupId, schedulerId: 's', expires: toIso(clock.now() + 5 * HOUR) };
    const [one, other] = [await create(more, taskGroupId), await create(more)];
    await claimAll();
    await report(one);
    assert.ok(!messages.some(({ exchange }) => exchange === RESOLVED));
    await report(other, 0, 'Failed');
    assert.deepEqual(messages.at(-1), {
      exchange: RESOLVED,
      routingKey: `primary.${taskGroupId}.s._`,
      body: { taskGroupId, schedulerId: 's', expires: toIso(clock.now() + 6 * HOUR), version: 1 },
    });
    assert.equal(messages.filter(({ exchange }) => exchange === RESOLVED).length, 1);
  });

  it('of one task is resolved with it, also by cancelling and by its deadline', async (t) => {
    const { create, claimAll, report, call, pass, resolved } = await createWorld(t);
    const [done, canceled, late] = [await create(), await create(), await create()];
    await claimAll();
    await report(done);
    assert.deepEqual(resolved(), [done]);
    await call('cancelTask', { taskId: canceled });
    assert.deepEqual(resolved(), [canceled]);
    await pass(HOUR);
    assert.deepEqual(resolved(), [late]);
  });

  it('is not resolved while a task waits for another, or is tried again', async (t) => {
    const { create, claimAll, report, call, resolved } = await createWorld(t);
    const taskGroupId = newSlugId();
    const first = await create({ taskGroupId });
    const second = await create({ taskGroupId, dependencies: [first] });
    await claimAll();
    await report(first);
    await claimAll();
    await call('reportException', { taskId: second, runId: '0' }, { reason: 'worker-shutdown' });
    assert.deepEqual(resolved(), []);
    await claimAll();
    await report(second, 1);
    assert.deepEqual(resolved(), [taskGroupId]);
  });

  it('is published as resolved again when a task was added or run again, and is resolved', async (t) => {
    const { create, claimAll, report, call, resolved } = await createWorld(t);
    const taskGroupId = newSlugId();
    const first = await create({ taskGroupId });
    await claimAll();
    await report(first);
    assert.deepEqual(resolved(), [taskGroupId]);
    await report(first);
    assert.deepEqual(resolved(), [], 'the same report again');
    const added = await create({ taskGroupId });
    await call('rerunTask', { taskId: first });
    await claimAll();
    await report(added);
    assert.deepEqual(resolved(), []);
    await report(first, 1);
    assert.deepEqual(resolved(), [taskGroupId]);
  });

  it('is published as resolved when two processes resolve its last two tasks at once', async (t) => {
    const { create, claimAll, report, resolved, anotherQueue } = await createWorld(t);
    const there = anotherQueue();
    for (let round = 0; round < 15; round += 1) {
      const taskGroupId = newSlugId();
      const [one, other] = [await create({ taskGroupId }), await create({ taskGroupId })];
      await claimAll();
      await Promise.all([report(one), there.call('reportFailed', { taskId: other, runId: '0' })]);
      assert.deepEqual(resolved(), [taskGroupId], `round ${round}`);
    }
  });

  it('that is canceled as a whole is published as resolved', async (t) => {
    const { create, call, resolved } = await createWorld(t);
    const taskGroupId = newSlugId();
    for (let tasks = 0; tasks < 10; tasks += 1) await create({ taskGroupId });
    await call('sealTaskGroup', { taskGroupId });
    await call('cancelTaskGroup', { taskGroupId });
    assert.deepEqual(resolved(), [taskGroupId]);
  });

  it('is published as sealed with each call that seals it', async (t) => {
    const { create, call, messages, clock } = await createWorld(t);
    const taskGroupId = newSlugId();
    await create({ taskGroupId });
    messages.length = 0;
    const answer = await call('sealTaskGroup', { taskGroupId });
    assert.equal(answer.sealed, toIso(clock.now()));
    clock.jump(1_000);
    assert.deepEqual(await call('sealTaskGroup', { taskGroupId }), answer);
    const message = { exchange: SEALED, routingKey: `primary.${taskGroupId}.-._`, body: { ...answer, version: 1 } };
    assert.deepEqual(messages, [message, message]);
  });

  it('is not looked at while no queue is bound to the messages of groups', async (t) => {
    const { create, claimAll, report, bindTo, messages } = await createWorld(t);
    bindTo(new Set(['exchange/taskcluster-queue/v1/task-completed']));
    const taskId = await create();
    await claimAll();
    await report(taskId);
    assert.deepEqual(
      messages.map(({ exchange }) => exchange.split('/').at(-1)),
      ['task-completed'],
    );
  });
});
