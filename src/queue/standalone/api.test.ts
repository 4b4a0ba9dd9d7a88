import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { toIso } from '../../core/clock.ts';
import { newSlugId } from '../../core/ids.ts';
import { statement } from '../../database/statement.ts';
import { ApiError } from '../../http/api-error.ts';
import { createWorld as createQueueWorld, type WorldOptions } from '../test-support/world.ts';
import { TASK_TIMER } from './tasks/expiry.ts';

const QUEUE = { taskQueueId: 'prov/wt' };
const WORKER = { workerGroup: 'g1', workerId: 'w1' };
const MINUTE = 60_000;

const createWorld = async (t: TestContext, options: WorldOptions = {}) => {
  const world = await createQueueWorld(t, options);
  const { call, definition } = world;
  const create = async (more: object = {}, taskId = newSlugId()) => {
    await call('createTask', { taskId }, definition(more));
    return taskId;
  };
  const claim = (more: object = {}, gone?: AbortSignal) =>
    call('claimWork', QUEUE, { ...WORKER, ...more }, gone && { gone });
  const status = async (taskId: string) => (await call('status', { taskId })).status;
  /** `task-pending 0 …`: the exchange and the words of the key that change. Not of groups. */
  const heard = () =>
    world.messages
      .splice(0)
      .filter(({ exchange }) => !exchange.includes('task-group'))
      .map(({ exchange, routingKey }) => [exchange.split('/').at(-1), ...routingKey.split('.').slice(2, 5)].join(' '));
  return { ...world, create, claim, status, heard };
};

describe('the messages of the queue', () => {
  it('tell what becomes of a task, in order, with its routes and its tags', async (t) => {
    const { create, claim, call, heard, messages, clock } = await createWorld(t);
    const taskId = await create({ tags: { a: 'b' }, routes: ['x.y', 'z'] });
    const { tasks } = await claim();
    const [, pending, running] = messages;
    assert.deepEqual(messages[0]?.body, {
      status: { ...tasks[0].status, state: 'unscheduled', runs: [] },
      task: { tags: { a: 'b' } },
      version: 1,
    });
    assert.equal(messages[0]?.routingKey, `primary.${taskId}._._._.prov.wt.-.${taskId}._`);
    assert.equal(pending?.routingKey, `primary.${taskId}.0._._.prov.wt.-.${taskId}._`);
    assert.deepEqual(running, {
      exchange: 'exchange/taskcluster-queue/v1/task-running',
      routingKey: `primary.${taskId}.0.g1.w1.prov.wt.-.${taskId}._`,
      cc: ['route.x.y', 'route.z'],
      body: {
        ...{ status: tasks[0].status, runId: 0, ...WORKER, takenUntil: toIso(clock.now() + 20 * MINUTE) },
        ...{ task: { tags: { a: 'b' } }, version: 1 },
      },
    });
    const run = { taskId, runId: '0' };
    await call('reportException', run, { reason: 'worker-shutdown' });
    const [exception] = messages.slice(3) as unknown as { body: { status: { state: string } } }[];
    assert.equal(exception?.body.status.state, 'pending', 'the next run is in the message that ends the first one');
    await call('reportException', run, { reason: 'worker-shutdown' });
    await claim({ workerId: 'w2' });
    await call('cancelTask', { taskId });
    await call('rerunTask', { taskId });
    await claim();
    await call('reportFailed', { taskId, runId: '2' });
    await call('rerunTask', { taskId });
    await claim();
    await call('reportCompleted', { taskId, runId: '3' });
    assert.deepEqual(heard(), [
      ...['task-defined _ _ _', 'task-pending 0 _ _', 'task-running 0 g1 w1', 'task-exception 0 g1 w1'],
      ...['task-pending 1 _ _', 'task-running 1 g1 w2', 'task-exception 1 g1 w2', 'task-pending 2 _ _'],
      ...['task-running 2 g1 w1', 'task-failed 2 g1 w1', 'task-pending 3 _ _', 'task-running 3 g1 w1'],
      'task-completed 3 g1 w1',
    ]);
  });

  it('tell of deadlines without a worker, and of what time and dependencies do', async (t) => {
    const { create, claim, heard, pass, clock, call } = await createWorld(t);
    const deadline = toIso(clock.now() + 30 * MINUTE);
    const first = await create({ deadline, retries: 0 });
    await create({ deadline, requires: 'all-resolved', dependencies: [first] });
    await claim();
    heard();
    await pass(20 * MINUTE);
    assert.deepEqual(heard(), ['task-exception 0 g1 w1', 'task-pending 0 _ _']);
    await claim();
    await pass(10 * MINUTE);
    assert.deepEqual(heard(), ['task-running 0 g1 w1', 'task-exception 0 _ _']);
    await assert.rejects(call('rerunTask', { taskId: first }), { code: 'RequestConflict' });
  });

  it('are not made while no queue is bound to their exchange', async (t) => {
    const { create, claim, heard, bindTo } = await createWorld(t);
    bindTo(new Set());
    await create();
    await claim();
    assert.deepEqual(heard(), []);
    bindTo(new Set(['exchange/taskcluster-queue/v1/task-running']));
    await create();
    await claim();
    assert.deepEqual(heard(), ['task-running 0 g1 w1']);
  });
});

