// Who is in a group, and who may come, after effects on it, as another member reads it.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import type { Cordon, DiffGroups } from '../../community/types/group.ts';
import { createEffectsWorld, fleet, inGroup, meta } from '../test-support/effects-world.ts';
import { BUD, essay, FES, HOST, NEC, onPost } from '../test-support/hosting-world.ts';

const world = await createEffectsWorld(lastFirst({ after }));
const { refusedEffect, as, isHidden, newGroup, newChannel, change, groupAs, told, does, refused, post } = world;

describe('the effect fleet', () => {
  it('adds members who have not come yet and are told; they keep their roles when they are added again', async () => {
    const flag = await newGroup('added', [NEC]);
    await change(flag, fleet([FES], { add: null }));
    assert.deepEqual((await groupAs(NEC, flag)).fleet[FES], { sects: [], joined: 0 });
    assert.deepEqual(await told(FES, flag), [{ 'group-invite': { group: flag, ship: HOST } }]);
    await does(inGroup(flag, fleet([FES], { add: null })), FES);
    assert.ok((await groupAs(NEC, flag)).fleet[FES].joined > 0);
    await change(flag, fleet([FES], { 'add-sects': ['admin'] }), fleet([FES], { add: null }));
    assert.deepEqual((await groupAs(NEC, flag)).fleet[FES], { sects: ['admin'], joined: 0 });
  });

  it('removes members from the group and its channels, and tells them', async () => {
    const flag = await newGroup('kicked', [NEC, FES]);
    const nest = await newChannel(flag, 'kicked');
    await post('I am here', FES, nest);
    await change(flag, fleet([FES], { del: null }));
    assert.deepEqual(Object.keys((await groupAs(NEC, flag)).fleet), [HOST, NEC]);
    assert.equal(await isHidden(as(FES).group(flag)), true);
    assert.equal(await isHidden(as(FES).listPosts(nest)), true);
    assert.match(await refused(onPost(nest, { add: essay('x', FES) }), FES), /There is no channel/);
    assert.deepEqual((await told(FES, flag))[0], { 'group-kick': { group: flag, ship: FES } });
  });

  it('keeps the hosts of the group and of its channels', async () => {
    const flag = await newGroup('hosts', [NEC, FES]);
    assert.match(await refusedEffect(inGroup(flag, fleet([FES, HOST], { del: null }))), /cannot be removed/);
    await change(flag, fleet([FES], { 'add-sects': ['admin'] }));
    const words = { title: '', description: '', readers: [], writers: [] };
    await does({ channels: { create: { kind: 'chat', name: 'own', group: flag, ...words } } }, FES);
    assert.match(await refusedEffect(inGroup(flag, fleet([FES], { del: null }))), /cannot be removed/);
    assert.deepEqual(Object.keys((await groupAs(NEC, flag)).fleet), [HOST, NEC, FES]);
  });

  it('gives and takes roles that are defined, to members, and tells who gets one', async () => {
    const flag = await newGroup('roles', [NEC, FES]);
    await change(
      flag,
      { cabal: { sect: 'vip', diff: { add: meta('VIP') } } },
      fleet([FES, BUD], { 'add-sects': ['vip', 'unheard-of'] }),
    );
    const roles = async (ship: string) => (await groupAs(NEC, flag)).fleet[ship]?.sects;
    assert.deepEqual([await roles(FES), await roles(BUD)], [['vip'], undefined]);
    assert.deepEqual((await told(FES, flag))[0], { 'group-role': { group: flag, ship: FES, roles: ['vip'] } });
    await change(flag, fleet([FES, HOST], { 'del-sects': ['vip', 'admin'] }));
    assert.deepEqual([await roles(FES), await roles(HOST)], [['vip'], ['admin']], 'the host stays an admin');
    await change(flag, fleet([FES], { 'del-sects': ['vip'] }));
    assert.deepEqual(await roles(FES), []);
  });
});

