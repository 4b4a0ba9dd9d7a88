// What effects on groups do, as another member reads it.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import type { DiffGroups } from '../../community/types/group.ts';
import { createEffectsWorld, fleet, inChannel, inGroup, memo, meta } from '../test-support/effects-world.ts';
import { BUD, essay, FES, FLAG, HOST, NEC, onPost } from '../test-support/hosting-world.ts';

const world = await createEffectsWorld(lastFirst({ after }));
const {
  effects,
  refusedEffect,
  as,
  isHidden,
  newGroup,
  newChannel,
  change,
  groupAs,
  told,
  does,
  refused,
  post,
  channel,
  hook,
} = world;

describe('the effect channel', () => {
  it('unlists a channel, whose posts stay, and lists it again at the front of its section', async () => {
    const flag = await newGroup('listed', [NEC]);
    const nest = await newChannel(flag, 'listed-one');
    const other = await newChannel(flag, 'listed-two');
    const id = await post('hello', NEC, nest);
    await change(flag, { channel: { nest, diff: { del: null } } });
    const { channels, zones, 'active-channels': active } = await groupAs(NEC, flag);
    assert.deepEqual([Object.keys(channels), zones.default.idx, active], [[other], [other], [other]]);
    assert.equal((await as(HOST).post(nest, id)).post.seal.id, id);
    await change(flag, fleet([FES], { add: null }));
    await does(inGroup(flag, fleet([FES], { add: null })), FES);
    const add = { meta: meta('Again'), added: 1000, zone: 'default', join: true, readers: [] };
    await change(flag, { channel: { nest, diff: { add } } });
    const again = await groupAs(NEC, flag);
    assert.deepEqual([again.channels[nest], again.zones.default.idx], [add, [nest, other]]);
    assert.equal((await as(NEC).post(nest, id)).post.seal.id, id);
    assert.equal((await as(FES).channel(nest)).channel.hasJoined, true, 'members join it');
  });

  it('replaces what the group says of it, its section and whether members join it by themselves', async () => {
    const flag = await newGroup('edited', [NEC]);
    const nest = await newChannel(flag, 'edited');
    const edit = { meta: meta('New'), added: 5000, zone: 'default', join: false, readers: [] };
    await change(
      flag,
      { zone: { zone: 'attic', delta: { add: meta('Attic') } } },
      { channel: { nest, diff: { edit } } },
      { channel: { nest, diff: { zone: 'attic' } } },
      { channel: { nest, diff: { join: true } } },
    );
    const { channels, zones } = await groupAs(NEC, flag);
    assert.deepEqual(channels[nest], { ...edit, zone: 'attic', join: true });
    assert.deepEqual([zones.default.idx, zones.attic.idx], [[], [nest]]);
    await does(inGroup(flag, fleet([FES], { add: null })), FES);
    assert.equal((await as(FES).channel(nest)).channel.hasJoined, true);
    assert.match(await refusedEffect(inGroup(flag, { channel: { nest, diff: { zone: 'cellar' } } })), /no section/);
    await change(flag, { channel: { nest: `chat/${HOST}/nowhere`, diff: { join: true } } });
  });

  it('closes it to those who have none of its roles', async () => {
    const flag = await newGroup('readers', [NEC, FES]);
    const nest = await newChannel(flag, 'readers');
    assert.match(await refusedEffect(inGroup(flag, { channel: { nest, diff: { 'add-sects': ['vip'] } } })), /vip/);
    await change(flag, { cabal: { sect: 'vip', diff: { add: meta('VIP') } } }, fleet([NEC], { 'add-sects': ['vip'] }), {
      channel: { nest, diff: { 'add-sects': ['vip'] } },
    });
    assert.equal(await isHidden(as(FES).listPosts(nest)), true);
    assert.match(await refused(onPost(nest, { add: essay('x', FES) }), FES), /There is no channel/);
    await post('among us', NEC, nest);
    await change(flag, { channel: { nest, diff: { 'del-sects': ['vip'] } } });
    assert.equal((await as(FES).listPosts(nest)).posts.length, 1);
  });
});

