// Checks of requests about clients and roles that need nothing but the request, so that their
// errors tell nothing of what is stored.
import { LATEST_MS } from '../core/clock.ts';
import { ApiError } from '../http/api-error.ts';

/** In characters: no longer than an index entry can be. */
export const LONGEST_CLIENT_ID = 2_000;

/** Throws InputError for scopes that nobody may be given. */
export const checkScopesEnd = (scopes: readonly string[]): void => {
  if (scopes.some((scope) => scope.endsWith('**'))) {
    throw new ApiError('InputError', 'scopes must not end with `**`');
  }
};

/** Throws InputError for what no database row can hold. */
export const checkDescription = (description: string): void => {
  if (description.includes('\0')) throw new ApiError('InputError', 'description must not contain the character NUL');
};

/**
 * Throws InputError for clients that this API does not change.
 */
export const checkChangeable = (clientId: string): void => {
  if (clientId.length > LONGEST_CLIENT_ID) {
    throw new ApiError('InputError', `a clientId must not be longer than ${LONGEST_CLIENT_ID} characters`);
  }
  if (clientId.startsWith('static/')) {
    throw new ApiError('InputError', 'clients whose ids begin with `static/` cannot be changed by the API');
  }
};

const EARLIEST = Date.parse('0001-01-01T00:00:00.000Z');

/**
 * Milliseconds since the epoch. Throws InputError for a date of the right form that does not exist.
 */
export const readExpires = (text: string): number => {
  const expires = Date.parse(text);
  if (expires >= EARLIEST && expires <= LATEST_MS) return expires;
  throw new ApiError('InputError', '`expires` is not a date between the years 1 and 9999');
};
