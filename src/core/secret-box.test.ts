import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createSecretBox, secretsAreEqual, signaturesAreEqual } from './secret-box.ts';

const box = createSecretBox(randomBytes(32));

describe('a secret at rest', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (secret, context) => {
        assert.equal(box.open(box.seal(secret, context), context), secret);
      }),
    );
  });

  it('never looks the same twice, and does not show itself', () => {
    const sealed = [box.seal('the secret', 'c'), box.seal('the secret', 'c')];
    assert.notDeepEqual(sealed[0], sealed[1]);
    assert.equal(sealed[0]?.includes('secret'), false);
  });

  it('cannot be opened when a single bit or the length was altered', () => {
    const sealed = box.seal('the secret', 'context');
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const altered = Buffer.from(sealed);
      altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.throws(() => box.open(altered, 'context'), `bit ${bit}`);
    }
    for (let length = 0; length < sealed.length; length += 1) {
      assert.throws(() => box.open(sealed.subarray(0, length), 'context'), `${length} bytes`);
    }
    assert.throws(() => box.open(Buffer.concat([sealed, Buffer.of(0)]), 'context'));
  });

  it('cannot be opened for another row, nor with another key', () => {
    const sealed = box.seal('the secret', 'clients:a');
    assert.throws(() => box.open(sealed, 'clients:b'));
    assert.throws(() => createSecretBox(randomBytes(32)).open(sealed, 'clients:a'));
  });
});

describe('a key', () => {
  it('has 32 bytes', () => {
    for (const length of [0, 16, 31, 33]) assert.throws(() => createSecretBox(randomBytes(length)), RangeError);
  });

  it('is told from another by its fingerprint, which is always the same', () => {
    const key = randomBytes(32);
    assert.equal(createSecretBox(key).fingerprint, createSecretBox(key).fingerprint);
    assert.notEqual(createSecretBox(key).fingerprint, box.fingerprint);
    assert.equal(createSecretBox(key).fingerprint.includes(key.toString('hex').slice(0, 8)), false);
  });
});

describe('a derived box', () => {
  it('opens what it has sealed, and nothing of another one', () => {
    const box = createSecretBox(randomBytes(32));
    const [one, same, other] = [box.derive('one'), box.derive('one'), box.derive('other')];
    const sealed = one.seal('secret', 'here');
    assert.equal(same.open(sealed, 'here'), 'secret');
    for (const wrong of [other, box]) assert.throws(() => wrong.open(sealed, 'here'));
  });

  it('has another nonce each time, however many there are', () => {
    const box = createSecretBox(randomBytes(32));
    const nonces = new Set(Array.from({ length: 1_000 }, () => box.seal('x', 'y').toString('hex', 1, 13)));
    assert.equal(nonces.size, 1_000);
  });
});

describe('the digest of a secret', () => {
  it('is the same for the same secret of the same context, under the same key', () => {
    const key = randomBytes(32);
    const digest = createSecretBox(key).digest('s', 'ships');
    assert.deepEqual(createSecretBox(key).digest('s', 'ships'), digest);
    for (const other of [
      createSecretBox(key).digest('s', 'ship'),
      box.digest('s', 'ships'),
      box.digest('t', 'ships'),
    ]) {
      assert.notDeepEqual(other, digest);
    }
  });
});

describe('comparing secrets', () => {
  it('says whether they are equal, also when their lengths differ', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => {
        assert.equal(secretsAreEqual(left, right), left === right);
        assert.equal(secretsAreEqual(left, left), true);
      }),
    );
  });

  it('says whether signatures are equal, also when their lengths differ', () => {
    fc.assert(
      fc.property(fc.base64String(), fc.base64String(), (left, right) => {
        assert.equal(signaturesAreEqual(left, right), left === right);
        assert.equal(signaturesAreEqual(left, left), true);
      }),
    );
  });
});
