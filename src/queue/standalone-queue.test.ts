import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { freshDatabase } from '../../test/support/database.ts';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { satisfies } from '../auth/scopes.ts';
import { toIso } from '../core/clock.ts';
import { newSlugId } from '../core/ids.ts';
import { createStandaloneQueue } from './standalone-queue.ts';
import { createTaskStore } from './task-store.ts';

const MINUTE = 60_000;
const ENOUGH = ['queue:create-task:project:none', 'queue:scheduler-id:-', 'queue:create-task:high:prov/wt', 's:*'];

const createWorld = async (t: TestContext) => {
  const database = await freshDatabase(t);
  const clock = createFakeClock();
  const tasks = createTaskStore(database);
  const queue = createStandaloneQueue({
    tasks,
    clock,
    satisfies,
    callerWith: async (clientId, scopes) => ({ clientId, scopes: [...scopes].sort() }),
    rootUrl: () => 'http://example.com',
  });
  const definition = (more: object = {}) => ({
    taskQueueId: 'prov/wt',
    created: toIso(clock.now()),
    deadline: toIso(clock.now() + 60 * MINUTE),
    payload: {},
    metadata: { name: 'n', description: 'd', owner: 'o', source: 'https://example.com' },
    ...more,
  });
  const create = (taskId: string, task: object, authorizedScopes: readonly string[] = ENOUGH) =>
    queue.createTask({ taskId, task: JSON.stringify(task), authorizedScopes }, new AbortController().signal);
  return { clock, tasks, queue, definition, create };
};

describe('the standalone queue', () => {
  it('makes a task pending, with one run', async (t) => {
    const { create, definition, tasks, queue, clock } = await createWorld(t);
    const taskId = newSlugId();
    assert.deepEqual(await create(taskId, definition()), { kind: 'created' });
    const task = await tasks.find(taskId);
    assert.equal(task?.retriesLeft, 5);
    assert.deepEqual(task?.runs, [
      { runId: 0, state: 'pending', reasonCreated: 'scheduled', scheduled: toIso(clock.now()) },
    ]);
    assert.deepEqual(await queue.taskStates([taskId, newSlugId()]), new Map([[taskId, 'pending']]));
  });

  it('makes a task that depends on others wait', async (t) => {
    const { create, definition, queue } = await createWorld(t);
    const taskId = newSlugId();
    await create(taskId, definition({ dependencies: [newSlugId()] }));
    assert.deepEqual(await queue.taskStates([taskId]), new Map([[taskId, 'unscheduled']]));
  });

  it('takes the same task again, also later, in another order, with its defaults spelt out, and at the same time', async (t) => {
    const { create, definition, clock, tasks } = await createWorld(t);
    const taskId = newSlugId();
    const task = definition({ payload: { a: 1, b: 2 } });
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(taskId, task)));
    await clock.advance(30 * MINUTE);
    answers.push(await create(taskId, { priority: 'lowest', ...task, payload: { b: 2, a: 1 } }));
    assert.deepEqual(answers, Array(11).fill({ kind: 'created' }));
    assert.equal((await tasks.find(taskId))?.runs.length, 1);
  });

  it('refuses another task of the same id, also at the same time', async (t) => {
    const { create, definition, tasks } = await createWorld(t);
    const taskId = newSlugId();
    const answers = await Promise.all([1, 2, 3].map((n) => create(taskId, definition({ payload: { n } }))));
    const winner = answers.findIndex(({ kind }) => kind === 'created');
    assert.deepEqual((await tasks.find(taskId))?.definition.payload, { n: winner + 1 });
    for (const [index, answer] of answers.entries()) {
      if (index === winner) continue;
      assert.ok(answer.kind === 'refused');
      assert.deepEqual([answer.statusCode, answer.code], [409, 'RequestConflict']);
      assert.ok(answer.message.startsWith(`taskId \`${taskId}\` already used by another task.`));
    }
  });

  it('refuses for missing scopes, names them and what is required, and stores nothing', async (t) => {
    const { create, definition, tasks } = await createWorld(t);
    const taskId = newSlugId();
    const task = definition({ scopes: ['s:1'], routes: ['r'], priority: 'medium', schedulerId: 'x' });
    const answer = await create(taskId, task, ['s:*', 'queue:scheduler-id:x']);
    assert.ok(answer.kind === 'refused');
    assert.deepEqual([answer.statusCode, answer.code], [403, 'InsufficientScopes']);
    const priorities = ['highest', 'very-high', 'high', 'medium'].map((name) => `queue:create-task:${name}:prov/wt`);
    assert.deepEqual(answer.missing, {
      AllOf: ['queue:route:r', 'queue:create-task:project:none', { AnyOf: priorities }],
    });
    assert.equal(await tasks.find(taskId), undefined);
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
  });

  it('takes a fire that was stored in time and comes late, but not a caller of its API who does', async (t) => {
    const { create, definition, clock, queue } = await createWorld(t);
    const task = definition();
    await clock.advance(59 * MINUTE);
    assert.deepEqual(await create(newSlugId(), task), { kind: 'created' });
    const method = queue.api.methods.find(({ name }) => name === 'createTask') ?? assert.fail();
    const payload = { ...task, schedulerId: '-', projectId: 'none', dependencies: [], routes: [], scopes: [] };
    const call = method.handle({
      params: { taskId: newSlugId() },
      payload: { ...payload, priority: 'lowest', requires: 'all-completed', retries: 5, tags: {}, extra: {} },
      caller: { clientId: 'me', scopes: ['*'] },
    } as unknown as Parameters<typeof method.handle>[0]);
    await assert.rejects(call, { code: 'InputError', message: /`created` cannot be in the past/ });
  });
});
