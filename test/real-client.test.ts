// The npm package taskcluster-client, unmodified, against a server as a user starts it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../src/core/clock.ts';
import { type Clients, clientsOf, ECHO_SCOPES, echoHook, rootClients, taskcluster } from './support/client.ts';
import { MAIN, type Server, serveQuickly } from './support/server.ts';
import { eventually, lastFirst } from './support/wait.ts';

const HOUR = 60 * 60 * 1000;
const cleanup = lastFirst({ after });

let server: Server;
let root: Clients;
before(async () => {
  server = await serveQuickly(cleanup);
  root = rootClients(server.credentials);
});

/** A new hook whose role may do what its task needs, unless other scopes are given. */
const makeHook = async (group: string, id: string, more: object = {}, scopes: readonly string[] = ECHO_SCOPES) => {
  const made = await root.hooks.createHook(group, id, echoHook(more));
  await root.auth.createRole(`hook-id:${group}/${id}`, { scopes, description: '' });
  return made;
};

/** Clients with temporary credentials that have just these scopes. */
const temporary = (scopes: readonly string[], options: object = {}, clientOptions: object = {}): Clients => {
  const { rootUrl, clientId, accessToken } = server.credentials;
  const credentials = taskcluster.createTemporaryCredentials({
    start: new Date(systemClock.now() - HOUR),
    expiry: new Date(systemClock.now() + HOUR),
    credentials: { clientId, accessToken },
    scopes,
    ...options,
  });
  return clientsOf(rootUrl, credentials, clientOptions);
};

type ClientError = Error & { code: string; statusCode: number; body: { requestInfo: { payload: unknown } } };
const refusal = async (call: Promise<unknown>): Promise<ClientError> => {
  const answer = await call.then(
    (value) => ({ value }),
    (error: ClientError) => error,
  );
  if (answer instanceof Error) return answer;
  throw new Error(`it was answered: ${JSON.stringify(answer.value)}`);
};
const withoutFooter = (error: Error): string => error.message.split('\n\n---\n\n* method:')[0] ?? '';

describe('every service', () => {
  it('answers ping, also without credentials', async () => {
    for (const { hooks, queue, auth } of [root, clientsOf(server.url)]) {
      for (const service of [hooks, queue, auth]) {
        const { alive, uptime } = await service.ping();
        assert.equal(alive, true);
        assert.ok(uptime > 0);
      }
    }
  });
});

