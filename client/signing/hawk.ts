// Signatures as Hawk 1.1 defines them: in a header for requests, in the URL (a "bewit") for links.
import type { Signer } from './credentials.ts';
import { hmacSha256, sha256, textToBase64, toUrlSafe } from './digest.ts';

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
  const hash = body && (await sha256(`hawk.1.payload\n${body.contentType}\n${body.text}\n`));
  const mac = await hmacSha256(signer.key, normalized('header', { verb, url, hash, ext: signer.ext, ...moment }));
  const attributes = { id: signer.id, ts: moment.timestamp, nonce: moment.nonce, hash, ext: signer.ext, mac };
  const written = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value}"`],
  );
  return `Hawk ${written.join(', ')}`;
};

/**
 * What to add to the query of a GET's URL, as `bewit`. Whoever has that URL may send it until it
 * expires, in seconds since the epoch.
 */
export const createBewit = async (signer: Signer, url: URL, expires: number): Promise<string> => {
  const { id, key, ext } = signer;
  const mac = await hmacSha256(key, normalized('bewit', { verb: 'GET', url, timestamp: expires, nonce: '', ext }));
  return toUrlSafe(textToBase64([id, expires, mac, ext ?? ''].join('\\')));
};

type Signed = Moment & {
  readonly verb: string;
  readonly url: URL;
  readonly hash?: string | undefined;
  readonly ext: string | undefined;
};

/**
 * The text that is signed. `ext` is base64, so that nothing in it needs the escapes that Hawk has
 * for it.
 */
const normalized = (type: 'header' | 'bewit', { timestamp, nonce, verb, url, hash = '', ext = '' }: Signed): string =>
  [
    `hawk.1.${type}`,
    timestamp,
    nonce,
    verb,
    `${url.pathname}${url.search}`,
    withoutBrackets(url.hostname).toLowerCase(),
    url.port || (url.protocol === 'http:' ? 80 : 443),
    hash,
    ext,
    '',
  ].join('\n');

/** All implementations sign an IPv6 address without them. */
const withoutBrackets = (hostname: string): string => (hostname.startsWith('[') ? hostname.slice(1, -1) : hostname);
