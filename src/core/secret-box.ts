// Secrets at rest: AES-256-GCM under one key that lives outside the database.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

export type SecretBox = {
  /**
   * What is stored: version, nonce, authentication tag and ciphertext. `context` binds it to its
   * row, so that rows cannot be swapped.
   */
  readonly seal: (secret: string, context: string) => Buffer;
  readonly sealBytes: (secret: Uint8Array, context: string) => Buffer;
  /**
   * The secret again. Throws when the bytes were altered, or sealed under another key or for
   * another context.
   */
  readonly open: (sealed: Uint8Array, context: string) => string;
  readonly openBytes: (sealed: Uint8Array, context: string) => Buffer;
  /** Equal for equal secrets of one context; tells nothing without the key. To look one up. */
  readonly digest: (secret: string, context: string) => Buffer;
  /**
   * Another box, under a key that is made of this one's: for what is so much that one key would
   * meet a nonce twice. That is likely enough to matter after four billion secrets.
   */
  readonly derive: (purpose: string) => SecretBox;
  /** Tells two keys apart without telling anything about them. */
  readonly fingerprint: string;
};

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const TEXT_AT = 1 + NONCE_BYTES + TAG_BYTES;
export const ENCRYPTION_KEY_BYTES = 32;

/** @param key 32 bytes. */
export const createSecretBox = (key: Uint8Array): SecretBox => {
  if (key.length !== ENCRYPTION_KEY_BYTES) throw new RangeError(`an encryption key has ${ENCRYPTION_KEY_BYTES} bytes`);
  // A cipher from the bytes of the key takes eight times as long to make: 12 µs.
  const cipherKey = createSecretKey(key);
  const nonces = createNonces();
  const digestKey = createHmac('sha256', key).update('hookwright digests').digest();
  const sealBytes: SecretBox['sealBytes'] = (secret, context) => {
    const nonce = nonces();
    const cipher = createCipheriv('aes-256-gcm', cipherKey, nonce).setAAD(Buffer.from(context));
    const sealed = Buffer.allocUnsafe(TEXT_AT + secret.length);
    sealed[0] = VERSION;
    sealed.set(nonce, 1);
    sealed.set(cipher.update(secret), TEXT_AT);
    cipher.final(); // GCM holds nothing back
    sealed.set(cipher.getAuthTag(), 1 + NONCE_BYTES);
    return sealed;
  };
  const openBytes: SecretBox['openBytes'] = (sealed, context) => {
    const bytes = Buffer.from(sealed);
    if (bytes[0] !== VERSION) throw new Error('sealed by a version of Hookwright that this one does not know');
    const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
    const tag = bytes.subarray(1 + NONCE_BYTES, TEXT_AT);
    const decipher = createDecipheriv('aes-256-gcm', cipherKey, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(context)).setAuthTag(tag);
    return Buffer.concat([decipher.update(bytes.subarray(TEXT_AT)), decipher.final()]);
  };
  return {
    sealBytes,
    openBytes,
    seal: (secret, context) => sealBytes(Buffer.from(secret), context),
    open: (sealed, context) => openBytes(sealed, context).toString(),
    digest: (secret, context) =>
      createHmac('sha256', digestKey)
        .update(JSON.stringify([context, secret]))
        .digest(),
    derive: (purpose) => createSecretBox(Buffer.from(hkdfSync('sha256', key, '', `hookwright ${purpose}`, key.length))),
    fingerprint: createHash('sha256').update('hookwright key fingerprint').update(key).digest('hex').slice(0, 32),
  };
};

/** Many at a time: to ask for random bytes takes longer than to encrypt a short text. */
const createNonces = (): (() => Buffer) => {
  let pool = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at === pool.length) [pool, at] = [randomBytes(NONCE_BYTES * 256), 0];
    at += NONCE_BYTES;
    return pool.subarray(at - NONCE_BYTES, at);
  };
};

/** Whether two secrets are equal, in a time that does not depend on where they differ. */
export const secretsAreEqual = (left: string, right: string): boolean =>
  signaturesAreEqual(hash('sha256', left), hash('sha256', right));

/** The same for what has a length that everybody knows, like a signature. */
export const signaturesAreEqual = (left: string, right: string): boolean =>
  left.length === right.length && timingSafeEqual(Buffer.from(left, 'latin1'), Buffer.from(right, 'latin1'));
