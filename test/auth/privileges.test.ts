// Attacks on the boundary of privilege, over HTTP: whoever is somebody tries to be somebody else,
// or more. Every one is refused, and the refusal tells nothing that the attacker did not know.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import hawk from 'hawk';
import { type Clients, clientsOf, rootClients, taskcluster } from '../support/client.ts';
import { type Reply, type RequestOptions, send } from '../support/request.ts';
import { type Server, serveQuickly } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';

const A = '/api/auth/v1';
const EXPIRES = '2090-01-01T00:00:00.000Z';
const MINUTE = 60_000;
const JSON_TYPE = { 'content-type': 'application/json' };

const cleanup = lastFirst({ after });
let server: Server;
let root: Clients['auth'];

type Credentials = { readonly clientId: string; readonly accessToken: string };
const make = async (clientId: string, scopes: string[]): Promise<Credentials> => {
  const { accessToken } = await root.createClient(clientId, { expires: EXPIRES, description: '', scopes });
  return { clientId, accessToken };
};
const as = (credentials?: Credentials, options: object = {}) => clientsOf(server.url, credentials, options).auth;

/** Has a little, and may make clients and roles under its own name. */
let mallory: Credentials;
/** Has something that mallory wants. */
let victim: Credentials;
const VICTIMS_SCOPE = 'vault:open:the-very-secret-one';

before(async () => {
  server = await serveQuickly(cleanup);
  root = rootClients(server.credentials).auth;
  victim = await make('victim', [VICTIMS_SCOPE]);
  await root.createRole('vault-keeper', { description: 'the hidden description', scopes: [VICTIMS_SCOPE] });
  mallory = await make('mallory', [
    'auth:current-scopes',
    'auth:get-client:mallory',
    ...['create', 'update', 'reset-access-token', 'enable', 'disable', 'delete'].flatMap((verb) =>
      verb === 'reset-access-token' ? [`auth:${verb}:mallory/*`] : [`auth:${verb}-client:mallory/*`],
    ),
    ...['create', 'update', 'delete'].map((verb) => `auth:${verb}-role:mallory:*`),
    'a/b',
    'a:b:*',
    'assume:mallory:*',
    'lit:<..>',
    'auth:create-client:',
  ]);
});

/** What no refusal may hold: secrets, and what others have. */
const assertSilent = (text: string): void => {
  for (const secret of [mallory.accessToken, victim.accessToken, server.credentials.accessToken]) {
    assert.ok(!text.includes(secret), 'a token is told');
  }
  assert.ok(!text.includes(VICTIMS_SCOPE), `scopes of others are told: ${text}`);
  assert.ok(!text.includes('the hidden description'), text);
  assert.ok(!/\bat .*\.ts:\d+|node_modules|select |insert /.test(text), `insides are told: ${text}`);
};

type Refusal = { readonly statusCode: number; readonly message: string; readonly body?: unknown };
/** The call of the real client is refused, with one of these. */
const refuses = async (what: string, calling: Promise<unknown>, ...statuses: number[]): Promise<string> => {
  const error = (await calling.then(
    (answer) => assert.fail(`${what}: was answered ${JSON.stringify(answer)}`),
    (thrown: unknown) => thrown,
  )) as Refusal;
  assert.ok(statuses.includes(error.statusCode), `${what}: ${error.statusCode} ${error.message}`);
  assertSilent(JSON.stringify([error.message, error.body]));
  return error.message;
};
/** The raw request is refused, with one of these. */
const refusesRaw = async (what: string, replying: Promise<Reply>, ...statuses: number[]): Promise<string> => {
  const { status, text } = await replying;
  assert.ok(statuses.includes(status), `${what}: ${status} ${text}`);
  assertSilent(text);
  return text;
};

/** A request as lines, which no client library would send. */
const raw = async (lines: readonly string[]): Promise<Reply> => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write([...lines, 'Connection: close', '', ''].join('\r\n'));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return { status: Number(text.split(' ')[1]), headers: {}, text, json: undefined };
};

