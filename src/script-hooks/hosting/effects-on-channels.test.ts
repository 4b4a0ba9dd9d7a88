// What effects on channels do, as another member reads it.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import type { ActionPost, ActionReply } from '../../community/types/channels.ts';
import { createEffectsWorld, inChannel, inGroup, memo, meta } from '../test-support/effects-world.ts';
import { BUD, essay, FES, FLAG, HOST, NEC, onPost, textOf } from '../test-support/hosting-world.ts';

const world = await createEffectsWorld(lastFirst({ after }));
const { effects, refusedEffect, ask, as, isHidden, channel, post, texts, does, refused, newGroup } = world;

const create = (name: string, more: object = {}) => ({
  channels: {
    create: { kind: 'chat', name, group: FLAG, title: 'T', description: 'D', readers: [], writers: [], ...more },
  },
});
const shown = async (nest: string) => (await as(FES).channel(nest)).channel;
const postAs = async (nest: string, id: string, ship = FES) => (await as(ship).post(nest, id)).post;
/** A channel with a post by nec in it. */
const withPost = async (name: string, kind = 'chat') => {
  const nest = await channel(kind, name);
  return { nest, id: await post('hello', NEC, nest) };
};

describe('the effect create', () => {
  it('makes a channel of the host that the group lists and its members have joined', async () => {
    await effects(create('made'));
    const { nest, group, view, sort, order, writers, hasJoined } = await shown(`chat/${HOST}/made`);
    assert.deepEqual(
      { nest, group, view, sort, order, writers, hasJoined },
      {
        ...{ nest: `chat/${HOST}/made`, group: FLAG, view: 'list', sort: 'time', order: null, writers: [] },
        hasJoined: true,
      },
    );
    const listed = (await as(FES).group(FLAG)).group;
    const { added, ...rest } = listed.channels[nest];
    assert.deepEqual(rest, {
      ...{ meta: { ...meta('T'), description: 'D' }, zone: 'default', join: false, readers: [] },
    });
    assert.ok(added > 0);
    assert.equal(listed.zones.default.idx[0], nest);
    assert.ok(listed['active-channels'].includes(nest));
  });

  it('gives it readers and writers by their roles', async () => {
    await effects(
      inGroup(FLAG, { cabal: { sect: 'vip', diff: { add: meta('VIP') } } }),
      create('lodge', { readers: ['vip'], writers: ['vip'] }),
    );
    assert.equal(await isHidden(as(FES).channel(`chat/${HOST}/lodge`)), true);
    await effects(inGroup(FLAG, { fleet: { ships: [FES], diff: { 'add-sects': ['vip'] } } }));
    assert.deepEqual((await shown(`chat/${HOST}/lodge`)).writers, ['vip']);
    await effects(inGroup(FLAG, { fleet: { ships: [FES], diff: { 'del-sects': ['vip'] } } }));
    assert.equal(await isHidden(as(FES).channel(`chat/${HOST}/lodge`)), true);
  });

  it('is refused where there is one, in a group of others, and for a kind that is none', async () => {
    await effects(create('once'));
    assert.match(await refusedEffect(create('once', { title: 'again' })), /There is a channel/);
    assert.equal((await as(FES).group(FLAG)).group.channels[`chat/${HOST}/once`].meta.title, 'T');
    const flag = await newGroup('theirs', [HOST], NEC);
    assert.match(await refusedEffect(create('stray', { group: flag })), /Only admins/);
    assert.equal(await isHidden(as(FES).channel(`chat/${HOST}/stray`)), true);
    assert.match(await refusedEffect(create('odd', { kind: 'board' })), /A channel is a/);
  });
});

describe('the effect pin', () => {
  it('is done and changes nothing', async () => {
    const nest = await channel('chat', 'pinned');
    const before = [await shown(nest), await as(FES).group(FLAG)];
    await effects({ channels: { pin: [nest] } });
    assert.deepEqual([await shown(nest), await as(FES).group(FLAG)], before);
  });
});

describe('the effect toggle-post', () => {
  it('hides a post from the host alone, and shows it again', async () => {
    const { nest, id } = await withPost('toggled');
    const hidden = async (ship: string) => (await as(ship).listHiddenPosts()).posts;
    await effects({ channels: { 'toggle-post': { hide: id } } });
    assert.deepEqual([await hidden(HOST), await hidden(FES)], [[id], []]);
    assert.equal(textOf(await postAs(nest, id)), 'hello');
    await effects({ channels: { 'toggle-post': { show: id } } });
    assert.deepEqual(await hidden(HOST), []);
  });
});

