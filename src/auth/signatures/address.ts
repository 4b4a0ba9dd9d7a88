// Where a request was sent to, as its signer wrote it into the signature.
import { withoutBrackets } from '#signing';
import { authenticationFailed } from './authentication-failed.ts';

/** The host stands without the brackets of an IPv6 address. */
export type Address = { readonly host: string; readonly port: number };

/** Of a Host header without a port. */
const DEFAULT_PORT = 80;
const HOST_HEADER = /^(\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::(\d{1,5}))?$/i;

/** Reads a Host header; throws AuthenticationFailed when there is none that can be read. */
export const readHost = (header: string | undefined): Address => {
  const match = header === undefined || header.length > 300 ? null : HOST_HEADER.exec(header);
  const [, host, port] = match ?? [];
  if (host === undefined) throw authenticationFailed('Bad Request: Invalid Host header');
  return { host: withoutBrackets(host), port: port === undefined ? DEFAULT_PORT : Number(port) };
};

/**
 * A line break in what is signed would let one signature be read as another. No request line holds
 * one, but whoever forwards a request could.
 */
const CONTROL = /[^\x20-\x7e\x80-\uffff]/;

/**
 * Throws AuthenticationFailed for what is no path, such as an absolute URL: what is routed must be
 * what was signed.
 */
export const checkResource = (url: string): void => {
  if (!url.startsWith('/') || CONTROL.test(url)) throw authenticationFailed('Bad Request: Invalid resource');
};