const now = () => Date.now();
const encode = (ext: unknown) => Buffer.from(JSON.stringify(ext)).toString('base64');
const SCOPES_PATH = `${A}/scopes/current`;
const signedBy = (credentials: Credentials, path: string, options: RequestOptions = {}) =>
  send(server.url, path, { credentials, ...options });

describe('authorizedScopes', () => {
  it('never widen what the credentials have', async () => {
    for (const authorizedScopes of [
      ['*'],
      ['a/bc'],
      ['a/b*'],
      ['a/'],
      ['a:b'],
      ['a:b*'],
      ['a:*'],
      ['assume:mallory'],
      ['assume:mallory*'],
      ['assume:*'],
      ['assume:vault-keeper'],
      [VICTIMS_SCOPE.slice(0, 10)],
      ['auth:current-scopes', 'auth:current-scopesx'],
      ['auth:*'],
      [''],
    ]) {
      await refuses(String(authorizedScopes), as(mallory, { authorizedScopes }).currentScopes(), 401);
    }
  });

  it('that cannot be read are not ignored', async () => {
    for (const authorizedScopes of ['*', { 0: '*' }, [['*']], [1], [null], ['a\nb'], ['é'], 1, true]) {
      const ext = encode({ authorizedScopes });
      await refusesRaw(JSON.stringify(authorizedScopes), signedBy(mallory, SCOPES_PATH, { ext }), 401);
    }
    for (const ext of ['!', encode([]), encode('x'), encode(null), encode(1), encode({}).slice(0, 2)]) {
      await refusesRaw(ext, signedBy(mallory, SCOPES_PATH, { ext }), 401);
    }
  });

  it('narrow what may be given to others too', async () => {
    const auth = as(mallory, { authorizedScopes: ['auth:create-client:mallory/*', 'auth:create-role:mallory:*'] });
    const body = { expires: EXPIRES, description: '', scopes: ['a/b'] };
    await refuses('a client', auth.createClient('mallory/narrow', body), 403);
    await refuses('a role', auth.createRole('mallory:narrow', { description: '', scopes: ['a/b'] }), 403);
    await as(mallory).createClient('mallory/narrow', body);
  });
});

