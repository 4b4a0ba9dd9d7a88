// What a method throws when the server refused, or could not be asked.

/** Codes that do not come from the server. */
export type LocalCode =
  /** No answer within `timeoutMs`, also not when asked again. */
  | 'Timeout'
  /** No connection, or one that broke before the answer was complete, also not when tried again. */
  | 'ConnectionFailed'
  /**
   * The answer sends the caller elsewhere. A signature is good for one address only, so nothing
   * follows it.
   */
  | 'UnexpectedRedirect'
  /**
   * A success whose body is not what the method answers: something else than the service answered.
   */
  | 'MalformedAnswer'
  /** A refusal without a code: something in between the client and the service refused. */
  | 'UnknownError';

export type ApiCallErrorDetails = {
  readonly code: string;
  readonly method: string;
  readonly statusCode?: number | undefined;
  readonly body?: unknown;
  readonly cause?: unknown;
};

/**
 * The message is the server's where there is one. Trigger tokens and credentials are in no part of
 * it.
 */
export class ApiCallError extends Error {
  override readonly name = 'ApiCallError';
  /** The server's code, such as `ResourceNotFound`, or a `LocalCode`. */
  readonly code: string;
  /** The method that was called, such as `triggerHook`. */
  readonly method: string;
  /** Of the answer; undefined when there was none. */
  readonly statusCode: number | undefined;
  /** The parsed body of the answer, or its text where that is not JSON. */
  readonly body: unknown;

  constructor(message: string, { code, method, statusCode, body, cause }: ApiCallErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.method = method;
    this.statusCode = statusCode;
    this.body = body;
  }
}
