import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Channel, Cordon, DiffGroups, Group } from '../types/group.ts';
import { changeGroup } from './change-group.ts';
import { NO_ENTRY } from './entry.ts';
import type { Consequence, GroupChange } from './group-change.ts';
import { mayRead, mayWrite } from './membership.ts';
import { newGroup } from './new-group.ts';

const HOST = '~zod';
const [ADMIN, MEMBER, STRANGER] = ['~nec', '~sampel-palnet', '~dapnep-ronmyl'] as const;
const COMET = '~wacfyl-ronned-sornet-figtem--hanmyl-hobdyn-sogwyt-binzod';
const LOUNGE = 'chat/~zod/lounge';
const META = { title: 'T', description: '', image: '', cover: '' };
const channel = (more: Partial<Channel> = {}): Channel => ({
  ...{ meta: META, added: 1, zone: 'default', join: true, readers: [] },
  ...more,
});

const act = (group: Group, diff: DiffGroups, actor: string = HOST): GroupChange =>
  changeGroup({ host: HOST, group, entry: NO_ENTRY }, diff, { actor, now: 1000 });

/** The group after these, each of which must change it. */
const after = (group: Group, ...diffs: DiffGroups[]): Group =>
  diffs.reduce<Group>((now, diff) => {
    const change = act(now, diff);
    return change.kind === 'changed' ? change.group : assert.fail(JSON.stringify(change));
  }, group);

const consequences = (group: Group, diff: DiffGroups, actor?: string): readonly Consequence[] => {
  const change = act(group, diff, actor);
  return change.kind === 'changed' ? change.consequences : assert.fail(JSON.stringify(change));
};

const isRefused = (group: Group, diff: DiffGroups, actor?: string): boolean =>
  act(group, diff, actor).kind === 'refused';

const shut = (pending: string[] = [], ask: string[] = []): Cordon => ({ shut: { pending, ask } });

const empty = newGroup({ host: HOST, title: 'Club', now: 1 });
const club = after(
  empty,
  { fleet: { ships: [ADMIN, MEMBER], diff: { add: null } } },
  { fleet: { ships: [ADMIN], diff: { 'add-sects': ['admin'] } } },
  { cabal: { sect: 'vip', diff: { add: META } } },
  { channel: { nest: LOUNGE, diff: { add: channel() } } },
);

