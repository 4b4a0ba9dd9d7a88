// A server of a deployment whose services fail, and which fails itself: no event is lost, none
// makes two tasks, and callers hear the truth.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { silentLog } from '../../src/core/log.ts';
import { clientsOf, ECHO_SCOPES, echoHook, taskcluster } from '../support/client.ts';
import { freshDatabaseUrl } from '../support/database.ts';
import { authorization, send } from '../support/request.ts';
import { newDataFolder } from '../support/server.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { createBackends } from './backends.ts';
import { createWorld, HOUR, PERSON_CREDENTIALS, refusal, SERVER, TOKENS } from './world.ts';

const QUIET_TASK = { ...echoHook().task, payload: { by: { $eval: 'firedBy' } } };

it('a queue that fails and comes back gets each task once', async (t) => {
  const { deployment, person, start, makeHook } = await createWorld(lastFirst(t));
  await start();
  await makeHook('g', 'h');
  for (const fault of [
    { kind: 'status', status: 500 },
    { kind: 'status', status: 429 },
    { kind: 'cut-after' },
    { kind: 'status', status: 401, code: 'AuthenticationFailed' },
  ] as const) {
    deployment.fail('queue.createTask', fault, 2); // a cut may fall on a kept connection, and is made up for at once then
    const { taskId } = await person.hooks.triggerHook('g', 'h', { fault });
    assert.deepEqual(deployment.tasks.get(taskId)?.definition.payload.said, { fault }, 'it waited for the outcome');
    deployment.fail('queue.createTask');
  }
  assert.equal(deployment.tasks.size, 4);
  const { lastFires } = await person.hooks.listLastFires('g', 'h');
  const attempts = lastFires.filter(({ result }: { result: string }) => result === 'error');
  assert.ok(attempts.length >= 4, `each attempt has its row: ${attempts.length}`);
  assert.ok(attempts.every(({ error }: { error: string }) => error.includes(deployment.rootUrl)));
});

it('a fire outlives the server, and its task is made by the next one, once', async (t) => {
  const { deployment, person, start, makeHook } = await createWorld(lastFirst(t));
  const server = await start();
  await makeHook('g', 'h', { task: QUIET_TASK });
  const { token } = await person.hooks.getTriggerToken('g', 'h');
  const { hooks } = clientsOf(deployment.rootUrl);
  const asked = () => deployment.calls('queue.createTask');

  // Killed while the queue thinks, having made the one task and not the other.
  const lost: Promise<unknown>[] = [];
  for (const [times, kind] of [
    [1, 'hang'],
    [2, 'hang-after'],
  ] as const) {
    deployment.fail('queue.createTask', { kind });
    lost.push(hooks.triggerHookWithToken('g', 'h', token, {}).catch(() => {}));
    await eventually('the queue is asked', () => asked().length >= times);
  }
  const taskIds = asked().map(({ params }) => params.taskId ?? '');
  await eventually('one is there', () => deployment.tasks.size === 1);
  server.process.kill('SIGKILL');
  await Promise.all(lost);
  deployment.fail('queue.createTask');
  await start();
  await eventually('both have ended', async () => {
    const { lastFires } = await person.hooks.listLastFires('g', 'h').catch(() => ({ lastFires: [] }));
    const good = lastFires.filter(({ result }: { result: string }) => result === 'success');
    return taskIds.every((taskId) => good.some((fire: { taskId: string }) => fire.taskId === taskId));
  });
  assert.deepEqual([...deployment.tasks.keys()].sort(), taskIds.sort());
});

