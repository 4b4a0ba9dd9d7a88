// What a signature carries besides: `ext`, base64 of a JSON object with a certificate and a
// restriction of scopes.

import { isScope } from '../scopes.ts';
import { authenticationFailed } from './authentication-failed.ts';

/** A JSON object that claims to be a certificate. */
export type ExtCertificate = Readonly<Record<string, unknown>>;

export type Ext = {
  readonly certificate: ExtCertificate | undefined;
  /**
   * The client that made the certificate, when that is not the one whose name the request bears.
   */
  readonly issuer: string | undefined;
  readonly authorizedScopes: readonly string[] | undefined;
};

const EMPTY: Ext = { certificate: undefined, issuer: undefined, authorizedScopes: undefined };

/**
 * Throws AuthenticationFailed for what is no JSON object, and for a restriction that cannot be
 * read: a restriction that someone signed is never ignored. Unknown keys are.
 *
 * @param name the client id that the request bears.
 */
export const parseExt = (ext: string | undefined, name: string): Ext => {
  if (!ext) return EMPTY;
  const { certificate, authorizedScopes } = parseObject(ext);
  return {
    ...checkCertificate(certificate, name),
    authorizedScopes: authorizedScopes === undefined ? undefined : checkAuthorizedScopes(authorizedScopes),
  };
};

const parseObject = (ext: string): Record<string, unknown> => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(ext, 'base64').toString('utf8')); // reads URL-safe base64 too, which the Rust client sends
  } catch {
    throw authenticationFailed('Failed to parse ext');
  }
  if (!isObject(parsed)) throw authenticationFailed('Failed to parse ext');
  return parsed;
};

const checkCertificate = (certificate: unknown, name: string): Pick<Ext, 'certificate' | 'issuer'> => {
  // null is what some languages write for "none". It cannot widen anything: without a certificate
  // the client's own key signs.
  if (certificate === undefined || certificate === null) return { certificate: undefined, issuer: undefined };
  if (!isObject(certificate)) throw authenticationFailed('ext.certificate must be a JSON object');
  const { issuer } = certificate;
  if (issuer === undefined || issuer === null || issuer === '') return { certificate, issuer: undefined };
  if (typeof issuer !== 'string') throw authenticationFailed('ext.certificate.issuer must be a string');
  if (issuer === name) throw authenticationFailed('ext.certificate.issuer must differ from the supplied clientId');
  return { certificate, issuer };
};

const checkAuthorizedScopes = (scopes: unknown): readonly string[] => {
  if (!Array.isArray(scopes)) throw authenticationFailed('ext.authorizedScopes must be an array');
  if (!scopes.every(isScope)) throw authenticationFailed('ext.authorizedScopes must be an array of valid scopes');
  return scopes;
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
