// Who signed a request that another service received.
import { type Clock, toIso } from '../../core/clock.ts';
import { ApiError } from '../../http/api-error.ts';
import type { RoleCache } from '../roles/role-cache.ts';
import type { HawkAnswer, HawkRequest } from '../schemas.ts';
import { type Authenticator, EVERYBODY } from '../signatures/authenticator.ts';

export type HawkAuthenticationSettings = {
  readonly verifyForwarded: Authenticator['verifyForwarded'];
  readonly roles: RoleCache;
  readonly clock: Clock;
};

/** As Taskcluster's Auth: for how long a service may cache that nobody signed. */
const NO_AUTH_MS = 15 * 60 * 1000;

/** A signature that is not good is an answer, not an error. */
export const createHawkAuthentication = ({ verifyForwarded, roles, clock }: HawkAuthenticationSettings) => {
  return async ({ method, resource, host, port, authorization }: HawkRequest): Promise<HawkAnswer> => {
    try {
      const address = { host, port };
      const found = await verifyForwarded({ method: method.toUpperCase(), url: resource, address, authorization });
      if (!found) {
        const scopes = [...(await roles.current()).expand([EVERYBODY])];
        return { status: 'no-auth', scheme: 'none', scopes, expires: toIso(clock.now() + NO_AUTH_MS) };
      }
      const { clientId, expires, hash } = found;
      const scopes = [...found.scopes];
      return {
        status: 'auth-success',
        scheme: 'hawk',
        clientId,
        scopes,
        expires: toIso(expires),
        ...(hash && { hash }),
      };
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'AuthenticationFailed') throw error;
      return { status: 'auth-failed', message: error.message };
    }
  };
};
