// Hawk's HMACs and hashes with Node's crypto, of the texts that the client signs too. The client
// itself computes them with WebCrypto, which browsers have; here they are computed at once.
import { createHash, createHmac } from 'node:crypto';
import { type HawkFields, hawkHeader, hawkText, payloadHead, signedAddress } from '#signing';

/** Base64. */
export const hawkMac = (type: 'header' | 'bewit', key: string, fields: HawkFields): string =>
  createHmac('sha256', key).update(hawkText(type, fields)).digest('base64');

/** Base64. What a signer claims of the payload. */
export const hawkPayloadHash = (body: Uint8Array, contentType: string | undefined): string =>
  createHash('sha256').update(payloadHead(contentType)).update(body).update('\n').digest('base64');

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
