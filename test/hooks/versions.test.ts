// The definitions that a hook had: listed, compared, taken again.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Hooks, type ListVersionsResponse } from '../../client/index.ts';
import { type Clients, echoHook, rootClients } from '../support/client.ts';
import { type Server, serveQuickly } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';
import { createWorld } from './support/world.ts';

type Definition = Parameters<Hooks['createHook']>[2];
type Version = ListVersionsResponse['versions'][number];

const cleanup = lastFirst({ after });
let server: Server;
let root: Clients;
let hooks: Hooks;
before(async () => {
  server = await serveQuickly(cleanup);
  root = rootClients(server.credentials);
  hooks = new Hooks({ rootUrl: server.url, credentials: server.credentials, retries: 0 });
});

const definition = (payload: object) =>
  ({ ...echoHook({ bindings: [], schedule: [] }), task: { payload } }) as Definition;

/** A hook that was made and changed once for each further payload. */
const hookWith = async (id: string, ...payloads: object[]): Promise<Version[]> => {
  for (const [at, payload] of payloads.entries()) {
    await (at === 0 ? hooks.createHook('v', id, definition(payload)) : hooks.updateHook('v', id, definition(payload)));
  }
  return (await hooks.listVersions('v', id)).versions;
};

const clientWith = async (clientId: string, scopes: readonly string[]): Promise<Hooks> => {
  const expires = '2090-01-01T00:00:00.000Z';
  const credentials = await root.auth.createClient(clientId, { expires, description: '', scopes });
  return new Hooks({ rootUrl: server.url, credentials, retries: 0 });
};

describe('the versions of a hook', () => {
  it('tell who changed it, when and from where, newest first; also when it is gone and made again', async () => {
    await hookWith('told', { a: 1 }, { a: 2 });
    await hooks.getTriggerToken('v', 'told');
    await hooks.removeHook('v', 'told');
    await hookWith('told', { a: 3 });
    const { versions, continuationToken } = await hooks.listVersions('v', 'told');
    assert.equal(continuationToken, undefined);
    assert.deepEqual(
      versions.map(({ action, revision, clientId, origin }) => [action, revision, clientId, origin]),
      [
        ['created', 1, 'root', 'api'],
        ['removed', undefined, 'root', 'api'],
        ['changed', 2, 'root', 'api'],
        ['created', 1, 'root', 'api'],
      ],
    );
    const [again, removed, ...first] = versions.map(({ hookUid }) => hookUid);
    assert.deepEqual(first, [removed, removed]);
    assert.notEqual(again, removed);
    const numbers = versions.map(({ version }) => version);
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => b - a),
    );
  });

  it('say when a page in a browser or the command line made them', async () => {
    const from = (headers: Record<string, string>) =>
      hooks.use({ fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...headers } }) });
    await from({ 'user-agent': 'hookwright/1.2.3' }).createHook('v', 'origins', definition({}));
    await from({ 'sec-fetch-site': 'same-origin' }).updateHook('v', 'origins', definition({ a: 1 }));
    await from({ 'sec-fetch-site': 'cross-site' }).updateHook('v', 'origins', definition({ a: 2 }));
    const { versions } = await hooks.listVersions('v', 'origins');
    assert.deepEqual(
      versions.map(({ origin }) => origin),
      ['api', 'page', 'command line'],
    );
  });

  it('come in pages that neither repeat nor lose one while the hook is changed', async () => {
    const expected = (await hookWith('paged', ...[1, 2, 3, 4, 5].map((a) => ({ a })))).map(({ version }) => version);
    const found: number[] = [];
    let continuationToken: string | undefined;
    do {
      const page = await hooks.listVersions('v', 'paged', {
        limit: 2,
        ...(continuationToken && { continuationToken }),
      });
      found.push(...page.versions.map(({ version }) => version));
      continuationToken = page.continuationToken;
      await hooks.updateHook('v', 'paged', definition({ a: found.length * 100 }));
    } while (continuationToken !== undefined);
    assert.deepEqual(found, expected);
  });

  it('of a hook that never was are not found, and a place that is none is bad input', async () => {
    await hookWith('bad', {});
    await assert.rejects(hooks.listVersions('v', 'never'), { code: 'ResourceNotFound' });
    await assert.rejects(hooks.listVersions('v', 'bad', { continuationToken: 'x' }), { code: 'InputError' });
    await assert.rejects(hooks.listVersions('v', 'bad', { limit: 0 }), { code: 'InvalidRequestArguments' });
  });
});

describe('a version', () => {
  it('has the definition of then, and what it changed; or what differs from another', async () => {
    const [third, second, first] = (await hookWith('one', { a: 1, b: 'x' }, { a: 2 }, { a: 2, c: [1] })).map(
      ({ version }) => String(version),
    ) as [string, string, string];
    const whole = await hooks.hookVersion('v', 'one', second);
    assert.deepEqual(whole.definition?.task, { payload: { a: 2 } });
    assert.equal(whole.action, 'changed');
    assert.deepEqual(whole.diff, ['~ /task/payload/a: 1 → 2', '- /task/payload/b: "x"']);
    const both = await hooks.hookVersion('v', 'one', third, { against: first });
    const expected = ['~ /task/payload/a: 1 → 2', '- /task/payload/b: "x"', '+ /task/payload/c: [1]'];
    assert.deepEqual(both.diff, expected);
    const created = (await hooks.hookVersion('v', 'one', first)).diff;
    assert.ok(created.every((line) => line.startsWith('+ /')));
    assert.ok(created.includes('+ /task: {"payload":{"a":1,"b":"x"}}'));
    await hooks.removeHook('v', 'one');
    const [gone] = (await hooks.listVersions('v', 'one', { limit: 1 })).versions;
    const removal = await hooks.hookVersion('v', 'one', String(gone?.version));
    assert.equal(removal.definition, undefined);
    assert.ok(removal.diff.every((line) => line.startsWith('- /')));
  });

  it('that differs in more than people read tells the beginning of it', async () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`key${at}`, 'x'.repeat(150)]));
    const [newest] = await hookWith('large', {}, many);
    const { diff, diffIsCut } = await hooks.hookVersion('v', 'large', String(newest?.version));
    assert.deepEqual([diff.length, diffIsCut], [200, true]);
  });

  it('is that of its own hook only, and what is no number is bad input', async () => {
    const [mine] = await hookWith('mine', {});
    const [other] = await hookWith('other', {});
    const of = (version: unknown, query = {}) => hooks.hookVersion('v', 'mine', String(version), query);
    await assert.rejects(of(other?.version), {
      code: 'ResourceNotFound',
      message: /has no version \d+\. listVersions/,
    });
    await assert.rejects(of(mine?.version, { against: other?.version }), { code: 'ResourceNotFound' });
    for (const version of ['0', '-1', '1.5', 'latest', '9'.repeat(16)]) {
      await assert.rejects(of(version), { code: 'InvalidRequestArguments' }, version);
    }
  });
});

