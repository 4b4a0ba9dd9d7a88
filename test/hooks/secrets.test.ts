// Secrets are looked for wherever something leaves the server or stays: the trigger token, the
// access token, the encryption key.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import pg from 'pg';
import { clientsOf, ECHO_SCOPES, rootClients } from '../support/client.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { authorization, send } from '../support/request.ts';
import { databaseOf, newDataFolder, serve } from '../support/server.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { bindingTo, definition } from './support/definitions.ts';
import { createWorld } from './support/world.ts';

const HOOKS = '/api/hooks/v1/hooks';
const MB = 1024 * 1024;
const JSON_TYPE = { 'content-type': 'application/json' };

type Sink = { readonly name: string; readonly text: string };

/** A secret in all spellings in which it could stand somewhere. */
const spellings = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  Buffer.from(secret).toString('base64url'),
  Buffer.from(secret).toString('hex'),
];

const assertNowhere = (sinks: readonly Sink[], secrets: Readonly<Record<string, string>>) => {
  assert.ok(sinks.length > 0);
  for (const { name, text } of sinks) {
    for (const [what, secret] of Object.entries(secrets)) {
      for (const spelling of spellings(secret)) assert.ok(!text.includes(spelling), `${what} stands in ${name}`);
    }
  }
};

/** Every row of every table, as text; bytes as hexadecimal. */
const dump = async (rows: (sql: string) => Promise<readonly Record<string, unknown>[]>): Promise<Sink[]> => {
  const tables = await rows(
    `select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace`,
  );
  const dumps: Sink[] = [];
  for (const { relname } of tables) {
    const text = JSON.stringify(await rows(`select t::text as row from "${relname}" t`));
    dumps.push({ name: `the table ${relname}`, text });
  }
  return dumps;
};

/** Bytes as they are, for requests that no library would send. */
const sendBytes = async (url: string, bytes: string): Promise<string> => {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  socket.end(bytes);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
};

describe('a trigger token', () => {
  /** All that can be done with a token, rightly and wrongly. */
  const useInEveryWay = async (url: string, name: string, token: string): Promise<Sink[]> => {
    const path = `${HOOKS}/${name}/trigger/${token}`;
    const post = { method: 'POST', headers: JSON_TYPE, body: '{}' };
    const other = `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`;
    const answers = await Promise.all(
      Object.entries({
        'that of a success': send(url, path, post),
        'that to a longer token': send(url, `${path}x`, post),
        'that to another token': send(url, `${HOOKS}/${name}/trigger/${other}`, post),
        'that to a missing hook': send(url, `${HOOKS}/${name}none/trigger/${token}`, post),
        'that to a bad id': send(url, `${HOOKS}/a.b/c/trigger/${token}`, post),
        'that to a payload that does not fit': send(url, path, { ...post, body: '{"wrong": 1}' }),
        'that to bad JSON': send(url, path, { ...post, body: '{"a": ' }),
        'that to another type': send(url, path, { ...post, headers: { 'content-type': 'text/plain' } }),
        'that to no type': send(url, path, { method: 'POST', body: '{}' }),
        'that to a bad encoding': send(url, path, { ...post, headers: { ...JSON_TYPE, 'content-encoding': 'gzip' } }),
        'that to a large body': send(url, path, { ...post, body: Buffer.alloc(11 * MB, ' ') }),
        'that to a query': send(url, `${path}?token=${token}`, post),
        'that to GET': send(url, path),
        'that to a malformed URL': send(url, `${path}/%zz`, post),
        'that to a malformed token': send(url, `${path}%`, post),
        'that to a longer path': send(url, `${path}/more`, post),
        'that to bad credentials': send(url, path, { ...post, headers: { ...JSON_TYPE, authorization: 'Hawk x="' } }),
        'that to an unknown service': send(url, `/api/hook/v1/${token}`, post),
      }).map(async ([answer, reply]) => {
        const { headers, text } = await reply;
        return { name: `the answer, ${answer}`, text: `${JSON.stringify(headers)} ${text}` };
      }),
    );
    const broken = await sendBytes(url, `POST ${path} HTTP/9.9\r\nHost: x\r\n\r\n`);
    const withoutHost = await sendBytes(url, `POST ${path} HTTP/1.1\r\nContent-Length: nonsense\r\n\r\n`);
    return [...answers, { name: 'the answers to what is no HTTP', text: broken + withoutHost }];
  };

  it('stands in no log, answer, metric, table or mail, however it is used', async (t) => {
    const clock = createFakeClock();
    const world = await createWorld(t, { clock });
    const { rows, queue, mails, publish } = world;
    let isBroken = false;
    const server = await world.start({
      onStatement: (name) => {
        if (isBroken && name === 'hooks.find') throw new Error('the database is away');
      },
    });
    const { hooks, url } = server;
    const closed = { triggerSchema: { type: 'object', additionalProperties: false } };
    await hooks.createHook('g', 'h', definition({ ...closed, ...bindingTo('exchange/x'), schedule: ['0 0 13 * * *'] }));
    const { token } = await hooks.getTriggerToken('g', 'h');
    const answers = await useInEveryWay(url, 'g/h', token);
    queue.behave({ kind: 'refused', statusCode: 403, code: 'InsufficientScopes', message: 'the role may not' });
    answers.push(...(await useInEveryWay(url, 'g/h', token)));
    await publish('exchange/x', 'a', { not: 'fitting' });
    await clock.advance(3_600_000);
    await eventually('the owner is mailed', () => mails.length > 0);
    isBroken = true;
    const path = `${HOOKS}/g/none/trigger/${token}`;
    const failed = await send(url, path, { method: 'POST', headers: JSON_TYPE, body: '{}' });
    isBroken = false;
    assert.equal(failed.status, 500);
    answers.push({ name: 'the answer, that of a failure inside', text: failed.text });
    await hooks.updateHook('g', 'h', definition(closed));
    const readers = ['hook', 'getHookStatus', 'listLastFires'];
    for (const name of readers) answers.push({ name, text: JSON.stringify(await hooks[name]('g', 'h')) });
    answers.push({ name: 'listFires', text: (await server.send(`${HOOKS}/g/h/fires`)).text });
    answers.push({ name: 'listHooks', text: (await server.send(`${HOOKS}/g`)).text });
    await hooks.resetTriggerToken('g', 'h');
    await hooks.removeHook('g', 'h');

    const sinks = [
      ...answers,
      ...(await dump(rows)),
      { name: 'the log', text: server.logged() },
      { name: 'the metrics', text: (await server.send('/metrics')).text + (await server.metrics.registry.metrics()) },
      { name: 'the mail', text: JSON.stringify(mails) },
      { name: 'the tasks', text: JSON.stringify(queue.asked) },
    ];
    assert.match(server.logged(), /"level":20/, 'the log tells of details');
    assert.match(server.logged(), /the database is away/);
    assertNowhere(sinks, { 'the token': token });
  });

  it('is sealed in the database: its row tells nothing without the key', async (t) => {
    const { start, rows } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    await hooks.createHook('g', 'h1', definition());
    await hooks.createHook('g', 'h2', definition());
    const { token } = await hooks.getTriggerToken('g', 'h1');
    await hooks.getTriggerToken('g', 'h2');
    assertNowhere(await dump(rows), { 'the token': token });
    await rows(
      `update hooks set trigger_token = (select trigger_token from hooks where hook_id = 'h1') where hook_id = 'h2' returning uid`,
    );
    // A sealed token that was moved to another hook opens nothing there.
    const anonymous = clientsOf((await start({ isIdle: true })).url).hooks;
    const answer = await anonymous.triggerHookWithToken('g', 'h2', token, {}).catch((error: unknown) => error);
    assert.ok([401, 500].includes(answer.statusCode), `${answer.statusCode}`);
    assert.ok(!answer.message.includes(token));
  });
});

