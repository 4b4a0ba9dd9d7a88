import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { toIso } from '../../core/clock.ts';
import { newSlugId } from '../../core/ids.ts';
import { createWorld as createQueueWorld } from '../test-support/world.ts';

const MINUTE = 60_000;
const ENOUGH = ['queue:create-task:project:none', 'queue:scheduler-id:-', 'queue:create-task:high:prov/wt', 's:*'];

const createWorld = async (t: TestContext) => {
  const world = await createQueueWorld(t);
  const { queue, call } = world;
  const create = (taskId: string, task: object, authorizedScopes: readonly string[] = ENOUGH) =>
    queue.createTask({ taskId, task: JSON.stringify(task), authorizedScopes }, new AbortController().signal);
  const find = async (taskId: string) => ({
    definition: await call('task', { taskId }),
    status: (await call('status', { taskId })).status,
  });
  return { ...world, create, find };
};

describe('the standalone queue, as hooks know it', () => {
  it('makes a task pending, with one run', async (t) => {
    const { create, definition, find, queue, clock } = await createWorld(t);
    const taskId = newSlugId();
    assert.deepEqual(await create(taskId, definition()), { kind: 'created' });
    const { status } = await find(taskId);
    assert.equal(status.retriesLeft, 5);
    assert.deepEqual(status.runs, [
      { runId: 0, state: 'pending', reasonCreated: 'scheduled', scheduled: toIso(clock.now()) },
    ]);
    assert.deepEqual(await queue.taskStates([taskId, newSlugId()]), new Map([[taskId, 'pending']]));
  });

  it('makes a task that depends on others wait', async (t) => {
    const { create, definition, queue } = await createWorld(t);
    const [first, second] = [newSlugId(), newSlugId()];
    await create(first, definition());
    assert.deepEqual(await create(second, definition({ dependencies: [first] })), { kind: 'created' });
    assert.deepEqual(await queue.taskStates([second]), new Map([[second, 'unscheduled']]));
  });

  it('takes the same task again, also later, in another order, with its defaults spelt out, and at the same time', async (t) => {
    const { create, definition, clock, find } = await createWorld(t);
    const taskId = newSlugId();
    const task = definition({ payload: { a: 1, b: 2 } });
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(taskId, task)));
    await clock.advance(30 * MINUTE);
    answers.push(await create(taskId, { priority: 'lowest', ...task, payload: { b: 2, a: 1 } }));
    assert.equal(answers.filter((answer) => answer.kind === 'created' && !answer.again).length, 1);
    assert.equal(answers.filter((answer) => answer.kind === 'created' && answer.again).length, 10);
    assert.equal((await find(taskId)).status.runs.length, 1);
  });

  it('refuses another task of the same id, also at the same time', async (t) => {
    const { create, definition, find } = await createWorld(t);
    const taskId = newSlugId();
    const answers = await Promise.all([1, 2, 3].map((n) => create(taskId, definition({ payload: { n } }))));
    const winner = answers.findIndex(({ kind }) => kind === 'created');
    assert.deepEqual((await find(taskId)).definition.payload, { n: winner + 1 });
    for (const [index, answer] of answers.entries()) {
      if (index === winner) continue;
      assert.ok(answer.kind === 'refused');
      assert.deepEqual([answer.statusCode, answer.code], [409, 'RequestConflict']);
      assert.ok(answer.message.startsWith(`taskId \`${taskId}\` already used by another task.`));
    }
  });

  it('refuses for missing scopes, names them and what is required, and stores nothing', async (t) => {
    const { create, definition, call } = await createWorld(t);
    const taskId = newSlugId();
    const task = definition({ scopes: ['s:1'], routes: ['r'], priority: 'medium', schedulerId: 'x' });
    const answer = await create(taskId, task, ['s:*', 'queue:scheduler-id:x']);
    assert.ok(answer.kind === 'refused');
    assert.deepEqual([answer.statusCode, answer.code], [403, 'InsufficientScopes']);
    const priorities = ['highest', 'very-high', 'high', 'medium'].map((name) => `queue:create-task:${name}:prov/wt`);
    assert.deepEqual(answer.missing, {
      AllOf: ['queue:route:r', 'queue:create-task:project:none', { AnyOf: priorities }],
    });
    await assert.rejects(call('task', { taskId }), { code: 'ResourceNotFound' });
  });

  it('lets who may create a high priority create a lower one and no higher one', async (t) => {
    const { create, definition } = await createWorld(t);
    assert.equal((await create(newSlugId(), definition({ priority: 'medium' }))).kind, 'created');
    const answer = await create(newSlugId(), definition({ priority: 'very-high' }));
    assert.ok(answer.kind === 'refused');
    assert.deepEqual(answer.missing, {
      AnyOf: ['queue:create-task:highest:prov/wt', 'queue:create-task:very-high:prov/wt'],
    });
  });

  it('refuses what is no task, and times that cannot be', async (t) => {
    const { create, definition, clock } = await createWorld(t);
    const refusal = async (task: object) => {
      const answer = await create(newSlugId(), task);
      return answer.kind === 'refused' ? [answer.statusCode, answer.code] : [];
    };
    assert.deepEqual(await refusal(definition({ payload: 1 })), [400, 'InputValidationError']);
    assert.deepEqual(await refusal({}), [400, 'InputValidationError']);
    const past = toIso(clock.now() - 1);
    assert.deepEqual(await refusal(definition({ deadline: past, created: past })), [400, 'InputError']);
    assert.deepEqual(await refusal(definition({ provisionerId: 'prov' })), [400, 'InputError']);
    const routes = ['queue:route:*', ...ENOUGH];
    const long = await create(newSlugId(), definition({ routes: ['ä'.repeat(125)] }), routes);
    assert.ok(long.kind === 'refused' && long.message.startsWith('a route must not be longer'));
  });

  it('takes a fire that was stored in time and comes late, but not a caller of its API who does', async (t) => {
    const { create, definition, clock, call } = await createWorld(t);
    const task = definition();
    await clock.advance(59 * MINUTE);
    assert.deepEqual(await create(newSlugId(), task), { kind: 'created' });
    const late = call('createTask', { taskId: newSlugId() }, task);
    await assert.rejects(late, { code: 'InputError', message: /`created` cannot be in the past/ });
  });

  it('creates many at once, and answers each for itself', async (t) => {
    const { queue, definition, database } = await createWorld(t);
    const [good, other, poor] = [newSlugId(), newSlugId(), newSlugId()];
    const request = (taskId: string, task: object, authorizedScopes: readonly string[] = ENOUGH) => ({
      ...{ taskId, task: JSON.stringify(task), authorizedScopes },
    });
    const task = definition();
    const requests = [
      request(good, task),
      request(good, task),
      request(good, definition({ payload: { other: true } })),
      request(other, definition({ dependencies: [newSlugId()] })),
      request(poor, task, []),
    ];
    const answers = await database.transaction((tx) => queue.createTasksIn(tx, requests));
    const told = answers.map((answer) => (answer.kind === 'refused' ? answer.statusCode : (answer.again ?? false)));
    assert.deepEqual(told, [false, true, 409, 400, 403]);
  });

  it('lets workers have many that were created at once in the order in which they were given', async (t) => {
    const { queue, definition, database, call } = await createWorld(t);
    const ids = Array.from({ length: 20 }, newSlugId);
    const task = JSON.stringify(definition());
    const requests = ids.map((taskId) => ({ taskId, task, authorizedScopes: ENOUGH }));
    await database.transaction((tx) => queue.createTasksIn(tx, requests));
    const where = { taskQueueId: 'prov/wt' };
    const { tasks } = await call('claimWork', where, { workerGroup: 'g', workerId: 'w', tasks: ids.length });
    assert.deepEqual(
      tasks.map(({ status }: { status: { taskId: string } }) => status.taskId),
      ids,
    );
  });
});
