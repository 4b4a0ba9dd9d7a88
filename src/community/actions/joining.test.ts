// Who is in which channel of a group, and who is not.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { createPlaceReads } from '../api/place-reads.ts';
import { readChannel } from '../channels/channel-store.ts';
import { readMembership } from '../channels/membership-store.ts';
import { readGroup } from '../groups/group-store.ts';
import { readJoinedGroups } from '../groups/group-summaries.ts';
import { normalizeShip } from '../schema/ship.ts';
import { BUD, createWorld, FES, GROUP, LOUNGE, META, memoOf, NEC, withLounge, ZOD } from '../test-support/world.ts';

const world = await createWorld(lastFirst({ after }));
const { act, refusal, database, feedOf, summaryOf } = world;
const { post, reply, inLounge } = await withLounge(world, [NEC]);

const EMPTY = { fleet: {}, cabals: {}, zones: {}, 'zone-ord': [], channels: {}, 'active-channels': [] };
const OPEN = { open: { ships: [], ranks: [] } };
const groupOf = (more: object = {}) => ({
  ...{ ...EMPTY, bloc: ['admin'], cordon: OPEN, meta: META, secret: false, 'flagged-content': {} },
  ...more,
});
const onGroup = (flag: string, diff: object) => ({ groups: { flag, update: { diff } } });
const listed = { meta: META, added: 0, zone: 'default', join: true, readers: [] };
const isIn = async (ship: string, nest = LOUNGE) => (await readMembership(database, nest, ship)) !== undefined;

describe('a group that lists a channel of another group', () => {
  it('reads nothing of it, however it is listed, and learns nothing of its posts', async () => {
    const flag = `${FES}/evil`;
    await act(FES, onGroup(flag, { create: groupOf({ channels: { [LOUNGE]: listed } }) }));
    const id = await post(NEC, 'a secret');
    await act(BUD, onGroup(flag, { fleet: { ships: [BUD], diff: { add: null } } }));
    await act(FES, onGroup(flag, { channel: { nest: LOUNGE, diff: { del: null } } }));
    await act(FES, onGroup(flag, { channel: { nest: LOUNGE, diff: { add: listed } } }));
    for (const ship of [FES, BUD]) {
      assert.equal(await isIn(ship), false);
      assert.match(
        await refusal(ship, { channels: { channel: { nest: LOUNGE, action: { join: flag } } } }),
        /no channel/,
      );
      assert.deepEqual(
        (await feedOf(ship)).filter(({ key }) => key === `channel/${LOUNGE}`),
        [],
      );
      assert.equal(await summaryOf(ship, `channel/${LOUNGE}`), undefined);
    }
    const flagged = (one: string) =>
      onGroup(flag, { 'flag-content': { nest: LOUNGE, 'post-key': { post: one, reply: null }, src: FES } });
    assert.equal(
      await refusal(FES, flagged(id)),
      await refusal(FES, flagged('170141184507313431682019536779450777601')),
    );
  });
});

describe('a channel that a ship may not read', () => {
  it('is to it as if it were not there, whatever it does', async () => {
    const flag = `${FES}/quiet`;
    const [hidden, none] = [`chat/${FES}/hidden`, `chat/${FES}/none`];
    await act(FES, onGroup(flag, { create: groupOf() }));
    await act(NEC, onGroup(flag, { fleet: { ships: [NEC], diff: { add: null } } }));
    const words = { kind: 'chat', name: 'hidden', title: 'T', description: '', readers: ['admin'], writers: [] };
    await act(FES, { channels: { create: { ...words, group: flag } } });
    const asked = [{ join: flag }, { join: '~zod/other' }, { view: 'grid' }, { watch: null }];
    for (const ship of [NEC, BUD]) {
      for (const action of [...asked, { post: { add: { ...memoOf(ship, 'x'), 'kind-data': { chat: null } } } }]) {
        const said = await refusal(ship, { channels: { channel: { nest: hidden, action } } });
        assert.equal(
          said.replace(hidden, none),
          await refusal(ship, { channels: { channel: { nest: none, action } } }),
          JSON.stringify(action),
        );
      }
      for (const nest of [hidden, none]) await act(ship, { channels: { channel: { nest, action: { leave: null } } } });
    }
  });
});

