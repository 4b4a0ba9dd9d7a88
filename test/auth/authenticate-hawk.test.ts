// authenticateHawk as other services call it, and the two methods with which people test clients,
// against a running server.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import hawk from 'hawk';
import { type Clients, clientsOf, rootClients, taskcluster } from '../support/client.ts';
import { type Server, serveQuickly } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';

const EXPIRES = '2090-01-01T00:00:00.000Z';
/** Another service than this server. */
const THERE = { host: 'tc.example.com', port: 443 };
const RESOURCE = '/api/other/v1/things/a%2Fb?x=1';

type Credentials = { readonly clientId: string; readonly accessToken: string; readonly certificate?: string };

const cleanup = lastFirst({ after });
let server: Server;
let root: Clients['auth'];
let auth: Clients['auth'];
let base: Credentials;
before(async () => {
  server = await serveQuickly(cleanup);
  root = rootClients(server.credentials).auth;
  auth = clientsOf(server.url).auth; // it needs no credentials
  await root.createRole('t2-role', { description: '', scopes: ['via-role:1'] });
  await root.createRole('anonymous', { description: '', scopes: ['anon:1'] });
  const scopes = ['auth:create-client:t2/tmp/*', 'x:*', 'assume:t2-role'];
  const made = await root.createClient('t2/base', { expires: EXPIRES, description: '', scopes });
  base = { clientId: 't2/base', accessToken: made.accessToken };
});

const EXPANDED = ['anon:1', 'assume:anonymous', 'assume:t2-role', 'auth:create-client:t2/tmp/*', 'via-role:1', 'x:*'];

const headerFor = (
  { clientId: id, accessToken: key, certificate }: Credentials,
  options: Record<string, unknown> = {},
) => {
  const { url = `https://${THERE.host}${RESOURCE}`, method = 'GET', ext, ...more } = options;
  const content = { ...(certificate && { certificate: JSON.parse(certificate) }), ...(ext as object) };
  const all = {
    credentials: { id, key, algorithm: 'sha256' as const },
    ...(Object.keys(content).length > 0 && { ext: Buffer.from(JSON.stringify(content)).toString('base64') }),
    ...more,
  };
  return hawk.client.header(url as string, method as string, all).header;
};
const request = (authorization: string | undefined, more: object = {}) => ({
  ...{ method: 'get', resource: RESOURCE, ...THERE },
  ...(authorization !== undefined && { authorization }),
  ...more,
});
const ask = (authorization: string | undefined, more: object = {}) =>
  auth.authenticateHawk(request(authorization, more));

