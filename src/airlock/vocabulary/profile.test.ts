import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decoder } from '../../community/schema/decode.ts';
import { Contact } from '../../community/types/chat.ts';
import { airlockProfile, communityProfile, olderEdit, olderProfile } from './profile.ts';

const decodeContact = decoder(Contact);

const flag = fc.constantFrom('~zod/club', '~nec/other');
const value = fc.oneof(
  fc.record({ text: fc.string() }),
  fc.record({ numb: fc.nat() }),
  fc.record({ date: fc.integer({ min: -8.64e15, max: 8.64e15 }) }),
  fc.record({ tint: fc.maxSafeNat() }),
  fc.record({ ship: fc.constantFrom('~zod', '~sampel-palnet') }),
  fc.record({ look: fc.webUrl() }),
  fc.record({ flag }),
  fc.record({ set: fc.array(fc.oneof(fc.record({ flag }), fc.record({ date: fc.nat() }), fc.constant(null))) }),
  fc.constant(null),
);
const profile = fc
  .dictionary(fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/), value)
  .map((one): Contact => JSON.parse(JSON.stringify(one)));

const read = (sent: unknown): unknown => {
  const decoded = decodeContact(communityProfile(JSON.parse(JSON.stringify(sent))));
  return decoded.ok ? decoded.value : `${decoded.pointer} ${decoded.reason}`;
};

describe('a profile', () => {
  it('is the same after a client has read it and sent it back', () => {
    fc.assert(fc.property(profile, (one) => assert.deepEqual(read(airlockProfile(one)), one)));
  });

  it('is written as clients of today know it', () => {
    const ours = {
      ...{ nickname: { text: 'Zod' }, color: { tint: 0xff00ff }, born: { date: Date.UTC(2025, 3, 1) } },
      groups: { set: [{ flag: '~zod/club' }] },
    };
    assert.deepEqual(airlockProfile(ours), {
      nickname: { type: 'text', value: 'Zod' },
      color: { type: 'tint', value: 'ff.00ff' },
      born: { type: 'date', value: '~2025.4.1' },
      groups: { type: 'set', value: [{ type: 'flag', value: '~zod/club' }] },
    });
    assert.deepEqual(olderProfile({ ...ours, avatar: { look: 'https://a/b' } }), {
      ...{ nickname: 'Zod', bio: '', status: '', color: '0xff.00ff', avatar: 'https://a/b', cover: null },
      groups: ['~zod/club'],
    });
    assert.equal(olderProfile({}).color, '0x0');
  });

  it('that is none is refused with the place where it is wrong', () => {
    const wrong: readonly [unknown, RegExp][] = [
      [5, /must be an object/],
      [{ color: { type: 'tint', value: 'red' } }, /^\/color\/tint must be a whole number/],
      [{ born: { type: 'date', value: 'today' } }, /^\/born\/date must be a time/],
      [{ x: { type: 'other', value: 1 } }, /^\/x must be an object with one of the keys/],
      [{ x: nested(1_000) }, /^\/x\/set/],
      [{ x: { type: '__proto__', value: 'a' } }, /^\/x/],
      [JSON.parse('{"__proto__": {"type": "text", "value": "a"}}'), /^\/__proto__/],
      [{ x: { type: 'set', value: Array.from({ length: 2_001 }, () => TINT) } }, /^\/x\/set\/2000\/tint/],
      [{ x: { type: '__defineGetter__', value: 'a' } }, /^\/x/],
    ];
    for (const [sent, message] of wrong) assert.match(String(read(sent)), message);
  });
});

const TINT = { type: 'tint', value: 'ff' };

const nested = (depth: number): unknown => {
  let value: unknown = { type: 'set', value: [] };
  for (let n = 1; n < depth; n += 1) value = { type: 'set', value: [value] };
  return value;
};

describe('an edit of an older client', () => {
  it('is a change of a profile; an empty text clears a field', () => {
    const before = { groups: { set: [{ flag: '~zod/club' }] } };
    const edit = [{ nickname: 'Z' }, { bio: '' }, { avatar: null }, { color: '0xff.00ff' }, { cover: 'https://a/b' }];
    assert.deepEqual(olderEdit(edit, before), {
      ...{
        nickname: { text: 'Z' },
        bio: null,
        avatar: null,
        color: { tint: 0xff00ff },
        cover: { look: 'https://a/b' },
      },
    });
    const groups = [{ 'add-group': '~nec/other' }, { 'del-group': '~zod/club' }, { 'add-group': '~nec/other' }];
    assert.deepEqual(olderEdit(groups, before), { groups: { set: [{ flag: '~nec/other' }] } });
  });

  it('of something else is none', () => {
    for (const edits of ['x', [{ shoe: 1 }], [5], [{}], [null]]) assert.equal(olderEdit(edits, {}), undefined);
  });
});