describe('a hook', () => {
  it('is created, read and triggered, and its task has what the template said and the defaults', async () => {
    const made = await makeHook('one', 'hook');
    const expected = {
      ...echoHook(),
      hookGroupId: 'one',
      hookId: 'hook',
      metadata: { ...echoHook().metadata, emailOnError: true },
      schedule: [],
      bindings: [],
    };
    assert.deepEqual(made, expected);
    assert.deepEqual(await root.hooks.hook('one', 'hook'), expected);

    const began = systemClock.now();
    const { taskId, status } = await root.hooks.triggerHook('one', 'hook', { ü: ['\u0000', 1e21, null] });
    assert.deepEqual(status, { taskId });
    const task = await root.queue.task(taskId);
    assert.deepEqual(task.payload, { said: { ü: ['\u0000', 1e21, null] }, by: 'root' });
    const created = Date.parse(task.created);
    assert.ok(created >= began && created <= systemClock.now());
    assert.equal(Date.parse(task.deadline) - created, 24 * HOUR);
    const aMonthLater = new Date(created);
    aMonthLater.setUTCMonth(aMonthLater.getUTCMonth() + 1);
    assert.equal(task.expires, aMonthLater.toISOString());
    const { taskGroupId, provisionerId, workerType, taskQueueId, schedulerId, projectId, priority, retries } = task;
    assert.deepEqual(
      { taskGroupId, provisionerId, workerType, taskQueueId, schedulerId, projectId, priority, retries },
      {
        taskGroupId: taskId,
        provisionerId: 'proj',
        workerType: 'worker',
        taskQueueId: 'proj/worker',
        schedulerId: '-',
        projectId: 'none',
        priority: 'lowest',
        retries: 5,
      },
    );
    const answer = await root.queue.status(taskId);
    assert.equal(answer.status.taskId, taskId);
    assert.equal(answer.status.state, 'pending');
    assert.deepEqual(
      answer.status.runs.map(({ runId, state }: { runId: number; state: string }) => [runId, state]),
      [[0, 'pending']],
    );
  });

  it('is created again with an equal definition, and conflicts with another one', async () => {
    const first = await root.hooks.createHook('again', 'hook', echoHook());
    assert.deepEqual(await root.hooks.createHook('again', 'hook', echoHook()), first);
    assert.deepEqual(await root.hooks.createHook('again', 'hook', echoHook({ bindings: [] })), first);
    // The order of keys in an object says nothing; that in a list does.
    const { metadata, ...rest } = echoHook();
    const turned = { ...rest, metadata: Object.fromEntries(Object.entries(metadata).reverse()) };
    assert.deepEqual(await root.hooks.createHook('again', 'hook', turned), first);

    const error = await refusal(root.hooks.createHook('again', 'hook', echoHook({ triggerSchema: {} })));
    assert.deepEqual([error.statusCode, error.code], [409, 'RequestConflict']);
    assert.equal(withoutFooter(error), 'hook `again/hook` already exists.');
    assert.deepEqual(await root.hooks.hook('again', 'hook'), first);
  });

  it('that many create at once with different definitions is created once', async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) =>
        root.hooks.createHook('race', 'hook', echoHook({ triggerSchema: { title: `${i}` } })),
      ),
    );
    const made = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    assert.equal(made.length, 1);
    assert.deepEqual(await root.hooks.hook('race', 'hook'), made[0]);
    for (const answer of answers) if (answer.status === 'rejected') assert.equal(answer.reason.statusCode, 409);
  });

  it('that is not there is not found', async () => {
    for (const call of [() => root.hooks.hook('no', 'hook'), () => root.hooks.triggerHook('no', 'hook', {})]) {
      const error = await refusal(call());
      assert.deepEqual([error.statusCode, error.code, withoutFooter(error)], [404, 'ResourceNotFound', 'No such hook']);
    }
    const error = await refusal(root.hooks.listLastFires('no', 'hook'));
    assert.deepEqual([error.statusCode, withoutFooter(error)], [404, 'No such hook or never fired']);
  });

  it('may have slashes in its id, and ids of 1,000 characters', async () => {
    const long = (text: string) => text.repeat(1000).slice(0, 1000);
    const names = [
      ['group', 'a/b/c'],
      ['group', '/a//b/'],
      ['-_-', '-/_'],
      [long('g'), long('h')],
      [long('G-'), long('/')],
    ] as const;
    for (const [group, id] of names) {
      assert.equal((await makeHook(group, id)).hookId, id);
      assert.equal((await root.hooks.hook(group, id)).hookGroupId, group);
      const { taskId } = await root.hooks.triggerHook(group, id, { id });
      assert.equal((await root.queue.task(taskId)).payload.said.id, id);
      const { lastFires } = await root.hooks.listLastFires(group, id);
      assert.deepEqual([lastFires[0].hookGroupId, lastFires[0].hookId, lastFires[0].taskId], [group, id, taskId]);
    }
    const error = await refusal(root.hooks.hook('group', long('h').concat('h')));
    assert.deepEqual([error.statusCode, error.code], [400, 'InvalidRequestArguments']);
  });

  it('whose name begins like that of another one shares nothing with it', async () => {
    for (const id of ['hook', 'hook/', 'hook2', 'hoo']) await root.hooks.createHook('prefix', id, echoHook());
    await root.auth.createRole('hook-id:prefix/hook', { scopes: ECHO_SCOPES, description: '' });
    const mine = temporary(['hooks:trigger-hook:prefix/hook', 'hooks:list-last-fires:prefix/*']);
    const { taskId } = await mine.hooks.triggerHook('prefix', 'hook', {});
    for (const id of ['hook/', 'hook2', 'hoo']) {
      assert.equal((await refusal(mine.hooks.triggerHook('prefix', id, {}))).statusCode, 403);
      // Somebody who may trigger it meets a role without scopes.
      const error = await refusal(root.hooks.triggerHook('prefix', id, {}));
      assert.match(error.message, new RegExp(`^The role \`hook-id:prefix/${id}\` does not have sufficient scopes`));
      const { lastFires } = await mine.hooks.listLastFires('prefix', id);
      assert.deepEqual(
        lastFires.map((fire: { result: string }) => fire.result),
        ['error'],
      );
    }
    const { lastFires } = await mine.hooks.listLastFires('prefix', 'hook');
    assert.deepEqual(
      lastFires.map((fire: { taskId: string }) => fire.taskId),
      [taskId],
    );
  });

  it('whose template renders to nothing makes no task and no last fire', async () => {
    await makeHook('nothing', 'hook', { task: { $if: 'false', then: {} } });
    assert.deepEqual(await root.hooks.triggerHook('nothing', 'hook', {}), {});
    assert.equal((await refusal(root.hooks.listLastFires('nothing', 'hook'))).statusCode, 404);
  });

  it('takes only what fits its trigger schema, defaults filled in', async () => {
    const triggerSchema = {
      type: 'object',
      properties: { ref: { type: 'string' }, level: { type: 'integer', maximum: 3, default: 2 } },
      required: ['ref'],
      additionalProperties: false,
    };
    await makeHook('schema', 'hook', { triggerSchema });
    const { taskId } = await root.hooks.triggerHook('schema', 'hook', { ref: 'main' });
    assert.deepEqual((await root.queue.task(taskId)).payload.said, { ref: 'main', level: 2 });
    const error = await refusal(root.hooks.triggerHook('schema', 'hook', { level: 4, other: 1 }));
    assert.deepEqual([error.statusCode, error.code], [400, 'InputError']);
    const problems = withoutFooter(error).split('; ');
    assert.equal(problems.length, 3, error.message);
    const expected = [
      "must have required property 'ref'",
      'must NOT have additional properties',
      '/level must be <= 3',
    ];
    for (const text of expected)
      assert.ok(
        problems.some((problem) => problem.includes(text)),
        `${text} in ${error.message}`,
      );
  });

  it('whose template cannot be rendered says where', async () => {
    await makeHook('template', 'hook', { task: { a: { $eval: 'nope' } } });
    const error = await refusal(root.hooks.triggerHook('template', 'hook', {}));
    assert.deepEqual([error.statusCode, error.code], [400, 'InputError']);
    assert.equal(
      withoutFooter(error),
      'While firing hook:\n\nInterpreterError at template.a: unknown context value nope',
    );
  });
});

