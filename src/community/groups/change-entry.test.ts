import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { EntryDiff } from '../types/entry.ts';
import type { Cordon, DiffGroups } from '../types/group.ts';
import { changeGroup } from './change-group.ts';
import { bansOf, guestsOf, NO_ENTRY } from './entry.ts';
import type { Consequence, GroupDiff, GroupToChange } from './group-change.ts';
import { isBanned, isMember, mayKnow } from './membership.ts';
import { newGroup } from './new-group.ts';

const HOST = '~zod';
const [ADMIN, MEMBER, STRANGER] = ['~nec', '~sampel-palnet', '~dapnep-ronmyl'] as const;
const META = { title: 'T', description: '', image: '', cover: '' };
const NOTE = [{ inline: ['please'] }];
const TOKEN = '0v3.k4l5m';
const DAY = 86_400_000;

const act = (hosted: GroupToChange, diff: GroupDiff, actor: string = HOST, now = 1000) =>
  changeGroup(hosted, diff, { actor, now });

type Step = readonly [actor: string, diff: GroupDiff, now?: number];
const entry = (diff: EntryDiff): GroupDiff => ({ entry: diff });

/** The group after these, each of which must change it. */
const after = (hosted: GroupToChange, ...steps: readonly Step[]): GroupToChange =>
  steps.reduce((at, [actor, diff, now]) => {
    const change = act(at, diff, actor, now);
    return change.kind === 'changed'
      ? { host: HOST, group: change.group, entry: change.entry }
      : assert.fail(JSON.stringify([diff, change]));
  }, hosted);

const refusal = (hosted: GroupToChange, actor: string, diff: EntryDiff, now?: number): string => {
  const change = act(hosted, entry(diff), actor, now);
  return change.kind === 'refused' ? change.reason : assert.fail(`${JSON.stringify(diff)}: ${change.kind}`);
};

const consequences = (hosted: GroupToChange, actor: string, diff: EntryDiff): readonly Consequence[] => {
  const change = act(hosted, entry(diff), actor);
  return change.kind === 'changed' ? change.consequences : assert.fail(change.kind);
};

const JOIN: EntryDiff = { join: { 'join-all': true } };
const invite = (ship: string, more: object = {}): EntryDiff => ({
  invite: { ...{ ships: [ship], token: null, note: null }, ...more },
});

const open = after(
  { host: HOST, group: newGroup({ host: HOST, title: 'Club', now: 1 }), entry: NO_ENTRY },
  [HOST, { fleet: { ships: [ADMIN], diff: { add: null } } }],
  [HOST, { fleet: { ships: [ADMIN], diff: { 'add-sects': ['admin'] } } }],
  [HOST, { cabal: { sect: 'vip', diff: { add: META } } }],
  [MEMBER, entry(JOIN)],
);
const shut = after(open, [ADMIN, entry({ privacy: 'private' })]);
const secret = after(open, [ADMIN, entry({ privacy: 'secret' })]);

describe('the privacy of a group', () => {
  it('is changed by admins, and is what its cordon says', () => {
    assert.deepEqual([shut.group.cordon, shut.group.secret], [{ shut: { pending: [], ask: [] } }, false]);
    assert.deepEqual([secret.group.cordon, secret.group.secret], [{ shut: { pending: [], ask: [] } }, true]);
    assert.deepEqual(after(secret, [HOST, entry({ privacy: 'public' })]).group, open.group);
    assert.match(refusal(open, MEMBER, { privacy: 'private' }), /Only admins/);
    assert.match(refusal(open, HOST, { privacy: 'odd' }), /public, private or secret/);
  });

  it('keeps bans and invitations, whatever it is', () => {
    const before = after(open, [HOST, entry({ ban: { 'add-ships': [MEMBER] } })], [HOST, entry(invite(STRANGER))]);
    const closed = after(before, [HOST, entry({ privacy: 'secret' })]);
    assert.deepEqual(bansOf(closed).ships, [MEMBER]);
    assert.deepEqual(closed.group.cordon, { shut: { pending: [STRANGER], ask: [] } });
    const again = after(closed, [HOST, entry({ privacy: 'public' })]);
    assert.deepEqual([again.group, again.entry], [before.group, before.entry]);
  });

  it('hides a secret group from strangers only', () => {
    assert.ok(mayKnow(shut, STRANGER));
    assert.ok(!mayKnow(secret, STRANGER));
    assert.ok(mayKnow(secret, MEMBER));
    assert.ok(mayKnow(after(secret, [HOST, entry(invite(STRANGER))]), STRANGER));
  });
});

