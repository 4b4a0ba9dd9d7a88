// Calls to the services of a Taskcluster deployment: signed, over connections that are kept, each
// with a deadline and a bound.
//
// Not the typed client (#client): that one is for programs that call us. A server needs connections
// that it may keep and close, a bound for the size of answers, a task sent as the very text that is
// stored, and a restriction of scopes with each call.
import http from 'node:http';
import https from 'node:https';
import { urlToHttpOptions } from 'node:url';
import { backoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { describeError, errorCode } from '../core/errors.ts';
import { newSlugId } from '../core/ids.ts';
import type { Metrics } from '../core/metrics.ts';
import { signHawk } from './hawk.ts';
import type { TaskclusterDeployment } from './taskcluster-deployment.ts';

export type TaskclusterCall = {
  readonly service: 'auth' | 'queue' | 'notify';
  /** The method's name, as the service's reference has it: for errors and metrics. */
  readonly name: string;
  readonly verb: 'GET' | 'PUT' | 'POST';
  /** Below `/api/<service>/v1`, encoded. */
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  /**
   * Whose authority it bears: nobody's; that of all our credentials; exactly these scopes of them.
   */
  readonly as: 'nobody' | 'ourselves' | { readonly authorizedScopes: readonly string[] };
  /** For all tries together, in milliseconds. */
  readonly deadlineMs: number;
  /**
   * How often it is tried where trying again may help. Only for calls that do no harm twice.
   * Default: once.
   */
  readonly tries?: number;
  /** No answer is larger, in bytes. Default: 1 MiB. */
  readonly largestAnswer?: number;
  /** Reads JSON; throws for what is none. Default: JSON.parse. */
  readonly parse?: (text: string) => unknown;
};

/**
 * What a service said: something was done (2xx), or it refuses in its own words (4xx with the error
 * envelope of Taskcluster).
 */
export type TaskclusterAnswer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly statusCode: number; readonly code: string; readonly message: string };

export type TaskclusterClient = AsyncDisposable & {
  readonly rootUrl: string;
  readonly clientId: string;
  /**
   * Rejects with TaskclusterError when there is no answer of the service: a broken connection, no
   * time left, 5xx, 429, what is no JSON.
   */
  readonly call: (call: TaskclusterCall, signal?: AbortSignal) => Promise<TaskclusterAnswer>;
  /** Our signature for a request, as it stands in its Authorization header. */
  readonly sign: (verb: string, url: URL, authorizedScopes?: readonly string[]) => string;
};

/**
 * The outcome of the call is unknown, or it may be made again. The message names service, method
 * and root URL, and no secret.
 */
export class TaskclusterError extends Error {
  override readonly name = 'TaskclusterError';
  /** 401: the deployment does not know our credentials any more. */
  readonly statusCode: number | undefined;

  constructor(message: string, statusCode?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.statusCode = statusCode;
  }
}

export type TaskclusterClientSettings = {
  readonly deployment: TaskclusterDeployment;
  readonly clock: Clock;
  readonly metrics: Metrics;
};

/** Each service has its own: a queue that hangs must not keep callers from being authenticated. */
const MOST_CONNECTIONS = { auth: 64, queue: 64, notify: 4 } as const;
const LARGEST_ANSWER = 1024 * 1024;
const RETRY = { firstMs: 100, longestMs: 2_000 };
/**
 * Errors that are not about what was asked: it was asked too early, or with credentials unknown
 * there.
 */
const NOT_ABOUT_THE_CALL: readonly number[] = [401, 408, 425, 429];
const LONGEST_TEXT = 500;

