// The real taskcluster-client against a server of a Taskcluster deployment: who may do what is the
// deployment's Auth to say, tasks go to its queue with the scopes of the hook's role and no others.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { clientsOf, echoHook } from '../support/client.ts';
import type { Received } from '../support/deployment.ts';
import { authorization, send } from '../support/request.ts';
import { runProgram } from '../support/server.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { createWorld, PERSON_CREDENTIALS, refusal, TOKENS, type World } from './world.ts';

const cleanup = lastFirst({ after });
let world: World;
let server: Awaited<ReturnType<World['start']>>;
before(async () => {
  world = await createWorld(cleanup);
  server = await world.start();
});

describe('a server of a deployment', () => {
  it('says where the deployment is and who it is there, and has no root client of its own', () => {
    assert.match(
      server.said(),
      /deployment {3}http:\/\/127\.0\.0\.1:\d+ \(this server is its client "hooks\/server"\)/,
    );
    assert.doesNotMatch(server.said(), /credentials/);
    for (const token of Object.values(TOKENS)) assert.ok(!server.said().includes(token));
  });

  it('answers every method of hooks', async () => {
    const { hooks } = world.person;
    await world.makeHook('all', 'h', { schedule: ['0 0 1 1 *'] });
    assert.equal((await hooks.ping()).alive, true);
    assert.deepEqual(await hooks.heartbeat(), {});
    assert.ok((await hooks.listHookGroups()).groups.includes('all'));
    assert.equal((await hooks.listHooks('all')).hooks.length, 1);
    const { hookGroupId, hookId, ...definition } = await hooks.hook('all', 'h');
    assert.deepEqual([hookGroupId, hookId], ['all', 'h']);
    await hooks.updateHook('all', 'h', { ...definition, schedule: [] });
    const { token } = await hooks.getTriggerToken('all', 'h');
    assert.notEqual((await hooks.resetTriggerToken('all', 'h')).token, token);
    const { taskId } = await hooks.triggerHook('all', 'h', {});
    assert.equal((await hooks.getHookStatus('all', 'h')).lastFire.taskId, taskId);
    const [fire] = (await hooks.listLastFires('all', 'h')).lastFires;
    assert.deepEqual([fire.taskId, fire.taskState], [taskId, 'pending']);
    const { token: fresh } = await hooks.getTriggerToken('all', 'h');
    // Its template wants to know who calls, and nobody does.
    assert.equal((await refusal(hooks.triggerHookWithToken('all', 'h', fresh, {}))).code, 'InputError');
    await hooks.removeHook('all', 'h');
    assert.equal((await refusal(hooks.hook('all', 'h'))).code, 'ResourceNotFound');
    await hooks.lbheartbeat();
    await hooks.version();

    const { text } = await send(server.url, '/metrics');
    const names: string[] = Object.getOwnPropertyNames(hooks.constructor.prototype).filter(
      (name) => hooks[name]?.entryReference,
    );
    assert.ok(names.length >= 15, String(names));
    for (const name of names) assert.ok(text.includes(`service="hooks",method="${name}"`), `${name} was not called`);
  });

  it('creates the task with exactly the role of the hook, whoever triggers it and however', async () => {
    const { deployment, person } = world;
    const task = { ...echoHook().task, payload: { by: { $eval: 'firedBy' } } };
    await world.makeHook('exact', 'h', { task, schedule: ['* * * * * *'] });
    const called = await person.hooks.triggerHook('exact', 'h', { a: 1 });
    const { token } = await person.hooks.getTriggerToken('exact', 'h');
    const hooked = await clientsOf(deployment.rootUrl).hooks.triggerHookWithToken('exact', 'h', token, { b: 2 });
    const isOfHook = ({ authorizedScopes }: Received) => authorizedScopes?.includes('assume:hook-id:exact/h');
    const ticked = await eventually('the schedule has made a task', () =>
      deployment
        .calls('queue.createTask')
        .filter(isOfHook)
        .find(({ params }) => ![called.taskId, hooked.taskId].includes(params.taskId)),
    );
    await person.hooks.removeHook('exact', 'h');
    for (const taskId of [called.taskId, hooked.taskId, ticked.params.taskId]) {
      const calls = deployment.calls('queue.createTask').filter(({ params }) => params.taskId === taskId);
      assert.equal(calls.length, 1);
      assert.deepEqual(calls[0]?.authorizedScopes, ['assume:hook-id:exact/h']);
      assert.equal(calls[0]?.clientId, 'hooks/server');
      assert.ok(deployment.tasks.has(taskId));
    }
    const madeBy = [called, hooked, ticked.params].map(
      ({ taskId }) => deployment.tasks.get(taskId)?.definition.payload.by,
    );
    assert.deepEqual(madeBy, ['triggerHook', 'triggerHookWithToken', 'schedule']);
  });

  it('refuses a trigger of a hook whose role lacks scopes, naming the role and what it lacks, though its own client has more', async () => {
    await world.makeHook('poor', 'h', {}, ['queue:scheduler-id:-', 'queue:create-task:lowest:proj/worker']);
    const { code, message } = await refusal(world.person.hooks.triggerHook('poor', 'h', {}));
    assert.equal(code, 'InsufficientScopes');
    assert.match(message, /hook-id:poor\/h/);
    assert.match(message, /queue:create-task:project:none/);
    const [fire] = (await world.person.hooks.listLastFires('poor', 'h')).lastFires;
    assert.deepEqual([fire.result, fire.taskState], ['error', 'unknown']);
  });

  it('repeats a refusal of the queue in its words', async () => {
    const task = { ...echoHook().task, dependencies: ['dSlITZ4yQgmvxxAi4A8fHQ'] };
    await world.makeHook('bad', 'h', { task });
    const { code, message } = await refusal(world.person.hooks.triggerHook('bad', 'h', {}));
    assert.equal(code, 'InputError');
    assert.match(message, /must reference existing tasks/);
  });

  it('is there for the command line of a client of the deployment', async () => {
    await world.makeHook('typed', 'h');
    const program = runProgram(cleanup, ['hooks', 'list', 'typed', '--json'], {
      env: {
        TASKCLUSTER_ROOT_URL: world.deployment.rootUrl,
        TASKCLUSTER_CLIENT_ID: PERSON_CREDENTIALS.clientId,
        TASKCLUSTER_ACCESS_TOKEN: PERSON_CREDENTIALS.accessToken,
      },
    });
    assert.deepEqual(await program.exit, [0, null], program.said());
    assert.match(program.said(), /"hookId": "h"/);
  });

  it('tells who looks here for auth and queue where they are', async () => {
    for (const [service, path] of [
      ['queue', '/task/dSlITZ4yQgmvxxAi4A8fHQ'],
      ['auth', '/clients/x%2Fy'],
    ]) {
      const { status, json } = await send(server.url, `/api/${service}/v1${path}`);
      assert.equal(status, 404);
      assert.equal(json.code, 'ResourceNotFound');
      assert.ok(json.message.includes(`${world.deployment.rootUrl}/api/${service}/v1`));
    }
    assert.deepEqual((await send(server.url, '/api/hooks/v1/nothing')).json, { error: 'Not found' });
  });
});

