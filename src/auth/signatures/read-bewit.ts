// Reads a bewit: the signature of a URL, in its query.
import { authenticationFailed } from './authentication-failed.ts';

export type Bewit = {
  readonly id: string;
  /** Seconds since the epoch, as text; not necessarily a number. */
  readonly exp: string;
  readonly mac: string;
  readonly ext: string;
  /** The path and query that it is for: those of the request without itself. */
  readonly resource: string;
};

const LONGEST = 4096;
const BEWIT = /^(\/.*)([?&])bewit=([^&$]*)(?:&(.+))?$/;

/** Whether the query carries a bewit, even an empty one. */
export const hasBewit = (url: string): boolean => {
  const query = url.indexOf('?');
  return query !== -1 && (url.startsWith('bewit=', query + 1) || url.includes('&bewit=', query + 1));
};

/** Throws AuthenticationFailed for what is none, in the words of the package hawk. */
export const readBewit = (url: string): Bewit => {
  if (url.length > LONGEST) throw authenticationFailed('Bad Request: Resource path exceeds max length');
  const [, path = '', separator = '', encoded, rest] = BEWIT.exec(url) ?? [];
  if (encoded === undefined) throw authenticationFailed('Unauthorized: Unauthorized');
  if (encoded === '') throw authenticationFailed('Unauthorized: Empty bewit');
  if (!/^[\w-]*$/.test(encoded)) throw authenticationFailed('Bad Request: Invalid bewit encoding');
  const parts = Buffer.from(encoded, 'base64url').toString('latin1').split('\\');
  const [id, exp, mac, ext] = parts;
  if (parts.length !== 4 || ext === undefined) throw authenticationFailed('Bad Request: Invalid bewit structure');
  if (!id || !exp || !mac) throw authenticationFailed('Bad Request: Missing bewit attributes');
  return { id, exp, mac, ext, resource: rest === undefined ? path : path + separator + rest };
};
