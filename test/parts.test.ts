// One deployment of several processes on one database, each with its parts: what each does, and
// what it leaves to the others.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { clientsOf, ECHO_SCOPES, echoHook, rootClients, taskcluster } from './support/client.ts';
import { type Cleanup, freshDatabaseUrl } from './support/database.ts';
import { kill9 } from './support/processes.ts';
import { send } from './support/request.ts';
import { newDataFolder, type Program, runProgram, type Server, serve } from './support/server.ts';
import { eventually, lastFirst } from './support/wait.ts';

type Part = Program & { readonly url: string };

type Deployment = {
  readonly web: (...args: string[]) => Promise<Server>;
  /** Without the API, so without credentials. */
  readonly part: (names: string, more?: NodeJS.ProcessEnv) => Promise<Part>;
};

const newDeployment = async (cleanup: Cleanup): Promise<Deployment> => {
  const env = {
    DATABASE_URL: await freshDatabaseUrl(cleanup),
    HOOKWRIGHT_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  };
  return {
    web: async (...args) => serve(cleanup, await newDataFolder(cleanup), { args: ['--parts', 'web', ...args], env }),
    part: async (names, more = {}) => {
      const data = await newDataFolder(cleanup);
      const args = ['serve', '--port', '0', '--data', data, '--parts', names];
      const program = runProgram(cleanup, args, { env: { ...env, ...more } });
      const [, url = ''] = await program.says(/is ready at (\S+)\n[\s\S]*Press Ctrl-C/);
      return { ...program, url };
    },
  };
};

const makeHook = async (server: Server, more: object): Promise<void> => {
  const { hooks, auth } = rootClients(server.credentials);
  await auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
  await hooks.createHook('g', 'h', echoHook(more));
};

const firesOf = async (server: Server): Promise<readonly { firedBy: string; taskId: string; result: string }[]> => {
  const { hooks } = rootClients(server.credentials);
  const none = (error: { statusCode?: number }) => {
    if (error.statusCode === 404) return { lastFires: [] };
    throw error;
  };
  return (await hooks.listLastFires('g', 'h').catch(none)).lastFires;
};

/** Its template knows no caller, whom a tick does not have. */
const PLAIN = { task: { ...echoHook().task, payload: {} } };
const EVERY_SECOND = { ...PLAIN, schedule: ['* * * * * *'] };
const BOUND = {
  ...PLAIN,
  bindings: [{ exchange: 'exchange/test/x', routingKeyPattern: '#' }],
};

const publish = async (server: Server): Promise<void> => {
  const reply = await send(server.url, '/api/broker/v1/publish/exchange%2Ftest%2Fx?routingKey=k', {
    method: 'POST',
    credentials: server.credentials,
    headers: { 'content-type': 'application/json' },
    body: '{"x": 1}',
  });
  assert.equal(reply.status, 200, reply.text);
};

describe('a process with some of the parts', () => {
  it('serves the API only as web; the others answer probes and say which parts they are', async (t) => {
    const cleanup = lastFirst(t);
    const deployment = await newDeployment(cleanup);
    const web = await deployment.web();
    const other = await deployment.part('scheduler,listeners');
    assert.match(other.said(), /parts +scheduler, listeners/);
    assert.doesNotMatch(other.said(), /credentials/);
    assert.equal((await send(web.url, '/api/hooks/v1/ping')).status, 200);
    assert.equal((await send(other.url, '/api/hooks/v1/ping')).status, 404);
    assert.equal((await send(other.url, '/references/manifest.json')).status, 404);
    for (const probe of ['/livez', '/readyz', '/metrics']) {
      assert.equal((await send(other.url, probe)).status, 200, probe);
      assert.equal((await send(web.url, probe)).status, 200, probe);
    }
  });

  it('is ready without RabbitMQ if it serves the API, and says what is wrong; one that only listens is not', async (t) => {
    const cleanup = lastFirst(t);
    const deployment = await newDeployment(cleanup);
    const nowhere = { AMQP_URL: 'amqp://u:hush-hush@127.0.0.1:1' };
    const all = await deployment.part('web,scheduler,listeners', nowhere);
    const listener = await deployment.part('listeners', nowhere);
    const [there, away] = await Promise.all([send(all.url, '/readyz'), send(listener.url, '/readyz')]);
    assert.equal(there.status, 200);
    assert.match(there.json.trouble, /RabbitMQ at 127\.0\.0\.1:1/);
    assert.equal(away.status, 503);
    assert.match(away.json.reason, /RabbitMQ at 127\.0\.0\.1:1/);
    await send(listener.url, '/readyz');
    const lines = listener.said().split('\n');
    assert.equal(lines.filter((line) => line.includes('"not ready"')).length, 1, 'probes come all the time: said once');
    assert.equal((await send(all.url, '/api/hooks/v1/__heartbeat__')).status, 503);
    for (const said of [there.text, away.text, all.said(), listener.said()]) assert.doesNotMatch(said, /hush-hush/);
  });

  it('leaves schedules to the scheduler, which fires what was made elsewhere', async (t) => {
    const cleanup = lastFirst(t);
    const deployment = await newDeployment(cleanup);
    const web = await deployment.web();
    await makeHook(web, EVERY_SECOND);
    const { taskId } = await rootClients(web.credentials).hooks.triggerHook('g', 'h', {});
    assert.deepEqual(
      (await firesOf(web)).map((fire) => [fire.firedBy, fire.taskId]),
      [['triggerHook', taskId]],
      'calls fire in the process that serves them',
    );
    await deployment.part('scheduler');
    await eventually('the schedule fires', async () =>
      (await firesOf(web)).some(({ firedBy, result }) => firedBy === 'schedule' && result === 'success'),
    );
  });

  it('leaves messages to the listeners: what nobody reads yet waits for them', async (t) => {
    const cleanup = lastFirst(t);
    const deployment = await newDeployment(cleanup);
    const web = await deployment.web();
    await makeHook(web, BOUND);
    await publish(web);
    await deployment.part('scheduler');
    assert.deepEqual(await firesOf(web), []);
    await deployment.part('listeners');
    await eventually('the message fires', async () =>
      (await firesOf(web)).some(({ firedBy }) => firedBy === 'pulseMessage'),
    );
  });
});