describe('the members of a group', () => {
  it('are added without roles and have not joined until they come', () => {
    assert.deepEqual(club.fleet[MEMBER], { sects: [], joined: 0 });
    assert.deepEqual(consequences(empty, { fleet: { ships: [MEMBER], diff: { add: null } } }), [
      { kind: 'invited', ships: [MEMBER] },
    ]);
    const joined = act(club, { fleet: { ships: [STRANGER], diff: { add: null } } }, STRANGER);
    assert.ok(joined.kind === 'changed');
    assert.deepEqual(joined.group.fleet[STRANGER], { sects: [], joined: 1000 });
    assert.deepEqual(joined.consequences, [{ kind: 'joined', ship: STRANGER }]);
  });

  it('keep their roles when they are added again', () => {
    const again = after(club, { fleet: { ships: [ADMIN], diff: { add: null } } });
    assert.deepEqual(again.fleet[ADMIN], { sects: ['admin'], joined: 0 });
  });

  it('come into a shut group only when they are invited, or when the host adds them', () => {
    const closed = after(club, { cordon: { swap: shut([STRANGER]) } });
    const join = (ship: string): DiffGroups => ({ fleet: { ships: [ship], diff: { add: null } } });
    assert.ok(isRefused(closed, join(COMET), COMET));
    assert.ok(isRefused(closed, join(COMET), ADMIN));
    const come = act(closed, join(STRANGER), STRANGER);
    assert.ok(come.kind === 'changed');
    assert.deepEqual(come.group.cordon, shut());
    assert.ok(after(closed, join(COMET)).fleet[COMET]);
  });

  it('are removed by admins or go by themselves, but for those who host the group or a channel', () => {
    const remove = (ship: string): DiffGroups => ({ fleet: { ships: [ship], diff: { del: null } } });
    assert.ok(isRefused(club, remove(ADMIN), MEMBER));
    assert.ok(isRefused(club, remove(HOST), ADMIN));
    assert.deepEqual(consequences(club, remove(MEMBER), ADMIN), [{ kind: 'kicked', ships: [MEMBER] }]);
    assert.deepEqual(consequences(club, remove(MEMBER), MEMBER), [{ kind: 'left', ship: MEMBER }]);
    const hosting = after(club, { channel: { nest: `chat/${MEMBER}/den`, diff: { add: channel() } } });
    assert.ok(isRefused(hosting, remove(MEMBER)));
    assert.equal(act(club, remove(STRANGER)).kind, 'unchanged');
  });

  it('get defined roles only, from admins only', () => {
    const give = (ship: string, ...roles: string[]): DiffGroups => ({
      fleet: { ships: [ship], diff: { 'add-sects': roles } },
    });
    assert.deepEqual(after(club, give(MEMBER, 'vip', 'none')).fleet[MEMBER]?.sects, ['vip']);
    assert.deepEqual(consequences(club, give(MEMBER, 'vip')), [
      { kind: 'roles-given', ships: [MEMBER], roles: ['vip'] },
    ]);
    assert.equal(act(club, give(STRANGER, 'vip')).kind, 'unchanged');
    assert.equal(act(club, give(MEMBER, 'none')).kind, 'unchanged');
    assert.ok(isRefused(club, give(MEMBER, 'admin'), MEMBER));
  });

  it('lose roles, but the host never that of an admin', () => {
    const take = (...ships: string[]): DiffGroups => ({ fleet: { ships, diff: { 'del-sects': ['admin'] } } });
    assert.deepEqual(after(club, take(ADMIN)).fleet[ADMIN]?.sects, []);
    assert.equal(act(club, take(ADMIN, HOST)).kind, 'unchanged');
  });
});

describe('who may join', () => {
  const ban = (ship: string): DiffGroups => ({ cordon: { open: { 'add-ships': [ship] } } });

  it('is not a ship that is banned, which goes at once', () => {
    const banned = after(club, ban(MEMBER));
    assert.equal(banned.fleet[MEMBER], undefined);
    assert.deepEqual(consequences(club, ban(MEMBER)), [{ kind: 'kicked', ships: [MEMBER] }]);
    const join: DiffGroups = { fleet: { ships: [MEMBER], diff: { add: null } } };
    assert.ok(isRefused(banned, join, MEMBER));
    assert.ok(!isRefused(after(banned, { cordon: { open: { 'del-ships': [MEMBER] } } }), join, MEMBER));
    assert.ok(isRefused(club, ban(HOST), ADMIN));
    assert.ok(isRefused(club, ban(ADMIN), MEMBER));
  });

  it('is nobody of a rank that is banned', () => {
    const crowd = after(club, { fleet: { ships: [COMET], diff: { add: null } } });
    const without = after(crowd, { cordon: { open: { 'add-ranks': ['pawn', 'czar'] } } });
    assert.deepEqual(Object.keys(without.fleet).sort(), [MEMBER, HOST].sort());
    assert.ok(isRefused(without, { fleet: { ships: [COMET], diff: { add: null } } }, COMET));
    assert.ok(isRefused(club, { cordon: { open: { 'add-ranks': ['knight'] } } }));
  });

  it('is whoever an admin invites to a shut group; others ask', () => {
    const closed = after(club, { cordon: { swap: shut() } });
    const ask: DiffGroups = { cordon: { shut: { 'add-ships': { kind: 'ask', ships: [STRANGER] } } } };
    const invite: DiffGroups = { cordon: { shut: { 'add-ships': { kind: 'pending', ships: [STRANGER] } } } };
    assert.deepEqual(consequences(closed, ask, STRANGER), [{ kind: 'asked', ships: [STRANGER] }]);
    assert.ok(isRefused(closed, ask, MEMBER));
    assert.ok(isRefused(closed, invite, STRANGER));
    const asked = after(closed, ask);
    assert.deepEqual(asked.cordon, shut([], [STRANGER]));
    assert.deepEqual(after(asked, invite).cordon, shut([STRANGER]));
    assert.deepEqual(consequences(asked, invite), [{ kind: 'invited', ships: [STRANGER] }]);
    const back: DiffGroups = { cordon: { shut: { 'del-ships': { kind: 'ask', ships: [STRANGER] } } } };
    assert.equal(act(asked, back, STRANGER).kind, 'changed');
  });

  it('is changed in the way that the group has now', () => {
    assert.ok(isRefused(club, { cordon: { shut: { 'add-ships': { kind: 'pending', ships: [STRANGER] } } } }));
    assert.ok(isRefused(after(club, { cordon: { swap: shut() } }), ban(MEMBER)));
    assert.ok(
      isRefused(after(club, { cordon: { swap: shut() } }), {
        cordon: { shut: { 'add-ships': { kind: 'x', ships: [] } } },
      }),
    );
    const afar: Cordon = { afar: { app: '~zod/app', path: '/p', desc: '' } };
    assert.deepEqual(after(club, { cordon: { swap: afar } }).cordon, afar);
  });
});