it('a server that is told to end while services hang ends, and the next one goes on at once', async (t) => {
  const { deployment, person, start, makeHook } = await createWorld(lastFirst(t));
  const server = await start({ HOOKWRIGHT_SHUTDOWN_SECONDS: '1' });
  await makeHook('g', 'h');
  deployment.fail('queue.createTask', { kind: 'hang' });
  const lost = person.hooks.triggerHook('g', 'h', {}).catch(() => {});
  await eventually('the queue is asked', () => deployment.calls('queue.createTask').length > 0);
  deployment.fail('auth', { kind: 'hang' });
  const alsoLost = person.hooks.hook('g', 'h').catch(() => {});
  server.process.kill('SIGTERM');
  assert.deepEqual(await server.exit, [0, null], server.said());
  assert.doesNotMatch(server.said(), /"level":(50|60)/, 'nothing went wrong on the way');
  await Promise.all([lost, alsoLost]);
  deployment.fail('queue.createTask');
  deployment.fail('auth');
  await start();
  await eventually('the task is there', () => deployment.tasks.size === 1);
  assert.equal(deployment.calls('queue.createTask').at(-1)?.params.taskId, [...deployment.tasks.keys()][0]);
});

it('a fire that waits longer than the queue takes a date has its task, with a new one', async (t) => {
  const cleanup = lastFirst(t);
  const { deployment, clock, pass } = await createBackends(cleanup);
  const env = { ...deployment.environment(SERVER), DATABASE_URL: await freshDatabaseUrl(cleanup) };
  const config = readConfig(['--port', '0', '--data', await newDataFolder(cleanup)], env, '/');
  const app = await startApp(config, { clock, log: silentLog });
  cleanup.after(() => app.stop());
  deployment.roles.set('hook-id:g/h', ECHO_SCOPES);
  const { hooks } = clientsOf(app.url, PERSON_CREDENTIALS);
  await hooks.createHook('g', 'h', echoHook());

  deployment.fail('queue.createTask', { kind: 'status', status: 503 });
  const answered = hooks.triggerHook('g', 'h', {});
  const [first] = await eventually('the queue has refused it', () => {
    const calls = deployment.calls('queue.createTask');
    return calls[0]?.status === 503 && calls;
  });
  pass(40 * 60_000);
  deployment.fail('queue.createTask');
  const { taskId } = await answered;
  const task = await eventually('the task is there', () => deployment.tasks.get(taskId));
  assert.ok(Date.parse(task.definition.created) - Date.parse(first?.body.created) >= 40 * 60_000);
  assert.equal(task.definition.deadline, first?.body.deadline);
  assert.deepEqual(task.authorizedScopes, ['assume:hook-id:g/h']);
});

it('while Auth is away callers get 503 and webhooks go on', async (t) => {
  const { deployment, person, start, makeHook } = await createWorld(lastFirst(t));
  const { url } = await start();
  await makeHook('g', 'h', { task: QUIET_TASK });
  const { token } = await person.hooks.getTriggerToken('g', 'h');
  deployment.fail('auth', { kind: 'status', status: 500 });
  const { statusCode, code, message } = await refusal(person.hooks.hook('g', 'h'));
  assert.deepEqual([statusCode, code], [503, 'ServiceUnavailable']);
  assert.ok(message.includes(deployment.rootUrl));
  const { taskId } = await clientsOf(url).hooks.triggerHookWithToken('g', 'h', token, {});
  assert.ok(deployment.tasks.has(taskId));
  const heartbeat = await refusal(person.hooks.heartbeat());
  assert.equal(heartbeat.statusCode, 503);
  assert.match(heartbeat.message, /the Auth of .* does not answer/);
  deployment.fail('auth');
  assert.equal((await person.hooks.hook('g', 'h')).hookId, 'h');
  deployment.fail('queue.ping', { kind: 'status', status: 500 });
  assert.match((await refusal(person.hooks.heartbeat())).message, /the queue of .* does not answer/);
});

it('a signature that was used is not good again because something fails', async (t) => {
  const { deployment, start } = await createWorld(lastFirst(t));
  const { url } = await start();
  const [list, heartbeat] = ['/api/hooks/v1/hooks', '/api/hooks/v1/__heartbeat__'];
  const signature = authorization(`${url}${list}`, 'GET', { credentials: PERSON_CREDENTIALS });
  const get = async (path: string) => (await send(url, path, { headers: { authorization: signature } })).status;
  assert.equal(await get(list), 200);
  deployment.fail('*', { kind: 'status', status: 500 });
  assert.deepEqual([await get(list), await get(heartbeat)], [503, 503]);
  deployment.fail('*');
  assert.equal(await get(list), 401);
});

