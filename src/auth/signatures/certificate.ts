// Temporary credentials: what a client signed offline for someone else.
import { certificateText } from '#signing';
import { secretsAreEqual } from '../../core/secret-box.ts';
import { hmacSha256 } from '../../taskcluster/hawk.ts';
import { holds, holdsAll, isScope } from '../scopes.ts';
import { authenticationFailed } from './authentication-failed.ts';
import type { ExtCertificate } from './ext.ts';

/**
 * Clocks of those who make certificates may be wrong by this much. Applies to the check, not to the
 * reported expiry.
 */
const LEEWAY_MS = 5 * 60 * 1000;
const LONGEST_MS = 31 * 24 * 60 * 60 * 1000;
const SEED_LENGTH = 44;

/** What the id of a client can be. */
export const CLIENT_ID = /^[A-Za-z0-9!@/:.+|_-]+$/;

export type Issuer = {
  readonly clientId: string;
  readonly accessToken: string;
  /**
   * Its scopes, expanded, but without what everybody has: nobody can lend out the anonymous role.
   * Asked only once its signature is known to be good.
   */
  readonly expandedScopes: () => readonly string[];
};

export type TemporaryCredentials = {
  /** What the request is signed with. */
  readonly key: string;
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expires: number;
};

/**
 * With Taskcluster's texts and, but for the signature, in its order; throws AuthenticationFailed
 * at the first that does not hold.
 */
export const verifyCertificate = (
  certificate: ExtCertificate,
  { name, issuer, now }: { readonly name: string; readonly issuer: Issuer; readonly now: number },
): TemporaryCredentials => {
  const { version, seed, start, expiry, scopes, signature } = certificate;
  if (version !== 1) throw authenticationFailed('ext.certificate.version must be 1');
  if (typeof seed !== 'string') throw authenticationFailed('ext.certificate.seed must be a string');
  if (seed.length !== SEED_LENGTH) throw authenticationFailed('ext.certificate.seed must be 44 characters');
  if (typeof start !== 'number') throw authenticationFailed('ext.certificate.start must be a number');
  if (typeof expiry !== 'number') throw authenticationFailed('ext.certificate.expiry must be a number');
  if (!Array.isArray(scopes)) throw authenticationFailed('ext.certificate.scopes must be an array');
  if (!scopes.every(isScope)) throw authenticationFailed('ext.certificate.scopes must be an array of valid scopes');

  if (start > now + LEEWAY_MS) throw authenticationFailed('ext.certificate.start > now');
  if (expiry < now - LEEWAY_MS) throw authenticationFailed('ext.certificate.expiry < now');
  // Written so that what is no number at all (two infinities) fails too.
  if (!(expiry - start <= LONGEST_MS)) throw authenticationFailed('ext.certificate cannot last longer than 31 days!');

  const named = issuer.clientId !== name;
  const names = named ? { clientId: name, issuer: issuer.clientId } : undefined;
  const signed = certificateText({ named: names, seed, start, expiry, scopes });
  // Without scopes, the text of taskcluster-client ends in a newline that Taskcluster's own Auth
  // does not expect, so that such credentials never work there. Both texts say the same thing; both
  // are good here.
  const texts = scopes.length === 0 ? [signed, `${signed}\n`] : [signed];
  const isSigned = (text: string) => secretsAreEqual(hmacSha256(issuer.accessToken, text), signature as string);
  if (typeof signature !== 'string' || !texts.some(isSigned)) {
    throw authenticationFailed(`ext.certificate.signature is not valid${named ? ', or wrong clientId provided' : ''}`);
  }

  // Taskcluster's own Auth asks these before it looks at the signature, which lets anybody find out
  // what a client may do.
  const held = issuer.expandedScopes();
  if (named) {
    const needed = `auth:create-client:${name}`;
    // The pattern keeps a name such as `x*` from being read as a scope for many.
    if (!CLIENT_ID.test(name) || !holds(held, needed)) {
      throw authenticationFailed(
        `ext.certificate issuer \`${issuer.clientId}\` doesn't have \`${needed}\` for supplied clientId.`,
      );
    }
  } else if (Object.hasOwn(certificate, 'clientId')) {
    throw authenticationFailed('ext.certificate.clientId must only be used with ext.certificate.issuer');
  }
  if (!holdsAll(held, scopes)) {
    throw authenticationFailed(
      `ext.certificate issuer \`${issuer.clientId}\` doesn't satisfy all certificate scopes ${scopes.join(', ')}. ` +
        'The temporary credentials were not generated correctly.',
    );
  }
  return { key: hmacSha256(issuer.accessToken, seed, 'base64url'), scopes, expires: expiry };
};
