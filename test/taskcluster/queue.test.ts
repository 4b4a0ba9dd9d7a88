// The queue of a deployment behind the port: what is the hook's fault and what is not, and one task
// for a fire whatever is lost on the way.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { newSlugId } from '../../src/core/ids.ts';
import type { CreateTaskRequest } from '../../src/queue/queue.ts';
import { ECHO_SCOPES, echoHook } from '../support/client.ts';
import type { Cleanup } from '../support/database.ts';
import type { Fault } from '../support/deployment.ts';
import { roundsOf } from '../support/test-length.ts';
import { createBackends, never, SERVER_SCOPES } from './backends.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TASK_ID = 'dSlITZ4yQgmvxxAi4A8fHQ';
const OTHER_ID = 'VB37RFEuSIisBGE5t4kSpw';

const begin = async (t: Cleanup, scopes?: readonly string[]) => {
  const world = await createBackends(t, scopes);
  world.deployment.roles.set('hook-id:g/h', ECHO_SCOPES);
  const iso = (ms: number) => new Date(world.clock.now() + ms).toISOString();
  const made: CreateTaskRequest = {
    taskId: TASK_ID,
    task: JSON.stringify({
      ...echoHook().task,
      ...{ created: iso(0), deadline: iso(2 * HOUR), expires: iso(48 * HOUR), payload: { a: [1e21, 'ü', null] } },
      ...{ taskGroupId: TASK_ID, schedulerId: '-' },
    }),
    authorizedScopes: ['assume:hook-id:g/h'],
  };
  const create = (request = made) => world.queue.createTask(request, never);
  const change = (changes: object) => ({ ...made, task: JSON.stringify({ ...JSON.parse(made.task), ...changes }) });
  return { ...world, made, create, change, iso };
};

describe('a task', () => {
  it('is sent as the text that was stored, and again is a success', async (t) => {
    const { create, made, deployment } = await begin(t);
    assert.equal((await create()).kind, 'created');
    assert.equal((await create()).kind, 'created');
    assert.equal(deployment.tasks.size, 1);
    for (const { body, authorizedScopes } of deployment.calls('queue.createTask')) {
      assert.deepEqual(body.payload, JSON.parse(made.task).payload);
      assert.deepEqual(authorizedScopes, ['assume:hook-id:g/h']);
    }
  });

  it('that is another one under the same taskId is a conflict', async (t) => {
    const { create, change, pass } = await begin(t);
    await create();
    for (const other of [change({ payload: {} }), change({ scopes: ['a'] }), change({ retries: 1 })]) {
      const answer = await create(other);
      assert.ok(answer.kind === 'refused' && answer.code !== 'InternalServerError', JSON.stringify(answer));
    }
    pass(HOUR);
    const late = await create(change({ payload: {} }));
    assert.ok(late.kind === 'refused' && late.statusCode === 409 && late.code === 'RequestConflict');
  });

  it('for which the role of the hook lacks scopes is refused with what is missing', async (t) => {
    const { create, deployment } = await begin(t);
    deployment.roles.set('hook-id:g/h', ['queue:scheduler-id:-']);
    const answer = await create();
    assert.ok(answer.kind === 'refused');
    assert.deepEqual([answer.statusCode, answer.code], [403, 'InsufficientScopes']);
    const missing = answer.missing as { AllOf: [string, { AnyOf: string[] }] };
    assert.equal(missing.AllOf[0], 'queue:create-task:project:none');
    assert.equal(missing.AllOf[1].AnyOf.at(-1), 'queue:create-task:lowest:proj/worker');
    assert.doesNotMatch(answer.message, /statusCode|\* method/);
  });

  it('that the queue refuses in its own words is the fault of the hook', async (t) => {
    const { create, change } = await begin(t);
    const answer = await create(change({ dependencies: [OTHER_ID] }));
    assert.ok(answer.kind === 'refused' && answer.statusCode === 400 && /must reference existing/.test(answer.message));
  });

  it('that is too large for a proxy on the way is the fault of the hook, too', async (t) => {
    const { create, deployment } = await begin(t);
    deployment.fail('queue.createTask', { kind: 'status', status: 413, html: true });
    const answer = await create();
    assert.ok(answer.kind === 'refused' && answer.code === 'InputTooLarge');
  });

  const OURS: readonly (readonly [string, Fault])[] = [
    ['an error of the queue', { kind: 'status', status: 500 }],
    ['too many requests', { kind: 'status', status: 429 }],
    ['a refusal of our credentials', { kind: 'status', status: 401, code: 'AuthenticationFailed' }],
    ['a refusal of a proxy', { kind: 'status', status: 403, html: true }],
    ['a proxy that finds no queue', { kind: 'status', status: 502, html: true }],
    ['an answer that is none', { kind: 'answer', text: '<h1>hello</h1>' }],
    ['a connection that is cut', { kind: 'cut' }],
    ['a connection that is cut after the task was made', { kind: 'cut-after' }],
  ];
  for (const [what, fault] of OURS) {
    it(`is tried again after ${what}, and the error says where`, async (t) => {
      const { create, deployment } = await begin(t);
      deployment.fail('queue.createTask', fault, 1);
      await assert.rejects(create(), (error: Error) =>
        error.message.includes(`queue.createTask at ${deployment.rootUrl}`),
      );
      assert.equal((await create()).kind, 'created');
      assert.equal(deployment.tasks.size, 1);
    });
  }

  it('is tried again while our client is unknown or may not use the role, and no error lists its scopes', async (t) => {
    const { create, deployment } = await begin(t, ['secret-scope:x']);
    await assert.rejects(create(), (error: Error) => {
      assert.match(error.message, /client hooks\/server.*assume:hook-id:g\/h.*assume:hook-id:\*/);
      assert.doesNotMatch(error.message, /secret-scope/);
      return true;
    });
    const token = deployment.clients.get('hooks/server')?.accessToken ?? '';
    deployment.clients.set('hooks/server', { accessToken: 'another', scopes: SERVER_SCOPES });
    await assert.rejects(create(), /does not accept client hooks\/server.*Bad mac/);
    deployment.clients.set('hooks/server', { accessToken: token, scopes: SERVER_SCOPES });
    assert.equal((await create()).kind, 'created');
  });

  it('is not waited for longer than who asked for it does', async (t) => {
    const { queue, made, deployment } = await begin(t);
    deployment.fail('queue.createTask', { kind: 'hang' });
    const enough = new AbortController();
    const created = queue.createTask(made, enough.signal);
    enough.abort();
    await assert.rejects(created, /queue\.createTask at .* did not answer/);
  });
});