describe('creating tasks as hooks do', () => {
  it('costs one statement and one look at the bindings, however many they are, and sets no timers', async (t) => {
    const { database, definition, queue, bindTo } = await createWorld(t);
    bindTo(new Set());
    const count = statement<{ count: number }>(
      'test.count-timers',
      `select count(*) from timers where kind = '${TASK_TIMER.kind}'`,
    );
    const requests = Array.from({ length: 50 }, (_, n) => ({
      taskId: newSlugId(),
      task: JSON.stringify(definition({ payload: { n, text: 'a\u0000b' } })),
      authorizedScopes: ['queue:create-task:project:none', 'queue:scheduler-id:-', 'queue:create-task:lowest:prov/wt'],
    }));
    let statements = 0;
    await database.transaction(async (tx) => {
      const counting: typeof tx = {
        query: (...query) => {
          statements += 1;
          return tx.query(...query);
        },
      };
      for (const answer of await queue.createTasksIn(counting, requests)) assert.equal(answer.kind, 'created');
    });
    // The fake broker is asked without a statement; a real one takes one.
    assert.equal(statements, 1);
    assert.deepEqual(await database.query(count), [{ count: 1 }]);
  });
});

describe('claimWork', () => {
  it('gives the tasks of the highest priority first, then the oldest, and no more than there are', async (t) => {
    const { create, claim } = await createWorld(t);
    const ids: string[] = [];
    for (const priority of ['lowest', 'highest', 'lowest', 'medium']) ids.push(await create({ priority }));
    const { tasks } = await claim({ tasks: 32 });
    const order = tasks.map(({ status }: { status: { taskId: string } }) => ids.indexOf(status.taskId));
    assert.deepEqual(order, [1, 3, 0, 2]);
  });

  it('gives at most 4 MB of definitions at once, or one task, and those who get none the next', async (t) => {
    const { create, claim } = await createWorld(t);
    const large = (megabytes: number) => ({ payload: { text: 'x'.repeat(megabytes * 1024 * 1024) } });
    for (const megabytes of [5, 1.5, 1.5, 1.5]) await create(large(megabytes));
    const sizes = async (tasks: number) => (await claim({ tasks })).tasks.length;
    assert.deepEqual([await sizes(32), await sizes(32), await sizes(32)], [1, 2, 1]);
    for (let n = 0; n < 3; n += 1) await create(large(3));
    assert.deepEqual(await Promise.all([sizes(1), sizes(1), sizes(1)]), [1, 1, 1]);
  });

  it('waits, and is woken by a task that another process creates', async (t) => {
    const { claim, clock, anotherQueue, definition } = await createWorld(t);
    const claiming = claim();
    await clock.asleep(3); // the timers, the end of the wait, and the wait itself
    const taskId = newSlugId();
    await anotherQueue().call('createTask', { taskId }, definition());
    const { tasks } = await claiming;
    assert.equal(tasks[0].status.taskId, taskId);
  });

  it('gives up after 20 s, and when the worker hangs up it claims nothing', async (t) => {
    const { claim, clock, create, status } = await createWorld(t);
    const gone = new AbortController();
    const [waiting, left] = [claim(), claim({ workerId: 'w2' }, gone.signal)];
    await clock.asleep(4);
    gone.abort();
    assert.deepEqual(await left, { tasks: [] });
    await clock.advance(19_999);
    await clock.advance(1);
    assert.deepEqual(await waiting, { tasks: [] });
    assert.equal((await status(await create())).state, 'pending');
  });

  it('answers at once when the server ends', async (t) => {
    const ending = new AbortController();
    const { claim, clock } = await createWorld(t, { ending: ending.signal });
    const claiming = claim();
    await clock.asleep(3);
    ending.abort();
    assert.deepEqual(await claiming, { tasks: [] });
    assert.deepEqual(await claim(), { tasks: [] });
  });

  it('gives one task to one of those who wait, and the next to another', async (t) => {
    const { claim, clock, create } = await createWorld(t);
    const workers = Array.from({ length: 5 }, (_, n) => claim({ workerId: `w${n}` }));
    await clock.asleep(7);
    const ids = [];
    for (let n = 0; n < 5; n += 1) ids.push(await create());
    const answers = await Promise.all(workers);
    assert.deepEqual(answers.map(({ tasks }) => tasks[0].status.taskId).toSorted(), ids.toSorted());
    for (const { tasks } of answers) assert.equal(tasks.length, 1);
  });

  it('needs the scope of the queue and that of the worker', async (t) => {
    const { call } = await createWorld(t);
    const scopes = ['queue:claim-work:prov/wt'];
    await assert.rejects(call('claimWork', QUEUE, WORKER, { scopes }), { code: 'InsufficientScopes' });
  });

  it('comes with credentials for the run and the scopes of the task, and nothing else', async (t) => {
    const { create, claim, clock } = await createWorld(t);
    const taskId = await create({ scopes: ['s:*', 'assume:foo'] });
    const { credentials } = (await claim()).tasks[0];
    const until = clock.now() + 20 * MINUTE;
    assert.equal(credentials.clientId, `task-client/${taskId}/0/on/g1/w1/until/${until / 1000}`);
    const { scopes, start, expiry, issuer } = JSON.parse(credentials.certificate);
    assert.deepEqual(scopes, [
      ...['reclaim-task', 'resolve-task', 'create-artifact'].map((what) => `queue:${what}:${taskId}/0`),
      ...['s:*', 'assume:foo'],
    ]);
    assert.deepEqual([start, expiry, issuer], [clock.now(), until, 'static/hookwright/queue']);
  });
});

