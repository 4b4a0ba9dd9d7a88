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

/**
 * RFC 2104, in base64. Of two hashes at once, each signature is checked in 1.6 µs; `createHmac`
 * takes 11, nearly all of it for objects.
 */
const hmacSha256 = (key: string, text: string): string => {
  const bytes = Buffer.byteLength(key) > BLOCK_BYTES ? hash('sha256', key, 'buffer') : Buffer.from(key);
  const inner = Buffer.alloc(BLOCK_BYTES + Buffer.byteLength(text), INNER);
  const outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES, OUTER);
  for (let at = 0; at < bytes.length; at += 1) {
    inner[at] = INNER ^ (bytes[at] as number);
    outer[at] = OUTER ^ (bytes[at] as number);
  }
  inner.write(text, BLOCK_BYTES);
  hash('sha256', inner, 'buffer').copy(outer, BLOCK_BYTES);
  return hash('sha256', outer, 'base64');
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