describe('the channels of a group', () => {
  const of = (diff: object, nest = LOUNGE): DiffGroups => ({ channel: { nest, diff } }) as DiffGroups;

  it('are listed at the front of their section, moved and unlisted', () => {
    const two = after(club, of({ add: channel() }, 'heap/~zod/art'));
    assert.deepEqual(two.zones.default?.idx, ['heap/~zod/art', LOUNGE]);
    assert.ok(isRefused(two, of({ add: channel() })));
    const parted = after(two, { zone: { zone: 'side', delta: { add: META } } }, of({ zone: 'side' }));
    assert.deepEqual(parted['zone-ord'], ['side', 'default']);
    assert.deepEqual(parted.zones.side?.idx, [LOUNGE]);
    assert.equal(parted.channels[LOUNGE]?.zone, 'side');
    assert.ok(isRefused(two, of({ zone: 'nowhere' })));
    const gone = after(parted, of({ del: null }));
    assert.equal(gone.channels[LOUNGE], undefined);
    assert.deepEqual(gone.zones.side?.idx, []);
    for (const diff of [{ del: null }, { join: true }, { zone: 'side' }, { edit: channel() }, { 'add-sects': ['x'] }]) {
      assert.equal(act(gone, of(diff)).kind, 'unchanged');
    }
  });

  it('are read by all members, or by those with one of their roles', () => {
    const secret = after(club, of({ 'add-sects': ['vip'] }));
    const reads = (group: Group, ship: string) => mayRead({ host: HOST, group }, LOUNGE, ship);
    assert.deepEqual(
      [HOST, ADMIN, MEMBER, STRANGER].map((ship) => reads(club, ship)),
      [true, true, true, false],
    );
    assert.deepEqual(
      [HOST, ADMIN, MEMBER].map((ship) => reads(secret, ship)),
      [true, true, false],
    );
    assert.ok(reads(after(secret, { fleet: { ships: [MEMBER], diff: { 'add-sects': ['vip'] } } }), MEMBER));
    assert.ok(isRefused(club, of({ 'add-sects': ['none'] })));
    assert.deepEqual(after(secret, of({ 'del-sects': ['vip'] })).channels[LOUNGE]?.readers, []);
  });

  it('are written by all members, or by those with one of the writers’ roles', () => {
    const writes = (ship: string, writers: string[]) => mayWrite({ host: HOST, group: club }, LOUNGE, ship, writers);
    assert.deepEqual(
      [HOST, ADMIN, MEMBER, STRANGER].map((ship) => writes(ship, [])),
      [true, true, true, false],
    );
    assert.deepEqual(
      [HOST, ADMIN, MEMBER].map((ship) => writes(ship, ['vip'])),
      [true, true, false],
    );
  });

  it('are changed by admins', () => {
    for (const diff of [{ add: channel() }, { del: null }, { join: false }])
      assert.ok(isRefused(club, of(diff), MEMBER));
    assert.equal(after(club, of({ join: false })).channels[LOUNGE]?.join, false);
    const edited = channel({ meta: { ...META, title: 'New' } });
    assert.deepEqual(after(club, of({ edit: edited })).channels[LOUNGE], edited);
  });
});