describe('a certificate', () => {
  type Certificate = Record<string, unknown>;
  const hmac = (key: string, text: string) => createHmac('sha256', key).update(text);
  const signatureOf = (key: string, given: Certificate, name?: string): string => {
    const named = given.issuer === undefined ? [] : [`clientId:${name}`, `issuer:${given.issuer}`];
    const lines = ['version:1', ...named, `seed:${given.seed}`, `start:${given.start}`, `expiry:${given.expiry}`];
    return hmac(key, [...lines, 'scopes:', ...(given.scopes as string[])].join('\n')).digest('base64');
  };
  const SEED = 'A'.repeat(44);
  const good = (): Certificate => ({
    version: 1,
    scopes: ['auth:current-scopes', 'a/b'],
    start: now() - MINUTE,
    expiry: now() + 10 * MINUTE,
    seed: SEED,
  });
  /** Sends what somebody who knows the issuer's token, or not, made up. */
  const use = (
    issuer: Credentials,
    certificate: Certificate,
    { name = issuer.clientId, altered = {} }: { name?: string; altered?: Certificate } = {},
  ): Promise<Reply> => {
    const signed = { ...certificate, signature: signatureOf(issuer.accessToken, certificate, name), ...altered };
    const accessToken = hmac(issuer.accessToken, String(certificate.seed)).digest('base64url');
    return signedBy({ clientId: name, accessToken }, SCOPES_PATH, { ext: encode({ certificate: signed }) });
  };
  const named = (): Certificate => ({ ...good(), issuer: 'mallory' });

  it('is good when nothing is wrong with it', async () => {
    assert.deepEqual((await use(mallory, good())).json, { scopes: ['a/b', 'assume:anonymous', 'auth:current-scopes'] });
    assert.equal((await use(mallory, named(), { name: 'mallory/x' })).status, 200);
  });

  it('with any field altered after it was signed is refused', async () => {
    const fields: readonly (readonly [string, unknown[]])[] = [
      ['version', [0, 2, '1', null, true]],
      [
        'scopes',
        [['auth:current-scopes'], ['*'], [], ['auth:current-scopes', 'a/b', VICTIMS_SCOPE], 'a', null, { 0: 'a/b' }],
      ],
      ['scopes', [['a/b', 'auth:current-scopes'], ['auth:current-scopes\na/b'], ['auth:current-scopes', 'a/b', '']]],
      ['start', [0, now() - 2 * MINUTE, String(now()), null]],
      ['expiry', [now() + 20 * MINUTE, Number.MAX_SAFE_INTEGER, String(now() + MINUTE), null]],
      ['seed', ['B'.repeat(44), 'A'.repeat(43), 'A'.repeat(45), '', null, 1]],
      ['signature', ['', 'A'.repeat(44), null, 1, undefined, {}]],
      ['issuer', ['root', 'victim', 'nobody-at-all', 1, {}, ['mallory']]],
      ['clientId', ['root', 'mallory', 'mallory/x']],
    ];
    for (const [field, values] of fields) {
      for (const value of values) {
        const what = `${field} ${JSON.stringify(value)}`;
        await refusesRaw(what, use(mallory, good(), { altered: { [field]: value } }), 401);
        if (field === 'clientId') continue; // a key that is ignored where there is an issuer: the name in the header counts, and is signed
        await refusesRaw(
          `named, ${what}`,
          use(mallory, named(), { name: 'mallory/x', altered: { [field]: value } }),
          401,
        );
      }
    }
  });

  it('for more than its issuer has is refused', async () => {
    for (const scope of ['*', 'a/bc', 'a/b*', 'a:b', 'a:b*', 'assume:vault-keeper', 'assume:*', 'assume:anonymous']) {
      await refusesRaw(scope, use(mallory, { ...good(), scopes: ['auth:current-scopes', scope] }), 401);
    }
  });

  it('that is over, not begun, or for too long is refused', async () => {
    const day = 24 * 60 * MINUTE;
    for (const [start, expiry] of [
      [now() - 60 * MINUTE, now() - 6 * MINUTE],
      [now() + 6 * MINUTE, now() + 60 * MINUTE],
      [now() - MINUTE, now() - MINUTE + 31 * day + 1_000],
      [now(), 8.64e15],
      [-8.64e15, now() + MINUTE],
    ]) {
      await refusesRaw(`${start} ${expiry}`, use(mallory, { ...good(), start, expiry }), 401);
    }
  });

  it('for a name that its issuer may not make clients of is refused', async () => {
    for (const name of ['root', 'victim', 'mallory', 'malloryx', 'static/x', 'mallory/*', 'mallory/ x', 'nobody']) {
      await refusesRaw(name, use(mallory, named(), { name }), 401);
    }
  });

  it('of one client does not serve another, nor a certificate a further one', async () => {
    const certificate = good();
    const signature = signatureOf(mallory.accessToken, certificate);
    const ext = encode({ certificate: { ...certificate, signature } });
    const key = hmac(mallory.accessToken, SEED).digest('base64url');
    for (const clientId of ['victim', 'root', 'mallory/other']) {
      await refusesRaw(clientId, signedBy({ clientId, accessToken: key }, SCOPES_PATH, { ext }), 401);
    }
    await refusesRaw('with the key of the issuer', signedBy(mallory, SCOPES_PATH, { ext }), 401);
    await refusesRaw('a second one', use({ clientId: 'mallory', accessToken: key }, good()), 401);
  });
});

