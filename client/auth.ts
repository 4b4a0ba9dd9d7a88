// The client of the auth service: clients, roles and scopes.
import { AUTH_SERVICE, type AuthMethods } from './auth-api.ts';
import { createClientClass } from './create-client-class.ts';

/**
 * @example
 * const auth = new Auth({ rootUrl: 'http://127.0.0.1:8080', credentials: { clientId, accessToken }
 * });
 * const { scopes } = await auth.currentScopes();
 */
export class Auth extends createClientClass<AuthMethods>(AUTH_SERVICE) {}