describe('a signature', () => {
  const group = { hookGroupId: 'g' };
  const list = (credentials: object | undefined, options: object = {}) =>
    clientsOf(world.deployment.rootUrl, credentials as never, options).hooks.listHookGroups();

  it('may be of temporary credentials, named or not, and is worth no more than these', async () => {
    const { temporary, deployment } = world;
    const scopes = ['hooks:list-hooks:*'];
    for (const options of [{}, { clientId: 'person/temp' }]) {
      const credentials = temporary(scopes, options);
      assert.ok((await list(credentials)).groups);
      const { hooks } = clientsOf(deployment.rootUrl, credentials);
      assert.equal((await refusal(hooks.createHook(group.hookGroupId, 'h', echoHook()))).code, 'InsufficientScopes');
    }
    const expired = { start: new Date(Date.now() - 7_200_000), expiry: new Date(Date.now() - 3_600_000) };
    assert.equal((await refusal(list(temporary(scopes, expired)))).statusCode, 401);
    assert.equal((await refusal(list(temporary(['admin:*'])))).statusCode, 401, 'more than the issuer has');
  });

  it('may restrict itself, and not widen itself', async () => {
    assert.ok(await list(PERSON_CREDENTIALS, { authorizedScopes: ['hooks:list-hooks:*'] }));
    const none = await refusal(list(PERSON_CREDENTIALS, { authorizedScopes: [] }));
    assert.equal(none.code, 'InsufficientScopes');
    const wide = await refusal(list(PERSON_CREDENTIALS, { authorizedScopes: ['admin:*'] }));
    assert.deepEqual([wide.statusCode, wide.code], [401, 'AuthenticationFailed']);
  });

  it('may stand in the URL of a GET', async () => {
    const { hooks } = world.person;
    await world.makeHook('linked', 'h');
    const url: string = hooks.buildSignedUrl(hooks.hook, 'linked', 'h', { expiration: 60 });
    const { origin, pathname, search } = new URL(url);
    assert.equal((await send(origin, pathname + search)).json.hookId, 'h');
    assert.equal((await send(origin, pathname + search, { method: 'DELETE' })).status, 401);
    assert.equal((await send(origin, `${pathname}/status${search}`)).status, 401);
  });

  it('that is wrong is told what Auth says of it', async () => {
    const wrong = await refusal(list({ ...PERSON_CREDENTIALS, accessToken: 'wrong' }));
    assert.deepEqual([wrong.statusCode, wrong.code], [401, 'AuthenticationFailed']);
    assert.match(wrong.message, /Unauthorized: Bad mac/);
    const unknown = await refusal(list({ ...PERSON_CREDENTIALS, clientId: 'nobody' }));
    assert.match(unknown.message, /Client with clientId 'nobody' not found/);
  });

  it('is good once', async () => {
    const url = `${world.deployment.rootUrl}/api/hooks/v1/hooks`;
    const headers = { authorization: authorization(url, 'GET', { credentials: PERSON_CREDENTIALS }) };
    assert.equal((await send(world.deployment.rootUrl, '/api/hooks/v1/hooks', { headers })).status, 200);
    const again = await send(world.deployment.rootUrl, '/api/hooks/v1/hooks', { headers });
    assert.deepEqual([again.status, again.json.code], [401, 'AuthenticationFailed']);
  });

  it('covers the body where it says so', async () => {
    const { rootUrl } = world.deployment;
    await world.makeHook('hashed', 'h');
    const path = '/api/hooks/v1/hooks/hashed/h/trigger';
    const signed = (payload: string) => {
      const credentials = { id: PERSON_CREDENTIALS.clientId, key: PERSON_CREDENTIALS.accessToken, algorithm: 'sha256' };
      return { contentType: 'application/json', credentials: credentials as never, payload };
    };
    const { default: hawk } = await import('hawk');
    const trigger = (body: string, of: string) =>
      send(rootUrl, path, {
        ...{ method: 'POST', body },
        headers: {
          'content-type': 'application/json',
          authorization: hawk.client.header(`${rootUrl}${path}`, 'POST', signed(of)).header,
        },
      });
    assert.equal((await trigger('{"a":1}', '{"a":1}')).status, 200);
    const other = await trigger('{"a":2}', '{"a":1}');
    assert.equal(other.status, 401);
    assert.match(other.json.message, /Invalid payload hash/);
  });

  it('of nobody is worth what everybody has, and Auth is asked for that once a minute', async () => {
    const before = world.deployment.calls('auth.authenticateHawk').length;
    for (let times = 0; times < 5; times += 1) {
      assert.equal((await refusal(list(undefined))).code, 'InsufficientScopes');
    }
    assert.ok(world.deployment.calls('auth.authenticateHawk').length <= before + 1);
  });

  it("is known for the server's own address, too", async () => {
    assert.ok((await clientsOf(server.url, PERSON_CREDENTIALS).hooks.listHookGroups()).groups);
  });
});