describe('scopes that look alike', () => {
  it('are not each other', async () => {
    await root.createRole('a/bc', { description: '', scopes: [] });
    const reader = await make('look', ['auth:get-role:a/b', 'auth:get-client:look', 'auth:delete-role:x:*']);
    for (const roleId of ['a/bc', 'a', 'a/', 'a/b ', 'a/b*', 'A/b', 'a/b/', '*', 'a/b%']) {
      await refuses(roleId, as(reader).role(roleId), 403);
    }
    await refuses('absent, but allowed', as(reader).role('a/b'), 404);
    for (const roleId of ['x', 'x*', '*', 'y:*']) {
      await refuses(roleId, as(reader).deleteRole(roleId), 403);
    }
  });

  it('cannot be given away as wider ones', async () => {
    const body = (scopes: string[]) => ({ expires: EXPIRES, description: '', scopes });
    for (const scope of [
      'a/bc',
      'a/b*',
      'a/',
      'a:b',
      'a:b*',
      'a:*',
      'a*',
      '*',
      'A/B',
      'assume:mallory',
      'assume:mal*',
    ]) {
      await refuses(scope, as(mallory).createClient('mallory/wide', body([scope])), 403);
      await refuses(scope, as(mallory).createRole('mallory:wide', { description: '', scopes: [scope] }), 403);
    }
    for (const clientId of ['mallory', 'malloryx', 'victim', 'root', 'Mallory/x', '../mallory/x']) {
      const message = await refuses(
        clientId,
        as(mallory).createClient(clientId, body([])),
        clientId === 'root' ? 400 : 403,
      );
      assert.ok(!message.includes('already exists'));
    }
    const { clientId } = await as(mallory).createClient('mallory/../root', body([]));
    assert.equal(clientId, 'mallory/../root', 'a name like any other that begins with mallory/');
    assert.equal((await root.client('root')).description.includes('May do everything'), true);
  });
});

describe('roles', () => {
  const role = (scopes: string[]) => ({ description: '', scopes });

  it('cannot grant themselves, nor each other in a circle', async () => {
    const auth = as(mallory);
    for (const [roleId, scope] of [
      ['mallory:self', 'assume:mallory:self'],
      ['mallory:self*', 'assume:mallory:selfish'],
      ['mallory:self*', 'assume:mallory:self<..>'],
      ['mallory:self*', 'assume:mallory:*'],
    ] as const) {
      await refuses(`${roleId} → ${scope}`, auth.createRole(roleId, role([scope])), 400, 403);
    }
    await auth.createRole('mallory:one', role(['assume:mallory:two']));
    await refuses('the way back', auth.createRole('mallory:two', role(['assume:mallory:one'])), 400);
    await auth.createRole('mallory:two', role(['a/b']));
    await refuses('the way back later', auth.updateRole('mallory:two', role(['assume:mallory:one'])), 400);
    const { scopes } = await auth.currentScopes();
    assert.ok(!scopes.includes('*') && !scopes.includes(VICTIMS_SCOPE));
  });

  it('do not make more of `<..>` than their maker holds', async () => {
    const auth = as(mallory);
    for (const [roleId, scope] of [
      ['mallory:t*', 'lit:<..>'],
      ['mallory:t*', '<..>'],
      ['mallory:t*', 'assume:<..>'],
      ['mallory:t*', 'a:b<..>'],
      ['mallory:t*', 'a/<..>'],
      ['mallory:t*', 'vault:<..>'],
      ['mallory:t*', 'a:b:<..><..>'],
      ['mallory:t*', 'a:b:*<..>'],
    ] as const) {
      await refuses(`${roleId} → ${scope}`, auth.createRole(roleId, role([scope])), 400, 403);
    }
    await auth.createRole('mallory:ok*', role(['a:b:<..>']));
    await auth.createRole('mallory:lit', role(['lit:<..>']));
    await refuses('another id', auth.createRole('mallor*', role([])), 403);
    await refuses('every id', auth.createRole('*', role([])), 403);
  });

  it('of others cannot be read, changed or taken over', async () => {
    const auth = as(mallory);
    await refuses('read', auth.role('vault-keeper'), 403);
    await refuses('list', auth.listRoles(), 403);
    await refuses('list', auth.listRoles2(), 403);
    await refuses('ids', auth.listRoleIds(), 403);
    await refuses('create', auth.createRole('vault-keeper', role([])), 403);
    await refuses('update', auth.updateRole('vault-keeper', role([])), 403);
    await refuses('delete', auth.deleteRole('vault-keeper'), 403);
    await refuses('expand', auth.expandScopes({ scopes: ['assume:vault-keeper'] }), 403);
    await refuses('assume', as(mallory, { authorizedScopes: ['assume:vault-keeper'] }).currentScopes(), 401);
    await refuses('anonymous', auth.createRole('anonymous', role(['a/b'])), 403);
  });
});

