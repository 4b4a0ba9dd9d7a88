// Whoever lacks the scopes of a method, or signs with a wrong key, gets the same answer whether
// what they name exists or not: every method of every API that names something.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ALL_APIS } from '../../scripts/generating/all-apis.ts';
import { AUTH_API } from '../../src/auth/api/declaration.ts';
import type { MethodDeclaration } from '../../src/http/api-method.ts';
import { argumentsOf } from '../../src/http/api-method.ts';
import { type Credentials, echoHook, rootClients, taskcluster } from '../support/client.ts';
import { authorization, type RequestOptions, send } from '../support/request.ts';
import { newDataFolder, type Server, serve } from '../support/server.ts';
import { eventually, lastFirst } from '../support/wait.ts';

const EXPIRES = '2090-01-01T00:00:00.000Z';
const HOUR = 3_600_000;
const TASK_ID: string = taskcluster.slugid();
const ABSENT_TASK_ID: string = taskcluster.slugid();
const WRONG_TOKEN: string = taskcluster.slugid();

/** Parameter → a value that names something, and one that names nothing. */
const NAMES: Record<string, readonly [string, string]> = {
  clientId: ['there', 'nope!'],
  roleId: ['there', 'nope!'],
  hookGroupId: ['group', 'group'],
  hookId: ['there', 'nope_'],
  taskId: [TASK_ID, ABSENT_TASK_ID],
  taskGroupId: [TASK_ID, ABSENT_TASK_ID],
  runId: ['444', '444'],
  taskQueueId: ['proj/there', 'proj/nope'],
  exchange: ['there', 'nope'],
  watchId: ['a'.repeat(44), 'b'.repeat(44)],
  token: [WRONG_TOKEN, WRONG_TOKEN],
  scriptId: ['0vthere', '0vabsen'],
  nest: ['chat/~zod/there', 'chat/~zod/absent'],
  ship: ['~zod', '~nec'],
  other: ['~fes', '~bud'],
  whom: ['~fes', '~bud'],
  kip: ['~fes', '~bud'],
  flag: ['~fes/there', '~fes/absent'],
  postId: ['44444', '55555'],
  messageId: ['~fes/44444', '~fes/55555'],
  name: ['gate', 'wall'],
  entityType: ['client', 'client'],
  entityId: ['there', 'nope!'],
};

const definition = () => ({
  ...{ taskQueueId: 'proj/there', schedulerId: 's', projectId: 'p', payload: {} },
  ...{ created: new Date().toISOString(), deadline: new Date(Date.now() + HOUR).toISOString() },
  metadata: { name: 'n', description: 'd', owner: 'o', source: 'https://example.com' },
});
const client = { expires: EXPIRES, description: '', scopes: ['held', 'not:held', 'assume:x'] };
const role = { description: '', scopes: ['held', 'not:held', 'assume:x'] };
const BODIES: Readonly<Record<string, () => object>> = {
  createClient: () => client,
  updateClient: () => client,
  createRole: () => role,
  updateRole: () => role,
  createHook: () => echoHook(),
  updateHook: () => echoHook(),
  createTask: definition,
  claimWork: () => ({ workerGroup: 'g', workerId: 'w' }),
  answerInvitation: () => ({ ok: true }),
  reportException: () => ({ reason: 'internal-error' }),
};

