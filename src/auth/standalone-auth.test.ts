import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import hawk from 'hawk';
import { freshDatabase } from '../../test/support/database.ts';
import { systemClock } from '../core/clock.ts';
import { newAccessToken } from '../core/ids.ts';
import { silentLog } from '../core/log.ts';
import { createSecretBox } from '../core/secret-box.ts';
import type { Database, Listener } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { ApiError } from '../http/api-error.ts';
import type { ApiMethod, Caller, ScopeExpression, SignedRequest } from '../http/api-method.ts';
import { ensureRootClient } from './clients/root-client.ts';
import { normalForm } from './scopes.ts';
import { createStandaloneAuth, type StandaloneAuth } from './standalone-auth.ts';

const HOUR = 60 * 60 * 1000;
const secretBox = createSecretBox(Buffer.alloc(32, 7));
const HOST = 'localhost:8080';

const database = await freshDatabase({ after }, { poolSize: 8 });

const disableClient = statement<{ n: unknown }>(
  'test.disable-client',
  `with changed as (update clients set disabled = true where client_id = $1 returning client_id)
   select pg_notify('auth_changed', 'client:' || client_id) as n from changed`,
);
const disableSilently = statement('test.disable-silently', 'update clients set disabled = true where client_id = $1');
const swapTokens = statement(
  'test.swap-tokens',
  'update clients set access_token = (select access_token from clients where client_id = $2) where client_id = $1',
);
const readToken = statement<{ access_token: Buffer }>(
  'test.token',
  'select access_token from clients where client_id = $1',
);
const readUse = statement<{ last_date_used: number }>(
  'test.use',
  'select last_date_used from clients where client_id = $1',
);
const clearRoles = statement('test.clear-roles', 'delete from roles');

const openAuth = (on: Database = database): Promise<StandaloneAuth> =>
  createStandaloneAuth({ database: on, secretBox, clock: systemClock, log: silentLog, rootUrl: undefined });

const addClient = async (
  auth: StandaloneAuth,
  clientId: string,
  scopes: string[],
  now = systemClock.now(),
): Promise<string> => {
  const accessToken = newAccessToken();
  const client = {
    clientId,
    accessToken,
    scopes,
    description: 'd',
    expires: now + 24 * HOUR,
    deleteOnExpiration: false,
  };
  assert.ok(await database.transaction((tx) => auth.clients.add(tx, client, now)));
  return accessToken;
};

const signed = (id: string, key: string): SignedRequest => {
  const { header } = hawk.client.header(`http://${HOST}/x`, 'GET', { credentials: { id, key, algorithm: 'sha256' } });
  return { method: 'GET', url: '/x', host: HOST, authorization: header, contentType: undefined, body: Buffer.alloc(0) };
};

/** Calls a method as the HTTP server would after its checks, with the caller's scopes expanded. */
const call = async (auth: StandaloneAuth, name: string, options: CallOptions = {}): Promise<unknown> => {
  const method = auth.api.methods.find((candidate) => candidate.name === name) as ApiMethod;
  const scopes = await auth.expand([...(options.scopes ?? ['*']), 'assume:anonymous']);
  const caller: Caller = { clientId: 'c', scopes };
  const authorize = (expression: ScopeExpression) => {
    if (!auth.satisfies(caller, expression)) throw new ApiError('InsufficientScopes', JSON.stringify(expression));
  };
  const { params = {}, query = {}, payload = {} } = options;
  const answer = await method.handle({
    params,
    query,
    payload,
    payloadBytes: 0,
    caller,
    signed: signed('c', 'k'),
    requestId: 'r',
    log: silentLog,
    gone: new AbortController().signal,
    authorize,
  });
  return 'body' in answer ? answer.body : undefined;
};

type CallOptions = {
  scopes?: string[];
  params?: Record<string, string>;
  query?: Record<string, string>;
  payload?: unknown;
};

const put = (auth: StandaloneAuth, roleId: string, roleScopes: string[], scopes?: string[], name = 'createRole') =>
  call(auth, name, {
    params: { roleId },
    payload: { scopes: roleScopes, description: 'd' },
    ...(scopes ? { scopes } : {}),
  });

const eventually = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  for (let tried = 0; tried < 400; tried += 1) {
    if (await isSo()) return;
    await systemClock.sleep(5);
  }
  assert.fail(`it never came to be that ${what}`);
};