describe('the effect cordon', () => {
  const cordon = async (flag: string) => (await groupAs(NEC, flag)).cordon;
  const open = (flag: string, diff: object) => change(flag, { cordon: { open: diff } } as DiffGroups);
  const joins = (flag: string, ship: string) => inGroup(flag, fleet([ship], { add: null }));

  it('bans ships and ranks from an open group, and lets them in again', async () => {
    const flag = await newGroup('open', [NEC, FES]);
    await open(flag, { 'add-ships': [FES] });
    assert.deepEqual(await cordon(flag), { open: { ships: [FES], ranks: [] } });
    assert.equal(await isHidden(as(FES).group(flag)), true);
    assert.match(await refused(joins(flag, FES), FES), /banned/);
    await open(flag, { 'del-ships': [FES] });
    await does(joins(flag, FES), FES);
    await world.ships.add('~marzod');
    await does(joins(flag, '~marzod'), '~marzod');
    await open(flag, { 'add-ranks': ['king'] });
    assert.deepEqual(await cordon(flag), { open: { ships: [], ranks: ['king'] } });
    assert.equal(await isHidden(as('~marzod').group(flag)), true);
    await open(flag, { 'del-ranks': ['king'] });
    await does(joins(flag, '~marzod'), '~marzod');
    const hosts = inGroup(flag, { cordon: { open: { 'add-ships': [HOST] } } });
    assert.match(await refusedEffect(hosts), /cannot be banned/);
    const shut = inGroup(flag, { cordon: { shut: { 'add-ships': { kind: 'pending', ships: [BUD] } } } });
    assert.match(await refusedEffect(shut), /Only a group that is shut/);
  });

  it('invites into a group that is shut, keeps requests, and takes both back', async () => {
    const flag = await newGroup('shut', [NEC]);
    const shut = (key: 'add-ships' | 'del-ships', kind: string, ships: string[]) =>
      change(flag, { cordon: { shut: { [key]: { kind, ships } } } } as DiffGroups);
    await change(flag, { cordon: { swap: { shut: { pending: [], ask: [] } } } });
    assert.match(await refused(joins(flag, FES), FES), /invited/);
    await shut('add-ships', 'ask', [FES, BUD]);
    assert.deepEqual(await cordon(flag), { shut: { pending: [], ask: [FES, BUD] } });
    await shut('add-ships', 'pending', [FES]);
    assert.deepEqual(await cordon(flag), { shut: { pending: [FES], ask: [BUD] } });
    assert.deepEqual((await told(FES, flag))[0], { 'group-invite': { group: flag, ship: HOST } });
    await shut('del-ships', 'ask', [BUD]);
    await shut('add-ships', 'pending', [BUD]);
    await shut('del-ships', 'pending', [BUD]);
    assert.match(await refused(joins(flag, BUD), BUD), /invited/);
    await does(joins(flag, FES), FES);
    assert.deepEqual(await cordon(flag), { shut: { pending: [], ask: [] } });
    await change(flag, fleet([BUD], { add: null }));
    assert.ok((await groupAs(NEC, flag)).fleet[BUD], 'the host adds to a group that is shut');
    const ban = inGroup(flag, { cordon: { open: { 'add-ships': [BUD] } } });
    assert.match(await refusedEffect(ban), /Only an open group/);
  });

  it('is replaced as a whole, and the members stay', async () => {
    const flag = await newGroup('swap', [NEC, FES]);
    const cordons: readonly Cordon[] = [
      { shut: { pending: [BUD], ask: [] } },
      { afar: { app: '~zod/app', path: '/p', desc: 'asks' } },
      { open: { ships: [BUD], ranks: ['pawn'] } },
    ];
    for (const swap of cordons) {
      await change(flag, { cordon: { swap } });
      const { cordon: shown, fleet: members } = await groupAs(FES, flag);
      assert.deepEqual([shown, Object.keys(members)], [swap, [HOST, NEC, FES]]);
    }
  });
});