describe('authenticateHawk', () => {
  it('tells who signed a request towards another service, and what they may do', async () => {
    const answer = { status: 'auth-success', scheme: 'hawk', clientId: 't2/base', scopes: EXPANDED, expires: EXPIRES };
    assert.deepEqual(await ask(headerFor(base)), answer);
    assert.deepEqual(await ask(headerFor(base), { host: 'TC.example.com' }), answer, 'hosts have no case');
    assert.deepEqual(await ask(headerFor(base), { sourceIp: '::1' }), answer);
  });

  it('is told the same when it asks twice about one request, and that request is still good when it comes', async () => {
    const authorization = headerFor(base);
    const answers = await Promise.all([ask(authorization), ask(authorization), ask(authorization)]);
    for (const { status } of answers) assert.equal(status, 'auth-success');

    const path = '/api/auth/v1/scopes/current';
    const credentials = { clientId: 'root', accessToken: server.credentials.accessToken };
    const here = headerFor(credentials, { url: `${server.url}${path}` });
    const { hostname, port } = new URL(server.url);
    const asked = { method: 'get', resource: path, host: hostname, port: Number(port), authorization: here };
    assert.equal((await auth.authenticateHawk(asked)).status, 'auth-success');
    const response = await fetch(`${server.url}${path}`, { headers: { authorization: here } });
    assert.equal(response.status, 200, 'who overheard it cannot use it up here');
  });

  it('answers the payload hash that was signed, for the other service to compare', async () => {
    const payload = { payload: '{"a":1}', contentType: 'application/json' };
    const { status, hash } = await ask(headerFor(base, { method: 'POST', ...payload }), { method: 'post' });
    assert.equal(status, 'auth-success');
    assert.equal(hash, hawk.crypto.calculatePayloadHash('{"a":1}', 'sha256', 'application/json'));
  });

  it('knows temporary credentials, named and not, restricted scopes, and signed URLs', async () => {
    const window = {
      start: taskcluster.fromNow('-1 minute'),
      expiry: taskcluster.fromNow('1 hour'),
      credentials: base,
    };
    const unnamed = taskcluster.createTemporaryCredentials({ ...window, scopes: ['x:1'] });
    const named = taskcluster.createTemporaryCredentials({
      ...window,
      scopes: ['x:1', 'assume:t2-role'],
      clientId: 't2/tmp/named',
    });
    const expires = window.expiry.toJSON();
    assert.deepEqual(await ask(headerFor(unnamed)), {
      ...{ status: 'auth-success', scheme: 'hawk', clientId: 't2/base', expires },
      scopes: ['anon:1', 'assume:anonymous', 'x:1'],
    });
    assert.deepEqual(await ask(headerFor(named)), {
      ...{ status: 'auth-success', scheme: 'hawk', clientId: 't2/tmp/named', expires },
      scopes: ['anon:1', 'assume:anonymous', 'assume:t2-role', 'via-role:1', 'x:1'],
    });
    const restricted = await ask(headerFor(named, { ext: { authorizedScopes: ['via-role:1'] } }));
    assert.deepEqual(restricted.scopes, ['anon:1', 'assume:anonymous', 'via-role:1']);
    const nothing = await ask(headerFor(base, { ext: { authorizedScopes: [] } }));
    assert.deepEqual(nothing.scopes, ['anon:1', 'assume:anonymous']);

    const other = new taskcluster.Hooks({ rootUrl: `https://${THERE.host}`, credentials: named });
    const { pathname, search } = new URL(other.buildSignedUrl(other.hook, 'g', 'h/i'));
    const byUrl = await ask(undefined, { resource: `${pathname}${search}` });
    assert.deepEqual([byUrl.status, byUrl.scheme, byUrl.clientId], ['auth-success', 'hawk', 't2/tmp/named']);
    const head = await ask(undefined, { resource: `${pathname}${search}`, method: 'head' });
    assert.equal(head.status, 'auth-success');
  });

  it('answers what everybody has for an unsigned request', async () => {
    for (const nothing of [undefined, '']) {
      const { expires, ...answer } = await ask(nothing);
      assert.deepEqual(answer, { status: 'no-auth', scheme: 'none', scopes: ['anon:1', 'assume:anonymous'] });
      assert.ok(Date.parse(expires) > taskcluster.fromNow('14 minutes').getTime());
    }
  });

  it('does not lend out through a certificate what everybody has', async () => {
    const lent = taskcluster.createTemporaryCredentials({
      ...{ start: taskcluster.fromNow('-1 minute'), expiry: taskcluster.fromNow('1 hour') },
      ...{ scopes: ['anon:1'], credentials: base },
    });
    const { status, message } = await ask(headerFor(lent));
    assert.equal(status, 'auth-failed');
    assert.match(message, /^ext\.certificate issuer `t2\/base` doesn't satisfy all certificate scopes anon:1\. /);
  });

  it('answers what is wrong with a signature in the words of Taskcluster, with 200', async () => {
    const failed = async (authorization: string | undefined, more: object = {}) => {
      const answer = await ask(authorization, more);
      assert.deepEqual(Object.keys(answer), ['status', 'message'], JSON.stringify(answer));
      assert.equal(answer.status, 'auth-failed');
      assert.ok(!JSON.stringify(answer).includes(base.accessToken));
      return answer.message as string;
    };
    const good = () => headerFor(base);
    assert.equal(await failed(good(), { port: 80 }), 'Unauthorized: Bad mac');
    assert.equal(await failed(good(), { host: 'other.example.com' }), 'Unauthorized: Bad mac');
    assert.equal(await failed(good(), { method: 'post' }), 'Unauthorized: Bad mac');
    assert.equal(await failed(good(), { resource: RESOURCE.replace('%2F', '/') }), 'Unauthorized: Bad mac');
    assert.equal(await failed(headerFor({ ...base, accessToken: 'wrong' })), 'Unauthorized: Bad mac');
    assert.equal(await failed(headerFor({ ...base, clientId: 'nope' })), 'Unauthorized: Bad mac');
    assert.equal(await failed(headerFor(base, { timestamp: 1_000_000 })), 'Unauthorized: Stale timestamp');
    assert.equal(await failed('Bearer x'), 'Unauthorized: Unauthorized');
    assert.equal(await failed(undefined, { resource: '/?bewit=x' }), 'Bad Request: Invalid bewit structure');
    assert.match(await failed(good(), { resource: '/?bewit=x' }), /^Cannot use two authentication schemes at once/);
    assert.match(
      await failed(headerFor(base, { ext: { authorizedScopes: ['y'] } })),
      /do not satisfy authorizedScopes/,
    );
  });

  it('is not misled by line breaks in the request', async () => {
    // The text that is signed has a line for each part: one that is moved into its neighbour would
    // read the same. So not even a good signature over such a resource is taken for one.
    const { clientId: id, accessToken: key } = base;
    const signFor = (resource: string): string => {
      const [ts, nonce] = [String(Math.floor(Date.now() / 1000)), 'n'];
      const parts = { ts, nonce, method: 'GET', resource, ...THERE, hash: '', ext: '' };
      const mac = hawk.crypto.calculateMac('header', { key, algorithm: 'sha256' }, parts);
      return `Hawk id="${id}", ts="${ts}", nonce="${nonce}", mac="${mac}"`;
    };
    assert.equal((await ask(signFor(RESOURCE))).status, 'auth-success');
    for (const resource of [
      `${RESOURCE}\n${THERE.host}`,
      `${RESOURCE}\r`,
      `${RESOURCE}\0`,
      `\n${RESOURCE}`,
      '/\x7f',
      '',
      'x',
    ]) {
      const { status, message } = await ask(signFor(resource), { resource });
      assert.deepEqual([status, message], ['auth-failed', 'Bad Request: Invalid resource'], JSON.stringify(resource));
    }
    const url = `https://${THERE.host}${RESOURCE}`;
    assert.equal((await ask(signFor(RESOURCE), { resource: url })).status, 'auth-failed', 'a path, not a URL');
  });

  it('refuses what is no such question', async () => {
    const bad = [
      ...['GET', 'fetch', '', null].map((method) => ({ method })),
      ...['a b', 'a:80', 'a\nb', '', null].map((host) => ({ host })),
      ...[-1, 65_536, 1.5, '443', null].map((port) => ({ port })),
      ...['1.2.3', 'x'].map((sourceIp) => ({ sourceIp })),
      { resource: null },
      { resource: `/${'x'.repeat(70_000)}` },
      { authorization: 1 },
      { more: 1 },
    ];
    for (const more of bad) {
      const refused = { statusCode: 400, code: 'InputValidationError' };
      await assert.rejects(ask(undefined, more), refused, JSON.stringify(more).slice(0, 100));
    }
  });
});

describe('testAuthenticate', () => {
  const tester = { clientId: 'tester', accessToken: 'no-secret' };
  const as = (credentials?: Credentials, options: object = {}) => clientsOf(server.url, credentials, options).auth;
  const clientScopes = ['test:*', 'auth:create-client:test:*'];

  it('knows the one client, with the scopes that it is told, and no role', async () => {
    assert.deepEqual(
      await as(tester).testAuthenticate({ clientScopes: ['x', 'assume:t2-role'], requiredScopes: ['x'] }),
      {
        clientId: 'tester',
        scopes: ['assume:anonymous', 'assume:t2-role', 'x'],
      },
    );
    assert.deepEqual(await as(tester).testAuthenticate({}), { clientId: 'tester', scopes: ['assume:anonymous'] });
    assert.deepEqual(await as().testAuthenticate({}), {
      clientId: 'auth-failed:no-auth',
      scopes: ['assume:anonymous'],
    });
  });

  it('asks for the required scopes', async () => {
    for (const [held, required] of [
      [['a'], ['b']],
      [['a'], ['a*']],
      [['assume:t2-role'], ['via-role:1']],
      [[], ['anon:1']],
    ]) {
      const asking = as(tester).testAuthenticate({ clientScopes: held, requiredScopes: required });
      await assert.rejects(asking, { statusCode: 403, code: 'InsufficientScopes' });
    }
    await assert.rejects(as().testAuthenticate({ clientScopes: ['a'], requiredScopes: ['a'] }), { statusCode: 403 });
    await as(tester).testAuthenticate({ clientScopes: ['a:*'], requiredScopes: ['a:*', 'a:1'] });
  });

  it('has the rules of certificates and restrictions', async () => {
    const window = {
      start: taskcluster.fromNow('-1 minute'),
      expiry: taskcluster.fromNow('1 hour'),
      credentials: tester,
    };
    const temporary = taskcluster.createTemporaryCredentials({ ...window, scopes: ['test:1'], clientId: 'test:nick' });
    const body = { clientScopes, requiredScopes: ['test:1'] };
    assert.deepEqual(await as(temporary).testAuthenticate(body), {
      clientId: 'test:nick',
      scopes: ['assume:anonymous', 'test:1'],
    });
    await assert.rejects(as(temporary).testAuthenticate({ ...body, clientScopes: ['test:*'] }), { statusCode: 401 });
    const restricted = as(tester, { authorizedScopes: ['test:2'] });
    await assert.rejects(restricted.testAuthenticate(body), { statusCode: 403 });
    const widened = as(tester, { authorizedScopes: ['*'] });
    await assert.rejects(widened.testAuthenticate(body), { statusCode: 401 });
  });

  it('knows no other client, and its client exists nowhere else', async () => {
    await assert.rejects(as(server.credentials).testAuthenticate({}), {
      statusCode: 401,
      code: 'AuthenticationFailed',
    });
    await assert.rejects(as({ ...tester, accessToken: 'x' }).testAuthenticate({}), { statusCode: 401 });
    await assert.rejects(as(tester).currentScopes(), { statusCode: 401 });
  });

  it('answers a signed URL', async () => {
    const url = as(tester).buildSignedUrl(auth.testAuthenticateGet);
    const answer = { clientId: 'tester', scopes: ['assume:anonymous', 'auth:create-client:test:*', 'test:*'] };
    for (let i = 0; i < 2; i += 1) assert.deepEqual(await (await fetch(url)).json(), answer);
    const restricted = as(tester, { authorizedScopes: ['test:authenticate-get'] });
    const { scopes } = await restricted.testAuthenticateGet();
    assert.deepEqual(scopes, ['assume:anonymous', 'test:authenticate-get']);
    await assert.rejects(as(tester, { authorizedScopes: ['test:x'] }).testAuthenticateGet(), { statusCode: 403 });
    await assert.rejects(as().testAuthenticateGet(), { statusCode: 403 });
  });

  it('takes as many scopes as 100 KB hold, and no more', async () => {
    const many = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}:${i}`);
    const asking = as(tester).testAuthenticate({ clientScopes: many('a', 5_000), requiredScopes: many('b', 5_000) });
    await assert.rejects(asking, { statusCode: 403 });
    const tooMany = { clientScopes: many('a', 12_000) };
    await assert.rejects(as(tester).testAuthenticate(tooMany), { statusCode: 413, code: 'InputTooLarge' });
  });
});
