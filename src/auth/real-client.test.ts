// The npm package taskcluster-client, unmodified, signs; we tell who it is. No API behind it: the
// answer is the caller.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { ApiError } from '../http/api-error.ts';
import { compileRoles } from './roles/role-expansion.ts';
import { createAuthenticator, type KnownClient } from './signatures/authenticator.ts';
import { createReplays } from './signatures/replays.ts';

// It has no types; named by a variable so that the compiler does not look for them.
const packageName: string = 'taskcluster-client';
const { default: taskcluster } = await import(packageName);

const HOUR = 60 * 60 * 1000;
const accessToken = 'x'.repeat(44);
const client: KnownClient = {
  clientId: 'me/a+b',
  accessToken,
  scopes: ['a:*', 'auth:create-client:me/*', 'assume:r'],
  expires: systemClock.now() + HOUR,
  disabled: false,
  lastDateUsed: systemClock.now(),
};

const { authenticate } = createAuthenticator({
  clock: systemClock,
  rootUrl: undefined,
  findClient: (clientId) => (clientId === client.clientId ? client : undefined),
  roles: () => compileRoles([{ roleId: 'r', scopes: ['via:1'] }]),
  replays: createReplays(systemClock),
});

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { method = '', url = '', headers } = request;
  response.setHeader('content-type', 'application/json');
  try {
    const { host, authorization } = headers;
    const body = Buffer.concat(chunks);
    const signed = { method, url, host, authorization, contentType: headers['content-type'], body };
    response.end(JSON.stringify(await authenticate(signed)));
  } catch (error) {
    response.statusCode = error instanceof ApiError ? error.statusCode : 500;
    response.end(JSON.stringify({ message: String(error) }));
  }
});

let rootUrl: string;
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  rootUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

const credentials = { clientId: client.clientId, accessToken };
const authWith = (given: unknown, more = {}) => new taskcluster.Auth({ rootUrl, credentials: given, ...more });
const temporary = (options: object) =>
  taskcluster.createTemporaryCredentials({
    start: new Date(systemClock.now() - 60_000),
    expiry: new Date(systemClock.now() + HOUR),
    credentials,
    ...options,
  });

describe('the real client', () => {
  it('is known by its own credentials, with slashes in the path and a body', async () => {
    const caller = await authWith(credentials).createRole('hook-id:a/b *', { scopes: ['ü'], description: '' });
    assert.equal(caller.clientId, client.clientId);
    assert.deepEqual(caller.scopes, ['a:*', 'assume:anonymous', 'assume:r', 'auth:create-client:me/*', 'via:1']);
  });

  it('may restrict itself', async () => {
    const { scopes } = await authWith(credentials, { authorizedScopes: ['a:1'] }).ping();
    assert.deepEqual(scopes, ['a:1', 'assume:anonymous']);
  });

  it('is known by temporary credentials, named and not, with scopes and without', async () => {
    const scopesOf = async (given: unknown) => (await authWith(given).currentScopes()).scopes;
    assert.deepEqual(await scopesOf(temporary({ scopes: ['a:1', 'via:1'] })), ['a:1', 'assume:anonymous', 'via:1']);
    assert.deepEqual(await scopesOf(temporary({ scopes: [] })), ['assume:anonymous']);
    const named = await authWith(temporary({ scopes: ['a:1'], clientId: 'me/other' })).currentScopes();
    assert.deepEqual([named.clientId, named.scopes], ['me/other', ['a:1', 'assume:anonymous']]);
    await assert.rejects(authWith(temporary({ scopes: ['b'] })).ping(), { statusCode: 401 });
    await assert.rejects(authWith(temporary({ scopes: [], clientId: 'you/other' })).ping(), { statusCode: 401 });
  });

  it('makes signed URLs that can be fetched again and again', async () => {
    for (const given of [credentials, temporary({ scopes: ['a:1'], clientId: 'me/other' })]) {
      const auth = authWith(given, { authorizedScopes: ['a:1'] });
      const url = auth.buildSignedUrl(auth.role, 'a/b', { expiration: 60 });
      for (let i = 0; i < 2; i += 1) {
        const response = await fetch(url);
        assert.deepEqual(((await response.json()) as { scopes: unknown }).scopes, ['a:1', 'assume:anonymous']);
      }
      assert.equal((await fetch(url, { method: 'DELETE' })).status, 401);
    }
  });

  it('is anonymous without credentials, and fails to authenticate with wrong ones', async () => {
    assert.deepEqual(await new taskcluster.Auth({ rootUrl }).ping(), { scopes: ['assume:anonymous'] });
    await assert.rejects(authWith({ ...credentials, accessToken: 'wrong' }).ping(), { statusCode: 401 });
  });
});