describe('a ban', () => {
  it('removes and uninvites, and keeps away, also from a group that is shut', () => {
    const asked = after(shut, [STRANGER, entry({ knock: { note: null } })]);
    const banned = after(asked, [ADMIN, entry({ ban: { 'add-ships': [MEMBER, STRANGER] } })]);
    assert.deepEqual(consequences(asked, ADMIN, { ban: { 'add-ships': [MEMBER, STRANGER] } }), [
      { kind: 'kicked', ships: [MEMBER] },
    ]);
    assert.deepEqual(banned.group.cordon, { shut: { pending: [], ask: [] } });
    for (const diff of [JOIN, { knock: { note: null } }] as EntryDiff[]) {
      assert.match(refusal(banned, STRANGER, diff), /banned/);
    }
    assert.match(refusal(banned, HOST, invite(STRANGER)), /banned/);
    const free = after(banned, [HOST, entry({ ban: { 'del-ships': [STRANGER] } })]);
    assert.ok(after(free, [STRANGER, entry({ knock: { note: null } })]));
    assert.deepEqual(bansOf(after(banned, [HOST, entry({ 'set-bans': { ships: [], ranks: ['pawn'] } })])), {
      ships: [],
      ranks: ['pawn'],
    });
  });

  it('is of nobody who hosts, and by admins', () => {
    assert.match(refusal(open, ADMIN, { ban: { 'add-ships': [HOST] } }), /cannot be banned/);
    assert.match(refusal(open, MEMBER, { ban: { 'add-ships': [STRANGER] } }), /Only admins/);
  });
});

describe('an invitation', () => {
  it('says from whom and when, and is gone when the ship comes or declines', () => {
    for (const group of [open, shut, secret]) {
      const invited = after(group, [ADMIN, entry(invite(STRANGER, { note: NOTE })), 5000]);
      assert.deepEqual(invited.entry.invited[STRANGER], {
        ...{ from: ADMIN, at: 5000, token: null, note: NOTE, roles: [] },
      });
      assert.ok(guestsOf(invited).has(STRANGER));
      const joined = after(invited, [STRANGER, entry(JOIN), 7000]);
      assert.deepEqual(joined.group.fleet[STRANGER], { sects: [], joined: 7000 });
      assert.deepEqual([joined.entry.invited, guestsOf(joined).has(STRANGER)], [{}, false]);
      assert.deepEqual(after(invited, [STRANGER, entry({ decline: null })]).entry, group.entry);
      assert.deepEqual(after(invited, [ADMIN, entry({ revoke: [STRANGER] })]).entry, group.entry);
    }
  });

  it('is by members to an open group, and by admins to any', () => {
    assert.ok(after(open, [MEMBER, entry(invite(STRANGER))]));
    assert.match(refusal(shut, MEMBER, invite(STRANGER)), /Only admins/);
    assert.match(refusal(open, STRANGER, invite(STRANGER)), /Only admins/);
    const many = { ships: Array.from({ length: 21 }, (_, n) => `~s${n}`), token: null, note: null };
    assert.match(refusal(open, MEMBER, { invite: many }), /at most 20 ships/);
  });

  it('can promise roles', () => {
    const promised = after(shut, [HOST, entry({ pending: { ships: [STRANGER], roles: ['vip'] } })]);
    assert.deepEqual(after(promised, [STRANGER, entry(JOIN)]).group.fleet[STRANGER]?.sects, ['vip']);
    assert.match(refusal(shut, HOST, { pending: { ships: [STRANGER], roles: ['none'] } }), /not defined/);
  });

  it('is being added by an admin; whoever has come stays as they are', () => {
    const added = after(open, [ADMIN, entry({ add: [STRANGER, MEMBER] })]);
    assert.deepEqual(added.group.fleet[STRANGER], { sects: [], joined: 0 });
    assert.deepEqual(added.group.fleet[MEMBER], open.group.fleet[MEMBER]);
    assert.equal(act(open, entry({ add: [MEMBER] })).kind, 'unchanged');
    assert.match(refusal(open, MEMBER, { add: [STRANGER] }), /Only admins/);
  });

  it('of the old kind is one as well', () => {
    const pending: Cordon = { shut: { pending: [STRANGER], ask: [] } };
    const swapped = after(open, [HOST, { cordon: { swap: pending } }]);
    assert.equal(swapped.entry.invited[STRANGER]?.from, HOST);
    const added = after(open, [HOST, { fleet: { ships: [STRANGER], diff: { add: null } } }]);
    assert.ok(guestsOf(added).has(STRANGER));
    assert.ok(!isMember(after(added, [STRANGER, entry({ decline: null })]).group, STRANGER));
  });

  it('with a token is as good as the token', () => {
    const add = (scheme: object, token = TOKEN) =>
      entry({ token: { add: { token, scheme, expiry: DAY, label: 'L' } } } as EntryDiff);
    const made = after(shut, [HOST, add({ limited: 1 })]);
    const invited = after(made, [HOST, entry(invite(STRANGER, { token: TOKEN }))]);
    const joined = after(invited, [STRANGER, entry(JOIN)]);
    assert.deepEqual(joined.entry.tokens, {});
    assert.match(refusal(invited, STRANGER, JOIN, 2 * DAY), /expired/);
    assert.match(refusal(joined, HOST, invite(STRANGER, { token: TOKEN })), /no such token/);
    const back = after(invited, [HOST, entry({ token: { del: TOKEN } })]);
    assert.deepEqual([back.entry, back.group], [shut.entry, shut.group]);
    const personal = after(shut, [HOST, add({ personal: MEMBER })], [HOST, entry(invite(STRANGER, { token: TOKEN }))]);
    assert.match(refusal(personal, STRANGER, JOIN), /expired/);
  });
});