/** Each lacks something for each method. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  'no scopes': [],
  'the scopes of something else': [
    'auth:get-client:thera',
    'hooks:get:group:thera',
    'queue:status:x',
    'held',
    'community:act:~bus',
  ],
  'some of the scopes': [
    ...['auth:create-client:*', 'auth:update-client:*', 'auth:create-role:*', 'auth:update-role:*', 'held'],
    ...['assume:hook-id:*', 'queue:cancel-task', 'queue:schedule-task', 'queue:rerun-task'],
    ...['assume:scheduler-id:other/*', 'queue:claim-work:*', 'queue:create-task:project:*', 'queue:scheduler-id:*'],
    ...['cancel-task', 'schedule-task', 'rerun-task', 'seal-task-group', 'cancel-task-group'].flatMap((action) => [
      `queue:${action}:other/*`,
      `queue:${action}-in-project:other`,
    ]),
  ],
};

const cleanup = lastFirst({ after });
let server: Server;
const callers = new Map<string, Credentials | undefined>([['no signature', undefined]]);
/** What only this server has, asked by root. */
const ask = async (method: string, path: string, body?: object) => {
  const { status, json, text } = await send(server.url, `/api/hooks/v1${path}`, {
    ...{ method, credentials: server.credentials },
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  assert.equal(status, 200, text);
  return json;
};

before(async () => {
  server = await serve(cleanup, await newDataFolder(cleanup));
  const { auth, hooks, queue } = rootClients(server.credentials);
  await auth.createClient('there', { expires: EXPIRES, description: '', scopes: ['not:held'] });
  await auth.createRole('there', { description: '', scopes: ['not:held'] });
  await hooks.createHook('group', 'there', echoHook());
  await queue.createTask(TASK_ID, definition());
  await assert.rejects(hooks.triggerHook('group', 'there', {}), { code: 'InsufficientScopes' });
  await ask('PUT', '/hooks/group/there/webhooks/gate', { scheme: 'none' });
  const [fire] = await eventually('the fire is in the ledger', async () => {
    const { fires } = await ask('GET', '/fires?kind=fire');
    return fires.length > 0 && fires;
  });
  NAMES.seq = [String(fire.seq), '999999999'];
  const { versions } = await ask('GET', '/hooks/group/there/versions');
  NAMES.version = [String(versions[0].version), '999999999'];
  const { jobId } = await ask('POST', '/fires/replay', { count: 1 });
  NAMES.jobId = [jobId, crypto.randomUUID()];
  for (const [name, scopes] of Object.entries(SCOPES)) {
    const clientId = `caller/${callers.size}`;
    const { accessToken } = await auth.createClient(clientId, { expires: EXPIRES, description: '', scopes });
    callers.set(name, { clientId, accessToken });
  }
});

const named = ALL_APIS.flatMap(({ service, methods }) =>
  methods
    .filter(({ route }) => argumentsOf(route).length > 0)
    .map((method) => ({ service, method, title: `${service}.${method.name}` })),
);

const isNumber = (text: string) => /^\d+$/.test(text);

/** What came back, with the name taken out. */
const answer = async (service: string, method: MethodDeclaration, which: 0 | 1, options: RequestOptions) => {
  const args = argumentsOf(method.route);
  const nameOf = (name: string) => NAMES[name]?.[which] ?? assert.fail(`the test knows no ${name}`);
  const path = method.route.replace(/<(\w+)>/g, (_, name: string) => encodeURIComponent(nameOf(name)));
  const body = method.input && JSON.stringify(BODIES[method.name]?.() ?? {});
  const { status, headers, text } = await send(server.url, `/api/${service}/v1${path}`, {
    method: method.verb,
    ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
    ...options,
  });
  const timeless = text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
  const nameless = args.reduceRight((said, name) => {
    const text = isNumber(nameOf(name)) ? `"${nameOf(name)}"` : nameOf(name); // digits stand elsewhere, too
    return said.replaceAll(text, `<${name}>`);
  }, timeless);
  return { status, authenticate: headers['www-authenticate'], text: nameless };
};

describe('what exists cannot be told from what does not', () => {
  it('and all methods that name something are asked', () => {
    assert.ok(named.length >= 35, `${named.length} methods`);
  });

  for (const { service, method, title } of named) {
    it(`by the answer of ${title} to whoever lacks its scopes`, async () => {
      for (const [who, credentials] of callers) {
        const options = credentials ? { credentials } : {};
        const there = await answer(service, method, 0, options);
        assert.deepEqual(await answer(service, method, 1, options), there, who);
        const isRefused = there.status === 403 || (there.status === 401 && method.scopes === undefined);
        // A number says nothing of whose fire it is: who may not see it hears that there is none.
        const isHidden = there.status === 404 && method.route.includes('<seq>');
        assert.ok(isRefused || isHidden, `${who}: ${there.text}`);
      }
    });
  }

  it('by a signature with a wrong key, of a client or in a URL', async () => {
    for (const { service, method, title } of named.filter(({ method: { scopes } }) => scopes !== undefined)) {
      const by = (clientId: string) => answer(service, method, 0, { credentials: { clientId, accessToken: 'wrong' } });
      const there = await by('there');
      assert.equal(there.status, 401, title);
      assert.deepEqual(await by('nope!'), there, title);
    }
    const bewit = (clientId: string) => Buffer.from(`${clientId}\\${2_000_000_000}\\mac\\`).toString('base64url');
    const read = (id: string) => send(server.url, `/api/hooks/v1/hooks?bewit=${bewit(id)}`);
    const [there, nope] = [await read('there'), await read('nope!')];
    assert.deepEqual([there.status, there.json.message.split('\n')[0]], [401, 'Unauthorized: Bad mac']);
    assert.deepEqual([nope.status, nope.json.message.split('\n')[0]], [401, 'Unauthorized: Bad mac']);
  });

  it('by what authenticateHawk says of a wrong key, with and without a certificate', async () => {
    const now = Date.now();
    const ask = async (clientId: string, certificate?: object) => {
      const ext = certificate && Buffer.from(JSON.stringify({ certificate })).toString('base64');
      const options = { credentials: { clientId, accessToken: 'wrong' }, ...(ext !== undefined && { ext }) };
      const { json } = await send(server.url, '/api/auth/v1/authenticate-hawk', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          ...{ method: 'get', resource: '/', host: 'example.com', port: 80 },
          authorization: authorization('http://example.com/', 'GET', options),
        }),
      });
      assert.equal(json.status, 'auth-failed');
      return json;
    };
    const made = { version: 1, scopes: [], start: now, expiry: now + HOUR, seed: 's'.repeat(44), signature: 'forged' };
    assert.deepEqual(await ask('there'), await ask('nope!'));
    assert.deepEqual(await ask('there', made), await ask('nope!', made));
    assert.deepEqual(await ask('name', { ...made, issuer: 'there' }), await ask('name', { ...made, issuer: 'nope!' }));
  });
});

describe('whoever may not change a role or a client to what they ask for', () => {
  it('is told what they lack of it, and not what it has already', async () => {
    const credentials = callers.get('some of the scopes');
    assert.ok(credentials);
    for (const name of ['updateRole', 'updateClient']) {
      const method = AUTH_API.methods.find((one) => one.name === name) ?? assert.fail();
      const { text } = await answer('auth', method, 0, { credentials });
      const missing = JSON.parse(text).message.split('This request requires')[0];
      for (const scope of ['not:held', 'assume:x']) assert.ok(missing.includes(scope), missing);
      assert.ok(!missing.includes('"held"'), missing);
    }
  });
});