describe('a hook that is bound to what the server itself publishes', () => {
  const boundTo = (exchange: string, routingKeyPattern = '#') => ({ bindings: [{ exchange, routingKeyPattern }] });
  /** What the tasks of the hook say that it was fired with. */
  const payloadsOf = async (group: string, id: string, count: number) => {
    const fires = await eventually(`${group}/${id} has fired`, async () => {
      const found = (await root.hooks.listLastFires(group, id).catch(() => ({ lastFires: [] }))).lastFires;
      return found.length >= count && found;
    });
    const tasks = await Promise.all(fires.map(({ taskId }: { taskId: string }) => root.queue.task(taskId)));
    return tasks.reverse().map((task) => task.payload.said);
  };

  it('fires when all tasks of a group are resolved, and again when one was added', async () => {
    const taskGroupId: string = taskcluster.slugid();
    const { exchange, routingKeyPattern } = new taskcluster.QueueEvents({
      rootUrl: server.credentials.rootUrl,
    }).taskGroupResolved({ taskGroupId });
    const task = { ...echoHook().task, payload: { said: { $eval: 'payload' } } };
    await makeHook('group', 'done', { ...boundTo(exchange, routingKeyPattern), task });
    const create = async () => {
      const taskId: string = taskcluster.slugid();
      await root.queue.createTask(taskId, {
        ...{ taskQueueId: 'group/worker', taskGroupId, schedulerId: 's', payload: {}, retries: 0 },
        ...{ created: taskcluster.fromNowJSON('0 seconds'), deadline: taskcluster.fromNowJSON('1 hour') },
        metadata: { name: 'n', description: 'd', owner: 'o', source: 'https://example.com' },
      });
      return taskId;
    };
    const [one, other] = [await create(), await create()];
    const { tasks } = await root.queue.claimWork('group/worker', { workerGroup: 'g', workerId: 'w', tasks: 1 });
    assert.equal(tasks[0].status.taskId, one);
    await root.queue.reportCompleted(one, 0);
    await root.queue.cancelTask(other);
    const { sealed: _, ...group } = await root.queue.getTaskGroup(taskGroupId);
    const message = { ...group, version: 1 };
    assert.deepEqual(await payloadsOf('group', 'done', 1), [message]);
    await root.queue.cancelTask(await create());
    const [first, second] = await payloadsOf('group', 'done', 2);
    assert.deepEqual(first, message);
    assert.deepEqual({ ...second, expires: message.expires }, message);
    assert.ok(second.expires >= message.expires, 'the group lives until its last task has expired');
  });

  it('fires when a client or a role changes', async () => {
    const events = new taskcluster.AuthEvents({ rootUrl: server.credentials.rootUrl });
    const task = { ...echoHook().task, payload: { said: { $eval: 'payload' } } };
    await makeHook('group', 'clients', { ...boundTo(events.clientUpdated().exchange), task });
    await makeHook('group', 'roles', { ...boundTo(events.roleDeleted().exchange), task });
    const client = { expires: '2090-01-01T00:00:00.000Z', description: '', scopes: [] };
    await root.auth.createClient('bound/client', client);
    await root.auth.disableClient('bound/client');
    await root.auth.createRole('bound:role', { scopes: [], description: '' });
    await root.auth.deleteRole('bound:role');
    assert.deepEqual(await payloadsOf('group', 'clients', 1), [{ version: 1, clientId: 'bound/client' }]);
    assert.deepEqual(await payloadsOf('group', 'roles', 1), [{ version: 1, roleId: 'bound:role' }]);
  });
});