describe('a request', () => {
  it('lets in at once where nobody is needed for that', () => {
    assert.ok(isMember(after(open, [STRANGER, entry({ knock: { note: null } })]).group, STRANGER));
    const invited = after(shut, [HOST, entry(invite(STRANGER))]);
    assert.ok(isMember(after(invited, [STRANGER, entry({ knock: { note: null } })]).group, STRANGER));
  });

  it('waits with its note for an admin, who approves or denies it', () => {
    const asked = after(shut, [STRANGER, entry({ knock: { note: NOTE } }), 9000]);
    assert.deepEqual(asked.entry.requests, { [STRANGER]: { at: 9000, note: NOTE } });
    assert.deepEqual(asked.group.cordon, { shut: { pending: [], ask: [STRANGER] } });
    assert.deepEqual(after(asked, [STRANGER, entry({ rescind: null })]).entry, shut.entry);
    assert.deepEqual(after(asked, [ADMIN, entry({ deny: [STRANGER] })]).entry, shut.entry);
    assert.deepEqual(consequences(asked, ADMIN, { approve: [STRANGER] }), [
      { kind: 'joined', ship: STRANGER, all: true },
    ]);
    const joined = after(asked, [ADMIN, entry({ approve: [STRANGER] }), 9500]);
    assert.deepEqual([joined.group.fleet[STRANGER]?.joined, joined.entry], [9500, shut.entry]);
    assert.match(refusal(asked, MEMBER, { approve: [STRANGER] }), /Only admins/);
    assert.equal(act(shut, entry({ approve: [STRANGER] })).kind, 'unchanged');
    assert.match(
      refusal(shut, STRANGER, { knock: { note: [{ inline: ['x'.repeat(5000)] }] } }),
      /at most 4096 characters/,
    );
  });

  it('is needed to come into a group that is shut', () => {
    assert.match(refusal(shut, STRANGER, JOIN), /Only ships that are invited/);
  });
});