describe('the effects join and leave', () => {
  it('let the host write in a channel of another ship as an ordinary member, and no longer', async () => {
    const flag = await newGroup('den', [FES], NEC);
    const nest = `chat/${NEC}/den`;
    await does({ channels: { create: { ...create('den').channels.create, group: flag } } }, NEC);
    await effects(inGroup(flag, { fleet: { ships: [HOST], diff: { add: null } } }));
    const say = onPost(nest, { add: essay('hello', HOST) });
    assert.match(await refusedEffect(say), /not joined/);
    await effects(inChannel(nest, { join: flag }), say);
    assert.deepEqual((await as(FES).listPosts(nest)).posts.map(textOf), ['hello']);
    const events = (await as(HOST).listActivity()).events.map(({ event }: { event: object }) => event);
    assert.deepEqual(events[0], { 'chan-init': { channel: nest, group: flag } });
    assert.match(await refusedEffect(onPost(nest, { add: essay('as bud', BUD) })), /own name/);
    assert.match(await refusedEffect(inChannel(nest, { view: 'grid' })), /Only admins/);
    await does(inChannel(nest, { 'add-writers': ['admin'] }), NEC);
    assert.match(await refusedEffect(say), /may not write/);
    await does(inChannel(nest, { 'del-writers': ['admin'] }), NEC);
    await effects(inChannel(nest, { leave: null }));
    assert.match(await refusedEffect(say), /not joined/);
    assert.deepEqual((await as(FES).listPosts(nest)).posts.map(textOf), ['hello']);
    assert.match(await refusedEffect(inChannel(nest, { join: FLAG })), /no channel of/);
  });

  it('leave a channel of the host to its members; the host is back when it has joined again', async () => {
    const nest = await channel('chat', 'left');
    const say = onPost(nest, { add: essay('the host', HOST) });
    const isTold = async () => `channel/${nest}` in (await as(HOST).activity()).sources;
    assert.equal(await isTold(), true);
    await effects(inChannel(nest, { leave: null }));
    assert.equal(await isTold(), false);
    assert.match(await refusedEffect(say), /not joined/);
    await post('still here', NEC, nest);
    await effects(inChannel(nest, { join: FLAG }), say);
    assert.deepEqual(await texts(nest), ['still here', 'the host']);
  });
});

describe('the effects read, read-at, watch and unwatch', () => {
  it('move the marker and the flag of the host, and of nobody else', async () => {
    const { nest, id } = await withPost('marked');
    const later = await post('later', NEC, nest);
    const own = async (ship: string) => (await as(ship).channel(nest)).channel;
    const before = await own(FES);
    await effects(inChannel(nest, { 'read-at': id }));
    assert.equal((await own(HOST)).readAt, id);
    await effects(inChannel(nest, { read: null }), inChannel(nest, { watch: null }));
    assert.deepEqual([(await own(HOST)).readAt, (await own(HOST)).isWatched], [later, true]);
    await effects(inChannel(nest, { unwatch: null }));
    assert.equal((await own(HOST)).isWatched, false);
    assert.deepEqual(await own(FES), before);
    for (const action of [{ read: null }, { watch: null }] as const) {
      assert.match(await refusedEffect(inChannel(`chat/${HOST}/nowhere`, action)), /not joined/);
    }
  });
});

describe('the effects view, sort, order and writers', () => {
  it('change the channel for everybody', async () => {
    const { nest, id } = await withPost('arranged', 'heap');
    const second = await post('two', NEC, nest);
    assert.equal((await shown(nest)).view, 'grid');
    await effects(
      inChannel(nest, { view: 'list' }),
      inChannel(nest, { sort: 'arranged' }),
      inChannel(nest, { order: [second, id] }),
    );
    const { view, sort, order } = await shown(nest);
    assert.deepEqual({ view, sort, order }, { view: 'list', sort: 'arranged', order: [second, id] });
    await effects(inChannel(nest, { order: null }), inChannel(nest, { sort: 'alpha' }));
    assert.deepEqual([(await shown(nest)).order, (await shown(nest)).sort], [null, 'alpha']);
    assert.match(await refusedEffect(inChannel(nest, { view: 'round' })), /A view is/);
    assert.match(await refusedEffect(inChannel(nest, { sort: 'random' })), /A sort is/);
    assert.equal((await shown(nest)).view, 'list');
  });

  it('say who may write', async () => {
    const nest = await channel('chat', 'writers');
    await effects(
      inGroup(FLAG, { cabal: { sect: 'staff', diff: { add: meta('Staff') } } }),
      inGroup(FLAG, { fleet: { ships: [BUD], diff: { 'add-sects': ['staff'] } } }),
      inChannel(nest, { 'add-writers': ['staff', 'admin'] }),
    );
    assert.deepEqual((await shown(nest)).writers, ['staff', 'admin']);
    assert.match(await refused(onPost(nest, { add: essay('x', FES) }), FES), /may not write/);
    await post('by staff', BUD, nest);
    await effects(inChannel(nest, { 'del-writers': ['staff', 'admin'] }));
    await post('by all', FES, nest);
    assert.deepEqual(await texts(nest), ['by staff', 'by all']);
  });
});

