// Named temporary credentials, made by this server as any client can make them offline
// (spec/standalone-auth-queue.md, section 2.5). certificate.ts verifies them.
import { createHmac } from 'node:crypto';
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
  const signed = [
    'version:1',
    `clientId:${clientId}`,
    `issuer:${issuer.clientId}`,
    `seed:${seed}`,
    `start:${start}`,
    `expiry:${expiry}`,
    'scopes:',
    ...scopes,
  ].join('\n');
  const hmac = (text: string) => createHmac('sha256', issuer.accessToken).update(text);
  const signature = hmac(signed).digest('base64');
  return {
    clientId,
    accessToken: hmac(seed).digest('base64url'),
    certificate: JSON.stringify({ version: 1, scopes, start, expiry, seed, signature, issuer: issuer.clientId }),
  };
};