describe('the sections of a group', () => {
  const of = (zone: string, delta: object): DiffGroups => ({ zone: { zone, delta } }) as DiffGroups;
  const three = after(club, of('a', { add: META }), of('b', { add: META }));

  it('stand in an order that can be changed', () => {
    assert.deepEqual(three['zone-ord'], ['b', 'a', 'default']);
    assert.deepEqual(after(three, of('b', { mov: 2 }))['zone-ord'], ['a', 'default', 'b']);
    assert.deepEqual(after(three, of('b', { mov: 99 }))['zone-ord'], ['a', 'default', 'b']);
  });

  it('leave their channels to the default one, which stays', () => {
    const moved = after(three, { channel: { nest: LOUNGE, diff: { zone: 'a' } } });
    const gone = after(moved, of('a', { del: null }));
    assert.deepEqual(gone.zones.default?.idx, [LOUNGE]);
    assert.equal(gone.channels[LOUNGE]?.zone, 'default');
    assert.ok(isRefused(three, of('default', { del: null })));
    assert.ok(isRefused(three, of('none', { edit: META })));
  });

  it('have an order of channels', () => {
    const nests = ['chat/~zod/x', 'chat/~zod/y'];
    const more = after(club, ...nests.map((nest): DiffGroups => ({ channel: { nest, diff: { add: channel() } } })));
    const sorted = after(more, of('default', { 'mov-nest': { nest: LOUNGE, idx: 0 } }));
    assert.deepEqual(sorted.zones.default?.idx, [LOUNGE, 'chat/~zod/y', 'chat/~zod/x']);
    assert.equal(act(more, of('a', { edit: META })).kind, 'refused');
    assert.equal(act(more, of('default', { 'mov-nest': { nest: 'chat/~zod/none', idx: 0 } })).kind, 'unchanged');
  });
});