describe('effects on posts', () => {
  it('add one in the name of anybody, which counts as read by the host', async () => {
    const nest = await channel('diary', 'notes');
    await effects(onPost(nest, { add: essay('a note', BUD, 7, 'diary') }));
    const [found] = (await as(FES).listPosts(nest)).posts;
    assert.deepEqual(found.essay, essay('a note', BUD, 7, 'diary'));
    assert.deepEqual([found.revision, found.seal.replies, found.seal.reacts], ['0', {}, {}]);
    assert.equal((await as(HOST).channel(nest)).channel.readAt, found.seal.id);
    assert.equal((await as(FES).activity()).sources[`channel/${nest}`].count, 1);
    assert.match(await refusedEffect(onPost(nest, { add: essay('a chat', HOST) })), /kind data of diary/);
  });

  it('edit and delete those of others', async () => {
    const { nest, id } = await withPost('edited');
    await effects(onPost(nest, { edit: { id, essay: essay('better', NEC) } }));
    const edited = await postAs(nest, id);
    assert.deepEqual([textOf(edited), edited.revision], ['better', '1']);
    await effects(onPost(nest, { del: id }));
    assert.equal(await isHidden(as(FES).post(nest, id)), true);
    assert.deepEqual((await as(FES).listPosts(nest)).posts, []);
    assert.equal((await shown(nest)).posts, 0);
    await effects(onPost(nest, { edit: { id, essay: essay('back', NEC) } }));
    assert.deepEqual((await as(FES).listPosts(nest)).posts, []);
  });

  it('react as any ship, once each, and take reactions back', async () => {
    const { nest, id } = await withPost('reacted');
    const react = (action: ActionPost) => effects(onPost(nest, action));
    const reacts = async () => (await postAs(nest, id)).seal.reacts;
    await react({ 'add-react': { id, ship: HOST, react: ':heart:' } });
    await react({ 'add-react': { id, ship: BUD, react: '👍' } });
    await react({ 'add-react': { id, ship: BUD, react: '👍' } });
    assert.deepEqual(await reacts(), {
      [HOST]: { revision: '0', react: ':heart:' },
      [BUD]: { revision: '0', react: '👍' },
    });
    await react({ 'add-react': { id, ship: HOST, react: ':wave:' } });
    await react({ 'del-react': { id, ship: BUD } });
    assert.deepEqual(await reacts(), {
      [HOST]: { revision: '1', react: ':wave:' },
      [BUD]: { revision: '1', react: null },
    });
  });
});

describe('effects on replies', () => {
  const onReply = (nest: string, id: string, action: ActionReply) => onPost(nest, { reply: { id, action } });
  const replies = async (nest: string, id: string) => (await postAs(nest, id)).seal.replies;

  it('add, edit, react to and delete those of the host', async () => {
    const { nest, id } = await withPost('thread');
    await effects(onReply(nest, id, { add: memo('first', HOST) }));
    const [[key, reply]] = Object.entries(await replies(nest, id)) as [[string, { id: string }]];
    assert.equal(key.replaceAll('.', ''), reply.id);
    await effects(
      onReply(nest, id, { edit: { id: key, memo: memo('second', HOST) } }),
      onReply(nest, id, { 'add-react': { id: reply.id, ship: BUD, react: ':heart:' } }),
    );
    assert.deepEqual(await replies(nest, id), {
      [key]: {
        ...{ id: reply.id, revision: '1', ...memo('second', HOST) },
        reacts: { [BUD]: { revision: '0', react: ':heart:' } },
      },
    });
    await effects(onReply(nest, id, { 'del-react': { id: key, ship: BUD } }));
    assert.deepEqual((await replies(nest, id))[key].reacts, { [BUD]: { revision: '1', react: null } });
    await effects(onReply(nest, id, { del: reply.id }));
    assert.deepEqual(await replies(nest, id), { [key]: null });
  });

  it('write in the name of the host only, and delete those of others', async () => {
    const { nest, id } = await withPost('foreign');
    assert.match(await refusedEffect(onReply(nest, id, { add: memo('x', NEC) })), /own name/);
    const reply = await does(onReply(nest, id, { add: memo('by fes', FES) }), FES);
    const edit = onReply(nest, id, { edit: { id: reply, memo: memo('x', HOST) } });
    assert.match(await refusedEffect(edit), /Only its author/);
    assert.deepEqual(
      Object.values(await replies(nest, id)).map((one) => (one as { content: unknown }).content),
      [memo('by fes', FES).content],
    );
    await effects(onReply(nest, id, { del: reply }));
    assert.deepEqual(Object.values(await replies(nest, id)), [null]);
  });
});

describe('an effect that cannot be done', () => {
  it('stands in the ledger with its reason, and leaves those before and after it alone', async () => {
    const nest = await channel('chat', 'some');
    const say = (text: string) => onPost(nest, { add: essay(text, HOST) });
    const nowhere = onPost(`chat/${HOST}/nowhere`, { add: essay('x', HOST) });
    const { dropped, failed } = await ask(say('one'), nowhere, { chanels: {} }, null, say('two'));
    assert.deepEqual(await texts(nest), ['one', 'two']);
    assert.deepEqual(
      failed.map(({ index, reason }) => [index, reason]),
      [[1, `There is no channel chat/${HOST}/nowhere.`]],
    );
    assert.deepEqual(
      dropped.map(({ pointer }) => pointer),
      ['/effects/2', '/effects/3'],
    );
  });
});