describe('a signature', () => {
  const header = (credentials: Credentials, path: string, method = 'GET', options: object = {}): string => {
    const { clientId: id, accessToken: key } = credentials;
    const all = { credentials: { id, key, algorithm: 'sha256' as const }, ...options };
    return hawk.client.header(`${server.url}${path}`, method, all).header;
  };
  const MINE = `${A}/clients/mallory`;

  it('serves once', async () => {
    const authorization = header(mallory, MINE);
    const again = () => send(server.url, MINE, { headers: { authorization } });
    assert.equal((await again()).status, 200);
    for (let i = 0; i < 3; i += 1) await refusesRaw('again', again(), 401);
    const burst = header(mallory, MINE);
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => send(server.url, MINE, { headers: { authorization: burst } })),
    );
    assert.equal(replies.filter(({ status }) => status === 200).length, 1, 'of ten at once one is answered');
  });

  it('that is too old or too early is refused', async () => {
    for (const minutes of [-16, 16, -100_000, 100_000]) {
      const timestamp = Math.floor((now() + minutes * MINUTE) / 1000);
      const authorization = header(mallory, MINE, 'GET', { timestamp });
      await refusesRaw(`${minutes} minutes`, send(server.url, MINE, { headers: { authorization } }), 401);
    }
  });

  it('for one path does not serve another, however much it looks like it', async () => {
    const long = 'x'.repeat(1_000);
    for (const path of [
      `${A}/clients/victim`,
      `${A}/clients/mallory/`,
      `${A}/clients/mallory?`,
      `${A}/clients/mallory?x=1`,
      `${A}/clients/mallory?bewit`,
      `${A}/clients/mallory;x`,
      `${A}/clients/mallory;x=../victim`,
      `${A}/clients/Mallory`,
      `${A}/clients/%6dallory`,
      `${A}/clients/%6Dallory`,
      `${A}/clients/mallory%00`,
      `${A}/clients/mallory%2500`,
      `${A}/clients/mallory%2F..%2Fvictim`,
      `${A}/clients/mallory%252F..%252Fvictim`,
      `${A}/clients/mallory/../victim`,
      `${A}/clients/./mallory`,
      `${A}/clients//mallory`,
      `/${MINE}`,
      `${A}//clients/mallory`,
      `${A}/./clients/mallory`,
      `${A}/clients/..%2Fclients%2Fmallory`,
      `${A}/clients/mallory%20`,
      `${A}/clients/mallor%C3%BD`,
      `${A}/clients/mallory%EF%BC%8F`,
      `${A}/clients/mallory%u002F`,
      `${A}/clients/mallory%zz`,
      `${A}/clients/mallory\\victim`,
      `${A}/clients/${long}`,
      `${A}/clients/mallory#victim`,
      `${server.url}${MINE}x`,
    ]) {
      const authorization = header(mallory, MINE);
      await refusesRaw(path, send(server.url, path, { headers: { authorization } }), 400, 401, 403, 404);
    }
  });

  it('well made for a crooked path reaches no other client than the one it names', async () => {
    for (const path of [
      `${A}/clients/mallory%2F..%2Fvictim`,
      `${A}/clients/mallory%252F..%252Fvictim`,
      `${A}/clients/mallory%2F..`,
      `${A}/clients/mallory%00`,
      `${A}/clients/%00`,
      `${A}/clients/mallory%0Avictim`,
      `${A}/clients/mallory;victim`,
      `${A}/clients/mallory/victim`,
      `${A}/clients//mallory`,
      `${A}/clients/.`,
      `${A}/clients/..%2Fclients%2Fvictim`,
      `${A}/clients/%2e%2e%2fvictim`,
      `${A}/clients/mallory*`,
      `${A}/clients/*`,
      `${A}/clients/${encodeURIComponent('mallory\u202e')}`,
      `${A}/clients/${encodeURIComponent('mаllory')}`, // with a Cyrillic а
      `${A}/clients/${'x'.repeat(1_000)}`,
      `${A}/clients/%ff`,
      `${A}/clients/mallory?prefix=victim`,
      `${A}/clients/mallory?__proto__=x`,
    ]) {
      const authorization = header(mallory, path);
      await refusesRaw(path, send(server.url, path, { headers: { authorization } }), 400, 403, 404);
    }
  });

  it('for one method does not serve another', async () => {
    const path = `${A}/clients/mallory%2Fkept`;
    await root.createClient('mallory/kept', { expires: EXPIRES, description: '', scopes: [] });
    for (const override of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
      const authorization = header(mallory, path, 'DELETE');
      const headers = { authorization, [override]: 'DELETE', ...JSON_TYPE };
      await refusesRaw(override, send(server.url, path, { method: 'POST', headers, body: '{}' }), 400, 401);
      const get = { authorization: header(mallory, path), [override]: 'DELETE' };
      await refusesRaw(`${override} of a GET`, send(server.url, path, { headers: get }), 403);
      const query = `${path}?_method=DELETE`;
      const asked = { authorization: header(mallory, query, 'GET') };
      await refusesRaw('in the query', send(server.url, query, { headers: asked }), 400, 403);
    }
    const authorization = header(mallory, path, 'GET');
    await refusesRaw('GET for DELETE', send(server.url, path, { method: 'DELETE', headers: { authorization } }), 401);
    assert.equal((await root.client('mallory/kept')).clientId, 'mallory/kept');
  });

  it('for one host or port does not serve another', async () => {
    const { port } = new URL(server.url);
    for (const host of [
      'elsewhere.example',
      `elsewhere.example:${port}`,
      `127.0.0.1:${Number(port) + 1}`,
      '127.0.0.1',
    ]) {
      const headers = { authorization: header(mallory, MINE), host };
      await refusesRaw(host, send(server.url, MINE, { headers }), 400, 401);
    }
    for (const hosts of [[], [''], ['a b'], ['[::1'], [`127.0.0.1:${port}:1`]]) {
      const lines = [`GET ${MINE} HTTP/1.1`, ...hosts.map((host) => `Host: ${host}`)];
      await refusesRaw(String(hosts), raw([...lines, `Authorization: ${header(mallory, MINE)}`]), 400, 401);
    }
  });

  it('beside a bewit, or beside another signature, is refused', async () => {
    const url: string = as(mallory).buildSignedUrl(root.client, 'mallory');
    const path = url.slice(server.url.length);
    assert.equal((await send(server.url, path)).status, 200);
    const both = { authorization: header(mallory, path) };
    await refusesRaw('both', send(server.url, path, { headers: both }), 401);
    await refusesRaw('a garbled one', send(server.url, path, { headers: { authorization: 'Hawk' } }), 401);
    const good = () => header(mallory, MINE);
    for (const authorization of [
      [good(), good()],
      [good(), header({ clientId: 'root', accessToken: 'x' }, MINE)],
      [header({ clientId: 'root', accessToken: 'x' }, MINE), good()],
      [good(), 'Bearer x'],
    ]) {
      await refusesRaw('two headers', send(server.url, MINE, { headers: { authorization } as never }), 401);
    }
    await refusesRaw('joined', send(server.url, MINE, { headers: { authorization: `${good()}, ${good()}` } }), 401);
    const { host } = new URL(server.url);
    for (const hosts of [
      [host, 'elsewhere.example'],
      ['elsewhere.example', host],
      [host, host],
    ]) {
      const lines = [`GET ${MINE} HTTP/1.1`, ...hosts.map((name) => `Host: ${name}`)];
      await refusesRaw('two hosts', raw([...lines, `Authorization: ${good()}`]), 400, 401);
    }
    const lines = [`GET ${MINE} HTTP/1.1`, `Host: ${host}`, `Authorization: ${good()}`];
    assert.equal((await raw(lines)).status, 200, 'one of each is good');
    await refusesRaw('two, in two ways of writing', raw([...lines, 'AUTHORIZATION: Hawk id="root"']), 401);
    for (const doubled of ['id="root"', 'ext="e30="', 'nonce="x"', 'hash="x"']) {
      const authorization = `${good()}, ${doubled}`;
      await refusesRaw(`doubled ${doubled}`, send(server.url, MINE, { headers: { authorization } }), 401);
    }
  });

  it('in a URL serves reading only, for its own time and path', async () => {
    const url: string = as(mallory).buildSignedUrl(root.client, 'mallory');
    const path = url.slice(server.url.length);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      await refusesRaw(method, send(server.url, path, { method, headers: JSON_TYPE, body: '{}' }), 400, 401, 403, 404);
    }
    await refusesRaw('another path', send(server.url, path.replace('mallory', 'victim')), 401);
    await refusesRaw('more in the query', send(server.url, `${path}&prefix=x`), 400, 401);
    await refusesRaw('twice', send(server.url, `${path}&${path.split('?')[1]}`), 400, 401);
    for (const bewit of ['', 'x', 'e30', Buffer.from('root\\9999999999\\x\\').toString('base64url')]) {
      await refusesRaw(`bewit ${bewit}`, send(server.url, `${MINE}?bewit=${bewit}`), 401);
    }
    const over: string = as(mallory).buildSignedUrl(root.client, 'mallory', { expiration: -60 });
    await refusesRaw('over', send(server.url, over.slice(server.url.length)), 401);
  });

  it('over the hash of another body is refused', async () => {
    const path = `${A}/scopes/expand`;
    const other = JSON.stringify({ scopes: ['x'] });
    const body = JSON.stringify({ scopes: ['assume:vault-keeper'] });
    const expander = await make('expander', ['auth:expand-scopes']);
    const sign = (payload: string, contentType = 'application/json') =>
      header(expander, path, 'POST', { payload, contentType });
    const post = (authorization: string) =>
      send(server.url, path, { method: 'POST', headers: { ...JSON_TYPE, authorization }, body });
    for (const authorization of [sign(other), sign(''), sign(body, 'text/plain'), sign(`${body} `)]) {
      const { status, text } = await post(authorization);
      assert.equal(status, 401, text);
    }
    assert.equal((await post(sign(body))).status, 200);
    const gzip = header(expander, path, 'POST', { payload: body, contentType: 'application/json' });
    const headers = { ...JSON_TYPE, authorization: gzip, 'content-encoding': 'gzip' };
    await refusesRaw('another coding', send(server.url, path, { method: 'POST', headers, body }), 400, 401);
  });

  it('with a huge or broken header is refused fast, and the server lives', async () => {
    const big = encode({ authorizedScopes: Array.from({ length: 1_000 }, (_, i) => `scope:${i}`) });
    for (const authorization of [
      header(mallory, MINE, 'GET', { ext: big }),
      `Hawk ${'x'.repeat(8_000)}`,
      `Hawk ${'x'.repeat(3_900)}`,
      `Hawk id="${'"'.repeat(1_000)}`,
      `Hawk id="mallory"${', id="x"'.repeat(400)}`,
      'Hawk id="mallory\\", ts="1", nonce="x", mac="x"',
      'Hawk ',
      'Bearer x',
      'Basic cm9vdDpyb290',
      'Hawk id="", ts="", nonce="", mac=""',
      'Hawk id="mallory", ts="NaN", nonce="x", mac="x"',
      'Hawk id="__proto__", ts="1", nonce="x", mac="x"',
      'Hawk id="constructor", ts="1", nonce="x", mac="x"',
    ]) {
      const replying = send(server.url, MINE, { headers: { authorization } });
      await refusesRaw(authorization.slice(0, 40), replying, 400, 401, 431);
    }
    assert.equal((await signedBy(mallory, MINE)).status, 200);
  });

  it('with a wrong token is refused as that of a client that does not exist', async () => {
    const messageOf = async (credentials: Credentials) => {
      const text = await refusesRaw(credentials.clientId, signedBy(credentials, MINE), 401);
      return (JSON.parse(text) as { message: string }).message.split('\n')[0];
    };
    assert.equal(await messageOf({ clientId: 'victim', accessToken: 'guess' }), 'Unauthorized: Bad mac');
    assert.equal(await messageOf({ clientId: 'absent', accessToken: 'guess' }), 'Unauthorized: Bad mac');
  });
});

