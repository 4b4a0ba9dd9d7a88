// How authentication fails: always with this one code, and a text that says no more than the spec's
// (section 2.7).
import { ApiError } from '../../http/api-error.ts';

export const refusal = (message: string): ApiError => new ApiError('AuthenticationFailed', message);
