// Who calls, as the deployment's Auth says, and what becomes of callers while it says nothing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import hawk from 'hawk';
import { createTaskclusterAuth } from '../../src/auth/taskcluster-auth.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { createMetrics } from '../../src/core/metrics.ts';
import type { SignedRequest } from '../../src/http/api-method.ts';
import { createTaskclusterClient } from '../../src/taskcluster/taskcluster-client.ts';
import type { Cleanup } from '../support/database.ts';
import type { Fault } from '../support/deployment.ts';
import { lastFirst } from '../support/wait.ts';
import { createBackends } from './backends.ts';
import { PERSON, TOKENS } from './world.ts';

const KEY = { id: PERSON, key: TOKENS[PERSON], algorithm: 'sha256' } as const;
const HOST = 'hooks.example.com:8443';

const unsigned = (more: Partial<SignedRequest> = {}): SignedRequest => ({
  ...{ method: 'GET', url: '/api/hooks/v1/hooks', host: HOST, authorization: undefined },
  ...{ contentType: undefined, body: Buffer.alloc(0) },
  ...more,
});
const signed = (now = Date.now(), more: Partial<SignedRequest> = {}, options: object = {}): SignedRequest => {
  const request = unsigned(more);
  const url = `http://${request.host}${request.url}`;
  const timestamp = Math.floor(now / 1000);
  const { header } = hawk.client.header(url, request.method, { credentials: KEY, timestamp, ...options });
  return { ...request, authorization: header };
};

const AWAY: readonly Fault[] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 502, html: true },
  { kind: 'status', status: 404, html: true },
  { kind: 'cut' },
  { kind: 'answer', text: '{}' },
  { kind: 'answer', text: '{"status":"auth-success","scheme":"hawk","scopes":["*"]}' },
  { kind: 'answer', text: '{"status":"auth-success","clientId":"x","scopes":"*"}' },
];

describe('while Auth is away', () => {
  for (const fault of AWAY) {
    it(`no caller is authenticated, and the answer is 503: ${JSON.stringify(fault)}`, async (t) => {
      const { auth, deployment, clock } = await createBackends(t);
      deployment.fail('auth', fault);
      const request = signed(clock.now());
      await assert.rejects(auth.authenticate(request), { code: 'ServiceUnavailable', statusCode: 503 });
      await assert.rejects(auth.checkHealth(), { code: 'ServiceUnavailable' });
      deployment.fail('auth');
      assert.equal((await auth.authenticate(request)).clientId, PERSON, 'the same signature, when Auth is back');
      await auth.checkHealth();
    });
  }

  it('no more than so many wait for it, and the others are told at once', async (t) => {
    const { auth, deployment, client } = await createBackends(t);
    deployment.fail('auth', { kind: 'hang' });
    const request = signed();
    const waiting = Array.from({ length: 1_000 }, () => auth.authenticate(request).catch((error: Error) => error));
    await assert.rejects(auth.authenticate(request), /too many of our questions/);
    await client[Symbol.asyncDispose]();
    for (const error of await Promise.all(waiting)) assert.ok(error instanceof Error);
  });

  it('a moment, it is asked again by itself', async (t) => {
    const { auth, deployment, clock } = await createBackends(t);
    deployment.fail('auth', { kind: 'status', status: 500 }, 2);
    assert.equal((await auth.authenticate(signed(clock.now()))).clientId, PERSON);
  });

  it('callers without a signature have what they had, for as long as Auth has allowed', async (t) => {
    const { auth, deployment, pass } = await createBackends(t);
    deployment.roles.set('anonymous', ['public:*']);
    const nobody = () => auth.authenticate(unsigned());
    assert.deepEqual((await nobody()).scopes, ['assume:anonymous', 'public:*']);
    deployment.fail('auth', { kind: 'status', status: 500 });
    pass(2 * 60_000);
    assert.deepEqual((await nobody()).scopes, ['assume:anonymous', 'public:*']);
    pass(14 * 60_000);
    await assert.rejects(nobody(), { code: 'ServiceUnavailable' });
  });
});