describe('the effects cabal and bloc', () => {
  it('define a role, describe it anew, and delete it wherever it stands', async () => {
    const flag = await newGroup('cabal', [NEC]);
    await change(flag, { cabal: { sect: 'vip', diff: { add: meta('VIP') } } });
    const nest = await newChannel(flag, 'cabal', { readers: ['vip'], writers: ['vip'] });
    await change(
      flag,
      { cabal: { sect: 'vip', diff: { edit: meta('Very') } } },
      fleet([NEC], { 'add-sects': ['vip'] }),
    );
    assert.deepEqual((await groupAs(NEC, flag)).cabals.vip, { meta: meta('Very') });
    await change(flag, { cabal: { sect: 'vip', diff: { del: null } } });
    const { cabals, fleet: members, channels } = await groupAs(NEC, flag);
    assert.deepEqual(
      [Object.keys(cabals), members[NEC].sects, channels[nest].readers, (await as(NEC).channel(nest)).channel.writers],
      [['admin'], [], [], []],
    );
    assert.match(
      await refusedEffect(inGroup(flag, { cabal: { sect: 'vip', diff: { edit: meta('') } } })),
      /not defined/,
    );
  });

  it('say which roles are those of admins', async () => {
    const flag = await newGroup('bloc', [NEC, FES]);
    const rename = inGroup(flag, { meta: meta('By nec') });
    await change(flag, { cabal: { sect: 'mod', diff: { add: meta('Mod') } } }, fleet([NEC], { 'add-sects': ['mod'] }));
    assert.match(await refused(rename, NEC), /Only admins/);
    await change(flag, { bloc: { add: ['mod'] } });
    await does(rename, NEC);
    assert.deepEqual((await groupAs(FES, flag)).bloc, ['admin', 'mod']);
    assert.equal((await groupAs(FES, flag)).meta.title, 'By nec');
    await change(flag, { bloc: { del: ['mod'] } });
    assert.match(await refused(rename, NEC), /Only admins/);
  });
});

describe('the effects create, meta, secret and del', () => {
  it('make a group, name it, hide it and delete it with its memberships', async () => {
    const flag = `${HOST}/made`;
    const template = await groupAs(NEC, FLAG);
    const create = { ...template, fleet: { [NEC]: { sects: [], joined: 0 } }, channels: {}, 'active-channels': [] };
    create.zones = { default: { meta: meta(''), idx: [] } };
    await change(flag, { create });
    const made = await groupAs(NEC, flag);
    assert.deepEqual(Object.keys(made.fleet).sort(), [NEC, HOST].sort());
    assert.deepEqual(made.cabals, template.cabals);
    assert.match(await refusedEffect(inGroup(flag, { create })), /exists already|There is a group/);
    const foreign = inGroup(`${NEC}/made`, { create });
    assert.match(await refusedEffect(foreign), /of your own only/);
    await change(flag, { meta: meta('Named') }, { secret: true });
    const named = await groupAs(NEC, flag);
    assert.deepEqual([named.meta, named.secret], [meta('Named'), true]);
    const nest = await newChannel(flag, 'in-made');
    await world.clock.advance(1000);
    await does(inChannel(nest, { join: flag }), NEC);
    await post('soon gone', NEC, nest);
    const isTold = async (ship: string) =>
      Object.keys((await as(ship).activity()).sources).some((key) => key.endsWith(flag) || key.endsWith(nest));
    assert.deepEqual([await isTold(HOST), await isTold(NEC)], [true, true]);
    await change(flag, { del: null });
    assert.deepEqual([await isTold(HOST), await isTold(NEC)], [false, false]);
    for (const ship of [NEC, HOST]) assert.equal(await isHidden(as(ship).group(flag)), true);
    assert.equal(await isHidden(as(NEC).channel(nest)), true);
    assert.match(await refused(onPost(nest, { add: essay('x', NEC) }), NEC), /There is no channel/);
    assert.match(await refusedEffect(inGroup(flag, { secret: false })), /There is no group/);
  });
});