describe('a claim', () => {
  it('lasts twenty minutes from the last reclaim on, and then there is another run', async (t) => {
    const { create, claim, call, pass, status, clock } = await createWorld(t);
    const taskId = await create({ deadline: toIso(clock.now() + 120 * MINUTE), retries: 1 });
    await claim();
    await pass(15 * MINUTE);
    const { takenUntil, credentials } = await call('reclaimTask', { taskId, runId: '0' });
    assert.equal(takenUntil, toIso(clock.now() + 20 * MINUTE));
    assert.ok(credentials.clientId.endsWith(`/until/${Date.parse(takenUntil) / 1000}`));
    await pass(19 * MINUTE);
    assert.equal((await status(taskId)).state, 'running');
    await pass(MINUTE);
    const { state, retriesLeft, runs } = await status(taskId);
    assert.deepEqual([state, retriesLeft, runs.length, runs[0].reasonResolved], ['pending', 0, 2, 'claim-expired']);
    await assert.rejects(call('reclaimTask', { taskId, runId: '0' }), { code: 'RequestConflict' });
    await claim();
    await pass(20 * MINUTE);
    assert.deepEqual([(await status(taskId)).state, (await status(taskId)).runs.length], ['exception', 2]);
  });

  it('may be reported as failed in the body, as old workers do', async (t) => {
    const { create, claim, call } = await createWorld(t);
    const taskId = await create();
    await claim();
    const { status } = await call('reportCompleted', { taskId, runId: '0' }, { success: false });
    assert.equal(status.state, 'failed');
  });

  it('on a task or run that does not exist is not found', async (t) => {
    const { create, call } = await createWorld(t);
    const taskId = await create();
    await assert.rejects(call('reportCompleted', { taskId, runId: '0' }), { code: 'RequestConflict' });
    await assert.rejects(call('reportCompleted', { taskId, runId: '1' }), { code: 'ResourceNotFound' });
    await assert.rejects(call('reclaimTask', { taskId: newSlugId(), runId: '0' }), { code: 'ResourceNotFound' });
    await assert.rejects(call('reclaimTask', { taskId, runId: '0' }), { code: 'RequestConflict' });
  });
});