describe('the last fires', () => {
  it('are listed newest first, in pages without gaps or repeats, also while new ones come', async () => {
    await makeHook('fires', 'hook');
    const made: string[] = [];
    for (let i = 0; i < 7; i += 1) made.unshift((await root.hooks.triggerHook('fires', 'hook', { i })).taskId);
    const all = await root.hooks.listLastFires('fires', 'hook');
    assert.equal('continuationToken' in all, false);
    assert.deepEqual(
      all.lastFires.map(({ taskId }: { taskId: string }) => taskId),
      made,
    );
    const [newest] = all.lastFires;
    const { taskCreateTime, ...rest } = newest;
    assert.deepEqual(rest, {
      hookGroupId: 'fires',
      hookId: 'hook',
      firedBy: 'triggerHook',
      taskId: made[0],
      result: 'success',
      error: '',
      taskState: 'pending',
    });
    assert.equal(taskCreateTime, (await root.queue.task(made[0])).created);

    const seen: string[] = [];
    let continuationToken: string | undefined;
    do {
      const page = await root.hooks.listLastFires('fires', 'hook', {
        limit: 3,
        ...(continuationToken && { continuationToken }),
      });
      assert.ok(page.lastFires.length <= 3);
      seen.push(...page.lastFires.map(({ taskId }: { taskId: string }) => taskId));
      ({ continuationToken } = page);
      await root.hooks.triggerHook('fires', 'hook', { late: true });
    } while (continuationToken);
    assert.deepEqual(seen, made);
  });

  it('tell of each refused task why, as JSON', async () => {
    await makeHook('refused', 'hook', {}, []);
    const error = await refusal(root.hooks.triggerHook('refused', 'hook', {}));
    assert.equal(error.statusCode, 403);
    const { lastFires } = await root.hooks.listLastFires('refused', 'hook');
    assert.deepEqual([lastFires.length, lastFires[0].result, lastFires[0].taskState], [1, 'error', 'unknown']);
    const { code, statusCode, message } = JSON.parse(lastFires[0].error);
    assert.deepEqual([code, statusCode], ['InsufficientScopes', 403]);
    assert.match(message, /queue:create-task:lowest:proj\/worker/);
  });
});

