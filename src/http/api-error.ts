// Errors that callers of the HTTP API meet: a closed set of codes, each with its status.
import { cut } from './cut.ts';

/** Characters. With the payload and the parameters, an answer stays under 100 KB. */
const LONGEST_MESSAGE = 8_000;

/** code → HTTP status. docs/errors.md explains each one; a test checks that none is missing. */
export const API_ERRORS = {
  MalformedPayload: 400,
  InvalidRequestArguments: 400,
  InputValidationError: 400,
  InputError: 400,
  AuthenticationFailed: 401,
  InsufficientScopes: 403,
  ResourceNotFound: 404,
  RequestConflict: 409,
  ActionRefused: 409,
  ActionDenied: 409,
  ResourceExpired: 410,
  InputTooLarge: 413,
  UnsupportedMediaType: 415,
  IdempotencyKeyReused: 422,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
} as const;

export type ApiErrorCode = keyof typeof API_ERRORS;

/** An answer to the caller. `message` is Markdown without the footer, which the server adds. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  get statusCode(): number {
    return API_ERRORS[this.code];
  }
}

export type RequestInfo = {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  readonly payload?: unknown;
  readonly time: string;
};

export type ErrorEnvelope = {
  readonly code: ApiErrorCode;
  readonly message: string;
  readonly requestInfo: RequestInfo;
};

/**
 * The error as every Taskcluster client reads it: `{code, message, requestInfo}`, the message with
 * its four-line footer.
 */
export const errorEnvelope = (error: ApiError, requestInfo: RequestInfo): ErrorEnvelope => ({
  code: error.code,
  message: [
    cut(error.message, LONGEST_MESSAGE),
    '',
    '---',
    '',
    `* method:     ${requestInfo.method}`,
    `* errorCode:  ${error.code}`,
    `* statusCode: ${error.statusCode}`,
    `* time:       ${requestInfo.time}`,
  ].join('\n'),
  requestInfo,
});