describe('a group that says at its beginning who has come', () => {
  it('has only its host in it: the others are invited', async () => {
    const flag = `${FES}/forced`;
    const fleet = { [BUD]: { sects: ['admin'], joined: 1 }, [FES]: { sects: [], joined: 0 } };
    await act(FES, onGroup(flag, { create: groupOf({ fleet }) }));
    const made = await readGroup(database, flag);
    assert.deepEqual(made?.group.fleet, {
      [FES]: { sects: [], joined: world.clock.now() },
      [BUD]: { sects: ['admin'], joined: 0 },
    });
    assert.ok(!(await readJoinedGroups(database, BUD)).some((joined) => joined.flag === flag));
  });
});

describe('a ship that was added by an admin', () => {
  it('joins the channels for new members when it comes by itself, and the admins are told', async () => {
    await act(ZOD, onGroup(GROUP, { channel: { nest: LOUNGE, diff: { join: true } } }));
    await act(ZOD, onGroup(GROUP, { fleet: { ships: [BUD], diff: { add: null } } }));
    assert.equal(await isIn(BUD), false);
    await act(BUD, onGroup(GROUP, { fleet: { ships: [BUD], diff: { add: null } } }));
    assert.equal(await isIn(BUD), true);
    const [told] = await feedOf(ZOD, { limit: 1 });
    assert.deepEqual(told?.event, { 'group-join': { group: GROUP, ship: BUD } });
  });
});

describe('a stranger to a group that is shut', () => {
  it('adds nobody, and does not make members strangers again', async () => {
    await act(ZOD, onGroup(GROUP, { cordon: { swap: { shut: { pending: [], ask: [] } } } }));
    const add = (ship: string) => onGroup(GROUP, { fleet: { ships: [ship], diff: { add: null } } });
    assert.match(await refusal(FES, add(NEC)), /Only admins/);
    assert.match(await refusal(FES, add(FES)), /invited/);
  });
});

describe('what clients note of a channel', () => {
  it('is kept as it was written, up to a bound, and changed by admins only', async () => {
    const change = (meta: string | null) => ({ channels: { channel: { nest: LOUNGE, action: { meta } } } });
    await act(ZOD, change('{"version": 1}'));
    assert.equal((await readChannel(database, LOUNGE))?.doc.meta, '{"version": 1}');
    assert.match(await refusal(ZOD, change('x'.repeat(65_537))), /at most 65536 characters/);
    assert.match(await refusal(NEC, change(null)), /Only admins/);
    await act(ZOD, change(null));
    assert.equal((await readChannel(database, LOUNGE))?.doc.meta, null);
  });
});

describe('a post that is deleted', () => {
  it('takes its replies out of what others are told', async () => {
    const id = await post(NEC, 'a thread');
    await reply(NEC, id, 'a reply');
    const replies = async () => (await feedOf(ZOD)).filter(({ event }) => 'reply' in event).length;
    assert.equal(await replies(), 1);
    await act(NEC, inLounge({ del: id }));
    assert.equal(await replies(), 0);
  });
});

describe('a ship that is not here', () => {
  it('may be added to a group, is told nothing, and is in it when it is made', async () => {
    const flag = `${ZOD}/open`;
    await act(ZOD, onGroup(flag, { create: groupOf() }));
    await act(ZOD, onGroup(flag, { fleet: { ships: ['~bus'], diff: { add: null } } }));
    await world.ships.add('~bus');
    assert.deepEqual(await feedOf('~bus'), []);
    const { groups } = await createPlaceReads(database).groups('~bus', {});
    assert.deepEqual(
      groups.map((group) => group.flag),
      [flag],
    );
  });
});

describe('members who are removed together', () => {
  it('are told of it, each of themselves, and the admins of all', async () => {
    const flag = `${ZOD}/many`;
    await act(ZOD, onGroup(flag, { create: groupOf() }));
    await act(ZOD, onGroup(flag, { fleet: { ships: [NEC, FES, BUD], diff: { add: null } } }));
    await act(ZOD, onGroup(flag, { fleet: { ships: [NEC], diff: { 'add-sects': ['admin'] } } }));
    await act(ZOD, onGroup(flag, { fleet: { ships: [FES, BUD], diff: { del: null } } }));
    const removed = async (owner: string) =>
      (await feedOf(owner)).flatMap(({ event }) =>
        'group-kick' in event && event['group-kick'].group === flag ? [event['group-kick'].ship] : [],
      );
    assert.deepEqual((await removed(NEC)).sort(), [BUD, FES]);
    assert.deepEqual([await removed(FES), await removed(BUD)], [[FES], [BUD]]);
  });
});