export const createTaskclusterClient = (settings: TaskclusterClientSettings): TaskclusterClient => {
  const { deployment, clock, metrics } = settings;
  const { clientId, certificate } = deployment;
  const rootUrl = deployment.rootUrl.origin;
  const { request: send, Agent } = deployment.rootUrl.protocol === 'https:' ? https : http;
  const place = urlToHttpOptions(deployment.rootUrl); // an IPv6 address without its brackets
  const agentWith = (maxSockets: number) => new Agent({ keepAlive: true, maxSockets, maxFreeSockets: maxSockets });
  const agents = {
    auth: agentWith(MOST_CONNECTIONS.auth),
    queue: agentWith(MOST_CONNECTIONS.queue),
    notify: agentWith(MOST_CONNECTIONS.notify),
  };
  /** Stops the calls that are under way. */
  const underWay = new Set<() => void>();
  let isClosed = false;
  const help = 'Time of calls to the deployment; outcome: the status, or none for no answer';
  const duration = metrics.histogram('hookwright_deployment_seconds', help, ['service', 'method', 'outcome']);

  const sign: TaskclusterClient['sign'] = (verb, url, authorizedScopes) => {
    const claims = { ...(certificate && { certificate }), ...(authorizedScopes && { authorizedScopes }) };
    const hasClaims = Object.keys(claims).length > 0;
    const ext = hasClaims ? Buffer.from(JSON.stringify(claims)).toString('base64') : undefined;
    const moment = { timestamp: Math.floor(clock.now() / 1000), nonce: newSlugId() };
    return signHawk({ id: clientId, key: deployment.accessToken, ext }, { verb, url, ...moment });
  };

  /** Names and values in turn, which Node writes as they are. */
  const headersOf = ({ verb, as, body }: TaskclusterCall, url: URL): string[] => {
    const authorizedScopes = typeof as === 'object' ? as.authorizedScopes : undefined;
    return [
      ...['host', url.host],
      ...(as === 'nobody' ? [] : ['authorization', sign(verb, url, authorizedScopes)]),
      ...(body === undefined
        ? []
        : ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(body))]),
    ];
  };

  const nameOf = ({ service, name }: TaskclusterCall) => `${service}.${name} at ${rootUrl}`;

  /**
   * One request, and again at once where a kept connection turns out to have been closed meanwhile.
   */
  const exchange = async (call: TaskclusterCall, signal: AbortSignal): Promise<Reply> => {
    const url = new URL(`${rootUrl}/api/${call.service}/v1${call.path}`);
    for (;;) {
      const { protocol, hostname, port } = place;
      const options = { protocol, hostname, port, path: `${url.pathname}${url.search}`, method: call.verb };
      const request = send({ ...options, headers: headersOf(call, url), agent: agents[call.service] });
      try {
        return await readReply(request, call.body, call.largestAnswer ?? LARGEST_ANSWER, signal);
      } catch (error) {
        const wasClosed = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(errorCode(error) ?? '');
        if (!wasClosed || signal.aborted) throw error;
      }
    }
  };

  const tryOnce = async (call: TaskclusterCall, signal: AbortSignal): Promise<TaskclusterAnswer> => {
    const began = clock.monotonic();
    let outcome = 'none';
    try {
      const reply = await exchange(call, signal);
      outcome = String(reply.status);
      return readAnswer(reply, nameOf(call), call.parse);
    } catch (error) {
      if (error instanceof TaskclusterError) throw error;
      throw new TaskclusterError(`${nameOf(call)} did not answer: ${describeError(error)}`, undefined, error);
    } finally {
      const { service, name: method } = call;
      duration.observe({ service, method, outcome }, (clock.monotonic() - began) / 1000);
    }
  };

  const call: TaskclusterClient['call'] = async (what, given) => {
    // One signal for all that may stop the call; AbortSignal.any takes several times as long.
    const stopping = new AbortController();
    const { signal } = stopping;
    let isTimeUp = false;
    const stop = () => stopping.abort();
    const cancel = clock.after(what.deadlineMs, () => {
      isTimeUp = true;
      stop();
    });
    given?.addEventListener('abort', stop);
    underWay.add(stop);
    if (isClosed || given?.aborted) stop();
    try {
      for (let failures = 0; ; ) {
        try {
          return await tryOnce(what, signal);
        } catch (error) {
          if (isTimeUp) {
            throw new TaskclusterError(`${nameOf(what)} did not answer within ${what.deadlineMs / 1000} s`);
          }
          failures += 1;
          const isOver = failures >= (what.tries ?? 1) || signal.aborted || isHopeless(error);
          if (isOver) throw error;
          await clock.sleep(backoff(failures - 1, RETRY), signal);
        }
      }
    } finally {
      cancel();
      underWay.delete(stop);
      given?.removeEventListener('abort', stop);
    }
  };

  return {
    rootUrl,
    clientId,
    call,
    sign,
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
      for (const stop of underWay) stop();
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
};

type Reply = { readonly status: number; readonly contentType: string; readonly text: string };

const readReply = (
  request: http.ClientRequest,
  body: string | undefined,
  largest: number,
  signal: AbortSignal,
): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const giveUp = (reason: Error) => {
      reject(reason);
      request.destroy();
    };
    const onAbort = () => giveUp(new Error('the call was stopped'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    request.once('close', () => signal.removeEventListener('abort', onAbort));
    request.on('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > largest) giveUp(new Error(`its answer is larger than ${largest} bytes`));
        else chunks.push(chunk);
      });
      response.once('end', () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, contentType: headers['content-type'] ?? '', text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.end(body);
  });

const readAnswer = (
  { status, contentType, text }: Reply,
  place: string,
  parse: (text: string) => unknown = JSON.parse,
): TaskclusterAnswer => {
  const body = /^application\/json\s*(;|$)/i.test(contentType) ? tryToParse(text, parse) : undefined;
  if (status >= 200 && status < 300) {
    if (body !== undefined || text === '') return { ok: true, body };
    throw new TaskclusterError(`${place} answered ${status} without JSON; is the root URL right?`);
  }
  const { code, message } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const isEnvelope = typeof code === 'string' && typeof message === 'string';
  const isAboutTheCall = status >= 400 && status < 500 && !NOT_ABOUT_THE_CALL.includes(status);
  if (isEnvelope && isAboutTheCall) return { ok: false, statusCode: status, code, message: withoutFooter(message) };
  const said = isEnvelope ? `: ${code}: ${withoutFooter(message).slice(0, LONGEST_TEXT)}` : hintOf(status);
  throw new TaskclusterError(`${place} answered ${status}${said}`, status);
};

const tryToParse = (text: string, parse: (text: string) => unknown): unknown => {
  try {
    return parse(text);
  } catch {
    return undefined; // the caller says so
  }
};

/**
 * The four lines at the end of each message of Taskcluster tell method, code, status and time of a
 * request that was not our caller's.
 */
const withoutFooter = (message: string): string => message.split('\n\n---\n\n* method:')[0] ?? '';

const hintOf = (status: number): string =>
  status < 500 && status >= 300 ? ', and not as a service of Taskcluster does; is the root URL right?' : '';

/** Trying again soon does not help. */
const isHopeless = (error: unknown): boolean =>
  error instanceof TaskclusterError &&
  error.statusCode !== undefined &&
  error.statusCode < 500 &&
  error.statusCode !== 429;
