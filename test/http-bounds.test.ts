// What one request can cost, whoever sends it and whatever is in it. The exact figures are measured
// by `npm run bench -- --only bounds`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ALL_APIS } from '../scripts/generating/all-apis.ts';
import type { ApiDeclaration, MethodDeclaration } from '../src/http/api-method.ts';
import { SMALL_BODY_BYTES } from '../src/http/bodies/body.ts';
import { declareCommonMethods } from '../src/http/common-methods.ts';
import { HOOKS_API } from '../src/task-hooks/api/declaration.ts';
import { ECHO_SCOPES, echoHook, rootClients, taskcluster } from './support/client.ts';
import { type Reply, type RequestOptions, send } from './support/request.ts';
import { newDataFolder, type Server, serve } from './support/server.ts';
import { lastFirst } from './support/wait.ts';
import { compressed, type WorstBody, worstBodies, worstPath } from './support/worst-bodies.ts';

const MB = 1024 * 1024;
const APIS = ALL_APIS.map(declareCommonMethods);
const JSON_TYPE = { 'content-type': 'application/json' };
const ANSWER_BYTES = 100 * 1024;
/** On the main thread, in all. Without bounds it is many seconds; the machine may be slow. */
const CPU_MS = 2_000;

const cleanup = lastFirst({ after });
let server: Server;
let token: string;
before(async () => {
  server = await serve(cleanup, await newDataFolder(cleanup));
  const { hooks, auth } = rootClients(server.credentials);
  const task = { ...echoHook().task, payload: { said: { $eval: 'payload' } } };
  await hooks.createHook('g', 'h', echoHook({ task }));
  await auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
  ({ token } = await hooks.getTriggerToken('g', 'h'));
});

const isLinux = process.platform === 'linux';

