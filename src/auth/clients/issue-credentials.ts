// Named temporary credentials, made by this server as any client can make them offline.
// certificate.ts verifies them.
import { createHmac } from 'node:crypto';
import { certificateText } from '#signing';
import { newAccessToken } from '../../core/ids.ts';

export type CredentialsToIssue = {
  /** Who vouches for them: must hold `auth:create-client:<clientId>` and all the scopes. */
  readonly issuer: { readonly clientId: string; readonly accessToken: string };
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly expiry: number;
};

/** As clients take them. */
export type IssuedCredentials = {
  readonly clientId: string;
  readonly accessToken: string;
  /** JSON. */
  readonly certificate: string;
};

export const issueCredentials = ({
  issuer,
  clientId,
  scopes,
  start,
  expiry,
}: CredentialsToIssue): IssuedCredentials => {
  const seed = newAccessToken();
  const named = { clientId, issuer: issuer.clientId };
  const signed = certificateText({ named, seed, start, expiry, scopes });
  const hmac = (text: string) => createHmac('sha256', issuer.accessToken).update(text);
  const signature = hmac(signed).digest('base64');
  return {
    clientId,
    accessToken: hmac(seed).digest('base64url'),
    certificate: JSON.stringify({ version: 1, scopes, start, expiry, seed, signature, issuer: issuer.clientId }),
  };
};