describe('the effect zone', () => {
  it('makes sections, describes them, moves them and their channels, and deletes them', async () => {
    const flag = await newGroup('zones', [NEC]);
    const [one, two] = [await newChannel(flag, 'zone-one'), await newChannel(flag, 'zone-two')];
    const sections = async () => {
      const { zones, 'zone-ord': order } = await groupAs(NEC, flag);
      return order.map((zone: string) => [zone, zones[zone].meta.title, zones[zone].idx]);
    };
    await change(
      flag,
      { zone: { zone: 'attic', delta: { add: meta('Attic') } } },
      { zone: { zone: 'cellar', delta: { add: meta('Cellar') } } },
      { zone: { zone: 'attic', delta: { edit: meta('Roof') } } },
      { channel: { nest: one, diff: { zone: 'attic' } } },
      { channel: { nest: two, diff: { zone: 'attic' } } },
      { zone: { zone: 'attic', delta: { mov: 0 } } },
      { zone: { zone: 'attic', delta: { 'mov-nest': { nest: two, idx: 1 } } } },
    );
    assert.deepEqual(await sections(), [
      ['attic', 'Roof', [one, two]],
      ['cellar', 'Cellar', []],
      ['default', 'Sectionless', []],
    ]);
    await change(flag, { zone: { zone: 'attic', delta: { del: null } } });
    assert.deepEqual(await sections(), [
      ['cellar', 'Cellar', []],
      ['default', 'Sectionless', [one, two]],
    ]);
    assert.equal((await groupAs(NEC, flag)).channels[one].zone, 'default');
    const unmade = inGroup(flag, { zone: { zone: 'default', delta: { del: null } } });
    assert.match(await refusedEffect(unmade), /cannot be deleted/);
  });
});

describe('the effect flag-content', () => {
  it('reports a post or a reply in the name of anybody, and tells the other admins', async () => {
    const flag = await newGroup('flags', [NEC, FES]);
    await change(flag, fleet([NEC], { 'add-sects': ['admin'] }));
    const nest = await newChannel(flag, 'flags');
    const id = await post('hello', FES, nest);
    const reply = await does(onPost(nest, { reply: { id, action: { add: memo('no', FES) } } }), FES);
    const report = (of: string | null, src: string): DiffGroups => ({
      'flag-content': { nest, 'post-key': { post: id, reply: of }, src },
    });
    await change(flag, report(null, BUD), report(reply, HOST));
    assert.deepEqual((await groupAs(FES, flag))['flagged-content'], {
      [nest]: { [id]: { flagged: true, flaggers: [BUD], replies: { [reply]: [HOST] } } },
    });
    const kinds = (await told(NEC, flag)).map((event: object) => Object.keys(event)[0]);
    assert.deepEqual(kinds.slice(0, 2).sort(), ['flag-post', 'flag-reply']);
    const missing = inGroup(flag, { 'flag-content': { nest, 'post-key': { post: '5', reply: null }, src: HOST } });
    assert.match(await refusedEffect(missing), /no such post/);
  });
});

describe('effects on a group of another ship', () => {
  it('are those of a member: refused, until the host is an admin there', async () => {
    const flag = await newGroup('theirs', [HOST, FES], NEC);
    const rename = inGroup(flag, { meta: meta('By a hook') });
    assert.match(await refusedEffect(rename), /Only admins/);
    assert.match(await refusedEffect(inGroup(flag, fleet([FES], { del: null }))), /Only admins/);
    assert.equal((await groupAs(FES, flag)).meta.title, 'theirs');
    await does(inGroup(flag, fleet([HOST], { 'add-sects': ['admin'] })), NEC);
    await effects(rename, inGroup(flag, fleet([FES], { 'add-sects': ['admin'] })));
    assert.deepEqual(
      [(await groupAs(FES, flag)).meta.title, (await groupAs(FES, flag)).fleet[FES].sects],
      ['By a hook', ['admin']],
    );
    assert.match(await refusedEffect(inGroup(`${NEC}/none`, { secret: true })), /There is no group/);
  });
});

describe('effects on groups', () => {
  it('cause no run of a hook', async () => {
    const nest = await channel('chat', 'silent');
    await hook(`module.exports = () => { throw new Error('it ran'); };`, nest);
    await change(FLAG, { channel: { nest, diff: { join: true } } }, { secret: true }, { secret: false });
    await effects(inChannel(nest, { view: 'grid' }));
    assert.deepEqual(await world.rows('select id from script_runs where origin = $1', [nest]), []);
  });
});