describe('a task that is late', () => {
  it('gets a new date, and keeps its deadline', async (t) => {
    const { create, pass, deployment, made, clock } = await begin(t);
    pass(HOUR);
    assert.deepEqual(await create(), { kind: 'created' });
    const { created, deadline, expires } = deployment.tasks.get(TASK_ID)?.definition ?? {};
    assert.ok(Math.abs(Date.parse(created) - clock.now()) < MINUTE);
    const { deadline: wanted, expires: until } = JSON.parse(made.task);
    assert.deepEqual([deadline, expires], [wanted, until]);
    assert.deepEqual(await create(), { kind: 'created', again: true });
    assert.deepEqual(
      deployment.calls('queue.createTask').map(({ authorizedScopes }) => authorizedScopes),
      [['assume:hook-id:g/h']],
    );
  });

  it('that was made in time, by an attempt whose answer was lost, is found', async (t) => {
    const { create, pass, deployment, made } = await begin(t);
    deployment.fail('queue.createTask', { kind: 'cut-after' }, 1);
    await assert.rejects(create());
    pass(HOUR);
    assert.deepEqual(await create(), { kind: 'created', again: true });
    assert.equal(deployment.tasks.get(TASK_ID)?.definition.created, JSON.parse(made.task).created);
    assert.equal(deployment.calls('queue.createTask').length, 1);
  });

  // The late way asks, sends, and asks again after a conflict. Each of these may be lost before or
  // after it took effect.
  const LOSSES: readonly (readonly [string, Fault['kind']])[][] = (['cut', 'cut-after', 'status'] as const).flatMap(
    (fault) => [
      [['queue.task', fault] as [string, Fault['kind']]],
      [['queue.createTask', fault] as [string, Fault['kind']]],
      [['queue.task', fault] as [string, Fault['kind']], ['queue.createTask', fault] as [string, Fault['kind']]],
    ],
  );
  for (const losses of LOSSES) {
    it(`is made once though answers are lost: ${losses.map(([method, kind]) => `${method} ${kind}`).join(', ')}`, async (t) => {
      const { create, pass, deployment } = await begin(t);
      pass(HOUR);
      const left = [...losses];
      const loseNext = () => {
        const [method, kind] = left.shift() ?? [];
        if (method === undefined) return;
        deployment.fail(method, kind === 'status' ? { kind, status: 500 } : ({ kind } as Fault));
      };
      loseNext();
      for (const [method] of losses) {
        await assert.rejects(create(), `${method} was lost and nobody noticed`);
        deployment.fail(method);
        loseNext();
        pass(11 * MINUTE);
      }
      assert.equal((await create()).kind, 'created');
      assert.equal(deployment.tasks.size, 1);
      assert.deepEqual(await create(), { kind: 'created', again: true });
      assert.equal(deployment.calls('queue.createTask').filter(({ status }) => status === 409).length, 0);
    });
  }

  it('that two processes send at once, of which one saw nothing yet, is one task', async (t) => {
    const { create, pass, deployment } = await begin(t);
    pass(HOUR);
    deployment.fail('queue.task', { kind: 'status', status: 404, code: 'ResourceNotFound' }, 2);
    const answers = [];
    for (let process = 0; process < 2; process += 1) {
      pass(1_000); // so that the two have different dates
      answers.push(await create());
    }
    assert.deepEqual(answers, [{ kind: 'created' }, { kind: 'created', again: true }]);
    assert.deepEqual(
      deployment.calls('queue.createTask').map(({ status }) => status),
      [200, 409],
    );
  });

  it('is found after a conflict, also when the look that follows it is lost', async (t) => {
    const { create, pass, deployment } = await begin(t);
    pass(HOUR);
    await create();
    pass(1_000);
    deployment.fail('queue.task', { kind: 'status', status: 404, code: 'ResourceNotFound' }, 1);
    deployment.fail('queue', { kind: 'status', status: 409, code: 'RequestConflict' }, 1);
    deployment.fail('*', { kind: 'status', status: 500 }, 2); // looking is tried twice
    await assert.rejects(create(), /answered 500/);
    assert.deepEqual(await create(), { kind: 'created', again: true });
  });

  it('by the clock of the queue alone gets a new date as well', async (t) => {
    const { create, deployment, change, iso } = await begin(t);
    deployment.queueIsAhead(8 * MINUTE);
    const answer = await create(change({ created: iso(-9 * MINUTE) }));
    assert.equal(answer.kind, 'created');
    assert.deepEqual(
      deployment.calls('queue.createTask').map(({ status }) => status),
      [400, 200],
    );
  });

  it('beyond its deadline is not sent', async (t) => {
    const { create, pass, deployment } = await begin(t);
    pass(3 * HOUR);
    await assert.rejects(create(), /deadline of the task has passed/);
    assert.equal(deployment.calls('queue.createTask').length, 0);
  });

  it('waits when our client may not look whether it is there, and the error names the scope', async (t) => {
    const { create, pass, deployment } = await begin(t, ['assume:hook-id:*']);
    pass(HOUR);
    await assert.rejects(create(), /client hooks\/server.*queue:get-task:\*/);
    assert.equal(deployment.tasks.size, 0);
  });
});