describe('clients in the database', () => {
  it('sign requests, and a change by one process reaches the others', async () => {
    await using here = await openAuth();
    await using there = await openAuth();
    const key = await addClient(here, 'shared/client', ['a:*']);
    assert.deepEqual((await there.authenticate(signed('shared/client', key))).scopes, ['a:*', 'assume:anonymous']);
    await database.query(disableClient, ['shared/client']);
    await eventually('the other process refuses the client', async () =>
      there.authenticate(signed('shared/client', key)).then(
        () => false,
        (error: Error) => error.message === "Client with clientId 'shared/client' is disabled",
      ),
    );
  });

  it('that did not exist at the last request can sign the next one', async () => {
    await using auth = await openAuth();
    await assert.rejects(auth.authenticate(signed('late', 'x')), { message: 'Unauthorized: Bad mac' });
    const key = await addClient(auth, 'late', []);
    await auth.authenticate(signed('late', key));
  });

  it('keep their tokens sealed, each for itself', async () => {
    await using auth = await openAuth();
    const key = await addClient(auth, 'sealed/a', ['*']);
    await addClient(auth, 'sealed/b', []);
    const [row] = await database.query(readToken, ['sealed/a']);
    assert.ok(row && !row.access_token.includes(key));
    await database.query(swapTokens, ['sealed/b', 'sealed/a']);
    await assert.rejects(auth.clients.find('sealed/b'), /was altered, or sealed with another encryption key/);
  });

  it('are read from the database with each request while changes are not heard', async () => {
    let listener: Listener | undefined;
    const deaf: Database = {
      ...database,
      listen: async (_channel, given) => {
        listener = given;
        return { [Symbol.asyncDispose]: async () => {} };
      },
    };
    await using auth = await openAuth(deaf);
    const key = await addClient(auth, 'deaf', []);
    await auth.authenticate(signed('deaf', key));
    listener?.onInterruption?.('lost');
    await auth.authenticate(signed('deaf', key));
    await database.query(disableSilently, ['deaf']);
    await assert.rejects(auth.authenticate(signed('deaf', key)), /is disabled/);
    listener?.onInterruption?.('restored');
    await assert.rejects(auth.authenticate(signed('deaf', key)), /is disabled/);
  });

  it('have their last use noted, at most every six hours, and only when they were good', async () => {
    const started = systemClock.now();
    const use = async () => (await database.query(readUse, ['used']))[0]?.last_date_used ?? 0;
    {
      await using auth = await openAuth();
      const key = await addClient(auth, 'used', [], started - 7 * HOUR);
      await assert.rejects(auth.authenticate(signed('used', 'wrong')), /Bad mac/);
      await auth[Symbol.asyncDispose]();
      assert.equal(await use(), started - 7 * HOUR);
      await auth.authenticate(signed('used', key));
      await auth.authenticate(signed('used', key));
    }
    assert.ok((await use()) >= started, 'disposing waits until it is written');
  });
});

it('the root client is one, whichever process makes it, and signs requests', async (t) => {
  await using auth = await openAuth();
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-auth-'));
  t.after(() => rm(folder, { recursive: true }));
  const folders = await Promise.all(Array.from({ length: 6 }, () => mkdtemp(join(folder, 'root-'))));
  const ensure = (dataFolder: string) =>
    ensureRootClient({ database, clients: auth.clients, clock: systemClock, dataFolder, rootUrl: `http://${HOST}` });
  const made = await Promise.all(folders.map(ensure));
  const read = async ({ credentialsFile }: { credentialsFile: string }) =>
    JSON.parse(await readFile(credentialsFile, 'utf8'));
  const [first, ...others] = await Promise.all(made.map(read));
  for (const other of others) assert.deepEqual(other, first);
  assert.deepEqual((await auth.authenticate(signed('root', first.accessToken))).scopes, ['*']);
});

