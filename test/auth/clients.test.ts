// Clients as the real taskcluster-client makes, reads and changes them, against a running server.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Clients, clientsOf, rootClients, taskcluster } from '../support/client.ts';
import { send } from '../support/request.ts';
import { type Server, serveQuickly } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';

const EXPIRES = '2090-01-01T00:00:00.000Z';
const TOKEN = /^[A-Za-z0-9_-]{44}$/;

const cleanup = lastFirst({ after });
let server: Server;
let root: Clients['auth'];
before(async () => {
  server = await serveQuickly(cleanup);
  root = rootClients(server.credentials).auth;
});

const body = (more: object = {}) => ({ expires: EXPIRES, description: 'd', scopes: [] as string[], ...more });
const as = (clientId: string, accessToken: string) => clientsOf(server.url, { clientId, accessToken }).auth;
const make = async (clientId: string, scopes: string[], more: object = {}) => {
  const { accessToken } = await root.createClient(clientId, body({ scopes, ...more }));
  return { accessToken, auth: as(clientId, accessToken) };
};
const refused = (statusCode: number, code: string, message?: RegExp) => (error: Record<string, unknown>) => {
  assert.deepEqual([error.statusCode, error.code], [statusCode, code], String(error.message));
  if (message) assert.match(String(error.message), message);
  return true;
};
const currentScopes = { scopes: ['auth:current-scopes'] };

