// Signatures as Hawk 1.1 defines them: in a header for requests, in the URL (a "bewit") for links.
import type { Signer } from './credentials.ts';
import { hmacSha256, sha256, textToBase64, toUrlSafe } from './digest.ts';
import { hawkHeader, hawkText, payloadHead, signedAddress } from './signed-text.ts';

export type RequestToSign = {
  readonly verb: string;
  readonly url: URL;
  readonly body?: { readonly text: string; readonly contentType: string } | undefined;
};

export type Moment = {
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly nonce: string;
};

/** The value of the `Authorization` header. */
export const signRequest = async (signer: Signer, request: RequestToSign, moment: Moment): Promise<string> => {
  const { verb, url, body } = request;
  const { id, key, ext } = signer;
  const hash = body && (await sha256(`${payloadHead(body.contentType)}${body.text}\n`));
  const mac = await hmacSha256(key, hawkText('header', { verb, hash, ext, ...moment, ...placeOf(url) }));
  return hawkHeader({ id, ts: moment.timestamp, nonce: moment.nonce, hash, ext, mac });
};

/**
 * What to add to the query of a GET's URL, as `bewit`. Whoever has that URL may send it until it
 * expires, in seconds since the epoch.
 */
export const createBewit = async (signer: Signer, url: URL, expires: number): Promise<string> => {
  const { id, key, ext } = signer;
  const text = hawkText('bewit', { verb: 'GET', timestamp: expires, nonce: '', ext, ...placeOf(url) });
  return toUrlSafe(textToBase64([id, expires, await hmacSha256(key, text), ext ?? ''].join('\\')));
};

const placeOf = (url: URL) => ({ resource: `${url.pathname}${url.search}`, ...signedAddress(url) });
