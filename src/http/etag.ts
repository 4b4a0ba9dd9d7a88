// Weak ETags in the form of the reference service, and whether a caller has the answer already.
import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const HASH_LENGTH = 27;

/**
 * `W/"2e-lTdzsCHTkUT396Eb3zshf5hYHEg"`: the length in hexadecimal digits, and the SHA-1 in base64
 * without padding.
 */
export const weakEtag = (text: string, bytes: number): string =>
  `W/"${bytes.toString(16)}-${hash('sha1', text, 'base64').slice(0, HASH_LENGTH)}"`;

const withoutWeakness = (tag: string): string => (tag.startsWith('W/') ? tag.slice(2) : tag);

/**
 * Whether `If-None-Match` names this tag. A caller who says `no-cache` wants the whole answer all
 * the same.
 */
export const isKnown = (headers: IncomingHttpHeaders, tag: string): boolean => {
  const known = headers['if-none-match'];
  if (known === undefined) return false;
  if (/(?:^|,)\s*no-cache\s*(?:,|$)/.test(headers['cache-control'] ?? '')) return false;
  if (known.trim() === '*') return true;
  return known.split(',').some((one) => withoutWeakness(one.trim()) === withoutWeakness(tag));
};
