// What clients ask when they begin, over a real community.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { lastFirst } from '../../../../test/support/wait.ts';
import { withDots } from '../../../community/schema/id.ts';
import {
  BUD,
  createWorld,
  FES,
  GROUP,
  LOUNGE,
  memoOf,
  NEC,
  type World,
  withLounge,
  ZOD,
} from '../../../community/test-support/world.ts';
import { createActAs } from '../acting.ts';
import type { Agent } from '../agent.ts';
import { createChannelsAgent } from '../channels/channels.ts';
import { createChat } from '../chat/chat.ts';
import { createGroupsUi } from './groups-ui.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON, of which each test knows what it is.
type Read = any;

let world: World;
let agent: Agent;
let post: Awaited<ReturnType<typeof withLounge>>['post'];
let inLounge: Awaited<ReturnType<typeof withLounge>>['inLounge'];
const undo = new AsyncDisposableStack();
before(async () => {
  world = await createWorld(lastFirst({ after: (step) => undo.defer(step) }));
  const { database, community } = world;
  const actAs = createActAs(community.act);
  const { scry: scryChannels } = createChannelsAgent({ database, actAs, previewHooks: async () => [] });
  const { scry: scryChat } = createChat({ ...world, actAs });
  agent = createGroupsUi({ database, scryChannels, scryChat });
  ({ post, inLounge } = await withLounge(world, [NEC]));
});
after(() => undo.disposeAsync());

const scry = (ship: string, path: string): Promise<Read> => agent.scry?.(path, ship) as Promise<Read>;
const result = async (ship: string, mark: string, json: unknown): Promise<string> => {
  const poked = await agent.poke?.(mark, json, ship);
  return poked?.kind === 'refused' ? poked.reason : (poked?.kind ?? 'unknown');
};
const poke = async (ship: string, mark: string, json: unknown) => assert.equal(await result(ship, mark, json), 'done');

const message = async (from: string, to: string, text: string) => {
  const add = { memo: memoOf(from, text), kind: null, time: null };
  await world.act(from, { dm: { ship: to, diff: { id: await world.nextId(from), delta: { add } } } });
};

describe('a client that begins', () => {
  it('reads all that its ship has, and nothing of others', async () => {
    await post(NEC, 'hello');
    await message(NEC, ZOD, 'psst');
    for (const version of ['v5', 'v6', 'v7']) {
      const init = await scry(ZOD, `/${version}/init`);
      assert.deepEqual(Object.keys(init.groups), [GROUP]);
      assert.deepEqual(init.channel.channels[LOUNGE].perms, { writers: [], group: GROUP });
      assert.deepEqual([init.chat.dms, init.chat.invited, init.pins, init.foreigns], [[], [NEC], [], {}]);
      assert.equal(init.activity[`channel/${LOUNGE}`].count, 1);
    }
    const nothing = await scry(FES, '/v7/init');
    assert.deepEqual([nothing.groups, nothing.channel.channels, nothing.chat.dms], [{}, {}, []]);
    assert.equal(await scry(ZOD, '/v99/init'), undefined);
  });

  it('reads what is newest in its channels and conversations', async () => {
    const id = await post(NEC, 'newest');
    await message(ZOD, BUD, 'to ~bud');
    const { channels, dms } = await scry(ZOD, '/v4/heads');
    assert.deepEqual(
      channels.map(({ nest, latest }: Read) => [nest, latest.seal.id]),
      [[LOUNGE, id]],
    );
    assert.ok(channels[0].recency > 1_700_000_000_000);
    assert.equal(dms[0].whom, BUD);
    assert.deepEqual((await scry(ZOD, `/v4/heads/${withDots(id)}/20`)).channels, []);
    assert.equal((await scry(ZOD, '/v4/heads/1')).dms.length, 1);
    const newest = await scry(ZOD, '/v6/init-posts/5/1');
    assert.deepEqual(Object.keys(newest.channels[LOUNGE]), [withDots(id)]);
    assert.equal(Object.keys(newest.chat[BUD]).length, 1);
    assert.deepEqual(await scry(FES, '/v6/init-posts/5/5'), { channels: {}, chat: {} });
  });
});

