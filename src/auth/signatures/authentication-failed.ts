// How authentication fails: always with this one code, and a text that says no more than
// Taskcluster's own Auth does.
import { ApiError } from '../../http/api-error.ts';

export const authenticationFailed = (message: string): ApiError => new ApiError('AuthenticationFailed', message);

export const badHeader = (): ApiError => authenticationFailed('Bad Request: Bad header format');

export const twoSchemes = (): ApiError =>
  authenticationFailed(
    'Cannot use two authentication schemes at once: this request has both a bewit in its query string and an authorization header',
  );