describe('the sections of a group', () => {
  it('are replaced as a whole, and every channel stands in one', () => {
    const nests = ['chat/~zod/a', 'chat/~zod/b', 'chat/~zod/c'];
    const channel = { meta: META, added: 1, zone: 'default', join: true, readers: [] };
    const full = after(open, ...nests.map((nest): Step => [HOST, { channel: { nest, diff: { add: channel } } }]));
    const zones = { side: { meta: META, idx: ['chat/~zod/c', 'chat/~zod/a', 'chat/~zod/none', 'chat/~zod/c'] } };
    const { group } = after(full, [ADMIN, { sections: { zones, 'zone-ord': ['side', 'gone'] } }]);
    assert.deepEqual(group.zones.side?.idx, ['chat/~zod/c', 'chat/~zod/a']);
    assert.deepEqual(group.zones.default?.idx, ['chat/~zod/b']);
    assert.deepEqual(group['zone-ord'], ['side', 'default']);
    assert.deepEqual(
      nests.map((nest) => group.channels[nest]?.zone),
      ['side', 'default', 'side'],
    );
    assert.equal(act(full, { sections: { zones, 'zone-ord': [] } }, MEMBER).kind, 'refused');
    const other = after(full, [HOST, { zone: { zone: 'side', delta: { add: META } } }]);
    const ordered = after(other, [HOST, { sections: { 'zone-ord': ['default', 'side'] } }]).group;
    assert.deepEqual(ordered, { ...other.group, 'zone-ord': ['default', 'side'] });
  });
});

const ship = fc.constantFrom(HOST, ADMIN, MEMBER, STRANGER, '~bud');
const ships = fc.uniqueArray(ship, { maxLength: 2 });
const of = <T>(key: string, value: fc.Arbitrary<T>) => fc.record({ [key]: value });
const nothing = fc.constant(null);
const kind = fc.record({ kind: fc.constantFrom('ask', 'pending'), ships });
const anyDiff = fc.oneof(
  of(
    'entry',
    fc.oneof(
      of('privacy', fc.constantFrom('public', 'private', 'secret')),
      of('ban', fc.oneof(of('add-ships', ships), of('del-ships', ships))),
      of('invite', fc.record({ ships, token: fc.constantFrom(null, TOKEN), note: nothing })),
      of('pending', fc.record({ ships, roles: fc.constantFrom([], ['vip']) })),
      of('token', of('del', fc.constant(TOKEN))),
      of('token', of('add', fc.constant({ token: TOKEN, scheme: { limited: 1 }, expiry: DAY, label: null }))),
      ...['revoke', 'approve', 'deny'].map((key) => of(key, ships)),
      ...['rescind', 'decline'].map((key) => of(key, nothing)),
      of('join', fc.constant({ 'join-all': true })),
      of('knock', fc.constant({ note: null })),
    ),
  ),
  of('fleet', fc.record({ ships, diff: fc.oneof(of('add', nothing), of('del', nothing)) })),
  of(
    'cordon',
    fc.oneof(
      of('open', fc.oneof(of('add-ships', ships), of('del-ships', ships))),
      of('shut', fc.oneof(of('add-ships', kind), of('del-ships', kind))),
      of('swap', fc.constantFrom({ shut: { pending: [], ask: ['~bud'] } }, { open: { ships: [], ranks: [] } })),
    ),
  ),
) as fc.Arbitrary<DiffGroups | { entry: EntryDiff }>;

it('the entry of a group says the same as its cordon, whoever does what in which words', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(ship, anyDiff), { maxLength: 30 }), (actions) => {
      let at = shut;
      for (const [actor, diff] of actions) {
        const before = structuredClone(at);
        const change = act(at, diff, actor);
        assert.deepEqual(at, before); // what was given is not written into
        if (change.kind === 'changed') at = { host: HOST, group: change.group, entry: change.entry };
        const { cordon, fleet } = at.group;
        const { invited, requests, banned } = at.entry;
        if ('shut' in cordon) {
          assert.deepEqual(Object.keys(invited).sort(), [...cordon.shut.pending].sort());
          assert.deepEqual(Object.keys(requests).sort(), [...cordon.shut.ask].sort());
        } else {
          assert.deepEqual([requests, banned], [{}, { ships: [], ranks: [] }]);
        }
        assert.ok(Object.keys(invited).every((one) => (fleet[one]?.joined ?? 0) === 0));
        // The host may add whoever it wants.
        const isByHost = actor === HOST && ('fleet' in diff || 'cordon' in diff);
        if (change.kind === 'changed' && !isByHost && isMember(at.group, actor) && !isMember(before.group, actor)) {
          assert.ok(!isBanned(at, actor));
        }
      }
    }),
  );
});