describe('rolling back', () => {
  it('gives the hook the definition of then, by a change that says so', async () => {
    const [, first] = await hookWith('back', { a: 1 }, { a: 2 });
    const { token } = await hooks.getTriggerToken('v', 'back');
    const answer = await hooks.rollbackHook('v', 'back', { version: first?.version ?? 0 });
    assert.deepEqual(answer.task, { payload: { a: 1 } });
    assert.deepEqual(await hooks.hook('v', 'back'), answer);
    assert.equal((await hooks.getTriggerToken('v', 'back')).token, token);
    const [newest] = (await hooks.listVersions('v', 'back', { limit: 1 })).versions;
    assert.deepEqual([newest?.action, newest?.rolledBackTo, newest?.clientId], ['changed', first?.version, 'root']);
    assert.deepEqual((await hooks.hookVersion('v', 'back', String(newest?.version))).diff, [
      '~ /task/payload/a: 2 → 1',
    ]);
  });

  it('makes a hook again that was removed', async () => {
    const [version] = await hookWith('again', { a: 1 });
    await hooks.removeHook('v', 'again');
    await hooks.rollbackHook('v', 'again', { version: version?.version ?? 0 });
    assert.deepEqual((await hooks.hook('v', 'again')).task, { payload: { a: 1 } });
    const [newest] = (await hooks.listVersions('v', 'again', { limit: 1 })).versions;
    assert.deepEqual([newest?.action, newest?.rolledBackTo], ['created', version?.version]);
  });

  it('to a definition that would be refused today is refused as that is, and changes nothing', async (t) => {
    const world = await createWorld(t);
    const { url } = await world.start({ isIdle: true });
    const own = new Hooks({ rootUrl: url, retries: 0 });
    await own.createHook('v', 'checked', definition({ a: 1 }));
    await own.updateHook('v', 'checked', definition({ a: 2 }));
    const denied = { exchange: 'exchange/taskcluster-hooks/v1/hook-created', routingKeyPattern: '#' };
    const before = { ...(await own.hook('v', 'checked')), bindings: [denied] };
    await world.rows(`update audit set after = $1 where action = 'created' returning id`, [JSON.stringify(before)]);
    const [, created] = (await own.listVersions('v', 'checked')).versions;
    const rollback = own.rollbackHook('v', 'checked', { version: created?.version ?? 0 });
    await assert.rejects(rollback, { code: 'InputError', message: /have been denied access to hooks/ });
    assert.deepEqual((await own.hook('v', 'checked')).task, { payload: { a: 2 } });
    assert.equal((await own.listVersions('v', 'checked')).versions.length, 2);
  });

  it('to a removal, to what is no version, or to one of another hook is refused, and says why', async () => {
    await hookWith('refused', { a: 1 });
    const [other] = await hookWith('elsewhere', {});
    await hooks.removeHook('v', 'refused');
    const [removal] = (await hooks.listVersions('v', 'refused', { limit: 1 })).versions;
    const to = (version: unknown) => hooks.rollbackHook('v', 'refused', { version } as { version: number });
    await assert.rejects(to(removal?.version), { code: 'InputError', message: /is the removal of the hook/ });
    await assert.rejects(to(other?.version), { code: 'ResourceNotFound' });
    for (const version of [0, 1.5, '1', undefined, 2 ** 53]) {
      await assert.rejects(to(version), { code: 'InputValidationError' }, String(version));
    }
  });
});

describe('scopes', () => {
  it('who lacks one of those of a method is refused, and who has just them is answered', async () => {
    const [version] = await hookWith('scopes', {});
    const number = version?.version ?? 0;
    const get = 'hooks:get:v:scopes';
    const calls: readonly [string, readonly string[], (client: Hooks) => Promise<unknown>][] = [
      ['list', [get], (client) => client.listVersions('v', 'scopes')],
      ['show', [get], (client) => client.hookVersion('v', 'scopes', String(number))],
      [
        'rollback',
        ['hooks:modify-hook:v/scopes', 'assume:hook-id:v/scopes', get],
        (client) => client.rollbackHook('v', 'scopes', { version: number }),
      ],
    ];
    for (const [name, scopes, call] of calls) {
      for (const lacking of scopes) {
        const rest = scopes.filter((scope) => scope !== lacking);
        const client = await clientWith(`${name}/without/${scopes.indexOf(lacking)}`, [...rest, `${lacking}x`]);
        await assert.rejects(call(client), { code: 'InsufficientScopes' }, lacking);
      }
      await call(await clientWith(`${name}/with`, scopes));
    }
  });
});