describe('a caller without a signature', () => {
  it('is asked about once a minute, and a change of what everybody may do is known then', async (t) => {
    const { auth, deployment, pass } = await createBackends(t);
    const nobody = () => auth.authenticate(unsigned());
    await Promise.all([nobody(), nobody(), nobody()]);
    assert.equal(deployment.calls('auth.authenticateHawk').length, 1);
    deployment.roles.set('anonymous', ['public:*']);
    assert.deepEqual((await nobody()).scopes, ['assume:anonymous']);
    pass(61_000);
    assert.deepEqual((await nobody()).scopes, ['assume:anonymous', 'public:*']);
  });
});

describe('a signature', () => {
  it('is asked about each time, for the address that its caller knows', async (t) => {
    const { auth, deployment, clock } = await createBackends(t);
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) {
      assert.equal((await auth.authenticate(signed(clock.now(), { method }))).clientId, PERSON);
    }
    const calls = deployment.calls('auth.authenticateHawk');
    assert.deepEqual(
      calls.map(({ body }) => body.method),
      ['get', 'head', 'post', 'put', 'delete'],
    );
    assert.ok(calls.every(({ body }) => body.host === 'hooks.example.com' && body.port === 8443));
    deployment.clients.delete(PERSON);
    await assert.rejects(auth.authenticate(signed(clock.now())), { code: 'AuthenticationFailed' }, 'nothing is cached');
  });

  it('is worth what Auth says of its client now, however often it has said something else', async (t) => {
    const { auth, deployment, clock } = await createBackends(t);
    const { accessToken } = deployment.clients.get(PERSON) ?? { accessToken: '' };
    for (const scopes of [['a'], ['a'], ['b', 'c*'], ['a'], ['b', 'c*'], []]) {
      deployment.clients.set(PERSON, { accessToken, scopes });
      assert.deepEqual(
        (await auth.authenticate(signed(clock.now()))).scopes,
        [...scopes, 'assume:anonymous'].toSorted(),
      );
    }
    assert.equal(deployment.calls('auth.authenticateHawk').length, 6);
  });

  it('for the deployment by a proxy that keeps the Host header is one for the port of its scheme', async (t) => {
    const { client, clock } = await createBackends(t);
    const log = silentLog;
    const deploymentUrl = new URL('https://tc.example.com');
    const auth = createTaskclusterAuth({ ...{ client, clock, log, deploymentUrl }, rootUrl: undefined });
    const at = (url: string, host: string): SignedRequest => {
      const { header } = hawk.client.header(`${url}/x`, 'GET', { credentials: KEY });
      return unsigned({ url: '/x', host, authorization: header });
    };
    assert.equal((await auth.authenticate(at('https://tc.example.com', 'tc.example.com'))).clientId, PERSON);
    assert.equal((await auth.authenticate(at('http://10.0.0.1:8080', '10.0.0.1:8080'))).clientId, PERSON);
    await assert.rejects(auth.authenticate(at('https://other.example.com', 'other.example.com')), /Bad mac/);
    const rootUrl = new URL('https://hooks.example.com');
    const named = createTaskclusterAuth({ ...{ client, clock, log, deploymentUrl, rootUrl } });
    assert.equal((await named.authenticate(at('https://hooks.example.com', '10.0.0.1:8080'))).clientId, PERSON);
  });

  it('that was used is refused, also when it comes twice at once, unless the answer was lost', async (t) => {
    const { auth, clock } = await createBackends(t);
    const request = signed(clock.now());
    const both = await Promise.allSettled([auth.authenticate(request), auth.authenticate(request)]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    await assert.rejects(auth.authenticate(request), /Invalid nonce/);
    auth.forgive(request);
    assert.equal((await auth.authenticate(request)).clientId, PERSON);
  });

  it('that cannot be one is refused without asking', async (t) => {
    const { auth, deployment, clock } = await createBackends(t);
    const good = signed(clock.now());
    const bad: SignedRequest[] = [
      { ...good, url: '/x?bewit=abc' },
      { ...good, url: 'http://elsewhere/x' },
      { ...good, url: '/x\ny' },
      { ...good, authorization: 'Hawk id="a' },
      { ...good, authorization: 'Hawk id="ü"' },
      { ...good, host: undefined },
      { ...good, host: 'a b' },
    ];
    for (const request of bad) {
      await assert.rejects(auth.authenticate(request), { code: 'AuthenticationFailed' }, JSON.stringify(request));
    }
    assert.equal(deployment.calls('auth.authenticateHawk').length, 0);
  });

  it('that is refused is refused in the words of Auth', async (t) => {
    const { auth, clock } = await createBackends(t);
    for (const [request, message] of [
      [signed(clock.now() - 3_600_000), /Stale timestamp/],
      [{ ...signed(clock.now()), url: '/other' }, /Bad mac/],
      [unsigned({ authorization: 'Bearer x' }), /Unauthorized/],
      [unsigned({ url: '/x?bewit=abc' }), /Invalid bewit/],
    ] as const) {
      await assert.rejects(auth.authenticate(request), { code: 'AuthenticationFailed', message }, String(message));
    }
  });

  it('of a host that Auth cannot read is no good, and no trouble', async (t) => {
    const { auth, deployment, clock } = await createBackends(t);
    const request = signed(clock.now(), { host: '[::1]:80' });
    await assert.rejects(auth.authenticate(request), { code: 'AuthenticationFailed' });
    deployment.violations.length = 0; // the real Auth refuses an IPv6 address, too
  });
});