/** Milliseconds of CPU time that the main thread of the server has used. */
const cpuMs = (): number => {
  const stat = readFileSync(`/proc/${server.pid}/task/${server.pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10; // ticks of 10 ms
};

const residentMb = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;

const sendWorst = async (
  api: ApiDeclaration,
  method: MethodDeclaration,
  { what, text }: WorstBody,
  n: number,
): Promise<void> => {
  const { body, headers } = await compressed(text, n);
  for (const credentials of [undefined, server.credentials]) {
    const name = `${api.service}.${method.name}: ${what}: ${credentials ? 'root' : 'nobody'}`;
    const began = isLinux ? cpuMs() : 0;
    const options: RequestOptions = {
      method: method.verb,
      headers: { ...JSON_TYPE, ...headers },
      body,
      ...(credentials && { credentials }),
    };
    const reply = await send(server.url, worstPath(api, method, token), options);
    const used = isLinux ? cpuMs() - began : 0;
    assert.ok(used <= CPU_MS, `${name}: ${used} ms of the main thread, answered ${reply.status}`);
    assert.notEqual(reply.status, 500, `${name}: ${reply.text}`);
    const bytes = Buffer.byteLength(reply.text);
    const most = reply.status === 200 ? 2 * text.length : ANSWER_BYTES;
    assert.ok(bytes <= most, `${name}: ${reply.status} with ${bytes} bytes`);
  }
};

describe('a request with the worst body', () => {
  for (const api of APIS) {
    for (const method of api.methods.filter(({ input }) => input)) {
      it(`of ${api.service}.${method.name} takes the server little time, and its answer is short`, async () => {
        for (const [n, worst] of worstBodies(api.service, method).entries()) {
          await sendWorst(api, method, worst, n);
        }
      });
    }
  }

  it('is refused by methods that take none', async () => {
    const [worst] = worstBodies('hooks', HOOKS_API.methods[0] as MethodDeclaration);
    for (const api of APIS) {
      for (const [n, method] of api.methods.entries()) {
        if (!method.input && method.verb !== 'GET') await sendWorst(api, method, worst as WorstBody, n);
      }
    }
  });

  it('leaves no memory behind', { skip: !isLinux && 'needs /proc' }, async () => {
    assert.ok(residentMb() < 700, `${residentMb()} MB`);
  });
});

describe('who calls', () => {
  const large = JSON.stringify({ big: 'x'.repeat(2 * SMALL_BODY_BYTES) });
  const trigger = (tail: string, options: RequestOptions = {}): Promise<Reply> =>
    send(server.url, `/api/hooks/v1/hooks/g/h/trigger${tail}`, {
      ...{ method: 'POST', headers: JSON_TYPE },
      ...(options.beginning === undefined && { body: large }),
      ...options,
    });
  /** A body of which only the beginning is sent. */
  const begun = (options: RequestOptions = {}): RequestOptions => ({
    headers: { ...JSON_TYPE, 'content-length': 5 * MB, ...options.headers },
    beginning: large,
    ...options,
  });

  it('is known before more than 100 KB are read', async () => {
    const { clientId } = server.credentials;
    const replies = await Promise.all([
      trigger('', begun()),
      trigger('', begun({ credentials: { clientId, accessToken: 'wrong' } })),
      trigger(`/${'x'.repeat(22)}`, begun()),
      send(server.url, `/api/queue/v1/task/${taskcluster.slugid()}`, { ...begun(), method: 'PUT' }),
      send(server.url, '/api/auth/v1/test-authenticate', { ...begun(), method: 'POST' }),
    ]);
    assert.deepEqual(
      replies.map(({ status, json }) => `${status} ${json.code}`),
      [
        '403 InsufficientScopes',
        '401 AuthenticationFailed',
        '401 AuthenticationFailed',
        '413 InputTooLarge',
        '413 InputTooLarge',
      ],
    );
  });

  it('may send a large body with the right token or signature, and one whose hash is signed', async () => {
    for (const reply of [await trigger(`/${token}`), await trigger('', { credentials: server.credentials })]) {
      assert.equal(reply.status, 200, reply.text);
    }
    const hooks = rootClients(server.credentials).hooks;
    assert.ok((await hooks.triggerHook('g', 'h', { log: '[{"a":1},\n'.repeat(700_000) })).taskId);
  });

  it('is told of the first ten errors, and how many more there are', async () => {
    const body = JSON.stringify({ clientScopes: [], requiredScopes: Array.from({ length: 500 }, () => 0) });
    const { status, json } = await send(server.url, '/api/auth/v1/test-authenticate', {
      method: 'POST',
      headers: JSON_TYPE,
      body,
    });
    assert.equal(status, 400);
    assert.equal(json.message.match(/must be string/g).length, 10);
    assert.match(json.message, / {2}\* … and 49\d more\n/);
  });
});

describe('what an error repeats', () => {
  const create = (body: string, path = '/api/hooks/v1/hooks/g/x') =>
    send(server.url, path, { method: 'PUT', headers: JSON_TYPE, body, credentials: server.credentials });

  it('of a payload is its beginning, and says that it was cut', async () => {
    const { json } = await create(JSON.stringify({ long: 'x'.repeat(9_000) }));
    assert.match(json.requestInfo.payload, /^\{"long":"x+… \(cut: 9,011 bytes\)$/);
    const deep = await create(`${'['.repeat(499)}${']'.repeat(499)}`);
    assert.ok(deep.text.length < 4_000);
    assert.deepEqual((await create('{"small":1}')).json.requestInfo.payload.small, 1);
  });

  it('of names that the caller made up is short, too', async () => {
    const replies = [
      await create(JSON.stringify({ ['k'.repeat(MB / 2)]: 1 })),
      await create(JSON.stringify(echoHook({ schedule: ['* '.repeat(100)] }))),
      await create(JSON.stringify(echoHook({ metadata: { ['\u0001'.repeat(MB / 8)]: 1 } }))),
      await create(
        '{}',
        `/api/hooks/v1/hooks/g/x?${Array.from({ length: 4_000 }, (_, n) => n.toString(36)).join('&')}`,
      ),
      await create('{}', `/api/hooks/v1/hooks/${'%01'.repeat(5_000)}/x`),
    ];
    for (const { status, text, json } of replies) {
      assert.equal(status, 400, json.message);
      assert.ok(text.length < ANSWER_BYTES, `${text.length}`);
    }
    assert.match(replies[3]?.json.message, /is not supported!\n… and 3,990 more\n/);
  });

  it('of scopes is the first of them', async () => {
    const scopes = Array.from({ length: 9_000 }, (_, n) => `a-scope-that-nobody-has:${n}`);
    const limited = taskcluster.createTemporaryCredentials({
      ...{ credentials: server.credentials, scopes: ['auth:create-role:x'] },
      ...{ start: taskcluster.fromNow('-1 hour'), expiry: taskcluster.fromNow('1 hour') },
    });
    const ext = Buffer.from(JSON.stringify({ certificate: JSON.parse(limited.certificate) })).toString('base64');
    const { status, text, json } = await send(server.url, '/api/auth/v1/roles/x', {
      ...{ method: 'PUT', headers: JSON_TYPE, body: JSON.stringify({ scopes, description: '' }), ext },
      credentials: { clientId: server.credentials.clientId, accessToken: limited.accessToken },
    });
    assert.equal(status, 403, json.message);
    assert.ok(text.length < ANSWER_BYTES);
    assert.match(json.message, /cut|more/);
  });
});

describe('twenty large bodies at once', () => {
  it('are all taken, while others are served', async () => {
    const body = JSON.stringify({ big: 'x'.repeat(5 * MB) });
    const order: string[] = [];
    const sent = Array.from({ length: 20 }, async () => {
      const { status } = await send(server.url, '/api/hooks/v1/hooks/g/h/trigger', {
        ...{
          method: 'POST',
          headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
          body: gzipSync(body, { level: 1 }),
        },
        credentials: server.credentials,
      });
      order.push('body');
      return status;
    });
    await send(server.url, '/api/hooks/v1/ping');
    order.push('ping');
    const statuses = await Promise.all(sent);
    assert.ok(
      statuses.every((status) => status === 200 || status === 503),
      `${statuses}`,
    );
    assert.equal(order[0], 'ping');
  });
});

describe('every schema of a request', () => {
  type Schema = { readonly [keyword: string]: unknown };
  const partsOf = (schema: Schema, path: string): [string, Schema][] => [
    [path, schema],
    ...Object.entries(schema).flatMap(([name, inner]) =>
      typeof inner === 'object' && inner !== null ? partsOf(inner as Schema, `${path}/${name}`) : [],
    ),
  ];
  const inputs = APIS.flatMap(({ service, methods }) =>
    methods.flatMap(({ name, input }) => (input ? partsOf(input.schema as Schema, `${service}.${name}`) : [])),
  );

  it('bounds what is compared, one with each other, and what a format is looked for in', () => {
    for (const [path, schema] of inputs) {
      if (schema.uniqueItems === true) assert.ok(Number(schema.maxItems) <= 10_000, `${path} has no maxItems`);
      if (schema.format === 'date-time' || schema.format === 'email') {
        assert.ok(Number(schema.maxLength) <= 255, `${path} has no maxLength`);
      }
    }
  });
});
