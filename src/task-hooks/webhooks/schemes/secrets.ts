// Secrets of webhooks as their senders write them, and the keys that they stand for.
import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';

const SHORTEST = 8;
const LONGEST = 500;
const RANDOM_BYTES = 32;

/** A new one, in the form that the sender's settings take. */
export const newSecret = (scheme: string): string => {
  const bytes = randomBytes(RANDOM_BYTES);
  if (scheme === 'standard') return `whsec_${bytes.toString('base64')}`;
  return scheme === 'basic' ? `hookwright:${bytes.toString('base64url')}` : bytes.toString('base64url');
};

/** What is wrong with a secret, without a word of it; empty: nothing. */
export const problemsOfSecret = (scheme: string, secret: string): string[] => {
  if (secret.length < SHORTEST || secret.length > LONGEST) {
    return [`A secret has ${SHORTEST} to ${LONGEST} characters.`];
  }
  if (scheme === 'standard' && (standardKeyOf(secret)?.type ?? 'private') === 'private') {
    return [
      'A secret of the scheme standard is whsec_ and at least 16 bytes in base64, or the public key of the sender: ' +
        'whpk_ and 32 bytes in base64.',
    ];
  }
  if (scheme === 'basic' && !/^[^:]+:.+$/s.test(secret)) {
    return ['A secret of the scheme basic is the name and the password, with a colon between them.'];
  }
  if ((scheme === 'bearer' || scheme === 'gitlab') && !/^[!-~]+$/.test(secret)) {
    return [`A secret of the scheme ${scheme} has letters, digits and signs of ASCII only, and no blank.`];
  }
  return [];
};

/** Of the scheme standard: symmetric, or one half of an Ed25519 pair. */
export const standardKeyOf = (secret: string): KeyObject | undefined => {
  const [, prefix = 'whsec', encoded = ''] = /^(?:(whsec|whpk|whsk)_)?(.*)$/s.exec(secret) ?? [];
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) return undefined;
  if (prefix === 'whsec') return bytes.length >= 16 ? createSecretKey(bytes) : undefined;
  if (prefix === 'whpk') return bytes.length === 32 ? publicKeyOf(bytes) : undefined;
  // Some libraries keep the public half behind the private one.
  return bytes.length === 32 || bytes.length === 64 ? privateKeyOf(bytes.subarray(0, 32)) : undefined;
};

// The fixed beginnings of an Ed25519 key in DER (RFC 8410), before its 32 bytes.
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

const publicKeyOf = (bytes: Buffer): KeyObject =>
  createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: 'der', type: 'spki' });

const privateKeyOf = (bytes: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8, bytes]), format: 'der', type: 'pkcs8' });