describe('a client that was away', () => {
  it('reads what has changed since', async () => {
    const [edited, other] = [await post(NEC, 'first'), await post(NEC, 'second')];
    await world.clock.advance(1000);
    const since = withDots(world.nowId());
    const changes = async (ship: string = ZOD) => scry(ship, `/v8/changes/${since}`);
    assert.deepEqual([(await changes()).channels, (await changes()).chat], [{}, {}]);
    await world.clock.advance(1000);
    await world.act(NEC, inLounge({ 'add-react': { id: edited, ship: NEC, react: ':x:' } }));
    await message(ZOD, BUD, 'later');
    const { groups, channels, chat, contacts, activity } = await changes();
    assert.deepEqual(Object.keys(groups), [GROUP]);
    assert.deepEqual(Object.keys(channels[LOUNGE]), [withDots(edited)]);
    assert.ok(!Object.keys(channels[LOUNGE]).includes(withDots(other)));
    assert.deepEqual([contacts, typeof activity.base.count], [{}, 'number']);
    assert.equal(Object.values<Read>(chat[BUD]).at(-1).essay.content[0].inline[0], 'later');
    assert.deepEqual((await changes(FES)).channels, {});
    assert.ok((await scry(ZOD, '/v8/changes/~2025.4.1..12.00.00')).groups);
    assert.equal(await scry(ZOD, '/v8/changes/yesterday'), undefined);
    const all = (await scry(ZOD, '/v8/changes/0')).channels;
    assert.ok(Object.hasOwn(all[LOUNGE], withDots(other)));
    for (const late of ['9'.repeat(45), `~${'9'.repeat(60)}.1.1`]) {
      assert.deepEqual((await scry(ZOD, `/v8/changes/${late}`)).channels, {});
    }
  });
});

describe('a client that was away for long', () => {
  const create = async (name: string) => {
    const channel = { kind: 'chat', group: GROUP, title: '', description: '', readers: [], writers: [] };
    await world.act(ZOD, { channels: { create: { ...channel, name } } });
    return `chat/~zod/${name}`;
  };
  const write = async (nest: string, text: string) => {
    const add = { ...memoOf(ZOD, text), 'kind-data': { chat: null } };
    return withDots((await world.act(ZOD, { channels: { channel: { nest, action: { post: { add } } } } })) as string);
  };
  const changes = async (since: string): Promise<Read> => (await scry(ZOD, `/v8/changes/${since}`)).channels;

  it('hears of each of a hundred channels and more', async () => {
    await world.clock.advance(1000);
    const since = withDots(world.nowId());
    await world.clock.advance(1000);
    const expected: Record<string, string[]> = {};
    for (let n = 0; n < 101; n += 1) {
      const nest = await create(`of-many-${n}`);
      expected[nest] = [await write(nest, 'x')];
    }
    const heard = Object.entries<object>(await changes(since)).map(([nest, posts]) => [nest, Object.keys(posts)]);
    assert.deepEqual(Object.fromEntries(heard), expected);
  });

  it('reads of a channel for which there is no place what is newest', async () => {
    await world.clock.advance(1000);
    const since = withDots(world.nowId());
    await world.clock.advance(1000);
    const nests: string[] = [];
    const newest: Record<string, string> = {};
    for (let n = 0; n < 12; n += 1) {
      await world.clock.advance(1000);
      const nest = await create(`full-${n}`);
      nests.unshift(nest);
      for (let m = 0; m < 5; m += 1) await write(nest, 'x'.repeat(240_000));
      newest[nest] = await write(nest, 'the end');
    }
    const heard = await changes(since);
    assert.deepEqual(Object.keys(heard), nests);
    for (const nest of nests) assert.equal(Object.keys(heard[nest]).at(-1), newest[nest]);
    assert.ok(Object.keys(heard[nests[0] ?? '']).length > 1);
    assert.equal(Object.keys(heard[nests.at(-1) ?? '']).length, 1);
    assert.ok(JSON.stringify(heard).length < 12_000_000);
  });
});

describe('what a ship has pinned', () => {
  it('stands in its order, and is its own', async () => {
    for (const item of [GROUP, LOUNGE, NEC, '0v5', GROUP]) await poke(ZOD, 'ui-action', { pins: { add: item } });
    assert.deepEqual(await scry(ZOD, '/pins'), [LOUNGE, NEC, '0v5', GROUP]);
    await poke(ZOD, 'ui-action', { pins: { del: NEC } });
    assert.deepEqual((await scry(ZOD, '/v7/init')).pins, [LOUNGE, '0v5', GROUP]);
    await poke(ZOD, 'ui-action', { pins: { 'set-order': [GROUP, LOUNGE] } });
    assert.deepEqual([await scry(ZOD, '/pins'), await scry(NEC, '/pins')], [[GROUP, LOUNGE], []]);
    assert.match(await result(ZOD, 'ui-action', { pins: { add: 'nonsense!' } }), /^The action is wrong at \/pins\/add/);
    assert.equal(await result(ZOD, 'ui-nonsense', {}), 'unknown');
  });
});

describe('suggested contacts', () => {
  it('are those that a ship meets and its clients name, without those that it hides', async () => {
    assert.ok((await scry(ZOD, '/suggested-contacts')).includes(NEC));
    await poke(ZOD, 'ui-add-contact-suggestions', [FES, ZOD]);
    await poke(ZOD, 'ui-hide-contact', NEC);
    const suggested = await scry(ZOD, '/suggested-contacts');
    assert.deepEqual([suggested[0], suggested.includes(NEC), suggested.includes(ZOD)], [FES, false, false]);
    await world.act(ZOD, { contacts: { page: { kip: { ship: FES }, contact: {} } } });
    assert.ok(!(await scry(ZOD, '/suggested-contacts')).includes(FES));
    assert.match(await result(ZOD, 'ui-hide-contact', 5.5), /wrong at its root/);
  });
});
