import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeGroup } from '../../community/groups/change-group.ts';
import { NO_ENTRY } from '../../community/groups/entry.ts';
import type { GroupDiff } from '../../community/groups/group-change.ts';
import { newGroup } from '../../community/groups/new-group.ts';
import { decoder } from '../../community/schema/decode.ts';
import { Action } from '../../community/types/effect.ts';
import { airlockGroup, type GroupAndEntry } from './group.ts';
import { communityActions, decodeGroupAction } from './group-action.ts';
import { groupSteps } from './group-facts.ts';

const HOST = '~zod';
const FLAG = '~zod/club';
const META = { title: 'T', description: '', image: '', cover: '' };
const TOKEN = '0v3.k4l5m';
const LOUNGE = 'chat/~zod/lounge';
const listed = { meta: META, added: 5, section: 'default', readers: [], join: true };

const translate = (json: unknown, actor = HOST): readonly Action[] | string => {
  const decoded = decodeGroupAction(json);
  if (!decoded.ok) return `${decoded.pointer} ${decoded.reason}`;
  const actions = communityActions(decoded.value, { actor, now: 1000, newToken: () => TOKEN });
  if (typeof actions !== 'string') {
    for (const action of actions) assert.deepEqual(decoder(Action)(action), { ok: true, value: action });
  }
  return actions;
};
const ofGroup = (action: object) => ({ group: { flag: FLAG, 'a-group': action } });

const diffOf = (action: Action): GroupDiff => {
  if ('entry' in action) return { entry: action.entry.diff };
  if ('sections' in action) return { sections: action.sections };
  return 'groups' in action ? action.groups.update.diff : assert.fail('it is about no group');
};

const after = (at: GroupAndEntry, json: unknown, actor = HOST): GroupAndEntry => {
  const actions = translate(json, actor);
  if (typeof actions === 'string') assert.fail(actions);
  let now = at;
  for (const action of actions) {
    const change = changeGroup({ host: HOST, ...now }, diffOf(action), { actor, now: 1000 });
    if (change.kind !== 'changed') assert.fail(JSON.stringify([action, change]));
    now = { group: change.group, entry: change.entry };
  }
  return now;
};

const seat = (a: object, ...ships: string[]) => ({ seat: { ships, 'a-seat': a } });
const role = (a: object, ...roles: string[]) => ({ role: { roles, 'a-role': a } });
const channel = (a: object) => ({ channel: { nest: LOUNGE, 'a-channel': a } });
const section = (a: object, id = 'side') => ({ section: { 'section-id': id, 'a-section': a } });
const entry = (a: object) => ({ entry: a });
const scheme = { forever: null };

/** One after the other; each is told in the words in which it was asked. */
const ASKED: readonly object[] = [
  { meta: META },
  role({ add: META }, 'vip'),
  role({ edit: { ...META, title: 'Other' } }, 'vip'),
  role({ 'set-admin': null }, 'vip'),
  role({ 'del-admin': null }, 'vip'),
  seat({ 'add-roles': ['admin'] }, '~nec'),
  seat({ 'del-roles': ['admin'] }, '~nec'),
  channel({ add: listed }),
  channel({ edit: { ...listed, meta: { ...META, description: '{"description":"text"}' } } }),
  section({ add: META }),
  section({ edit: { ...META, title: 'Side' } }),
  channel({ section: 'side' }),
  channel({ 'add-readers': ['admin', 'vip'] }),
  channel({ 'del-readers': ['vip'] }),
  { 'flag-content': { nest: LOUNGE, 'post-key': { post: '170141184505', reply: null }, src: '~zod' } },
  channel({ del: null }),
  section({ del: null }),
  role({ del: null }, 'vip'),
  entry({ privacy: 'private' }),
  entry({ ban: { 'add-ships': ['~fes'] } }),
  entry({ ban: { 'del-ships': ['~fes'] } }),
  entry({ ban: { 'add-ranks': ['pawn'] } }),
  entry({ ban: { 'del-ranks': ['pawn'] } }),
  entry({ privacy: 'secret' }),
  seat({ del: null }, '~nec'),
];

/** `a-seat` is asked, `r-seat` is told. */
const told = (asked: object): unknown => JSON.parse(JSON.stringify(asked).replaceAll('"a-', '"r-'));

