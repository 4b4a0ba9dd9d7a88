// The community over HTTP: who may call, what is answered, and what a ship may read.
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { send } from '../../../test/support/request.ts';
import { lastFirst } from '../../../test/support/wait.ts';
import { silentLog } from '../../core/log.ts';
import type { Caller, ScopeExpression } from '../../http/api-method.ts';
import { serveApis } from '../../http/serve-api.ts';
import { createHttpServer } from '../../http/server.ts';
import { withDots } from '../schema/id.ts';
import { CLUB, createWorld, FES, GROUP, LOUNGE, META, memoOf, NEC, withLounge, ZOD } from '../test-support/world.ts';
import { type ActAs, createCommunityApi } from './api.ts';

/** A server whose only caller has these scopes; a final `*` counts as it does everywhere. */
const serve = async (t: TestContext, scopes: readonly string[] = ['community:*'], act?: ActAs) => {
  const cleanup = lastFirst(t);
  const world = await createWorld(cleanup);
  const { clock, metrics, ships, database } = world;
  const server = createHttpServer({ clock, log: silentLog, metrics, checkReadiness: async () => {} });
  const api = createCommunityApi({ database, ships, now: clock.now, act: act ?? world.community.act });
  const has = (expression: ScopeExpression): boolean =>
    scopes.some((scope) =>
      scope.endsWith('*') ? String(expression).startsWith(scope.slice(0, -1)) : scope === expression,
    );
  serveApis(server, [api], {
    authenticate: async (): Promise<Caller> => ({ clientId: 'me', scopes }),
    satisfies: (_caller, expression) => has(expression),
    forgive: () => {},
    rootUrl: () => '',
    ...{ clock, log: silentLog, metrics },
  });
  cleanup.after(() => server.close());
  await server.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  const call = (method: string, steps: readonly string[], body?: unknown, query = '') =>
    send(url, `/api/community/v1/${steps.map(encodeURIComponent).join('/')}${query}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  const get = async (...steps: readonly string[]) => {
    const { status, json } = await call('GET', steps);
    assert.equal(status, 200, `${steps.join('/')}: ${json.message}`);
    return json;
  };
  const actAs = (ship: string, action: unknown) => call('POST', ['ships', ship, 'act'], action);
  return { ...world, call, get, actAs };
};

describe('ships over HTTP', () => {
  it('are added, listed with their codes in pages, and get other codes', async (t) => {
    const { call, ships } = await serve(t);
    const added = await call('PUT', ['ships', '~bus']);
    assert.deepEqual([added.status, await ships.shipOfCode('~bus', added.json.code)], [200, '~bus']);
    assert.equal((await call('PUT', ['ships', '~bus'])).status, 409);
    const first = await call('GET', ['ships'], undefined, '?limit=2');
    const token = `?limit=2&continuationToken=${first.json.continuationToken}`;
    const second = await call('GET', ['ships'], undefined, token);
    const listed = [...first.json.ships, ...second.json.ships];
    assert.deepEqual(
      listed.map(({ ship }) => ship),
      ['~bud', '~bus', '~fes', '~nec'],
    );
    assert.deepEqual(listed[1], added.json);
    const reset = await call('POST', ['ships', '~bus', 'reset-code']);
    assert.notEqual(reset.json.code, added.json.code);
    assert.equal(await ships.shipOfCode('~bus', added.json.code), undefined);
    assert.equal((await call('POST', ['ships', '~wet', 'reset-code'])).status, 404);
    assert.equal((await call('PUT', ['ships', '~bob'])).json.code, 'InputError');
    assert.equal((await call('PUT', ['ships', 'bus'])).json.code, 'InvalidRequestArguments');
  });

  it('need scopes, for each ship those of that ship', async (t) => {
    const { call } = await serve(t, ['community:read:~nec', 'community:act:~nec']);
    for (const [method, steps] of [
      ['GET', ['ships']],
      ['PUT', ['ships', '~bus']],
      ['POST', ['ships', NEC, 'reset-code']],
      ['POST', ['ships', FES, 'act']],
      ['GET', ['ships', FES, 'chats']],
      ['PUT', ['ships', FES, 'blocked', NEC]],
    ] as const) {
      assert.equal((await call(method, steps, method === 'POST' ? {} : undefined)).status, 403, steps.join('/'));
    }
    assert.equal((await call('GET', ['ships', NEC, 'chats'])).status, 200);
    assert.equal((await call('POST', ['ships', NEC, 'act'], { contacts: { anon: null } })).status, 200);
  });
});

describe('acting over HTTP', () => {
  it('answers the id of what was made, and what of the action was left out', async (t) => {
    const world = await serve(t);
    const { post } = await withLounge(world, [NEC]);
    await post(ZOD, 'hello');
    const essay = { ...memoOf(NEC, 'hi'), 'kind-data': { chat: null } };
    const action = { channels: { channel: { nest: LOUNGE, action: { post: { add: essay } } } }, extra: 1 };
    const { status, json } = await world.actAs(NEC, action);
    assert.equal(status, 200);
    assert.deepEqual(json.ignored, [
      { pointer: '/extra', reason: 'was left out: one key says what this is, and channels was taken' },
    ]);
    const shown = await world.get('ships', ZOD, 'channels', LOUNGE, 'posts', json.id);
    assert.deepEqual(shown.post.essay, essay);
    assert.deepEqual((await world.actAs(NEC, { contacts: { anon: null } })).json, {});
  });

  it('says what is wrong with an action, why it is refused, or by what reason a hook denies it', async (t) => {
    const { actAs } = await serve(t);
    const wrong = await actAs(NEC, { dm: { ship: ZOD } });
    assert.deepEqual([wrong.status, wrong.json.code], [400, 'InputValidationError']);
    assert.match(wrong.json.message, /\/dm\/diff is missing/);
    const refused = await actAs(NEC, { contacts: { meet: ['~bus'] } });
    assert.deepEqual([refused.status, refused.json.code], [409, 'ActionRefused']);
    assert.match(refused.json.message, /^There is no ship ~bus here\./);
    assert.equal((await actAs('~bus', { contacts: { anon: null } })).status, 404);
    assert.equal((await actAs(NEC, [])).status, 400);
    const denying = await serve(t, ['community:*'], async () => ({ kind: 'denied', reason: 'No cats.' }));
    const denied = await denying.actAs(NEC, { contacts: { anon: null } });
    assert.deepEqual([denied.status, denied.json.code], [409, 'ActionDenied']);
    assert.match(denied.json.message, /^No cats\./);
  });

  it('takes actions of up to half a megabyte', async (t) => {
    const { actAs } = await serve(t);
    const withBio = (length: number) => ({ contacts: { self: { bio: { text: 'x'.repeat(length) } } } });
    assert.equal((await actAs(NEC, withBio(500_000))).json.code, 'ActionRefused');
    assert.equal((await actAs(NEC, withBio(530_000))).status, 413);
  });
});

describe('reading over HTTP', () => {
  it('a ship sees groups, channels and posts that it may read, and others as if they were not there', async (t) => {
    const world = await serve(t);
    const { get, call } = world;
    const { post, reply } = await withLounge(world, [NEC]);
    const [one, two] = [await post(ZOD, 'one'), await post(NEC, 'two')];
    await reply(NEC, one, 'yes');
    assert.deepEqual(
      (await get('ships', NEC, 'groups')).groups.map(({ flag }: { flag: string }) => flag),
      [GROUP],
    );
    assert.deepEqual((await get('ships', NEC, 'groups', GROUP)).group.meta, META);
    const { channels } = await get('ships', NEC, 'groups', GROUP, 'channels');
    const { channel } = await get('ships', NEC, 'channels', LOUNGE);
    assert.deepEqual(channels, [channel]);
    assert.deepEqual([channel.nest, channel.group, channel.posts, channel.hasJoined], [LOUNGE, GROUP, 2, true]);
    const { posts } = await get('ships', NEC, 'channels', LOUNGE, 'posts');
    assert.deepEqual(
      posts.map((found: { seal: { id: string } }) => found.seal.id),
      [two, one],
    );
    assert.equal(Object.keys(posts[1].seal.replies).length, 1);
    const before = await call(
      'GET',
      ['ships', NEC, 'channels', LOUNGE, 'posts'],
      undefined,
      `?limit=1&before=${withDots(two)}`,
    );
    assert.deepEqual(before.json.posts, [posts[1]]);
    assert.deepEqual((await get('ships', NEC, 'channels', LOUNGE, 'posts', one)).post, posts[1]);
    assert.equal((await call('GET', ['ships', NEC, 'channels', LOUNGE, 'posts', '5'])).status, 404);
    for (const rest of [
      ['groups', GROUP],
      ['groups', GROUP, 'channels'],
      ['channels', LOUNGE],
      ['channels', LOUNGE, 'posts'],
      ['channels', LOUNGE, 'posts', one],
    ]) {
      assert.equal((await call('GET', ['ships', FES, ...rest])).status, 404, rest.join('/'));
    }
    assert.deepEqual((await get('ships', FES, 'groups')).groups, []);
  });

  it('does not let a member read a channel for roles that it has not', async (t) => {
    const world = await serve(t);
    const { post } = await withLounge(world, [NEC]);
    await post(ZOD, 'secret');
    const update = (diff: unknown) => ({ groups: { flag: GROUP, update: { diff } } });
    await world.act(ZOD, update({ cabal: { sect: 'vip', diff: { add: META } } }));
    await world.act(ZOD, update({ channel: { nest: LOUNGE, diff: { 'add-sects': ['vip'] } } }));
    assert.equal((await world.call('GET', ['ships', NEC, 'channels', LOUNGE, 'posts'])).status, 404);
    assert.deepEqual((await world.get('ships', NEC, 'groups', GROUP, 'channels')).channels, []);
    await world.act(ZOD, update({ fleet: { ships: [NEC], diff: { 'add-sects': ['vip'] } } }));
    assert.equal((await world.get('ships', NEC, 'channels', LOUNGE, 'posts')).posts.length, 1);
  });

  it('a ship sees its conversations, their messages and replies', async (t) => {
    const world = await serve(t);
    const { get, call, act } = world;
    const id = await world.nextId(ZOD);
    await act(ZOD, { dm: { ship: NEC, diff: { id, delta: { add: { memo: memoOf(ZOD, 'hi') } } } } });
    await act(ZOD, { club: { id: CLUB, diff: { delta: { init: { team: [ZOD], hive: [NEC], meta: META } } } } });
    const { chats } = await get('ships', NEC, 'chats');
    assert.deepEqual(
      chats.map(({ whom, state }: { whom: string; state: string }) => [whom, state]),
      [
        [CLUB, 'invited'],
        [ZOD, 'invited'],
      ],
    );
    assert.deepEqual((await get('ships', NEC, 'chats', CLUB)).chat, chats[0]);
    assert.deepEqual(chats[0].club, { team: [ZOD], hive: [NEC], meta: META });
    const reply = await world.nextId(NEC);
    const replying = { reply: { id: reply, meta: null, delta: { add: { memo: memoOf(NEC, 'yes') } } } };
    await act(NEC, { dm: { ship: ZOD, diff: { id, delta: replying } } });
    const { messages } = await get('ships', ZOD, 'chats', NEC, 'messages');
    assert.deepEqual(
      messages.map((found: { id: string; replyCount: number }) => [found.id, found.replyCount]),
      [[id, 1]],
    );
    assert.deepEqual((await get('ships', ZOD, 'chats', NEC, 'messages', id.replaceAll('.', ''))).message, messages[0]);
    const { replies } = await get('ships', ZOD, 'chats', NEC, 'messages', id, 'replies');
    assert.deepEqual(replies, [messages[0].replies[reply]]);
    assert.equal((await call('GET', ['ships', FES, 'chats', NEC, 'messages'])).status, 404);
    assert.equal((await call('GET', ['ships', ZOD, 'chats', NEC, 'messages', '~zod/5'])).status, 404);
  });

  it('a ship answers invitations and blocks others', async (t) => {
    const world = await serve(t);
    const { get, call } = world;
    const dm = { ship: NEC, diff: { id: await world.nextId(ZOD), delta: { add: { memo: memoOf(ZOD, 'hi') } } } };
    await world.act(ZOD, { dm });
    const answer = (ok: unknown) => call('POST', ['ships', NEC, 'chats', ZOD, 'answer'], { ok });
    assert.equal((await answer('yes')).status, 400);
    assert.equal((await answer(true)).status, 204);
    assert.equal((await get('ships', ZOD, 'chats', NEC)).chat.state, 'open');
    assert.equal((await call('PUT', ['ships', NEC, 'blocked', ZOD])).status, 204);
    assert.deepEqual((await get('ships', NEC, 'blocked')).ships, [ZOD]);
    const again = { ...dm, diff: { ...dm.diff, id: await world.nextId(ZOD) } };
    assert.match((await world.actAs(ZOD, { dm: again })).json.message, /^~nec takes no messages from ~zod\./);
    assert.equal((await call('DELETE', ['ships', NEC, 'blocked', ZOD])).status, 204);
    assert.equal((await world.actAs(ZOD, { dm: again })).status, 200);
    assert.equal((await call('PUT', ['ships', NEC, 'blocked', '~bus'])).status, 404);
  });

  it('a ship sees contacts, what is new and what happened, and the posts that it hid', async (t) => {
    const world = await serve(t);
    const { get, call, act } = world;
    const { post } = await withLounge(world, [NEC]);
    const id = await post(ZOD, 'one ', { ship: NEC });
    await act(NEC, { channels: { 'toggle-post': { hide: id } } });
    await act(ZOD, { contacts: { self: { nickname: { text: 'Zod' } } } });
    for (const ship of [ZOD, FES]) await act(NEC, { contacts: { page: { kip: { ship }, contact: {} } } });
    assert.deepEqual((await get('ships', ZOD, 'profile')).profile, { nickname: { text: 'Zod' } });
    const page = await call('GET', ['ships', NEC, 'contacts'], undefined, '?limit=1');
    assert.equal(page.json.contacts[0].kip, FES);
    const token = `?continuationToken=${page.json.continuationToken}`;
    const { contacts } = (await call('GET', ['ships', NEC, 'contacts'], undefined, token)).json;
    assert.deepEqual((await get('ships', NEC, 'contacts', ZOD)).contact, contacts[0]);
    assert.deepEqual(contacts[0].profile, { nickname: { text: 'Zod' } });
    assert.equal((await call('GET', ['ships', FES, 'contacts', ZOD])).status, 404);
    const { sources } = await get('ships', NEC, 'activity');
    assert.equal(sources[`channel/${LOUNGE}`].count, 1);
    const { events } = (await call('GET', ['ships', NEC, 'activity', 'events'], undefined, '?only=mentions&limit=5'))
      .json;
    assert.deepEqual(
      events.map(({ time, key }: { time: string; key: string }) => [time, key]),
      [[id, `channel/${LOUNGE}`]],
    );
    assert.deepEqual((await get('ships', NEC, 'hidden-posts')).posts, [id]);
    assert.deepEqual((await get('ships', FES, 'hidden-posts')).posts, []);
  });
});