/** The command in the message, as a shell reads it. */
const commandIn = (error: Error): string => {
  const command = /```\n(hookwright roles grant [^`]*)\n```/.exec(error.message)?.[1];
  if (command === undefined) throw new Error(`no command in: ${error.message}`);
  return command;
};

/** Runs `hookwright …` in a shell in which that name is the program of this folder. */
const runAsPrinted = (command: string): Promise<{ stdout: string }> => {
  const script = `hookwright() { "$NODE" "$MAIN" "$@" --data "$DATA"; }\n${command}`;
  const env = { PATH: process.env.PATH, NODE: process.execPath, MAIN, DATA: server.dataFolder };
  return promisify(execFile)('/bin/sh', ['-c', script], { env });
};

describe("a hook's power", () => {
  it('is nothing without a role, and the refusal names what is missing and the command that mends it', async () => {
    await root.hooks.createHook('power', 'no/role', echoHook());
    const trigger = () => root.hooks.triggerHook('power', 'no/role', {});
    const error = await refusal(trigger());
    assert.deepEqual([error.statusCode, error.code], [403, 'InsufficientScopes']);
    assert.match(
      error.message,
      /^The role `hook-id:power\/no\/role` does not have sufficient scopes to create the task:\n\n/,
    );
    for (const scope of ECHO_SCOPES) assert.ok(error.message.includes(scope), `${scope} in ${error.message}`);
    await runAsPrinted(commandIn(error));
    const { scopes } = await root.auth.role('hook-id:power/no/role');
    assert.deepEqual(scopes.toSorted(), ECHO_SCOPES.toSorted(), 'the command gives no more than is missing');
    assert.ok((await trigger()).taskId);
  });

  it('is mended by the printed command when its role exists and lacks something, quoted for the shell', async () => {
    const odd = `odd:$(touch /nowhere) "two words" 'quoted' \\ *x`;
    const task = { ...echoHook().task, scopes: [odd], routes: ['a.b'], priority: 'high' };
    await makeHook('power', 'partly', { task }, [...ECHO_SCOPES, 'kept']);
    const error = await refusal(root.hooks.triggerHook('power', 'partly', {}));
    for (const scope of ECHO_SCOPES.slice(0, 2)) assert.ok(!commandIn(error).includes(scope), 'it has that already');
    const { stdout } = await runAsPrinted(commandIn(error));
    assert.match(stdout, /hook-id:power\/partly/);
    const { scopes } = await root.auth.role('hook-id:power/partly');
    const given = [odd, 'queue:route:a.b', 'queue:create-task:high:proj/worker'];
    assert.deepEqual(scopes.toSorted(), [...ECHO_SCOPES, 'kept', ...given].toSorted());
    const { taskId } = await root.hooks.triggerHook('power', 'partly', {});
    assert.deepEqual((await root.queue.task(taskId)).scopes, [odd]);
  });

  it('ends at its role, however powerful the caller is', async () => {
    const beyond = [
      { scopes: ['secrets:get:x'] },
      { routes: ['index.other'] },
      { schedulerId: 'other' },
      { projectId: 'other' },
      { taskQueueId: 'proj/other' },
      { priority: 'very-low' },
    ];
    for (const [index, more] of beyond.entries()) {
      const id = `beyond-${index}`;
      await makeHook('power', id, { task: { ...echoHook().task, ...more } });
      const error = await refusal(root.hooks.triggerHook('power', id, {}));
      assert.deepEqual([error.statusCode, error.code], [403, 'InsufficientScopes'], JSON.stringify(more));
      const { lastFires } = await root.hooks.listLastFires('power', id);
      assert.equal((await refusal(root.queue.task(lastFires[0].taskId))).statusCode, 404);
    }
  });

  it('is not that of its caller: who may only trigger it gets a task that they could not create', async () => {
    await makeHook('power', 'lent', { task: { ...echoHook().task, scopes: ['assume:worker'] } }, [
      ...ECHO_SCOPES,
      'assume:worker',
    ]);
    const caller = temporary(['hooks:trigger-hook:power/lent', 'queue:get-task:*']);
    const { taskId } = await caller.hooks.triggerHook('power', 'lent', {});
    const { created, deadline, ...task } = await root.queue.task(taskId);
    assert.deepEqual(task.scopes, ['assume:worker']);
    const own = { ...echoHook().task, payload: {}, created, deadline, scopes: ['assume:worker'] };
    assert.equal((await refusal(caller.queue.createTask(taskcluster.slugid(), own))).statusCode, 403);
  });

  it('may come from a role with a star', async () => {
    await root.auth.createRole('hook-id:starred/*', { scopes: [...ECHO_SCOPES, 'mine:<..>'], description: '' });
    await root.hooks.createHook('starred', 'a/b', echoHook({ task: { ...echoHook().task, scopes: ['mine:a/b'] } }));
    assert.ok((await root.hooks.triggerHook('starred', 'a/b', {})).taskId);
    await root.hooks.createHook('starred', 'c', echoHook({ task: { ...echoHook().task, scopes: ['mine:a/b'] } }));
    assert.equal((await refusal(root.hooks.triggerHook('starred', 'c', {}))).statusCode, 403);
  });
});

describe('a taskId that the caller chose', () => {
  it('names the task; repeated with an equal payload it answers as the first time, with another one 409', async () => {
    await makeHook('chosen', 'hook');
    const taskId = taskcluster.slugid();
    const first = await root.hooks.triggerHook('chosen', 'hook', { taskId, a: 1, b: { c: 2 } });
    assert.deepEqual(first, { taskId, status: { taskId } });
    const task = await root.queue.task(taskId);
    assert.deepEqual(await root.hooks.triggerHook('chosen', 'hook', { b: { c: 2 }, taskId, a: 1 }), first);
    assert.deepEqual(await root.queue.task(taskId), task);

    const error = await refusal(root.hooks.triggerHook('chosen', 'hook', { taskId, a: 2, b: { c: 2 } }));
    assert.deepEqual([error.statusCode, error.code], [409, 'RequestConflict']);
    assert.ok(error.message.includes(taskId));
    assert.deepEqual(await root.queue.task(taskId), task);
    assert.equal((await root.hooks.listLastFires('chosen', 'hook')).lastFires.length, 1);
  });

  it('makes one task when many use it at once', async () => {
    await makeHook('chosen', 'crowd');
    const taskId = taskcluster.slugid();
    const answers = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => root.hooks.triggerHook('chosen', 'crowd', { taskId, n: i % 3 })),
    );
    const { n } = (await root.queue.task(taskId)).payload.said;
    for (const [i, answer] of answers.entries()) {
      if (i % 3 === n) assert.equal(answer.status, 'fulfilled');
      else assert.equal(answer.status === 'rejected' && answer.reason.statusCode, 409);
    }
    assert.equal((await root.hooks.listLastFires('chosen', 'crowd')).lastFires.length, 1);
  });

  it('that was refused is refused again, also when the role has got its scopes since', async () => {
    await makeHook('chosen', 'refused', {}, []);
    const payload = { taskId: taskcluster.slugid() };
    const first = await refusal(root.hooks.triggerHook('chosen', 'refused', payload));
    await root.auth.updateRole('hook-id:chosen/refused', { scopes: ECHO_SCOPES, description: '' });
    const second = await refusal(root.hooks.triggerHook('chosen', 'refused', payload));
    assert.deepEqual([second.statusCode, second.code], [first.statusCode, first.code]);
    assert.equal((await root.hooks.listLastFires('chosen', 'refused')).lastFires.length, 1);
  });

  it('that was refused is refused again in the same words', async () => {
    await makeHook('chosen', 'words', {}, []);
    const payload = { taskId: taskcluster.slugid() };
    const first = await refusal(root.hooks.triggerHook('chosen', 'words', payload));
    const second = await refusal(root.hooks.triggerHook('chosen', 'words', payload));
    assert.equal(withoutFooter(second), withoutFooter(first));
  });

  it('that the server chose for an earlier trigger of the hook is a conflict, and makes no second task', async () => {
    await makeHook('chosen', 'by-server');
    const early: string[] = [];
    const run = async () => {
      for (let i = 0; i < 25; i += 1) {
        const { taskId } = await root.hooks.triggerHook('chosen', 'by-server', { i });
        const answer = await root.hooks
          .triggerHook('chosen', 'by-server', { taskId, other: i })
          .catch((error: ClientError) => error);
        if (answer.statusCode !== 409) early.push(taskId);
      }
    };
    await Promise.all(Array.from({ length: 8 }, run));
    assert.deepEqual(early, [], 'answered 200, and no task has this payload');
    const { lastFires } = await root.hooks.listLastFires('chosen', 'by-server');
    const made = lastFires.filter(({ result }: { result: string }) => result === 'success');
    assert.equal(new Set(made.map(({ taskId }: { taskId: string }) => taskId)).size, made.length);
    assert.equal(made.length, 8 * 25);
  });

  it('that belongs to a task of another hook is a conflict', async () => {
    await makeHook('chosen', 'left');
    await makeHook('chosen', 'right');
    const payload = { taskId: taskcluster.slugid() };
    await root.hooks.triggerHook('chosen', 'left', { ...payload, side: 'left' });
    const error = await refusal(root.hooks.triggerHook('chosen', 'right', { ...payload, side: 'right' }));
    assert.deepEqual([error.statusCode, error.code], [409, 'RequestConflict']);
    assert.deepEqual((await root.queue.task(payload.taskId)).payload.said, { ...payload, side: 'left' });
  });

  it('must be a slug id', async () => {
    await makeHook('chosen', 'bad');
    for (const taskId of ['abc', `${taskcluster.slugid()}\n`, 'a'.repeat(22)]) {
      const error = await refusal(root.hooks.triggerHook('chosen', 'bad', { taskId }));
      assert.deepEqual(
        [error.statusCode, error.code, withoutFooter(error)],
        [400, 'InputError', `Invalid taskId format: ${taskId}`],
      );
    }
  });
});

describe('a caller', () => {
  it('with temporary credentials may do what they say and nothing else', async () => {
    await makeHook('temporary', 'hook');
    const caller = temporary(['hooks:trigger-hook:temporary/*']);
    const { taskId } = await caller.hooks.triggerHook('temporary', 'hook', {});
    assert.equal((await root.queue.task(taskId)).payload.by, 'root');
    const error = await refusal(caller.hooks.hook('temporary', 'hook'));
    assert.deepEqual([error.statusCode, error.code], [403, 'InsufficientScopes']);
    assert.match(error.message, /missing the following scopes:\n\n```\nhooks:get:temporary:hook\n```/);
    assert.equal((await refusal(caller.hooks.createHook('temporary', 'other', echoHook()))).statusCode, 403);
  });

  it('with named temporary credentials is known to the template by that name', async () => {
    await makeHook('temporary', 'named');
    const caller = temporary(['hooks:trigger-hook:temporary/named'], { clientId: 'ci/run-7' });
    const { taskId } = await caller.hooks.triggerHook('temporary', 'named', {});
    assert.equal((await root.queue.task(taskId)).payload.by, 'ci/run-7');
  });

  it('with expired or foreign temporary credentials is refused', async () => {
    await makeHook('temporary', 'strict');
    const scopes = ['hooks:trigger-hook:temporary/strict'];
    const expired = { start: new Date(systemClock.now() - 2 * HOUR), expiry: new Date(systemClock.now() - HOUR) };
    const foreign = { credentials: { clientId: 'root', accessToken: 'x'.repeat(44) } };
    for (const options of [expired, foreign]) {
      const error = await refusal(temporary(scopes, options).hooks.triggerHook('temporary', 'strict', {}));
      assert.deepEqual([error.statusCode, error.code], [401, 'AuthenticationFailed']);
    }
  });

  it('may restrict a call with authorizedScopes, which cannot widen it', async () => {
    await makeHook('restricted', 'hook');
    await makeHook('restricted', 'other');
    const narrow = rootClients(server.credentials, { authorizedScopes: ['hooks:trigger-hook:restricted/hook'] });
    assert.ok((await narrow.hooks.triggerHook('restricted', 'hook', {})).taskId);
    assert.equal((await refusal(narrow.hooks.triggerHook('restricted', 'other', {}))).statusCode, 403);
    assert.equal((await refusal(narrow.hooks.hook('restricted', 'hook'))).statusCode, 403);

    const wide = temporary(['hooks:trigger-hook:restricted/hook'], {}, { authorizedScopes: ['hooks:*'] });
    const error = await refusal(wide.hooks.triggerHook('restricted', 'hook', {}));
    assert.deepEqual([error.statusCode, error.code], [401, 'AuthenticationFailed']);
  });

  it('may not create a hook whose role it could not assume', async () => {
    const modify = 'hooks:modify-hook:made/hook';
    const error = await refusal(temporary([modify]).hooks.createHook('made', 'hook', echoHook()));
    assert.equal(error.statusCode, 403);
    assert.match(error.message, /assume:hook-id:made\/hook/);
    const both = temporary([modify, 'assume:hook-id:made/*']);
    assert.equal((await both.hooks.createHook('made', 'hook', echoHook())).hookId, 'hook');
  });

  it('without credentials is told which scopes it takes', async () => {
    await makeHook('anonymous', 'hook');
    const error = await refusal(clientsOf(server.url).hooks.triggerHook('anonymous', 'hook', {}));
    assert.deepEqual([error.statusCode, error.code], [403, 'InsufficientScopes']);
    assert.equal(
      withoutFooter(error),
      'This request requires Taskcluster credentials that satisfy the following scope expression:\n\n```\nhooks:trigger-hook:anonymous/hook\n```',
    );
  });
});