describe('a ship that is in a group no longer', () => {
  it('has nothing of it to read, but that it was removed', async () => {
    const flag = `${ZOD}/left`;
    await act(ZOD, onGroup(flag, { create: groupOf() }));
    await act(ZOD, onGroup(flag, { fleet: { ships: [FES, BUD], diff: { add: null } } }));
    await act(ZOD, onGroup(flag, { fleet: { ships: [FES, BUD], diff: { 'add-sects': ['admin'] } } }));
    await act(FES, onGroup(flag, { fleet: { ships: [FES], diff: { del: null } } }));
    await act(ZOD, onGroup(flag, { fleet: { ships: [BUD], diff: { del: null } } }));
    const kinds = async (owner: string) =>
      (await feedOf(owner)).flatMap(({ event, key }) => (key === `group/${flag}` ? Object.keys(event) : []));
    assert.deepEqual([await kinds(FES), await kinds(BUD)], [[], ['group-kick']]);
  });
});

describe('what is done to a group at once', () => {
  const ships = Array.from({ length: 1001 }, (_, index) => normalizeShip(65_536 + index) as string);

  it('is of at most 1,000 ships', async () => {
    const flag = `${ZOD}/large`;
    const fleet = Object.fromEntries(ships.map((ship) => [ship, { sects: [], joined: 0 }]));
    const refused = async (diff: object) =>
      assert.match(await refusal(ZOD, onGroup(flag, diff)), /^At most 1000 ships/);
    await refused({ create: groupOf({ fleet }) });
    await act(ZOD, onGroup(flag, { create: groupOf() }));
    for (const diff of [{ add: null }, { del: null }, { 'add-sects': ['admin'] }, { 'del-sects': ['admin'] }]) {
      await refused({ fleet: { ships, diff } });
    }
    await refused({ cordon: { open: { 'add-ships': ships } } });
    await act(ZOD, onGroup(flag, { fleet: { ships: ships.slice(1), diff: { add: null } } }));
    await act(ZOD, onGroup(flag, { fleet: { ships: ships.slice(0, 1), diff: { add: null } } }));
    const ranks = onGroup(flag, { cordon: { open: { 'add-ranks': ['duke'] } } });
    assert.match(await refusal(ZOD, ranks), /^More than 1000 members are of these ranks/);
    await act(ZOD, onGroup(flag, { cordon: { swap: { shut: { pending: [], ask: [] } } } }));
    for (const kind of ['pending', 'ask']) await refused({ cordon: { shut: { 'add-ships': { kind, ships } } } });
  });

  it('is of fewer where many admins are told of each', async () => {
    const flag = `${ZOD}/admins`;
    const admins = ships.slice(0, 99);
    await act(ZOD, onGroup(flag, { create: groupOf() }));
    await act(ZOD, onGroup(flag, { fleet: { ships: ships.slice(0, 140), diff: { add: null } } }));
    await act(ZOD, onGroup(flag, { fleet: { ships: admins, diff: { 'add-sects': ['admin'] } } }));
    const remove = (gone: readonly string[]) => onGroup(flag, { fleet: { ships: gone, diff: { del: null } } });
    assert.match(await refusal(ZOD, remove(ships.slice(99, 140))), /^At most 40 ships at once: each of the 99 admins/);
    await act(ZOD, remove(ships.slice(99, 139)));
  });

  it('leaves a group of at most 4 MB as UTF-8, also when it is made', async () => {
    const meta = { ...META, description: 'é'.repeat(2 * 1024 * 1024) };
    const tooLarge = 'A group has at most 4194304 bytes as JSON.';
    assert.equal(await refusal(ZOD, onGroup(`${ZOD}/huge`, { create: groupOf({ meta }) })), tooLarge);
    assert.equal(await refusal(ZOD, onGroup(GROUP, { meta })), tooLarge);
  });
});