describe('what a client asks of a group', () => {
  const begin: GroupAndEntry = { group: newGroup({ host: HOST, title: 'Club', now: 1 }), entry: NO_ENTRY };
  const withNec = after(begin, ofGroup(seat({ add: null }, 'nec')));

  it('is told in the same words when it is done', () => {
    let now = withNec;
    for (const asked of ASKED) {
      const next = after(now, ofGroup(asked));
      assert.deepEqual(groupSteps(now, next), [told(asked)]);
      now = next;
    }
  });

  it('is about those who come, too', () => {
    const shut = after(begin, ofGroup(entry({ privacy: 'private' })));
    const made = after(
      shut,
      ofGroup(entry({ token: { add: { scheme, expiry: '~d1', label: 'L', referral: false } } })),
    );
    assert.deepEqual(made.entry.tokens, { [TOKEN]: { scheme, expiry: 86_401_000, label: 'L' } });
    const invite = { flag: FLAG, ships: ['~nec'], 'a-invite': { token: TOKEN, note: null } };
    const invited = after(made, { invite });
    assert.deepEqual(airlockGroup(invited, []).admissions.invited['~nec'], {
      at: '~1970.1.1..00.00.01',
      token: TOKEN,
    });
    const pending = (a: object) => ofGroup(entry({ pending: { ships: ['~nec'], 'a-pending': a } }));
    assert.deepEqual(after(invited, pending({ add: ['admin'] })).entry.invited['~nec']?.roles, ['admin']);
    assert.deepEqual(after(invited, pending({ edit: { roles: ['admin'] } })).entry.invited['~nec']?.roles, ['admin']);
    assert.deepEqual(after(invited, pending({ del: null })).entry.invited, {});
    assert.deepEqual(after(invited, ofGroup(entry({ token: { del: TOKEN } }))).entry, shut.entry);
    const { group, entry: known } = shut;
    const asked = { group: { ...group, cordon: { shut: { pending: [], ask: ['~nec'] } } }, entry: known };
    const asking = { ...asked, entry: { ...known, requests: { '~nec': { at: 5, note: null } } } };
    const answer = (word: string) => ofGroup(entry({ ask: { ships: ['~nec'], 'a-ask': word } }));
    assert.deepEqual(after(asking, answer('approve')).group.fleet['~nec'], { sects: [], joined: 1000 });
    assert.deepEqual(after(asking, answer('deny')), shut);
    assert.match(String(translate(answer('perhaps'))), /approved or denied/);
  });

  it('can be all sections at once, their order, and where one stands', () => {
    const sections = { side: { meta: META, order: [LOUNGE] } };
    assert.deepEqual(translate(ofGroup({ navigation: { sections, order: ['side'] } })), [
      { sections: { flag: FLAG, zones: { side: { meta: META, idx: [LOUNGE] } }, 'zone-ord': ['side'] } },
    ]);
    const zone = (id: string, delta: object) => ({
      groups: { flag: FLAG, update: { diff: { zone: { zone: id, delta } } } },
    });
    for (const order of [['a', 'b'], { order: ['a', 'b'] }]) {
      assert.deepEqual(translate(ofGroup({ 'section-order': order })), [
        { sections: { flag: FLAG, 'zone-ord': ['a', 'b'] } },
      ]);
    }
    assert.deepEqual(translate(ofGroup(section({ move: '2' }))), [zone('side', { mov: 2 })]);
    assert.deepEqual(translate(ofGroup(section({ 'move-nest': { nest: LOUNGE, idx: 1 } }))), [
      zone('side', { 'mov-nest': { nest: LOUNGE, idx: 1 } }),
    ]);
  });

  it('can be that the group or the membership ends', () => {
    const groups = (diff: object) => ({ groups: { flag: FLAG, update: { diff } } });
    assert.deepEqual(translate(ofGroup({ delete: null })), [groups({ del: null })]);
    assert.deepEqual(translate({ leave: 'nec/club' }, '~nec'), [
      { groups: { flag: '~nec/club', update: { diff: { fleet: { ships: ['~nec'], diff: { del: null } } } } } },
    ]);
  });

  it('is refused with where it is wrong', () => {
    assert.match(String(translate({})), /must have one of the keys group, invite, leave/);
    assert.match(
      String(translate(ofGroup(seat({ add: null }, 'nobody')))),
      /^\/group\/a-group\/seat\/ships\/0 must be/,
    );
    assert.match(
      String(translate(ofGroup(role({ del: null }, ...Array.from({ length: 11 }, (_, n) => `r${n}`))))),
      /At most 10 roles/,
    );
    assert.match(
      String(translate(ofGroup(seat({ add: null }, ...Array.from({ length: 10_001 }, () => 'nec'))))),
      /must have at most 10000 items/,
    );
    const token = (more: object) =>
      translate(ofGroup(entry({ token: { add: { ...{ scheme, expiry: null, label: null }, ...more } } })));
    for (const wrong of [{ expiry: 'soon' }, { scheme: { limited: '1.5' } }, { scheme: { limited: 0 } }]) {
      assert.match(String(token(wrong)), /lasts a duration/);
    }
  });
});
