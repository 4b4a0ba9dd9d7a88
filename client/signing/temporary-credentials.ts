// Temporary credentials, made without asking the server: fewer scopes, and an expiry.

import { realSurroundings, type Surroundings } from '../surroundings.ts';
import { type Certificate, type Credentials, requireClientId, requireScopes } from './credentials.ts';
import { hmacSha256, toBase64, toUrlSafe } from './digest.ts';
import { certificateText } from './signed-text.ts';

export type TemporaryCredentialsOptions = {
  /** Permanent ones: temporary credentials cannot make others. */
  readonly credentials: Credentials;
  /** What the new ones may do; the old ones must be allowed to do it. */
  readonly scopes: readonly string[];
  /** Default: now. */
  readonly start?: Date | undefined;
  /** At most 31 days after the start. */
  readonly expiry: Date;
  /**
   * A name for them, other than the old one. Whoever makes them needs the scope
   * `auth:create-client:<clientId>`.
   */
  readonly clientId?: string | undefined;
};

export type TemporaryCredentials = Credentials & { readonly certificate: string };

const LONGEST_MS = 31 * 24 * 60 * 60 * 1000;
const SLUG_BYTES = 16;

/**
 * Whether the scopes are there to give is found out when the new credentials are used. Throws
 * TypeError for impossible options.
 */
export const createTemporaryCredentials = async (
  options: TemporaryCredentialsOptions,
  surroundings: Surroundings = realSurroundings,
): Promise<TemporaryCredentials> => {
  const { credentials, scopes, clientId, expiry, start = new Date(surroundings.now()) } = options;
  const { clientId: issuer, accessToken } = requirePermanent(credentials);
  requireScopes(scopes, 'scopes');
  for (const [name, time] of Object.entries({ start, expiry })) requireTime(time, name);
  if (expiry.getTime() - start.getTime() > LONGEST_MS) throw new TypeError('expiry is more than 31 days after start');
  if (clientId !== undefined) requireClientId(clientId, 'clientId');
  if (clientId === issuer) throw new TypeError('clientId must be another one than credentials.clientId');

  const certificate = {
    version: 1,
    scopes: [...scopes],
    start: start.getTime(),
    expiry: expiry.getTime(),
    seed: newSlug(surroundings) + newSlug(surroundings),
    ...(clientId !== undefined && { issuer }),
  };
  const named = clientId === undefined ? undefined : { clientId, issuer };
  const signature = await hmacSha256(accessToken, certificateText({ ...certificate, named }));
  return {
    clientId: clientId ?? issuer,
    accessToken: toUrlSafe(await hmacSha256(accessToken, certificate.seed)),
    certificate: JSON.stringify({ ...certificate, signature } satisfies Certificate),
  };
};

const requirePermanent = (credentials: Credentials): Credentials => {
  const { clientId, accessToken, certificate } = credentials ?? {};
  requireClientId(clientId, 'credentials.clientId');
  if (typeof accessToken !== 'string' || accessToken === '') {
    throw new TypeError('credentials.accessToken must be a string that is not empty');
  }
  if (certificate) throw new TypeError('Temporary credentials cannot make others');
  return { clientId, accessToken };
};

const requireTime = (time: unknown, name: string): void => {
  if (!(time instanceof Date) || Number.isNaN(time.getTime())) throw new TypeError(`${name} must be a Date`);
};

/** 22 characters that say 128 bits. */
const newSlug = ({ randomBytes }: Surroundings): string => toUrlSafe(toBase64(randomBytes(SLUG_BYTES)));