describe('the answer of Auth is checked', () => {
  /** An Auth that believes everything and says this. */
  const believing = async (t: Cleanup, says: object) => {
    const cleanup = lastFirst(t);
    const server = createServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(says)),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanup.after(async () => {
      server.closeAllConnections();
      server.close();
    });
    const deploymentUrl = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const deployment = { rootUrl: deploymentUrl, clientId: 'x', accessToken: 'y', certificate: undefined };
    const client = createTaskclusterClient({ deployment, clock: systemClock, metrics: createMetrics() });
    cleanup.after(async () => client[Symbol.asyncDispose]());
    const parts = { client, deploymentUrl, clock: systemClock, log: silentLog };
    return createTaskclusterAuth({ ...parts, rootUrl: undefined });
  };
  const success = {
    status: 'auth-success',
    scheme: 'hawk',
    clientId: PERSON,
    scopes: ['*'],
    expires: '3000-01-01T00:00:00Z',
  };
  const body = Buffer.from('{"a":1}');
  const withHash = { payload: '{"a":1}', contentType: 'application/json' };

  it('a body that is not the one that was signed is refused here', async (t) => {
    const hash = hawk.crypto.calculatePayloadHash(body, 'sha256', 'application/json');
    const auth = await believing(t, { ...success, hash });
    const request = signed(Date.now(), { method: 'POST', body, contentType: 'application/json' }, withHash);
    assert.equal((await auth.authenticate(request)).clientId, PERSON);
    const other = signed(
      Date.now(),
      { method: 'POST', body: Buffer.from('{"a":2}'), contentType: 'application/json' },
      withHash,
    );
    await assert.rejects(auth.authenticate(other), /Invalid payload hash/);
  });

  it('a header that Auth has read differently is refused', async (t) => {
    const hashed = signed(Date.now(), { method: 'POST', body, contentType: 'application/json' }, withHash);
    await assert.rejects((await believing(t, success)).authenticate(hashed), /Bad header format/, 'it saw no hash');
    const another = await believing(t, { ...success, clientId: 'another' });
    await assert.rejects(another.authenticate(signed()), /Bad header format/);
    const nobody = await believing(t, { ...success, status: 'no-auth' });
    await assert.rejects(nobody.authenticate(signed()), /Bad header format/);
    const all = await believing(t, success);
    await assert.rejects(
      all.authenticate(unsigned({ authorization: 'Bearer x' })),
      /^ApiError: Unauthorized: Unauthorized$/,
    );
    await assert.rejects(
      all.authenticate(unsigned()),
      { code: 'ServiceUnavailable' },
      'an unsigned request is not taken for a signed one',
    );
  });
});

describe('the authority of a role', () => {
  it('is what Auth says that it stands for, and what our own credentials may not assume is no authority', async (t) => {
    const { auth, deployment } = await createBackends(t);
    deployment.roles.set('hook-id:scripts/mine', ['hooks:trigger-hook:garden/note']);
    const scopes = await auth.scopesOfRole('hook-id:scripts/mine');
    assert.ok(auth.satisfies({ clientId: 'scripts/mine', scopes }, 'hooks:trigger-hook:garden/note'));
    assert.ok(!auth.satisfies({ clientId: 'scripts/mine', scopes }, 'hooks:trigger-hook:garden/other'));
    await assert.rejects(auth.scopesOfRole('worker:other'), { code: 'ServiceUnavailable' });
  });
});