it('a server whose credentials are not good starts, says so, and works once they are', async (t) => {
  const { deployment, person, start, makeHook } = await createWorld(lastFirst(t));
  const { scopes } = deployment.clients.get(SERVER) ?? { scopes: [] };
  const server = await start({ TASKCLUSTER_ACCESS_TOKEN: 'not-the-token' });
  await server.says(/deployment not asked about this server/);
  await server.says(/refuses the credentials of this server \(client hooks\/server\): Unauthorized: Bad mac/);
  assert.ok(!server.said().includes('not-the-token'));
  assert.match((await refusal(person.hooks.heartbeat())).message, /refuses the credentials of this server/);

  await makeHook('g', 'h', { task: QUIET_TASK, schedule: ['* * * * * *'] });
  const { lastFires } = await eventually('the schedule fires in vain', () =>
    person.hooks.listLastFires('g', 'h').catch(() => undefined),
  );
  assert.equal(lastFires[0].result, 'error');
  assert.match(lastFires[0].error, /client hooks\/server.*token, expiry and scopes/);
  deployment.clients.set(SERVER, { accessToken: 'not-the-token', scopes });
  await eventually('the fire that waited has its task', () => deployment.tasks.has(lastFires[0].taskId));
});

it('a server may have temporary credentials', async (t) => {
  const { deployment, person, start, makeHook } = await createWorld(lastFirst(t));
  const scopes = ['assume:hook-id:*'];
  deployment.clients.set(SERVER, { accessToken: TOKENS[SERVER], scopes: [...scopes, 'auth:create-client:hooks/temp'] });
  const { certificate, accessToken } = taskcluster.createTemporaryCredentials({
    ...{ credentials: { clientId: SERVER, accessToken: TOKENS[SERVER] }, clientId: 'hooks/temp', scopes },
    ...{ start: new Date(Date.now() - HOUR), expiry: new Date(Date.now() + HOUR) },
  });
  const server = await start({
    ...{ TASKCLUSTER_CLIENT_ID: 'hooks/temp', TASKCLUSTER_ACCESS_TOKEN: accessToken },
    TASKCLUSTER_CERTIFICATE: certificate,
  });
  await makeHook('g', 'h');
  const { taskId } = await person.hooks.triggerHook('g', 'h', {});
  assert.deepEqual(deployment.tasks.get(taskId)?.authorizedScopes, ['assume:hook-id:g/h']);
  assert.equal(deployment.calls('queue.createTask')[0]?.clientId, 'hooks/temp');
  assert.ok(!server.said().includes(accessToken) && !server.said().includes(JSON.parse(certificate).signature));
});

it('a server that lacks the scope that hooks need says so at its start', async (t) => {
  const { deployment, start } = await createWorld(lastFirst(t));
  deployment.clients.set(SERVER, { accessToken: TOKENS[SERVER], scopes: ['assume:hook-id:g/*'] });
  const server = await start();
  await server.says(/this server's client lacks assume:hook-id:\*/);
});

it('the owner of a hook whose schedule fails has mail from Notify', async (t) => {
  const { deployment, start, makeHook } = await createWorld(lastFirst(t));
  await start();
  await makeHook('g', 'h', { task: QUIET_TASK, schedule: ['* * * * * *'] }, []);
  const mail = await eventually('there is mail', () => deployment.mails[0]);
  assert.equal(mail.address, 'owner@example.com');
  assert.match(mail.subject, /Hook g\/h made no task/);
  assert.match(mail.content, /InsufficientScopes/);
});

it('without the mode, the variables of a deployment change nothing, and the start mentions them', async (t) => {
  const { deployment, start } = await createWorld(lastFirst(t));
  const server = await start({ HOOKWRIGHT_MODE: 'standalone' });
  await server.says(/Press Ctrl-C to end/);
  assert.match(server.said(), /not used {5}TASKCLUSTER_ROOT_URL, TASKCLUSTER_CLIENT_ID, TASKCLUSTER_ACCESS_TOKEN: /);
  assert.match(server.said(), /client "root"/);
  assert.equal(deployment.received.length, 0);
});