describe('a group', () => {
  it('forgets a role that is deleted, but for its admins', () => {
    const used = after(
      club,
      { fleet: { ships: [MEMBER], diff: { 'add-sects': ['vip'] } } },
      { channel: { nest: LOUNGE, diff: { 'add-sects': ['vip'] } } },
      { bloc: { add: ['vip'] } },
    );
    const del: DiffGroups = { cabal: { sect: 'vip', diff: { del: null } } };
    const gone = after(used, del);
    assert.deepEqual(
      [gone.fleet[MEMBER]?.sects, gone.channels[LOUNGE]?.readers, gone.bloc],
      [[], [], ['admin', 'vip']],
    );
    assert.deepEqual(consequences(used, del), [{ kind: 'role-deleted', role: 'vip' }]);
    assert.deepEqual(after(used, { bloc: { del: ['vip'] } }).bloc, ['admin']);
  });

  it('is described, hidden and deleted by admins', () => {
    assert.deepEqual(after(club, { meta: META }).meta, META);
    assert.equal(after(club, { secret: true }).secret, true);
    assert.equal(act(club, { del: null }, ADMIN).kind, 'deleted');
    assert.ok(isRefused(club, { create: club }));
    for (const diff of [{ meta: META }, { secret: true }, { del: null }, { bloc: { add: ['vip'] } }] as DiffGroups[]) {
      assert.ok(isRefused(club, diff, MEMBER));
    }
  });

  it('keeps who reported what, each once', () => {
    const flag = (src: string, reply: string | null = null): DiffGroups => ({
      'flag-content': { nest: LOUNGE, 'post-key': { post: '170', reply }, src },
    });
    const flagged = act(club, flag(MEMBER), MEMBER);
    assert.ok(flagged.kind === 'changed');
    assert.deepEqual(flagged.group['flagged-content'], {
      [LOUNGE]: { 170: { flagged: true, flaggers: [MEMBER], replies: {} } },
    });
    assert.equal(act(flagged.group, flag(MEMBER), MEMBER).kind, 'unchanged');
    const both = after(flagged.group, flag(ADMIN, '171'));
    assert.deepEqual(both['flagged-content'][LOUNGE]?.[170], {
      flagged: true,
      flaggers: [MEMBER],
      replies: { 171: [ADMIN] },
    });
    assert.ok(isRefused(club, flag(ADMIN), MEMBER));
    assert.ok(isRefused(club, flag(STRANGER), STRANGER));
  });

  it('never loses its host or a channel’s place, whoever does what', () => {
    const ship = fc.constantFrom(HOST, ADMIN, MEMBER, STRANGER, COMET);
    const ships = fc.uniqueArray(ship, { maxLength: 3 });
    const roles = fc.uniqueArray(fc.constantFrom('admin', 'vip', 'none'), { maxLength: 2 });
    const nest = fc.constantFrom(LOUNGE, 'heap/~zod/art', `chat/${MEMBER}/den`);
    const zone = fc.constantFrom('default', 'a', 'b');
    const one = <T>(key: string, value: fc.Arbitrary<T>) => fc.record({ [key]: value });
    const nothing = fc.constant(null);
    const listed = zone.map((name) => channel({ zone: name }));
    const kindAndShips = fc.record({ kind: fc.constantFrom('ask', 'pending'), ships });
    const ranks = fc.uniqueArray(fc.constantFrom('czar', 'duke', 'pawn'), { maxLength: 2 });
    const diff = fc.oneof(
      one(
        'fleet',
        fc.record({
          ships,
          diff: fc.oneof(one('add', nothing), one('del', nothing), one('add-sects', roles), one('del-sects', roles)),
        }),
      ),
      one(
        'channel',
        fc.record({
          nest,
          diff: fc.oneof(
            one('add', listed),
            one('edit', listed),
            one('del', nothing),
            one('zone', zone),
            one('add-sects', roles),
          ),
        }),
      ),
      one(
        'cabal',
        fc.record({
          sect: fc.constantFrom('vip', 'none'),
          diff: fc.oneof(one('add', fc.constant(META)), one('del', nothing)),
        }),
      ),
      one(
        'zone',
        fc.record({
          zone,
          delta: fc.oneof(
            one('add', fc.constant(META)),
            one('del', nothing),
            one('mov', fc.nat(4)),
            one('mov-nest', fc.record({ nest, idx: fc.nat(4) })),
          ),
        }),
      ),
      one(
        'cordon',
        fc.oneof(
          one('open', fc.oneof(one('add-ships', ships), one('add-ranks', ranks), one('del-ranks', ranks))),
          one('shut', fc.oneof(one('add-ships', kindAndShips), one('del-ships', kindAndShips))),
          one('swap', fc.constantFrom(shut(), { open: { ships: [], ranks: [] } })),
        ),
      ),
      one('bloc', fc.oneof(one('add', roles), one('del', roles))),
    ) as fc.Arbitrary<DiffGroups>;
    fc.assert(
      fc.property(fc.array(fc.tuple(ship, diff), { maxLength: 30 }), (actions) => {
        let group = club;
        for (const [actor, each] of actions) {
          const before = structuredClone(group);
          const change = act(group, each, actor);
          assert.deepEqual(group, before); // what was given is not written into
          if (change.kind === 'changed') group = change.group;
          assert.ok(group.fleet[HOST]?.sects.includes('admin'));
          assert.deepEqual([...group['zone-ord']].sort(), Object.keys(group.zones).sort());
          const placed = Object.entries(group.zones).flatMap(([name, { idx }]) => idx.map((nest) => [nest, name]));
          const expected = Object.entries(group.channels).map(([nest, { zone }]) => [nest, zone]);
          assert.deepEqual(placed.sort(), expected.sort());
        }
      }),
    );
  });
});
