// What belongs to a change of a client or role besides the row: the timer of its expiry, the audit,
// the file of root.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { eventually, lastFirst } from '../../../test/support/wait.ts';
import { toIso } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { createSecretBox } from '../../core/secret-box.ts';
import { statement } from '../../database/statement.ts';
import { ApiError } from '../../http/api-error.ts';
import type { ApiMethod, Caller, ScopeExpression, SignedRequest } from '../../http/api-method.ts';
import { createTimers } from '../../timers/create-timers.ts';
import { createStandaloneAuth } from '../standalone-auth.ts';
import { CLIENT_EXPIRY_TIMER } from './client-expiry.ts';
import { ensureRootClient, followRootClient } from './root-client.ts';

const HOUR = 60 * 60 * 1000;

type AuditRow = {
  readonly action: string;
  readonly entity_type: string;
  readonly entity_id: string;
  readonly client_id: string;
  readonly request_id: string;
  readonly before: unknown;
  readonly after: unknown;
};
const readAudit = statement<AuditRow>('test.audit', 'select * from auth_audit order by id');
const readAuditText = statement<{ text: string }>('test.audit-text', 'select auth_audit::text as text from auth_audit');

const narrowRoot = statement('test.narrow-root', `update clients set scopes = '{a}' where client_id = 'root'`);
const disableRoot = statement('test.disable-root', `update clients set disabled = true where client_id = 'root'`);

const signed: SignedRequest = {
  ...{ method: 'GET', url: '/', host: 'x', authorization: undefined, contentType: undefined },
  body: Buffer.alloc(0),
};

/** One process of a server: its auth and its timers, on a clock that the test moves. */
const createWorld = async (test: TestContext) => {
  const t = lastFirst(test);
  const database = await freshDatabase(t, { poolSize: 6 });
  const clock = createFakeClock();
  const secretBox = createSecretBox(Buffer.alloc(32, 7));
  const start = async () => {
    const timers = createTimers({ database, clock, log: silentLog, metrics: createMetrics() });
    const auth = await createStandaloneAuth({ database, secretBox, clock, log: silentLog, rootUrl: undefined, timers });
    t.after(async () => auth[Symbol.asyncDispose]());
    const run = () => {
      const ending = new AbortController();
      const running = timers.run(ending.signal);
      t.after(async () => {
        ending.abort();
        await running;
      });
    };
    const call = async (name: string, id: string, payload: unknown = {}, scopes = ['*']): Promise<unknown> => {
      const method = auth.api.methods.find((candidate) => candidate.name === name) as ApiMethod;
      const caller: Caller = { clientId: 'me', scopes };
      const authorize = (expression: ScopeExpression) => {
        if (!auth.satisfies(caller, expression)) throw new ApiError('InsufficientScopes', JSON.stringify(expression));
      };
      const request = {
        query: {},
        payload,
        payloadBytes: 0,
        caller,
        signed,
        requestId: 'r',
        log: silentLog,
        authorize,
      };
      const answer = await method.handle({
        ...request,
        gone: new AbortController().signal,
        params: { clientId: id, roleId: id },
      });
      return 'body' in answer ? answer.body : undefined;
    };
    return { auth, timers, run, call };
  };
  return { t, database, clock, start };
};

