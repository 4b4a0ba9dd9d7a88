// The client against a server as a user starts it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApiCallError, type CreateHookRequest, createTemporaryCredentials, Hooks } from '../../client/index.ts';
import { realSurroundings } from '../../client/surroundings.ts';
import { systemClock } from '../../src/core/clock.ts';
import { ECHO_SCOPES, echoHook, rootClients } from '../support/client.ts';
import { type Server, serveQuickly } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';
import { LISTED_METHODS } from './listed-methods.ts';

const HOUR = 60 * 60 * 1000;
const cleanup = lastFirst({ after });

let server: Server;
let hooks: Hooks;
before(async () => {
  server = await serveQuickly(cleanup);
  const { rootUrl, clientId, accessToken } = server.credentials;
  hooks = new Hooks({ rootUrl, credentials: { clientId, accessToken }, retries: 0 });
});

const definition = (more: Partial<CreateHookRequest> = {}): CreateHookRequest => ({ ...echoHook(), ...more });

const makeHook = async (group: string, id: string): Promise<void> => {
  await hooks.createHook(group, id, definition());
  await rootClients(server.credentials).auth.createRole(`hook-id:${group}/${id}`, {
    scopes: ECHO_SCOPES,
    description: '',
  });
};

const refusal = async (call: Promise<unknown>): Promise<ApiCallError> => {
  const error = await call.then(
    (answer) => new Error(`it was answered: ${JSON.stringify(answer)}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ApiCallError) return error;
  throw error;
};

describe('every method that was asked for', () => {
  it('does what it says, in the life of a hook', async () => {
    const called = new Set<string>();
    /** Takes note of what is called. */
    const noting = new Proxy(hooks, {
      get: (target, name) => {
        called.add(String(name));
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const life = ['life', 'of/a-hook'] as const;
    const made = await noting.createHook(...life, definition());
    assert.equal(made.hookId, 'of/a-hook');
    assert.equal(made.metadata.emailOnError, true, 'defaults are filled in');
    await rootClients(server.credentials).auth.createRole('hook-id:life/of/a-hook', {
      scopes: ECHO_SCOPES,
      description: '',
    });
    assert.deepEqual(await noting.hook(...life), made);
    assert.ok((await noting.listHookGroups()).groups.includes('life'));
    assert.deepEqual((await noting.listHooks('life')).hooks, [made]);
    assert.deepEqual((await noting.getHookStatus(...life)).lastFire, { result: 'no-fire' });

    // Of whoever knows the token nobody knows the name.
    const task = { ...made.task, payload: { said: { $eval: 'payload' } } };
    assert.deepEqual((await noting.updateHook(...life, { ...made, task })).task, task);

    const { taskId } = await noting.triggerHook(...life, { a: 1 });
    assert.match(taskId ?? '', /^[\w-]{22}$/);
    const { lastFire } = await noting.getHookStatus(...life);
    assert.ok(lastFire.result === 'success');
    assert.equal(lastFire.taskId, taskId);

    const { token } = await noting.getTriggerToken(...life);
    const anybody = noting.use({ credentials: {} });
    assert.match((await anybody.triggerHookWithToken(...life, token, {})).taskId ?? '', /^[\w-]{22}$/);
    const { token: next } = await noting.resetTriggerToken(...life);
    assert.notEqual(next, token);
    const error = await refusal(noting.triggerHookWithToken(...life, token, {}));
    assert.equal(error.statusCode, 401);
    assert.ok(!JSON.stringify([error.message, error.body, error.stack]).includes(token));

    assert.equal(await noting.removeHook(...life), undefined);
    assert.equal((await refusal(noting.hook(...life))).code, 'ResourceNotFound');
    assert.equal(((await noting.ping()) as { alive: boolean }).alive, true);
    assert.deepEqual(
      LISTED_METHODS.map(({ name }) => name).filter((name) => !called.has(name)),
      [],
    );
  });
});

it('says whether the service is there, and which version it is', async () => {
  const anybody = hooks.use({ credentials: {} });
  assert.deepEqual([await anybody.lbheartbeat(), await anybody.heartbeat()], [{}, {}]);
  assert.ok('version' in ((await anybody.version()) as object));
});

describe('fires', () => {
  it('come in pages, or one after another', async () => {
    await makeHook('many', 'fires');
    const triggered: string[] = [];
    for (let i = 0; i < 5; i += 1) triggered.unshift((await hooks.triggerHook('many', 'fires', { i })).taskId ?? '');

    const { lastFires, continuationToken } = await hooks.listLastFires('many', 'fires', { limit: 2 });
    assert.deepEqual(
      lastFires.map(({ taskId }) => taskId),
      triggered.slice(0, 2),
    );
    assert.ok(continuationToken !== undefined);
    const rest = await hooks.listLastFires('many', 'fires', { continuationToken });
    assert.deepEqual(
      rest.lastFires.map(({ taskId }) => taskId),
      triggered.slice(2),
    );
    assert.equal(rest.continuationToken, undefined);

    const seen: string[] = [];
    for await (const { taskId, result, firedBy } of hooks.lastFires('many', 'fires', { pageSize: 2 })) {
      seen.push(taskId);
      assert.deepEqual([result, firedBy], ['success', 'triggerHook']);
    }
    assert.deepEqual(seen, triggered);
    const outcomes: unknown[] = [];
    for await (const { taskId, outcome } of hooks.fires('many', 'fires')) outcomes.push([taskId, outcome]);
    assert.deepEqual(
      outcomes,
      triggered.map((taskId) => [taskId, 'created']),
    );
  });
});

describe('an error', () => {
  it('says what the server says', async () => {
    const error = await refusal(hooks.hook('no', 'such'));
    assert.deepEqual(
      [error.name, error.code, error.statusCode, error.method],
      ['ApiCallError', 'ResourceNotFound', 404, 'hook'],
    );
    assert.match(error.message, /^No such hook\n\n---\n\n\* method: {5}hook\n/);
    const { requestInfo } = error.body as { requestInfo: { params: unknown } };
    assert.deepEqual(requestInfo.params, { hookGroupId: 'no', hookId: 'such' });
  });

  it('of a wrong clock names it', async () => {
    const { rootUrl, clientId, accessToken } = server.credentials;
    const late = { ...realSurroundings, now: () => systemClock.now() - HOUR };
    const { statusCode, message } = await refusal(
      new Hooks({ rootUrl, credentials: { clientId, accessToken } }, late).listHookGroups(),
    );
    assert.equal(statusCode, 401);
    assert.match(message, /Stale timestamp[\s\S]*clocks of this machine and of the server differ/);
  });
});

describe('credentials', () => {
  const temporary = (scopes: readonly string[], clientId?: string) => {
    const { rootUrl: _rootUrl, ...credentials } = server.credentials;
    return createTemporaryCredentials({ credentials, scopes, clientId, expiry: new Date(systemClock.now() + HOUR) });
  };

  it('may be restricted to some of their scopes', async () => {
    await makeHook('restricted', 'hook');
    const scopes = ['hooks:get:restricted:*', 'hooks:trigger-hook:restricted/hook'];
    const restricted = hooks.use({ authorizedScopes: scopes });
    assert.equal((await restricted.hook('restricted', 'hook')).hookId, 'hook');
    assert.ok((await restricted.triggerHook('restricted', 'hook', { ü: '\u0000' })).taskId);
    const { code, statusCode } = await refusal(restricted.removeHook('restricted', 'hook'));
    assert.deepEqual([code, statusCode], ['InsufficientScopes', 403]);
    const nobody = await refusal(hooks.use({ credentials: {} }).hook('restricted', 'hook'));
    assert.equal(nobody.statusCode, 403);
  });

  it('may be temporary, with a name of their own or without, their certificate as text or as an object', async () => {
    await makeHook('temporary', 'hook');
    for (const clientId of [undefined, 'root/for-an-hour']) {
      const credentials = await temporary(['hooks:trigger-hook:temporary/hook'], clientId);
      assert.equal(credentials.clientId, clientId ?? 'root');
      for (const certificate of [credentials.certificate, JSON.parse(credentials.certificate)]) {
        const theirs = hooks.use({ credentials: { ...credentials, certificate } });
        const { taskId } = await theirs.triggerHook('temporary', 'hook', {});
        const task = await rootClients(server.credentials).queue.task(taskId);
        assert.equal(task.payload.by, credentials.clientId);
        assert.equal((await refusal(theirs.hook('temporary', 'hook'))).code, 'InsufficientScopes');
      }
    }
    const nothing = hooks.use({ credentials: await temporary([]) });
    assert.equal((await refusal(nothing.hook('temporary', 'hook'))).code, 'InsufficientScopes');
  });

  it('sign URLs that anybody may get, and nothing else with them', async () => {
    await makeHook('signed', 'ho/ok');
    const fetchJson = async (url: string) => {
      const response = await fetch(url);
      // biome-ignore lint/suspicious/noExplicitAny: the body of an answer is what the test says it is.
      return { status: response.status, body: (await response.json()) as any };
    };
    const signed = await hooks.buildSignedUrl(hooks.hook, 'signed', 'ho/ok', { expiration: 60 });
    assert.equal((await fetchJson(signed)).body.hookId, 'ho/ok');
    assert.equal((await fetchJson(signed.replace('ho%2Fok', 'other'))).status, 401);
    assert.equal((await fetchJson(hooks.buildUrl(hooks.hook, 'signed', 'ho/ok'))).status, 403);

    await hooks.triggerHook('signed', 'ho/ok', {});
    await hooks.triggerHook('signed', 'ho/ok', {});
    const list = await hooks.buildSignedUrl(hooks.listLastFires, 'signed', 'ho/ok', { limit: 1 }, { expiration: 60 });
    assert.equal((await fetchJson(list)).body.lastFires.length, 1);

    const few = hooks.use({ credentials: await temporary(['hooks:get:signed:*'], 'root/few') });
    assert.equal((await fetchJson(await few.buildSignedUrl(few.hook, 'signed', 'ho/ok'))).status, 200);
    assert.equal((await fetchJson(await few.buildSignedUrl(few.listLastFires, 'signed', 'ho/ok'))).status, 403);
    const restricted = hooks.use({ authorizedScopes: ['hooks:get:other:*'] });
    assert.equal((await fetchJson(await restricted.buildSignedUrl(hooks.hook, 'signed', 'ho/ok'))).status, 403);
  });
});
