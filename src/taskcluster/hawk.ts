// Hawk's HMACs and hashes with Node's crypto, of the texts that the client signs too. The client
// itself computes them with WebCrypto, which browsers have; here they are computed at once.
import { hash } from 'node:crypto';
import { type HawkFields, hawkHeader, hawkText, payloadHead, signedAddress } from '#signing';

/** Base64. */
export const hawkMac = (type: 'header' | 'bewit', key: string, fields: HawkFields): string =>
  hmacSha256(key, hawkText(type, fields));

/** Base64. What a signer claims of the payload. */
export const hawkPayloadHash = (body: Uint8Array, contentType: string | undefined): string =>
  hash('sha256', Buffer.concat([Buffer.from(payloadHead(contentType)), body, LINE_BREAK]), 'base64');

const LINE_BREAK = Buffer.of(10);
const [BLOCK_BYTES, HASH_BYTES] = [64, 32];
const [INNER, OUTER] = [0x36, 0x5c];

/** Where what is hashed is put together, which never waits; longer texts have their own place. */
const [INNER_TEXT, OUTER_TEXT] = [Buffer.alloc(8 * 1024), Buffer.alloc(BLOCK_BYTES + HASH_BYTES)];

/**
 * RFC 2104. Of two hashes at once, it takes a tenth of the time that `createHmac` takes,
 * nearly all of it for objects. A hash that is a text takes a third of the time of a buffer.
 */
export const hmacSha256 = (key: string, text: string, encoding: 'base64' | 'base64url' = 'base64'): string => {
  const bytes = Buffer.byteLength(key) > BLOCK_BYTES ? hash('sha256', key, 'buffer') : Buffer.from(key);
  const mostBytes = BLOCK_BYTES + 3 * text.length;
  const inner = mostBytes <= INNER_TEXT.length ? INNER_TEXT : Buffer.alloc(mostBytes);
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    const byte = at < bytes.length ? (bytes[at] as number) : 0;
    inner[at] = INNER ^ byte;
    OUTER_TEXT[at] = OUTER ^ byte;
  }
  const end = BLOCK_BYTES + inner.write(text, BLOCK_BYTES);
  OUTER_TEXT.write(hash('sha256', inner.subarray(0, end), 'binary'), BLOCK_BYTES, 'binary');
  return hash('sha256', OUTER_TEXT, encoding);
};

export type HawkSigner = { readonly id: string; readonly key: string; readonly ext: string | undefined };

/** The `Authorization` header of a request. `timestamp`: seconds since the epoch. */
export const signHawk = (
  { id, key, ext }: HawkSigner,
  { verb, url, timestamp, nonce }: { verb: string; url: URL; timestamp: number; nonce: string },
): string => {
  const resource = `${url.pathname}${url.search}`;
  const mac = hawkMac('header', key, { verb, resource, ...signedAddress(url), timestamp, nonce, ext });
  return hawkHeader({ id, ts: timestamp, nonce, ext, mac });
};