describe('a client', () => {
  it('comes back as it was made, sorted and expanded, with its token once', async () => {
    await root.createRole('probe-role', { description: '', scopes: ['via-role:1'] });
    const wanted = body({ scopes: ['b:x', 'a:*', 'a:1', 'assume:probe-role'] });
    const { accessToken, ...made } = await root.createClient('probe/c1', wanted);
    assert.match(accessToken, TOKEN);
    const { created } = made;
    assert.deepEqual(made, {
      clientId: 'probe/c1',
      description: 'd',
      expires: EXPIRES,
      created,
      lastModified: created,
      lastDateUsed: created,
      lastRotated: created,
      deleteOnExpiration: false,
      scopes: ['a:*', 'a:1', 'assume:probe-role', 'b:x'],
      expandedScopes: ['a:*', 'assume:probe-role', 'b:x', 'via-role:1'],
      disabled: false,
    });
    assert.deepEqual(await root.client('probe/c1'), made);
    const again = await root.createClient('probe/c1', { ...wanted, scopes: wanted.scopes.toReversed() });
    assert.deepEqual(again, { ...made, accessToken }, 'the same call, sent again');
    for (const other of [{ description: 'e' }, { expires: '2091-01-01T00:00:00.000Z' }, { scopes: ['a:*'] }]) {
      await assert.rejects(root.createClient('probe/c1', { ...wanted, ...other }), refused(409, 'RequestConflict'));
    }
  });

  it('that is absent is not found, but may be deleted', async () => {
    for (const name of ['client', 'resetAccessToken', 'enableClient', 'disableClient']) {
      await assert.rejects(root[name]('nope'), refused(404, 'ResourceNotFound', /^Client not found\n/), name);
    }
    await assert.rejects(root.updateClient('nope', body()), refused(404, 'ResourceNotFound'));
    await root.deleteClient('nope');
  });

  it('can do nothing any more from the moment it is deleted, nor what was made with it', async () => {
    const { auth, accessToken } = await make('gone', ['auth:current-scopes']);
    await auth.currentScopes();
    const temporary = taskcluster.createTemporaryCredentials({
      start: taskcluster.fromNow('-1 minute'),
      expiry: taskcluster.fromNow('1 hour'),
      ...{ scopes: ['auth:current-scopes'], credentials: { clientId: 'gone', accessToken } },
    });
    await clientsOf(server.url, temporary).auth.currentScopes();
    await root.deleteClient('gone');
    await assert.rejects(clientsOf(server.url, temporary).auth.currentScopes(), refused(401, 'AuthenticationFailed'));
    await assert.rejects(auth.currentScopes(), refused(401, 'AuthenticationFailed', /^Unauthorized: Bad mac\n/));
  });

  it('that is disabled is refused at once, also after a new token, and is as before once enabled', async () => {
    const { auth } = await make('off', ['auth:current-scopes']);
    await auth.currentScopes();
    assert.equal((await root.disableClient('off')).disabled, true);
    assert.equal((await root.disableClient('off')).disabled, true);
    await assert.rejects(auth.currentScopes(), refused(401, 'AuthenticationFailed', /'off' is disabled/));
    const { accessToken, disabled } = await root.resetAccessToken('off');
    assert.equal(disabled, true);
    await assert.rejects(as('off', accessToken).currentScopes(), refused(401, 'AuthenticationFailed', /is disabled/));
    await assert.rejects(
      root.createClient('off', body({ scopes: ['auth:current-scopes'] })),
      refused(409, 'RequestConflict'),
    );
    assert.equal((await root.enableClient('off')).disabled, false);
    await as('off', accessToken).currentScopes();
  });

  it('with a new token cannot sign with the old one from then on', async () => {
    const { auth, accessToken: old } = await make('rotated', ['auth:current-scopes']);
    await auth.currentScopes();
    const before = await root.client('rotated');
    const { accessToken, ...reset } = await root.resetAccessToken('rotated');
    assert.match(accessToken, TOKEN);
    assert.notEqual(accessToken, old);
    assert.ok(reset.lastRotated > before.lastRotated && reset.lastModified === reset.lastRotated);
    await assert.rejects(auth.currentScopes(), refused(401, 'AuthenticationFailed', /^Unauthorized: Bad mac\n/));
    await as('rotated', accessToken).currentScopes();
    assert.deepEqual(await root.client('rotated'), reset);
  });

  it('that has expired is refused', async () => {
    const { auth } = await make('old', ['auth:current-scopes'], { expires: '2020-01-01T00:00:00.000Z' });
    await assert.rejects(auth.currentScopes(), refused(401, 'AuthenticationFailed', /clientId: 'old' has expired/));
  });

  it('is changed by an update, which leaves scopes alone that it does not name, and has what it now has at once', async () => {
    const { auth } = await make('changing', ['auth:current-scopes', 'x:1'], { deleteOnExpiration: true });
    const scopes = async () => (await auth.currentScopes()).scopes;
    assert.deepEqual(await scopes(), ['assume:anonymous', 'auth:current-scopes', 'x:1']);
    const updated = await root.updateClient('changing', { expires: EXPIRES, description: 'new' });
    assert.deepEqual(
      [updated.description, updated.deleteOnExpiration, updated.scopes],
      ['new', false, ['auth:current-scopes', 'x:1']],
    );
    await root.updateClient('changing', body({ scopes: ['auth:current-scopes', 'y'] }));
    assert.deepEqual(await scopes(), ['assume:anonymous', 'auth:current-scopes', 'y']);
  });

  it('is listed without its token, in pages, by prefix', async () => {
    for (const name of ['list/a', 'list/b', 'list/B', 'list/~no', 'lisu', 'list']) {
      const making = root.createClient(name, body());
      await (name.includes('~') ? assert.rejects(making, refused(400, 'InvalidRequestArguments')) : making);
    }
    const all: string[] = [];
    for (let query: object = { limit: 2, prefix: 'list' }; ; ) {
      const { clients, continuationToken } = await root.listClients(query);
      for (const one of clients) assert.ok(!('accessToken' in one));
      all.push(...clients.map(({ clientId }: { clientId: string }) => clientId));
      if (continuationToken === undefined) break;
      query = { limit: 2, prefix: 'list', continuationToken };
    }
    assert.deepEqual(all, ['list', 'list/B', 'list/a', 'list/b']);
    const { clients } = await root.listClients();
    assert.deepEqual(
      clients.map(({ clientId }: { clientId: string }) => clientId),
      clients.map(({ clientId }: { clientId: string }) => clientId).toSorted(),
    );
    for (const query of [{ continuationToken: '!' }, { continuationToken: 'AA' }]) {
      await assert.rejects(root.listClients(query), refused(400, 'InputError'));
    }
    for (const query of [{ limit: 0 }, { limit: -1 }, { prefix: 'a b' }, { prefix: "'" }]) {
      await assert.rejects(root.listClients(query), refused(400, 'InvalidRequestArguments'));
    }
  });

  it('is refused when something in it is not what it must be, whoever asks', async () => {
    const nobody = clientsOf(server.url).auth;
    const bad: readonly (readonly [string, object, string])[] = [
      ['static/x', {}, 'InputError'],
      ['x'.repeat(2_001), {}, 'InputError'],
      ['a b', {}, 'InvalidRequestArguments'],
      ['a*', {}, 'InvalidRequestArguments'],
      ['x', { scopes: ['a**'] }, 'InputError'],
      ['x', { scopes: ['é'] }, 'InputValidationError'],
      ['x', { scopes: ['a\nb'] }, 'InputValidationError'],
      ['x', { scopes: ['a', 'a'] }, 'InputValidationError'],
      ['x', { scopes: [1] }, 'InputValidationError'],
      ['x', { description: 'a\0b' }, 'InputError'],
      ['x', { description: 'd'.repeat(10_241) }, 'InputValidationError'],
      ['x', { expires: 'tomorrow' }, 'InputValidationError'],
      ['x', { expires: '0000-01-01T00:00:00Z' }, 'InputError'],
      ['x', { expires: '9999-12-31T23:59:59-23:59' }, 'InputError'],
      ['x', { expires: '2020-06-30T23:59:60Z' }, 'InputError'],
      ['x', { accessToken: 'mine' }, 'InputValidationError'],
      ['x', { clientId: 'y' }, 'InputValidationError'],
    ];
    for (const [clientId, more, code] of bad) {
      for (const name of ['createClient', 'updateClient']) {
        await assert.rejects(nobody[name](clientId, body(more)), refused(400, code), `${name} ${clientId} ${code}`);
      }
    }
    for (const name of ['resetAccessToken', 'enableClient', 'disableClient', 'deleteClient']) {
      await assert.rejects(root[name]('static/x'), refused(400, 'InputError'), name);
    }
  });

  it('may have dates at the ends of time, and any text', async () => {
    for (const expires of ['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']) {
      const name = `ends/${expires.slice(0, 4)}`;
      assert.equal((await root.createClient(name, body({ expires, description: '\u{1F600}"\\\n' }))).expires, expires);
      assert.equal((await root.client(name)).description, '\u{1F600}"\\\n');
    }
  });
});