describe('dependencies', () => {
  it('must exist, and must not expire before the deadline of the task', async (t) => {
    const { create, definition, call, clock } = await createWorld(t);
    const early = await create({ expires: toIso(clock.now() + 60 * MINUTE) });
    const missing = newSlugId();
    const make = (more: object) => call('createTask', { taskId: newSlugId() }, definition(more));
    await assert.rejects(make({ dependencies: [missing] }), { code: 'InputError', message: new RegExp(missing) });
    const deadline = toIso(clock.now() + 61 * MINUTE);
    await assert.rejects(make({ dependencies: [early], deadline }), { code: 'InputError', message: new RegExp(early) });
  });

  it('are listed by what they keep waiting, page by page', async (t) => {
    const { create, call } = await createWorld(t);
    const taskId = await create();
    const waiting = [];
    for (let n = 0; n < 5; n += 1) waiting.push(await create({ dependencies: [taskId] }));
    const first = await call('listDependentTasks', { taskId }, {}, { query: { limit: '3' } });
    const { continuationToken } = first;
    const second = await call('listDependentTasks', { taskId }, {}, { query: { limit: '3', continuationToken } });
    const ids = [...first.tasks, ...second.tasks].map(({ status }) => status.taskId);
    assert.deepEqual(ids, waiting.toSorted());
    assert.deepEqual([first.tasks.length, second.continuationToken], [3, undefined]);
    await assert.rejects(call('listDependentTasks', { taskId: newSlugId() }), { code: 'ResourceNotFound' });
  });

  it('that are satisfied stay so when they are run again, and failed ones may still be mended', async (t) => {
    const { create, claim, call, status } = await createWorld(t);
    const [good, bad] = [await create(), await create()];
    const waiting = await create({ dependencies: [good, bad] });
    await claim({ tasks: 2 });
    await call('reportCompleted', { taskId: good, runId: '0' });
    await call('rerunTask', { taskId: good });
    await call('reportFailed', { taskId: bad, runId: '0' });
    assert.equal((await status(waiting)).state, 'unscheduled');
    await call('rerunTask', { taskId: bad });
    await claim({ tasks: 2 });
    await call('reportCompleted', { taskId: bad, runId: '1' });
    assert.equal((await status(waiting)).state, 'pending');
  });

  it('on itself makes a task wait until it is scheduled', async (t) => {
    const { create, call, status } = await createWorld(t);
    const taskId = newSlugId();
    await create({ dependencies: [taskId] }, taskId);
    assert.equal((await status(taskId)).state, 'unscheduled');
    assert.equal((await call('scheduleTask', { taskId })).status.state, 'pending');
  });

  it('of thousands are set free by one report', async (t) => {
    const { create, claim, call, definition, queue, database } = await createWorld(t);
    const taskId = await create();
    await claim();
    const requests = Array.from({ length: 1_200 }, () => ({
      taskId: newSlugId(),
      task: JSON.stringify(definition({ dependencies: [taskId] })),
      authorizedScopes: ['queue:create-task:project:none', 'queue:scheduler-id:-', 'queue:create-task:lowest:prov/wt'],
    }));
    await database.transaction((tx) => queue.createTasksIn(tx, requests));
    assert.equal((await call('pendingTasks', QUEUE)).pendingTasks, 0);
    await call('reportCompleted', { taskId, runId: '0' });
    assert.equal((await call('pendingTasks', QUEUE)).pendingTasks, 1_200);
  });
});

