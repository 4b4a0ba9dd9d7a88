// How ships come into groups, as clients say it, and what is done together.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { lastFirst } from '../../../test/support/wait.ts';
import { readMembership } from '../channels/membership-store.ts';
import { readGroup } from '../groups/group-store.ts';
import { BUD, createWorld, FES, GROUP, LOUNGE, META, NEC, withLounge, ZOD } from '../test-support/world.ts';

const world = await createWorld(lastFirst({ after }));
const { act, refusal, database, feedOf, community } = world;
await withLounge(world, [NEC]);

const entry = (diff: object, flag = GROUP) => ({ entry: { flag, diff } });
const isIn = async (ship: string, nest = LOUNGE) => (await readMembership(database, nest, ship)) !== undefined;

const assertTold = async (ship: string, event: object) =>
  assert.ok((await feedOf(ship)).some((told) => isDeepStrictEqual(told.event, event)));

describe('a ship that asks to come in', () => {
  it('is told to the admins, and is in all channels that it may read once it is approved', async () => {
    await act(ZOD, entry({ privacy: 'private' }));
    await world.clock.advance(1000);
    await act(FES, entry({ knock: { note: null } }));
    await assertTold(ZOD, { 'group-ask': { group: GROUP, ship: FES } });
    assert.equal(await isIn(FES), false);
    await act(ZOD, entry({ approve: [FES] }));
    assert.equal(await isIn(FES), true);
  });
});

describe('a secret group', () => {
  it('is to strangers as if it were not there', async () => {
    await act(ZOD, entry({ privacy: 'secret' }));
    for (const diff of [{ knock: { note: null } }, { join: { 'join-all': true } }, { decline: null }]) {
      const none = '~zod/none';
      assert.equal((await refusal(BUD, entry(diff))).replace(GROUP, none), await refusal(BUD, entry(diff, none)));
    }
    await act(ZOD, entry({ invite: { ships: [BUD], token: null, note: null } }));
    await assertTold(BUD, { 'group-invite': { group: GROUP, ship: ZOD } });
    await act(BUD, entry({ join: { 'join-all': true } }));
    assert.equal(await isIn(BUD), true);
  });
});

describe('a ship that is invited no longer', () => {
  const shown = async (flag: string) => world.summaryOf(FES, `group/${flag}`);
  const made = async (name: string): Promise<string> => {
    const flag = `${NEC}/${name}`;
    const empty = { fleet: {}, cabals: {}, zones: {}, 'zone-ord': [], channels: {}, 'active-channels': [], bloc: [] };
    const shut = { cordon: { shut: { pending: [], ask: [] } }, meta: META, secret: false, 'flagged-content': {} };
    await act(NEC, { groups: { flag, update: { diff: { create: { ...empty, ...shut } } } } });
    await act(NEC, entry({ invite: { ships: [FES], token: null, note: null } }, flag));
    assert.equal((await shown(flag))?.notifyCount, 1);
    return flag;
  };

  it('has no activity of the group: it declined, or the invitation was taken back, or the group is gone', async () => {
    const ends: [string, (flag: string) => object][] = [
      [FES, (flag) => entry({ decline: null }, flag)],
      [NEC, (flag) => entry({ revoke: [FES] }, flag)],
      [NEC, (flag) => entry({ ban: { 'add-ships': [FES] } }, flag)],
      [NEC, (flag) => ({ groups: { flag, update: { diff: { del: null } } } })],
    ];
    for (const [index, [by, end]] of ends.entries()) {
      const flag = await made(`ends${index}`);
      await act(by, end(flag));
      assert.equal(await shown(flag), undefined, JSON.stringify(end(flag)));
    }
  });

  it('has it again when it is invited again, and keeps it when it comes', async () => {
    const flag = await made('again');
    await act(FES, entry({ decline: null }, flag));
    await act(NEC, entry({ invite: { ships: [FES], token: null, note: null } }, flag));
    assert.equal((await shown(flag))?.notifyCount, 1);
    await act(FES, entry({ join: { 'join-all': true } }, flag));
    assert.equal((await shown(flag))?.notifyCount, 1);
  });
});

describe('actions that are done together', () => {
  it('are all done, or none of them', async () => {
    const role = (sect: string) => ({
      groups: { flag: GROUP, update: { diff: { cabal: { sect, diff: { add: META } } } } },
    });
    const rolesOf = async () => Object.keys((await readGroup(database, GROUP))?.group.cabals ?? {});
    const refused = await community.act([role('one'), role('one')], { actor: ZOD });
    assert.match(refused.kind === 'refused' ? refused.reason : refused.kind, /defined already/);
    assert.deepEqual(await rolesOf(), ['admin']);
    assert.equal((await community.act([role('one'), role('two')], { actor: ZOD })).kind, 'done');
    assert.deepEqual(await rolesOf(), ['admin', 'one', 'two']);
    assert.equal((await community.act([], { actor: ZOD })).kind, 'done');
  });
});