describe('a client that is to be deleted when it expires', () => {
  it('is deleted then, not before, and the others stay', async (t) => {
    const { clock, start, database } = await createWorld(t);
    const { call, run, auth } = await start();
    const put = (name: string, ms: number, deleteOnExpiration: boolean, method = 'createClient') =>
      call(method, name, { expires: toIso(clock.now() + ms), description: '', scopes: ['a'], deleteOnExpiration });
    await put('goes', HOUR, true);
    await put('goes/later', 2 * HOUR, true);
    await put('stays', HOUR, false);
    await put('no longer', HOUR, true);
    await put('no longer', HOUR, false, 'updateClient');
    await put('from now on', 9 * HOUR, false);
    await put('from now on', HOUR, true, 'updateClient');
    await put('deleted', HOUR, true);
    await call('deleteClient', 'deleted');
    run();
    await clock.asleep();
    await clock.advance(HOUR - 1);
    const known = async () =>
      (await auth.clients.listPage({ prefix: '', after: '', limit: 99 })).map(({ clientId }) => clientId).join();
    assert.equal(await known(), 'from now on,goes,goes/later,no longer,stays');
    await clock.advance(1);
    await eventually('two are gone', async () => (await known()) === 'goes/later,no longer,stays');
    await clock.asleep();
    await clock.advance(HOUR);
    await eventually('the third is gone', async () => (await known()) === 'no longer,stays');
    const expired = (await database.query(readAudit)).filter(({ action }) => action === 'expired');
    assert.deepEqual(expired.map(({ entity_id }) => entity_id).sort(), ['from now on', 'goes', 'goes/later']);
    assert.equal(expired[0]?.client_id, 'static/hookwright/auth');
  });

  it('is deleted by whichever process is there, after a restart, and at once when its time has passed', async (t) => {
    const { clock, start } = await createWorld(t);
    const first = await start();
    const expires = toIso(clock.now() + HOUR);
    await first.call('createClient', 'c', { expires, description: '', deleteOnExpiration: true });
    await clock.advance(5 * HOUR);
    const second = await start();
    second.run();
    await eventually('it is gone', async () => (await second.auth.clients.read('c')) === undefined);
    await second.call('createClient', 'past', { expires, description: '', deleteOnExpiration: true });
    await eventually('it is gone too', async () => (await first.auth.clients.read('past')) === undefined);
  });

  it('has no timer when the change that would set it failed', async (t) => {
    const { clock, start } = await createWorld(t);
    const { call, timers } = await start();
    const due = clock.now() + HOUR;
    const body = { expires: toIso(due), description: '', scopes: ['a'], deleteOnExpiration: true };
    await call('createClient', 'c', body);
    const later = { ...body, expires: toIso(due + HOUR) };
    await assert.rejects(call('createClient', 'c', later), { code: 'RequestConflict' });
    await assert.rejects(call('updateClient', 'c', { ...later, scopes: ['b'] }, ['auth:update-client:c']), {
      code: 'InsufficientScopes',
    });
    assert.equal(await timers.dueOf({ kind: CLIENT_EXPIRY_TIMER, key: 'c' }), due);
    await assert.rejects(call('updateClient', 'absent', later), { code: 'ResourceNotFound' });
    assert.equal(await timers.dueOf({ kind: CLIENT_EXPIRY_TIMER, key: 'absent' }), undefined);
  });
});

describe('the audit', () => {
  it('has every change of a client and a role, by whom, before and after, and no token', async (t) => {
    const { clock, start, database } = await createWorld(t);
    const { call, auth } = await start();
    const body = {
      expires: toIso(clock.now() + HOUR),
      description: 'one',
      scopes: ['b', 'a'],
      deleteOnExpiration: false,
    };
    const tokens = [((await call('createClient', 'c', body)) as { accessToken: string }).accessToken];
    await call('createClient', 'c', body); // heard twice
    await call('updateClient', 'c', { ...body, description: 'two', scopes: ['a'] });
    await call('disableClient', 'c');
    await call('disableClient', 'c');
    await call('enableClient', 'c');
    tokens.push(((await call('resetAccessToken', 'c')) as { accessToken: string }).accessToken);
    assert.equal((await auth.clients.find('c'))?.accessToken, tokens[1]);
    await call('deleteClient', 'c');
    await call('deleteClient', 'c');
    await call('createRole', 'r', { scopes: ['x'], description: '' });
    await call('updateRole', 'r', { scopes: [], description: 'd' });
    await call('deleteRole', 'r');
    await call('deleteRole', 'r');
    const rows = await database.query(readAudit);
    assert.deepEqual(
      rows.map(({ entity_type, entity_id, action }) => `${entity_type} ${entity_id}: ${action}`),
      [
        'client c: created',
        'client c: updated',
        'client c: client disabled',
        'client c: client enabled',
        'client c: access token reset',
        'client c: deleted',
        'role r: created',
        'role r: updated',
        'role r: deleted',
      ],
    );
    for (const row of rows) assert.deepEqual([row.client_id, row.request_id], ['me', 'r']);
    const one = { ...body, scopes: ['a', 'b'], disabled: false };
    assert.deepEqual([rows[0]?.before, rows[0]?.after], [null, one]);
    assert.deepEqual([rows[1]?.before, rows[1]?.after], [one, { ...one, description: 'two', scopes: ['a'] }]);
    assert.deepEqual(
      [rows[7]?.before, rows[7]?.after],
      [
        { description: '', scopes: ['x'] },
        { description: 'd', scopes: [] },
      ],
    );
    for (const { text } of await database.query(readAuditText)) {
      for (const token of tokens) assert.ok(!text.includes(token));
    }
  });

  it('has no row for a change that was not allowed', async (t) => {
    const { clock, start, database } = await createWorld(t);
    const { call } = await start();
    const body = { expires: toIso(clock.now() + HOUR), description: '', scopes: ['a'], deleteOnExpiration: false };
    await assert.rejects(call('createClient', 'c', body, []));
    await assert.rejects(call('createRole', 'r', { scopes: ['assume:r'], description: '' }));
    await assert.rejects(call('resetAccessToken', 'c'));
    assert.deepEqual(await database.query(readAudit), []);
  });
});