describe('roles in the database', () => {
  before(async () => {
    await database.query(clearRoles);
  });

  it('are made, read, changed and deleted', async () => {
    await using auth = await openAuth();
    const made = (await put(auth, 'probe-p:*', ['t', 's:<..>', 'q:<..>/x'])) as Record<string, unknown>;
    assert.deepEqual(Object.keys(made), [
      'roleId',
      'scopes',
      'expandedScopes',
      'description',
      'lastModified',
      'created',
    ]);
    assert.deepEqual(made.scopes, ['q:<..>/x', 's:<..>', 't']);
    assert.deepEqual(made.expandedScopes, ['assume:probe-p:*', 'q:*', 's:*', 't']);
    assert.deepEqual(await call(auth, 'role', { params: { roleId: 'probe-p:*' } }), made);
    assert.deepEqual(await put(auth, 'probe-p:*', ['q:<..>/x', 't', 's:<..>']), made, 'a replay changes nothing');
    await assert.rejects(put(auth, 'probe-p:*', ['t']), {
      code: 'RequestConflict',
      message: "Role with roleId 'probe-p:*' already exists",
    });
    const updated = (await put(auth, 'probe-p:*', ['u'], undefined, 'updateRole')) as Record<string, unknown>;
    assert.deepEqual([updated.scopes, updated.created], [['u'], made.created]);
    assert.equal(await call(auth, 'deleteRole', { params: { roleId: 'probe-p:*' } }), undefined);
    assert.equal(await call(auth, 'deleteRole', { params: { roleId: 'probe-p:*' } }), undefined);
    await assert.rejects(call(auth, 'role', { params: { roleId: 'probe-p:*' } }), { code: 'ResourceNotFound' });
    await assert.rejects(put(auth, 'probe-p:*', [], undefined, 'updateRole'), {
      code: 'ResourceNotFound',
      message: "Role with roleId 'probe-p:*' not found",
    });
  });

  it('count at once in the process that changed them, and soon in the others', async () => {
    await using here = await openAuth();
    await using there = await openAuth();
    await there.expand(['assume:shared-role']);
    await put(here, 'shared-role', ['x']);
    assert.deepEqual(await here.expand(['assume:shared-role']), ['assume:shared-role', 'x']);
    await eventually('the other process knows the role', async () =>
      (await there.expand(['assume:shared-role'])).includes('x'),
    );
    await call(here, 'deleteRole', { params: { roleId: 'shared-role' } });
    assert.deepEqual(await here.expand(['assume:shared-role']), ['assume:shared-role']);
  });

  it('give no more than who makes them holds', async () => {
    await using auth = await openAuth();
    const may = ['auth:create-role:t:*', 'auth:update-role:t:*'];
    const insufficient = { code: 'InsufficientScopes' };
    await assert.rejects(put(auth, 't:a', ['x'], may), insufficient);
    await assert.rejects(put(auth, 't:a', ['x*'], [...may, 'x:*', 'xa']), insufficient);
    await assert.rejects(put(auth, 'u:a', [], may), insufficient);
    await put(auth, 't:a', ['x:1', 'assume:none'], [...may, 'x:*', 'assume:none']);
    await assert.rejects(put(auth, 't:a', ['y'], may, 'updateRole'), insufficient);
    await assert.rejects(put(auth, 't:a', ['x:1', 'x:2'], may, 'updateRole'), insufficient);
    await put(auth, 't:a', ['x:1'], may, 'updateRole');
    await assert.rejects(put(auth, 't:a', ['x:1', 'assume:none'], may, 'updateRole'), insufficient, 'given up is gone');
  });

  it('that have a scope through a role or a wildcard may be given it again for nothing', async () => {
    await using auth = await openAuth();
    await put(auth, 'w', ['via:1']);
    await put(auth, 't:w', ['a:*', 'assume:w']);
    await put(auth, 't:w', ['a:1', 'via:1'], ['auth:update-role:t:w'], 'updateRole');
  });

  it('need what their star can make of a text, not the text only', async () => {
    await using auth = await openAuth();
    const may = ['auth:create-role:t:*', 'auth:update-role:t:*'];
    await assert.rejects(put(auth, 't:esc*', ['q:<..>/x'], [...may, 'q:<..>/x']), /\["q:\*"\]/);
    await put(auth, 't:lit', ['q:<..>/x'], [...may, 'q:<..>/x']);
    await put(auth, 't:esc*', ['q:<..>/x'], [...may, 'q:*']);
    await put(auth, 't:esc*', ['q:<..>/x'], may, 'updateRole');
    await put(auth, 't:par*', ['q:<.*'], [...may, 'q:<.*']);
    await assert.rejects(put(auth, 't:par*', ['q:<..>'], may, 'updateRole'), { code: 'InsufficientScopes' });
  });

  it('answer what is wrong with the request before "not allowed", and that before "not found"', async () => {
    await using auth = await openAuth();
    await assert.rejects(put(auth, 'nope', [], ['x'], 'updateRole'), { code: 'InsufficientScopes' });
    await assert.rejects(put(auth, 'nope', ['x'], ['auth:update-role:nope'], 'updateRole'), {
      code: 'InsufficientScopes',
    });
    await assert.rejects(put(auth, 'nope', ['x'], ['x', 'auth:update-role:nope'], 'updateRole'), {
      code: 'ResourceNotFound',
    });
    await assert.rejects(put(auth, 'nope', ['a**'], ['x']), {
      code: 'InputError',
      message: 'scopes must not end with `**`',
    });
    await assert.rejects(put(auth, 'x'.repeat(2_501), []), { code: 'InputError' });
  });

  it('cannot form a cycle, not even when two that would are made at once', async () => {
    await using here = await openAuth();
    await using there = await openAuth();
    for (let round = 0; round < 10; round += 1) {
      const [a, b] = [`race${round}a`, `race${round}b`];
      const outcomes = await Promise.allSettled([
        put(here, a, [`assume:${b}`]),
        put(there, b, [`assume:${a}`]),
        put(there, `other${round}`, ['x']),
      ]);
      const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      assert.equal(refused.length, 1);
      assert.match(refused[0].message, /^Roles may not contain dependency cycles, found: /);
    }
  });

  it('that two processes create at once are created once', async () => {
    await using here = await openAuth();
    await using there = await openAuth();
    const [one, other] = await Promise.all([put(here, 'twice', ['x']), put(there, 'twice', ['x'])]);
    assert.deepEqual(one, other);
  });

  it('come in pages that continue where they ended', async () => {
    await using auth = await openAuth();
    await database.query(clearRoles);
    for (const roleId of ['b', 'a/ *', 'c<..>', 'B']) await put(auth, roleId, []);
    const all = ['B', 'a/ *', 'b', 'c<..>'];
    assert.deepEqual(await call(auth, 'listRoleIds'), { roleIds: all });
    const seen: string[] = [];
    let continuationToken: string | undefined;
    do {
      const query = { limit: '3', ...(continuationToken === undefined ? {} : { continuationToken }) };
      const page = (await call(auth, 'listRoleIds', { query })) as { roleIds: string[]; continuationToken?: string };
      assert.deepEqual(await call(auth, 'listRoleIds', { query: { ...query, limit: '99999' } }), {
        roleIds: all.slice(seen.length),
      });
      seen.push(...page.roleIds);
      continuationToken = page.continuationToken;
    } while (continuationToken !== undefined);
    assert.deepEqual(seen, all);
    const listed = (await call(auth, 'listRoles')) as { roleId: string }[];
    assert.deepEqual(
      listed.map(({ roleId }) => roleId),
      all,
    );
    assert.deepEqual(await call(auth, 'listRoles2', { query: { continuationToken: 'ignored' } }), { roles: listed });
    for (const bad of ['!', 'AA', 'abc=']) {
      await assert.rejects(call(auth, 'listRoles2', { query: { limit: '1', continuationToken: bad } }), {
        code: 'InputError',
        message: 'Invalid continuationToken',
      });
    }
  });
});

describe('scopes', () => {
  it('are expanded on request, also the caller’s own', async () => {
    await using auth = await openAuth();
    await put(auth, 'probe-role', ['a:*', 'a:2', 'b']);
    const payload = { scopes: ['assume:probe-role', 'b**'] };
    assert.deepEqual(await call(auth, 'expandScopes', { payload }), {
      scopes: normalForm(['a:*', 'assume:probe-role', 'b**', 'b']),
    });
    assert.deepEqual(await call(auth, 'currentScopes', { scopes: ['x'] }), { scopes: ['assume:anonymous', 'x'] });
  });

  it('of a hook are those of its role and of everybody, no more', async () => {
    await using auth = await openAuth();
    await put(auth, 'hook-id:g/h', ['queue:create-task:lowest:p/w']);
    await put(auth, 'hook-id:g/hh', ['too-much']);
    const caller = await auth.callerWith('hooks', ['assume:hook-id:g/h']);
    assert.deepEqual(caller, {
      clientId: 'hooks',
      scopes: ['assume:anonymous', 'assume:hook-id:g/h', 'queue:create-task:lowest:p/w'],
    });
    assert.ok(!auth.satisfies(caller, 'too-much'));
  });
});
