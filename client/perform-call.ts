// One call from its first try to its answer: each try signed anew, repeated where repeating can
// help.
import { ApiCallError } from './api-call-error.ts';
import type { ClientSettings } from './options.ts';
import { redact, redactText } from './redact.ts';
import { toBase64, toUrlSafe } from './signing/digest.ts';
import { signRequest } from './signing/hawk.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * `declared`: an answer without JSON cannot be the service's. `any`: what comes is passed on.
 * `none`: what comes, such as `{}`, says nothing. `stream`: the response is handed on before its
 * body has come.
 */
export type ExpectedAnswer = 'declared' | 'any' | 'none' | 'stream';

export type Call = {
  /** For errors. */
  readonly method: string;
  readonly verb: string;
  readonly url: URL;
  /** The payload as JSON. */
  readonly json: string | undefined;
  readonly answer: ExpectedAnswer;
  /** Credentials that the URL carries: no error repeats them. */
  readonly secrets: readonly string[];
};

type Outcome =
  | { readonly kind: 'answered'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly error: ApiCallError; readonly mayBeRepeated: boolean };

const JSON_TYPE = 'application/json';
const NONCE_BYTES = 9;

/** Resolves with the parsed answer; rejects with ApiCallError. */
export const performCall = async (call: Call, settings: ClientSettings, surroundings: Surroundings) => {
  for (let tried = 1; ; tried += 1) {
    const outcome = await tryCall(call, settings, surroundings);
    if (outcome.kind === 'answered') return outcome.answer;
    if (!outcome.mayBeRepeated || tried > settings.retries) throw outcome.error;
    const pause = pauseBefore(tried, settings, surroundings);
    await new Promise<void>((resolve) => void surroundings.after(pause, resolve));
  }
};

/** In milliseconds, and as the clients of Taskcluster pause. */
const pauseBefore = (repetition: number, settings: ClientSettings, { random }: Surroundings): number => {
  const { delayFactor, randomizationFactor, maxDelay } = settings;
  const chance = 1 + randomizationFactor * (2 * random() - 1);
  return Math.min(2 ** repetition * delayFactor * chance, maxDelay);
};

const tryCall = async (call: Call, settings: ClientSettings, surroundings: Surroundings): Promise<Outcome> => {
  const { method, verb, url, json, secrets } = call;
  const { fetch, timeoutMs } = settings;
  const headers = await headersOf(call, settings, surroundings);
  const timeout = new AbortController();
  const cancel = surroundings.after(timeoutMs, () => timeout.abort());
  try {
    const response = await fetch(url.href, {
      method: verb,
      headers,
      ...(json !== undefined && { body: json }),
      redirect: 'manual',
      cache: 'no-store',
      credentials: 'omit',
      signal: timeout.signal,
    });
    if (call.answer === 'stream' && response.ok) return { kind: 'answered', answer: response };
    return readAnswer(call, response, await response.text());
  } catch (error) {
    const failure = timeout.signal.aborted
      ? new ApiCallError(`${method}: no answer within ${timeoutMs} ms`, { code: 'Timeout', method })
      : new ApiCallError(`${method}: ${redactText(describe(error), secrets)}`, {
          code: 'ConnectionFailed',
          method,
          // What fetch throws may show the URL, and with it what is secret in it.
          ...(secrets.length === 0 && { cause: error }),
        });
    return { kind: 'failed', error: failure, mayBeRepeated: true };
  } finally {
    cancel();
  }
};

const headersOf = async (
  { verb, url, json }: Call,
  { signer, idempotencyKey }: ClientSettings,
  { now, randomBytes }: Surroundings,
): Promise<Record<string, string>> => {
  const unsigned = {
    ...(json !== undefined && { 'content-type': JSON_TYPE }),
    ...(idempotencyKey !== undefined && verb === 'POST' && { 'idempotency-key': idempotencyKey }),
  };
  if (signer === undefined) return unsigned;
  const body = json === undefined ? undefined : { text: json, contentType: JSON_TYPE };
  const moment = { timestamp: Math.floor(now() / 1000), nonce: toUrlSafe(toBase64(randomBytes(NONCE_BYTES))) };
  return { ...unsigned, authorization: await signRequest(signer, { verb, url, body }, moment) };
};

const readAnswer = (call: Call, response: Response, text: string): Outcome => {
  const { method, answer, secrets } = call;
  const { status } = response;
  const parsed = parseJson(response.headers.get('content-type') ?? '', text);
  const isEmpty = text === '' && answer !== 'declared';
  if (response.ok && (parsed !== undefined || isEmpty)) {
    return { kind: 'answered', answer: answer === 'none' ? undefined : parsed?.value };
  }

  const body = redact(parsed ? parsed.value : text, secrets);
  const refuse = (code: string, message: string, mayBeRepeated = false): Outcome => {
    // A browser tells nothing of a redirection, not even its status.
    const error = new ApiCallError(message, { code, method, statusCode: status || undefined, body });
    return { kind: 'failed', error, mayBeRepeated };
  };
  if (response.ok) return refuse('MalformedAnswer', `${method}: the answer is not JSON`);
  if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    return refuse(
      'UnexpectedRedirect',
      `${method}: the answer leads elsewhere, and is not followed; is rootUrl right?`,
    );
  }
  const { code, message } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const said = typeof message === 'string' ? message : `${method}: refused with status ${status}`;
  return refuse(typeof code === 'string' ? code : 'UnknownError', withClockHint(status, said), status >= 500);
};

/** undefined: it is no JSON, or does not say that it is. */
const parseJson = (contentType: string, text: string): { readonly value: unknown } | undefined => {
  if (!/^application\/json\s*(;|$)/i.test(contentType)) return undefined;
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined; // the caller shows the text
  }
};

/**
 * The clock that signs is the caller's own, and nothing in the server's words says that it is the
 * one to look at.
 */
const withClockHint = (status: number, message: string): string =>
  status === 401 && message.includes('Stale timestamp')
    ? `${message}\n\nThe clocks of this machine and of the server differ too much for a signature.`
    : message;

/** `fetch failed` alone helps nobody; the reason is below it. */
const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? `${error.message}: ${cause.message}` : error.message;
};