describe('two processes of the same part', () => {
  it('know each other’s changes at once: hooks, tokens, clients and roles', async (t) => {
    const cleanup = lastFirst(t);
    const deployment = await newDeployment(cleanup);
    const [one, two] = [await deployment.web(), await deployment.web()];
    await makeHook(one, PLAIN);
    const [here, there] = [rootClients(one.credentials), rootClients({ ...two.credentials, rootUrl: two.url })];
    assert.equal((await there.hooks.hook('g', 'h')).metadata.name, 'echo');
    const first = await there.hooks.triggerHook('g', 'h', {}); // now the hook and its role are in the memory of both
    assert.ok(first.taskId);

    await here.hooks.updateHook('g', 'h', echoHook({ ...PLAIN, triggerSchema: { type: 'object', required: ['x'] } }));
    await assert.rejects(there.hooks.triggerHook('g', 'h', {}), /x/);
    const { token } = await here.hooks.getTriggerToken('g', 'h');
    assert.ok((await there.hooks.triggerHookWithToken('g', 'h', token, { x: 1 })).taskId);
    await here.hooks.resetTriggerToken('g', 'h');
    await assert.rejects(there.hooks.triggerHookWithToken('g', 'h', token, { x: 1 }), { statusCode: 401 });

    const expires = taskcluster.fromNowJSON('1 day');
    const { accessToken } = await here.auth.createClient('c', { expires, description: '', scopes: ['hooks:get:*'] });
    const known = clientsOf(two.url, { clientId: 'c', accessToken });
    assert.ok(await known.hooks.hook('g', 'h'));
    await here.auth.disableClient('c');
    await eventually('the client is refused', () =>
      known.hooks.hook('g', 'h').then(
        () => false,
        (error: { statusCode: number }) => error.statusCode === 401,
      ),
    );
    await here.auth.updateRole('hook-id:g/h', { scopes: [], description: '' });
    await eventually('the hook may no longer create tasks', () =>
      there.hooks.triggerHook('g', 'h', { x: 1 }).then(
        () => false,
        (error: { statusCode: number }) => error.statusCode === 403,
      ),
    );
  });

  it('share the schedules: no occurrence twice, and the survivor goes on when the other is killed', async (t) => {
    const cleanup = lastFirst(t);
    const deployment = await newDeployment(cleanup);
    const web = await deployment.web();
    await makeHook(web, EVERY_SECOND);
    const doomed = await deployment.part('scheduler');
    await deployment.part('scheduler');
    const scheduled = async () => (await firesOf(web)).filter(({ firedBy }) => firedBy === 'schedule');
    await eventually('both have had a chance', async () => (await scheduled()).length >= 2);
    const before = (await scheduled()).length;
    kill9(doomed.pid);
    await eventually('it goes on', async () => (await scheduled()).length >= before + 2);
    const { queue } = rootClients(web.credentials);
    const created = await Promise.all(
      (await scheduled()).map(async ({ taskId }) => (await queue.task(taskId)).created),
    );
    assert.equal(new Set(created).size, created.length, 'each task has an occurrence of its own');
  });
});