describe('a task group', () => {
  it('lists large tasks on pages of at most 4 MB, or of one task, and cancels all of them', async (t) => {
    const { create, call } = await createWorld(t);
    const taskGroupId = await create({ schedulerId: 's' });
    const members = [taskGroupId];
    for (const bytes of [3e6, 3e6, 5e6, 100]) {
      members.push(await create({ taskGroupId, schedulerId: 's', payload: { long: 'x'.repeat(bytes) } }));
    }
    const ids: string[] = [];
    let query = {};
    for (let isLast = false; !isLast; ) {
      const { tasks, continuationToken } = await call('listTaskGroup', { taskGroupId }, {}, { query });
      assert.ok(tasks.length === 1 || JSON.stringify(tasks).length < 4.1 * 1024 * 1024);
      ids.push(...tasks.map(({ status }: { status: { taskId: string } }) => status.taskId));
      query = { continuationToken };
      isLast = continuationToken === undefined;
    }
    assert.deepEqual(ids, members.toSorted());
    await call('sealTaskGroup', { taskGroupId });
    const { taskIds, taskGroupSize } = await call('cancelTaskGroup', { taskGroupId });
    assert.deepEqual([taskIds.toSorted(), taskGroupSize], [members.toSorted(), 5]);
  });

  it('lists its tasks page by page, also the one of its own name', async (t) => {
    const { create, call, clock } = await createWorld(t);
    const taskGroupId = await create({ schedulerId: 's' });
    const members = [taskGroupId];
    for (let n = 0; n < 4; n += 1) members.push(await create({ taskGroupId, schedulerId: 's' }));
    const expires = toIso(clock.now() + 30 * MINUTE * 24 * 60);
    members.push(await create({ taskGroupId, schedulerId: 's', expires }));
    const first = await call('listTaskGroup', { taskGroupId }, {}, { query: { limit: '4' } });
    const { continuationToken } = first;
    const second = await call('listTaskGroup', { taskGroupId }, {}, { query: { limit: '4', continuationToken } });
    const ids = [...first.tasks, ...second.tasks].map(({ status }) => status.taskId);
    assert.deepEqual(ids, members.toSorted());
    assert.equal(second.continuationToken, undefined);
    assert.equal(first.tasks[0].task.taskGroupId, taskGroupId);
    const { tasks, ...group } = second;
    assert.deepEqual(group, await call('getTaskGroup', { taskGroupId }));
    assert.deepEqual([group.schedulerId, group.sealed], ['s', undefined]);
    await assert.rejects(call('getTaskGroup', { taskGroupId: newSlugId() }), { code: 'ResourceNotFound' });
  });

  it('takes no tasks of another scheduler, also not of the name of the group', async (t) => {
    const { create, definition, call } = await createWorld(t);
    const alone = await create({ schedulerId: 's' });
    const make = (taskId: string, more: object) => call('createTask', { taskId }, definition(more));
    const conflict = { code: 'RequestConflict', message: /schedulerId other\nthan/ };
    await assert.rejects(make(newSlugId(), { taskGroupId: alone, schedulerId: 'x' }), conflict);
    const taskGroupId = newSlugId();
    await create({ taskGroupId, schedulerId: 's' });
    await assert.rejects(make(taskGroupId, { schedulerId: 'x' }), conflict);
    await make(taskGroupId, { schedulerId: 's' });
  });

  it('that a refused task would have begun does not exist', async (t) => {
    const { create, definition, call } = await createWorld(t);
    const taskGroupId = newSlugId();
    const refused = definition({ taskGroupId, schedulerId: 'x', dependencies: [newSlugId()] });
    await assert.rejects(call('createTask', { taskId: newSlugId() }, refused), { code: 'InputError' });
    await assert.rejects(call('createTask', { taskId: await create() }, definition({ taskGroupId })), {
      code: 'RequestConflict',
    });
    await create({ taskGroupId, schedulerId: 's' });
  });

  it('is sealed once, takes nothing new from then on, and can be canceled as a whole', async (t) => {
    const { create, claim, call, definition, clock, pass, status } = await createWorld(t);
    const taskGroupId = await create();
    await claim();
    const second = await create({ taskGroupId });
    const third = await create({ taskGroupId });
    await call('cancelTask', { taskId: third });
    await assert.rejects(call('cancelTaskGroup', { taskGroupId }), { code: 'RequestConflict' });
    const again = definition({ taskGroupId });
    const { sealed } = await call('sealTaskGroup', { taskGroupId });
    assert.equal(sealed, toIso(clock.now()));
    const refusal = { code: 'RequestConflict', message: /is sealed and does not accept new tasks/ };
    await assert.rejects(call('createTask', { taskId: newSlugId() }, again), refusal);
    assert.equal((await call('createTask', { taskId: second }, again)).status.taskId, second, 'what is there is there');
    await pass(1_000);
    assert.equal((await call('sealTaskGroup', { taskGroupId })).sealed, sealed);
    const canceled = await call('cancelTaskGroup', { taskGroupId });
    assert.deepEqual(
      { ...canceled, taskIds: canceled.taskIds.toSorted() },
      {
        ...{ taskGroupId, taskGroupSize: 3, cancelledCount: 2, taskIds: [taskGroupId, second].toSorted() },
      },
    );
    for (const taskId of [taskGroupId, second, third]) assert.equal((await status(taskId)).state, 'exception');
    assert.equal((await call('cancelTaskGroup', { taskGroupId })).cancelledCount, 0);
  });

  it('is gone when its last task has expired, and may belong to another then', async (t) => {
    const { create, call, pass, clock } = await createWorld(t);
    const taskGroupId = newSlugId();
    const times = { deadline: toIso(clock.now() + 5 * MINUTE), expires: toIso(clock.now() + 10 * MINUTE) };
    const taskId = await create({ taskGroupId, schedulerId: 's', ...times });
    await pass(10 * MINUTE);
    await assert.rejects(call('status', { taskId }), { code: 'ResourceNotFound' });
    await assert.rejects(call('listTaskGroup', { taskGroupId }), { code: 'ResourceNotFound' });
    await create({ taskGroupId, schedulerId: 'x' });
  });
});