describe('nobody gives what they do not hold', () => {
  it('when a client is made', async () => {
    await root.createRole('giver', { description: '', scopes: ['via-role:1'] });
    const { auth } = await make('t2/base', ['auth:create-client:t2/tmp/*', 'x:*', 'assume:giver']);
    await assert.rejects(
      auth.createClient('t2/tmp/a', body({ scopes: ['q', 'x:1', 'via-role:1'] })),
      refused(
        403,
        'InsufficientScopes',
        /^Client ID t2\/base does not have .* missing the following scopes:\n\n```\nq\n```/,
      ),
    );
    for (const scopes of [['*'], ['x*'], ['assume:*'], ['assume:giver*'], ['via-role:*'], [''], ['x']]) {
      await assert.rejects(auth.createClient('t2/tmp/a', body({ scopes })), refused(403, 'InsufficientScopes'));
    }
    await assert.rejects(auth.createClient('t2/tmpa', body()), refused(403, 'InsufficientScopes'));
    await auth.createClient('t2/tmp/a', body({ scopes: ['x:1', 'x:*', 'via-role:1', 'assume:giver'] }));
  });

  it('when a client is changed: what it does not have yet, word for word', async () => {
    await make('t3/it', ['a:*', 'b']);
    const { auth } = await make('t3/base', ['auth:update-client:t3/it', 'c']);
    await assert.rejects(auth.updateClient('t3/it', body({ scopes: ['a:1'] })), refused(403, 'InsufficientScopes'));
    await assert.rejects(
      auth.updateClient('t3/it', body({ scopes: ['a:*', 'd'] })),
      refused(403, 'InsufficientScopes'),
    );
    await auth.updateClient('t3/it', body({ scopes: ['a:*', 'c'] }));
    await assert.rejects(
      auth.updateClient('t3/it', body({ scopes: ['b'] })),
      refused(403, 'InsufficientScopes'),
      'given up is gone',
    );
    await assert.rejects(auth.updateClient('t3/other', body()), refused(403, 'InsufficientScopes'));
  });

  it('when two change a client at once: what one takes away the other does not give back', async () => {
    const { auth } = await make('t4/base', ['auth:update-client:t4/*']);
    for (let round = 0; round < 10; round += 1) {
      const name = `t4/it${round}`;
      await make(name, ['keep', 'secret']);
      const [, given] = await Promise.allSettled([
        root.updateClient(name, body({ scopes: ['keep'] })),
        auth.updateClient(name, body({ scopes: ['keep', 'secret'] })),
      ]);
      const { scopes } = await root.client(name);
      // Either it came before, and root has taken the scope away since; or it came after, and was
      // refused.
      assert.deepEqual(scopes, ['keep'], given.status);
    }
  });
});

describe('the client root', () => {
  it('cannot be changed, disabled, deleted or made again by anybody', async () => {
    for (const change of [
      () => root.createClient('root', body()),
      () => root.updateClient('root', body()),
      () => root.disableClient('root'),
      () => root.deleteClient('root'),
    ]) {
      await assert.rejects(change(), refused(400, 'InputError', /the client `root` belongs to this server/));
    }
    assert.equal((await root.enableClient('root')).disabled, false);
  });

  it('gets a new token only from somebody who may do everything', async () => {
    const { auth } = await make('rotator', ['auth:*', 'queue:*', 'hooks:*', 'assume:*']);
    await assert.rejects(auth.resetAccessToken('root'), refused(403, 'InsufficientScopes'));
    await root.currentScopes();
  });
});

it('no token stands in anything that was said, in no error and in no list', async () => {
  const { accessToken, auth } = await make('quiet', currentScopes.scopes);
  const texts = [server.said()];
  const sign = { credentials: { clientId: 'quiet', accessToken } };
  for (const path of ['/clients/quiet', '/clients/', '/roles/', '/scopes/current', '/nowhere', '/clients/%00']) {
    texts.push((await send(server.url, `/api/auth/v1${path}`, sign)).text);
    texts.push((await send(server.url, `/api/auth/v1${path}`, { credentials: server.credentials })).text);
  }
  await assert.rejects(auth.client('quiet'), (error: object) => texts.push(JSON.stringify(error)) > 0);
  texts.push(JSON.stringify(await root.client('quiet')), JSON.stringify(await root.listClients()), server.said());
  for (const text of texts) {
    assert.ok(!text.includes(accessToken), text);
    assert.ok(!text.includes(server.credentials.accessToken), text);
  }
});