describe('the file of the client root', () => {
  it('follows every new token, in each process, also when they come quickly', async (t) => {
    const { t: cleanup, database, clock, start } = await createWorld(t);
    const folder = await mkdtemp(join(tmpdir(), 'hookwright-follow-'));
    t.after(() => rm(folder, { recursive: true }));
    const files = [];
    const processes = [await start(), await start()];
    for (const [index, { auth }] of processes.entries()) {
      const { clients, onClientChanged } = auth;
      const dataFolder = join(folder, String(index));
      const settings = { database, clients, clock, dataFolder, rootUrl: 'http://localhost' };
      files.push((await ensureRootClient(settings)).credentialsFile);
      const following = followRootClient({ ...settings, onClientChanged, log: silentLog });
      cleanup.after(async () => following[Symbol.asyncDispose]());
    }
    let last: unknown;
    for (let i = 0; i < 5; i += 1) last = await processes[i % 2]?.call('resetAccessToken', 'root');
    const { accessToken } = last as { accessToken: string };
    for (const file of files) {
      await eventually(
        'the file has the token',
        async () => JSON.parse(await readFile(file, 'utf8')).accessToken === accessToken,
      );
    }
  });

  it('is of no use when root lost its scopes in the database, and the start warns of it', async (t) => {
    const { database, clock, start } = await createWorld(t);
    const { auth } = await start();
    const folder = await mkdtemp(join(tmpdir(), 'hookwright-follow-'));
    t.after(() => rm(folder, { recursive: true }));
    const settings = { database, clients: auth.clients, clock, dataFolder: folder, rootUrl: 'http://localhost' };
    await ensureRootClient(settings);
    const said = async () => {
      const warnings: unknown[] = [];
      const log = { ...silentLog, warn: (text: unknown) => warnings.push(text) } as never;
      await followRootClient({ ...settings, onClientChanged: auth.onClientChanged, log })[Symbol.asyncDispose]();
      return warnings.join();
    };
    assert.equal(await said(), '');
    await database.query(narrowRoot);
    assert.match(await said(), /^the client root may not do everything: /);
    await database.query(disableRoot);
    assert.match(await said(), /^the client root is disabled: /);
  });

  it('says what is wrong when it cannot be written, and the server goes on', async (t) => {
    const { database, clock, start } = await createWorld(t);
    const { auth, call } = await start();
    const folder = await mkdtemp(join(tmpdir(), 'hookwright-follow-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const settings = { database, clients: auth.clients, clock, dataFolder: folder, rootUrl: 'http://localhost' };
    await ensureRootClient(settings);
    const warnings: unknown[] = [];
    const log = { ...silentLog, warn: (...said: unknown[]) => warnings.push(said) } as never;
    const broken = { ...settings, dataFolder: '/dev/null/nowhere', onClientChanged: auth.onClientChanged, log };
    const following = followRootClient(broken);
    const { accessToken } = (await call('resetAccessToken', 'root')) as { accessToken: string };
    await eventually('it is said', () => warnings.length > 0);
    await following[Symbol.asyncDispose]();
    assert.ok(!JSON.stringify(warnings).includes(accessToken));
  });
});