describe('a caller who acts on a task', () => {
  it('needs a scope of its group, of its project, or of its scheduler', async (t) => {
    const { create, call } = await createWorld(t);
    const taskId = await create({ schedulerId: 's', projectId: 'p' });
    for (const action of ['schedule-task', 'cancel-task', 'rerun-task']) {
      const name = action.replace('-t', 'T');
      const can = (...scopes: string[]) => call(name, { taskId }, {}, { scopes });
      await can(`queue:${action}:s/${taskId}/${taskId}`);
      await can(`queue:${action}-in-project:p`);
      await can(`queue:${action}`, `assume:scheduler-id:s/${taskId}`);
      for (const scope of [
        `queue:${action}`,
        `queue:${action}-in-project:q`,
        `queue:${action}:x/${taskId}/${taskId}`,
      ]) {
        await assert.rejects(can(scope), { code: 'InsufficientScopes' });
      }
    }
  });

  it('is told that there is none only if they may read it, or do it to every one', async (t) => {
    const { create, call } = await createWorld(t);
    const taskId = await create({ schedulerId: 's', projectId: 'p' });
    const absent = newSlugId();
    const message = async (name: string, params: Record<string, string>, scopes: string[]) => {
      const error = await call(name, params, {}, { scopes }).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof ApiError, String(error));
      return `${error.code}: ${error.message.replaceAll(/[\w-]{22}/g, 'ID')}`;
    };
    for (const action of ['schedule-task', 'cancel-task', 'rerun-task', 'seal-task-group', 'cancel-task-group']) {
      const name = action.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
      const params = (id: string) => (action.endsWith('group') ? { taskGroupId: id } : { taskId: id });
      const say = (id: string, ...scopes: string[]) => message(name, params(id), scopes);
      for (const scopes of [[], [`queue:${action}`], [`queue:${action}:x/*`], [`queue:${action}-in-project:q`]]) {
        assert.match(await say(taskId, ...scopes), /^InsufficientScopes: .*<schedulerId>.*same when there is none/s);
        assert.equal(await say(taskId, ...scopes), await say(absent, ...scopes));
      }
      const everyone = [`queue:${action}:*`, `queue:${action}*`];
      const reader = action.endsWith('group') ? ['queue:list-task-group:*'] : ['queue:status:*', 'queue:get-task:*'];
      for (const scope of [...everyone, ...reader]) assert.match(await say(absent, scope), /^ResourceNotFound: /);
      for (const scope of reader) assert.match(await say(taskId, scope), /^InsufficientScopes: .*:s\/ID/s);
    }
  });

  it('may run a task again until it has fifty runs', async (t) => {
    const { create, call, status } = await createWorld(t);
    const taskId = await create();
    for (let runs = 1; runs < 50; runs += 1) {
      await call('cancelTask', { taskId });
      await call('rerunTask', { taskId });
      const { retriesLeft, runs: now } = await status(taskId);
      assert.deepEqual([now.length, retriesLeft], [runs + 1, Math.min(5, 50 - runs - 1)]);
    }
    await call('cancelTask', { taskId });
    await assert.rejects(call('rerunTask', { taskId }), { code: 'RequestConflict' });
  });
});
