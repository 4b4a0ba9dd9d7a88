import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import aura from '@urbit/aura';
import fc from 'fast-check';
import { changeGroup } from '../../community/groups/change-group.ts';
import { type Entry, NO_ENTRY } from '../../community/groups/entry.ts';
import type { GroupDiff } from '../../community/groups/group-change.ts';
import { newGroup } from '../../community/groups/new-group.ts';
import { millisFromId } from '../../community/schema/id.ts';
import type { Group } from '../../community/types/group.ts';
import { mapValues } from '../../core/json.ts';
import { type AirlockGroup, airlockGroup, type GroupAndEntry, oldGroup } from './group.ts';
import { groupSteps } from './group-facts.ts';
import { type GroupDraft, takeStep } from './test-support/take-step.ts';

const HOST = '~zod';
const META = { title: 'T', description: '', image: '', cover: '' };
const TOKEN = '0v3.k4l5m';

const ship = fc.constantFrom(HOST, '~nec', '~bud', '~fes', '~wes');
const ships = fc.uniqueArray(ship, { minLength: 1, maxLength: 3 });
const nest = fc.constantFrom('chat/~zod/a', 'chat/~zod/b', 'heap/~zod/c', 'diary/~nec/d');
const zone = fc.constantFrom('default', 'x', 'y');
const role = fc.constantFrom('admin', 'vip', 'odd');
const roles = fc.uniqueArray(role, { maxLength: 2 });
const meta = fc.constantFrom(META, { ...META, title: 'Other' });
const of = <T>(key: string, value: fc.Arbitrary<T>) => fc.record({ [key]: value });
const nothing = fc.constant(null);
const channel = fc.record({ meta, added: fc.nat(9), zone, join: fc.boolean(), readers: fc.constantFrom([], ['vip']) });
const scheme = fc.constantFrom({ forever: null }, { limited: 2 }, { personal: '~nec' });
const idx = fc.nat(3);
const post = fc.constantFrom('170141184505', '170141184506');

/** What anybody may do to a group, in the words of hooks and in those of clients. */
const diff = fc.oneof(
  of('meta', meta),
  of('secret', fc.boolean()),
  of('bloc', fc.oneof(of('add', roles), of('del', roles))),
  of('cabal', fc.record({ sect: role, diff: fc.oneof(of('add', meta), of('edit', meta), of('del', nothing)) })),
  of(
    'fleet',
    fc.record({
      ships,
      diff: fc.oneof(of('add', nothing), of('del', nothing), of('add-sects', roles), of('del-sects', roles)),
    }),
  ),
  of(
    'channel',
    fc.record({
      nest,
      diff: fc.oneof(
        of('add', channel),
        of('edit', channel),
        of('del', nothing),
        of('zone', zone),
        of('add-sects', roles),
        of('del-sects', roles),
        of('join', fc.boolean()),
      ),
    }),
  ),
  of(
    'zone',
    fc.record({
      zone,
      delta: fc.oneof(
        of('add', meta),
        of('edit', meta),
        of('del', nothing),
        of('mov', idx),
        of('mov-nest', fc.record({ nest, idx })),
      ),
    }),
  ),
  of(
    'sections',
    fc.record({
      zones: fc.constantFrom(null, { y: { meta: META, idx: ['heap/~zod/c', 'chat/~zod/a'] } }),
      'zone-ord': fc.constantFrom(['y'], []),
    }),
  ),
  of(
    'flag-content',
    fc.record({ nest, 'post-key': fc.record({ post, reply: fc.constantFrom(null, '9') }), src: ship }),
  ),
  of(
    'entry',
    fc.oneof(
      of('privacy', fc.constantFrom('public', 'private', 'secret')),
      of(
        'set-bans',
        fc.record({ ships: fc.constantFrom([], ['~wes']), ranks: fc.constantFrom([], ['pawn'], ['earl']) }),
      ),
      of('invite', fc.record({ ships, token: fc.constantFrom(null, TOKEN), note: nothing })),
      of('pending', fc.record({ ships, roles })),
      of(
        'token',
        of('add', fc.record({ token: fc.constant(TOKEN), scheme, expiry: fc.constant(5000), label: nothing })),
      ),
      of('token', of('del', fc.constant(TOKEN))),
      ...['revoke', 'approve', 'deny'].map((key) => of(key, ships)),
      of('join', fc.constant({ 'join-all': true })),
      of('knock', fc.record({ note: fc.constantFrom(null, [{ inline: ['please'] }]) })),
    ),
  ),
) as fc.Arbitrary<GroupDiff>;

const group = newGroup({ host: HOST, title: 'Club', now: 1 });
const many = fc.array(fc.tuple(fc.oneof(fc.constant(HOST), ship), diff), { maxLength: 25 });

const after = (at: GroupAndEntry, actions: readonly (readonly [string, GroupDiff])[]): GroupAndEntry =>
  actions.reduce<GroupAndEntry>((now, [actor, each], index) => {
    const change = changeGroup({ host: HOST, group: now.group, entry: now.entry }, each, { actor, now: 1000 + index });
    return change.kind === 'changed' ? { group: change.group, entry: change.entry } : now;
  }, at);

const anyGroup = many.map((actions) => after({ group, entry: NO_ENTRY }, actions));

const millisOf = (date: string): number => millisFromId(aura.parse('da', date));