it('whatever is lost on the way, in whatever order, and however long it takes, a fire makes one task and is never refused', async (t) => {
  const { queue, deployment, pass, iso } = await begin(t);
  const fault = fc.constantFrom<Fault>(
    { kind: 'cut' },
    { kind: 'cut-after' },
    { kind: 'status', status: 500 },
    { kind: 'status', status: 502, html: true },
    { kind: 'answer', text: 'not JSON' },
  );
  const step = fc.record({
    method: fc.constantFrom('queue.task', 'queue.createTask', 'queue'),
    fault,
    times: fc.integer({ min: 1, max: 3 }),
    minutes: fc.integer({ min: 0, max: 15 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
      const taskId = newSlugId();
      const task = JSON.stringify({ ...echoHook().task, payload: {}, created: iso(0), deadline: iso(3 * HOUR) });
      const request = { taskId, task, authorizedScopes: ['assume:hook-id:g/h'] };
      const attempt = async () => {
        const answer = await queue.createTask(request, never).catch(() => undefined);
        assert.notEqual(answer?.kind, 'refused', JSON.stringify(answer));
        return answer;
      };
      for (const { method, fault: one, times, minutes } of steps) {
        deployment.fail(method, one, times);
        pass(minutes * MINUTE);
        await attempt();
        deployment.fail(method);
      }
      assert.equal((await attempt())?.kind, 'created');
      assert.equal(deployment.tasks.get(taskId)?.definition.deadline, JSON.parse(task).deadline);
    }),
    { numRuns: roundsOf(30) },
  );
});

describe('the states of tasks', () => {
  it('come from the queue, for all tasks in one call, and are cached for a moment', async (t) => {
    const { create, queue, deployment } = await begin(t);
    await create();
    const expected = new Map([[TASK_ID, 'pending']]);
    assert.deepEqual(await queue.taskStates([TASK_ID, OTHER_ID, TASK_ID]), expected);
    assert.deepEqual(await queue.taskStates([TASK_ID]), expected);
    assert.equal(deployment.calls('queue.statuses').length, 1);
  });

  it('are asked for in calls of a bounded size', async (t) => {
    const { queue, deployment } = await begin(t);
    const ids = Array.from({ length: 250 }, (_, index) => `${String(index).padStart(8, '0')}Q0C${'0'.repeat(10)}A`);
    await queue.taskStates(ids);
    assert.deepEqual(
      deployment.calls('queue.statuses').map(({ body }) => body.taskIds.length),
      [100, 100, 50],
    );
  });

  it('are complete though the queue answers page by page', async (t) => {
    const { create, made, queue, deployment } = await begin(t);
    const ids = Array.from({ length: 70 }, newSlugId);
    const change = (taskId: string) => made.task.replaceAll(TASK_ID, taskId);
    for (const taskId of ids) await create({ ...made, taskId, task: change(taskId) });
    assert.deepEqual([...(await queue.taskStates(ids)).keys()], ids);
    assert.equal(deployment.calls('queue.statuses').length, 3);
  });

  const AWAY: readonly Fault[] = [{ kind: 'status', status: 500 }, { kind: 'cut' }, { kind: 'answer', text: '{}' }];
  for (const fault of AWAY) {
    it(`are unknown while the queue is away (${fault.kind}), and it is left in peace for a while`, async (t) => {
      const { create, queue, deployment } = await begin(t);
      await create();
      deployment.fail('queue.statuses', fault);
      assert.equal((await queue.taskStates([TASK_ID])).size, 0);
      const asked = deployment.calls('queue.statuses').length;
      assert.equal((await queue.taskStates([TASK_ID])).size, 0);
      assert.equal(deployment.calls('queue.statuses').length, asked);
    });
  }

  it('are unknown when our client may not see them', async (t) => {
    const { queue } = await begin(t, ['assume:hook-id:*']);
    assert.equal((await queue.taskStates([TASK_ID])).size, 0);
  });
});

describe('a task that is tried', () => {
  const MAY_EXPAND = [...SERVER_SCOPES, 'auth:expand-scopes'];

  it('is none for the queue, which is not asked', async (t) => {
    const { queue, made, deployment } = await begin(t, MAY_EXPAND);
    const [tried] = (await queue.tryTasks?.([made], never)) ?? [];
    assert.deepEqual(tried?.answer, { kind: 'created' });
    assert.match(tried?.unchecked ?? '', /^Dependencies and groups were not checked/);
    assert.equal(deployment.tasks.size, 0);
    assert.deepEqual(deployment.calls('queue.createTask'), []);
  });

  it('is refused for the scopes that the role lacks, as it is when it is created', async (t) => {
    const { queue, change, create } = await begin(t, MAY_EXPAND);
    const request = change({ scopes: ['secrets:get:x'], priority: 'high' });
    const [tried] = (await queue.tryTasks?.([request], never)) ?? [];
    const made = await create(request);
    assert.ok(tried?.answer.kind === 'refused' && made.kind === 'refused');
    assert.deepEqual([tried.answer.statusCode, tried.answer.code], [made.statusCode, made.code]);
    assert.match(JSON.stringify(tried.answer.missing), /secrets:get:x/);
  });

  it('is refused when it is no task', async (t) => {
    const { queue, change } = await begin(t, MAY_EXPAND);
    for (const wrong of [change({ metadata: {} }), change({ taskQueueId: 'no', provisionerId: 'p' })]) {
      const [tried] = (await queue.tryTasks?.([wrong], never)) ?? [];
      assert.ok(tried?.answer.kind === 'refused' && tried.answer.statusCode === 400, JSON.stringify(tried));
    }
  });

  it('is only looked at where this server may not expand scopes, or auth is away', async (t) => {
    const { queue, made, deployment } = await begin(t);
    const [tried] = (await queue.tryTasks?.([made], never)) ?? [];
    assert.match(tried?.unchecked ?? '', /needs auth:expand-scopes/);
    deployment.fail('auth.expandScopes', { kind: 'status', status: 500 });
    const [again] = (await queue.tryTasks?.([made], never)) ?? [];
    assert.match(again?.unchecked ?? '', /does not expand scopes/);
  });
});
