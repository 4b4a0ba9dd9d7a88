// For those who write a client: authentication as if there were one client, whose access token
// everybody knows.
import type { Clock } from '../../core/clock.ts';
import type { Caller, SignedRequest } from '../../http/api-method.ts';
import { normalForm } from '../scopes.ts';
import type { Address } from '../signatures/address.ts';
import { createAuthenticator, EVERYBODY, type KnownClient } from '../signatures/authenticator.ts';

export type TestAuthenticationSettings = { readonly clock: Clock; readonly rootUrl: Address | undefined };

/** testAuthenticateGet is testAuthenticate with these. */
export const GET_TEST = {
  clientScopes: ['test:*', 'auth:create-client:test:*'],
  requiredScopes: ['test:authenticate-get'],
} as const;

/**
 * The caller, with these scopes and what everybody has; roles are not looked at. Throws
 * AuthenticationFailed.
 */
export const createTestAuthentication =
  ({ clock, rootUrl }: TestAuthenticationSettings) =>
  (signed: SignedRequest, clientScopes: readonly string[]): Promise<Caller> => {
    const now = clock.now();
    const tester: KnownClient = {
      clientId: 'tester',
      accessToken: 'no-secret',
      scopes: clientScopes,
      expires: now + 24 * 60 * 60 * 1000,
      disabled: false,
      lastDateUsed: now,
    };
    const { authenticate } = createAuthenticator({
      clock,
      rootUrl,
      findClient: (clientId) => (clientId === tester.clientId ? tester : undefined),
      roles: () => ({ expand: normalForm }),
      replays: { use: () => undefined, forgive: () => {} }, // sending it twice gains nothing
    });
    return authenticate(signed);
  };

/** `auth-failed:no-auth` is Taskcluster's name for a caller who did not sign. */
export const testAnswer = ({ clientId, scopes }: Caller) => ({
  clientId: clientId ?? 'auth-failed:no-auth',
  scopes: clientId === undefined ? [EVERYBODY] : scopes,
});
