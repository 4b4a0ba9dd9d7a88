import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LARGEST_PROFILE, mergeProfile } from './profile.ts';

describe('a profile', () => {
  it('is merged field by field, and null deletes one', () => {
    const profile = { nickname: { text: 'Nec' }, status: { text: 'here' } };
    assert.deepEqual(mergeProfile(profile, { status: null, color: { tint: 255 } }), {
      nickname: { text: 'Nec' },
      color: { tint: 255 },
    });
    assert.deepEqual(profile, { nickname: { text: 'Nec' }, status: { text: 'here' } });
  });

  it('keeps fields that only its ship knows', () => {
    assert.deepEqual(mergeProfile({}, { pronouns: { text: 'they' } }), { pronouns: { text: 'they' } });
  });

  it('says which field is wrong', () => {
    const wrong = [
      [{ nickname: { text: 'x'.repeat(65) } }, /^nickname: must have at most 64 bytes/],
      [{ bio: { text: 'é'.repeat(1025) } }, /^bio: must have at most 2048 bytes/],
      [{ nickname: { numb: 1 } }, /^nickname: must be of the kind text, and is numb/],
      [{ avatar: { look: 'data:image/png;base64,x' } }, /^avatar: must be the address/],
      [{ groups: { set: [{ flag: '~zod/a' }, { text: 'b' }] } }, /^groups: all values of a set are of one kind/],
      [{ note: { text: 'x'.repeat(LARGEST_PROFILE) } }, /at most 10000 are kept/],
    ] as const;
    for (const [change, message] of wrong) {
      assert.throws(() => mergeProfile({}, change as Parameters<typeof mergeProfile>[1]), {
        name: 'TypeError',
        message,
      });
    }
  });
});