describe('the secrets of a server', () => {
  const startServer = async (t: TestContext) => {
    const cleanup = lastFirst(t);
    const folder = await newDataFolder(cleanup);
    const server = await serve(cleanup, folder, { args: ['--log-level', 'trace'] });
    const database = new pg.Client(await databaseOf(folder));
    await database.connect();
    cleanup.after(() => database.end());
    const key = (await readFile(join(folder, 'encryption-key'), 'utf8')).trim();
    return { server, key, rows: async (sql: string) => (await database.query(sql)).rows };
  };

  it('stand in nothing that it says, answers or stores', async (t) => {
    const { server, key, rows } = await startServer(t);
    const { url, credentials } = server;
    const { clientId, accessToken } = credentials;
    const { hooks, auth, queue } = rootClients(credentials);
    await auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
    const task = {
      ...{ taskQueueId: 'proj/worker', payload: {} },
      metadata: { name: 'n', description: '', owner: 'owner@example.com', source: 'https://example.com/' },
    };
    await hooks.createHook('g', 'h', definition({ task, schedule: ['0 0 1 * * *'] }));
    const { token } = await hooks.getTriggerToken('g', 'h');
    await clientsOf(url).hooks.triggerHookWithToken('g', 'h', token, {});
    const { taskId } = await hooks.triggerHook('g', 'h', {});

    const answers: Sink[] = [];
    const ask = async (path: string, options: Parameters<typeof send>[2] = {}) => {
      const { status, headers, text } = await send(url, path, options);
      if (path.endsWith('/token')) return;
      answers.push({
        name: `the answer ${status} of ${path.slice(0, 60)}`,
        text: `${JSON.stringify(headers)} ${text}`,
      });
    };
    const signed = authorization(`${url}${HOOKS}`, 'GET', { credentials });
    const [, mac = ''] = /mac="([^"]+)"/.exec(signed) ?? [];
    for (const authorizationHeader of [signed, `${signed}x`, `Bearer ${accessToken}`, accessToken]) {
      await ask(HOOKS, { headers: { authorization: authorizationHeader } });
    }
    await ask(HOOKS, { credentials: { clientId: accessToken, accessToken } });
    await ask(HOOKS, { credentials: { clientId, accessToken: token } });
    await ask(`${HOOKS}/g/h?bewit=${Buffer.from(`${clientId}\\1\\${mac}\\`).toString('base64url')}`);
    for (const path of ['', '/g', '/g/h', '/g/h/status', '/g/h/fires', '/g/h/last-fires', '/g/h/token']) {
      await ask(`${HOOKS}${path}`, { credentials });
    }
    const fixed = { 'the access token of root': accessToken, 'the encryption key': key, 'the trigger token': token };
    // What was sent as the name of a client comes back in the refusal: it is no secret then.
    const own = answers.filter(({ text }) => !text.includes(`Client with clientId '${accessToken}' not found`));
    for (const path of ['/metrics', '/readyz', '/references/manifest.json']) await ask(path);
    own.push({ name: 'the task', text: JSON.stringify(await queue.task(taskId)) });
    const said = { name: 'what the server said', text: server.said() };
    assert.match(said.text, /"level":20/);
    assertNowhere([...own, ...(await dump(rows))], fixed);
    assertNowhere([{ ...said, text: said.text }], { ...fixed, 'a signature': mac });
  });
});