describe('whoever lacks a scope', () => {
  it('does not learn by it whether a client or role exists', async () => {
    const auth = as(mallory);
    const normal = (message: string) =>
      message.replaceAll(/victim|absent|vault-keeper/g, 'NAME').replace(/time: .*/, '');
    for (const name of ['client', 'resetAccessToken', 'enableClient', 'disableClient', 'deleteClient']) {
      const [there, absent] = [
        await refuses(name, auth[name]('victim'), 403),
        await refuses(name, auth[name]('absent'), 403),
      ];
      assert.equal(normal(there), normal(absent), name);
    }
    const body = { expires: EXPIRES, description: '', scopes: [] };
    const create = (clientId: string) => refuses(clientId, auth.createClient(clientId, body), 403);
    assert.equal(normal(await create('victim')), normal(await create('absent')));
    for (const name of ['role', 'deleteRole']) {
      const [there, absent] = [
        await refuses(name, auth[name]('vault-keeper'), 403),
        await refuses(name, auth[name]('absent'), 403),
      ];
      assert.equal(normal(there), normal(absent), name);
    }
  });

  it('cannot have it through a client of its own making, in however many steps', async () => {
    const body = (scopes: string[]) => ({ expires: EXPIRES, description: '', scopes });
    const { accessToken } = await as(mallory).createClient(
      'mallory/child',
      body(['auth:create-client:mallory/*', 'a/b']),
    );
    const child = as({ clientId: 'mallory/child', accessToken });
    await refuses('grandchild', child.createClient('mallory/grand', body(['a:b:1'])), 403);
    await refuses('the child itself', child.updateClient('mallory/child', body(['a:b:1'])), 403);
    await refuses(
      'with what it has not',
      as(mallory).updateClient('mallory/child', body(['a/b', VICTIMS_SCOPE.slice(0, 9)])),
      403,
    );
    const temporary = taskcluster.createTemporaryCredentials({
      clientId: 'mallory/temporary',
      start: taskcluster.fromNow('-1 minute'),
      expiry: taskcluster.fromNow('10 minutes'),
      scopes: ['auth:create-client:mallory/*'],
      credentials: mallory,
    });
    const limited = clientsOf(server.url, temporary).auth;
    await refuses('of temporary credentials', limited.createClient('mallory/t', body(['a/b'])), 403);
    await limited.createClient('mallory/t', body([]));
  });
});