/** The way back: what the community keeps, of what clients see and who invited whom. */
const communityGroup = (json: AirlockGroup, kept: Entry, cordon: Group['cordon']): GroupAndEntry => {
  const { privacy, banned, pending, requests, tokens, invited } = json.admissions;
  const isOpen = privacy === 'public';
  return {
    group: {
      fleet: mapValues(json.seats, ({ roles, joined }) => ({ sects: [...roles], joined })),
      cabals: mapValues(json.roles, (meta) => ({ meta })),
      zones: mapValues(json.sections, ({ meta, order }) => ({ meta, idx: [...order] })),
      'zone-ord': [...json['section-order']],
      channels: mapValues(json.channels, ({ section, readers, ...rest }) => ({
        ...rest,
        readers: [...readers],
        zone: section,
      })),
      'active-channels': [...json['active-channels']],
      bloc: [...json.admins],
      cordon: isOpen
        ? { open: { ships: [...banned.ships], ranks: [...banned.ranks] } }
        : // The order of ships in a cordon means nothing.
          { shut: 'shut' in cordon ? cordon.shut : { pending: Object.keys(invited), ask: Object.keys(requests) } },
      meta: json.meta,
      secret: privacy === 'secret',
      'flagged-content': json['flagged-content'],
    },
    entry: {
      banned: isOpen ? NO_ENTRY.banned : banned,
      invited: mapValues(invited, ({ at, token }, one) => ({
        ...{ from: kept.invited[one]?.from ?? '', note: kept.invited[one]?.note ?? null },
        ...{ at: millisOf(at), token, roles: pending[one] ?? [] },
      })),
      requests: mapValues(requests, ({ requestedAt, note }) => ({ at: requestedAt, note })),
      tokens: mapValues(tokens, ({ expiry, ...rest }) => ({ ...rest, expiry: millisOf(expiry) })),
    },
  };
};

describe('a group as clients have it', () => {
  it('is all that the community keeps, and nothing else', () => {
    fc.assert(
      fc.property(anyGroup, (kept) => {
        const json = airlockGroup(kept, kept.group['active-channels']);
        const back = communityGroup(json, kept.entry, kept.group.cordon);
        // An open group that says it is secret is public to clients.
        const secret = kept.group.secret && !('open' in kept.group.cordon);
        assert.deepEqual(back, { ...kept, group: { ...kept.group, secret } });
      }),
    );
  });

  it('has every text that clients need', () => {
    fc.assert(
      fc.property(anyGroup, (kept) => {
        const json = airlockGroup(kept, []);
        const metas = [json, ...Object.values(json.channels), ...Object.values(json.sections)].map(({ meta }) => meta);
        for (const { title, description, image, cover } of [...metas, ...Object.values(json.roles)]) {
          assert.ok([title, description, image, cover].every((text) => typeof text === 'string'));
        }
        assert.equal(json['member-count'], Object.keys(json.seats).length);
      }),
    );
  });

  it('is of before in the words of before', () => {
    assert.deepEqual(oldGroup({ group, entry: NO_ENTRY }, []), { ...group, saga: { synced: null } });
  });
});

describe('the steps from one group to another', () => {
  /** What no step says, or says in an order that means nothing. */
  const comparable = (json: AirlockGroup) => ({
    ...json,
    ...{ admins: [...json.admins].sort(), 'member-count': 0 },
    admissions: {
      ...json.admissions,
      invited: {},
      banned: mapValues(json.admissions.banned, (list) => [...list].sort()),
    },
    seats: mapValues(json.seats, (seat) => ({ ...seat, roles: [...seat.roles].sort() })),
    channels: mapValues(json.channels, (one) => ({ ...one, readers: [...one.readers].sort() })),
  });

  it('lead there, whatever was done', () => {
    fc.assert(
      fc.property(anyGroup, many, (first, actions) => {
        const second = after(first, actions);
        const json = structuredClone(airlockGroup(first, [])) as GroupDraft;
        for (const step of groupSteps(first, second)) takeStep(json, structuredClone(step));
        assert.deepEqual(comparable(json), comparable(airlockGroup(second, [])));
        assert.deepEqual(groupSteps(second, structuredClone(second)), []);
      }),
    );
  });

  it('of one action are one step, in the words of clients', () => {
    const full = after({ group, entry: NO_ENTRY }, [
      [HOST, { fleet: { ships: ['~nec'], diff: { add: null } } }],
      [HOST, { cabal: { sect: 'vip', diff: { add: META } } }],
    ]);
    const stepsOf = (diff: GroupDiff) => groupSteps(full, after(full, [[HOST, diff]]));
    assert.deepEqual(stepsOf({ meta: META }), [{ meta: META }]);
    assert.deepEqual(stepsOf({ entry: { privacy: 'private' } }), [{ entry: { privacy: 'private' } }]);
    assert.deepEqual(stepsOf({ fleet: { ships: ['~nec'], diff: { 'add-sects': ['vip'] } } }), [
      { seat: { ships: ['~nec'], 'r-seat': { 'add-roles': ['vip'] } } },
    ]);
    assert.deepEqual(stepsOf({ fleet: { ships: ['~bud'], diff: { add: null } } }), [
      { seat: { ships: ['~bud'], 'r-seat': { add: { roles: [], joined: 0 } } } },
    ]);
    assert.deepEqual(stepsOf({ bloc: { add: ['vip'] } }), [
      { role: { roles: ['vip'], 'r-role': { 'set-admin': null } } },
    ]);
    assert.deepEqual(stepsOf({ entry: { ban: { 'add-ships': ['~bud'] } } }), [
      { entry: { ban: { 'add-ships': ['~bud'] } } },
    ]);
    const { zone: _zone, ...listed } = { meta: META, added: 1, zone: 'default', join: true, readers: [] };
    assert.deepEqual(stepsOf({ channel: { nest: 'chat/~zod/a', diff: { add: { ...listed, zone: 'default' } } } }), [
      { channel: { nest: 'chat/~zod/a', 'r-channel': { add: { ...listed, section: 'default' } } } },
    ]);
  });
});
