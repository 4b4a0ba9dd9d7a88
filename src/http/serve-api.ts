// From a declared API to routes that answer as Taskcluster's do: order of checks, envelope and
// headers are written here, once.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Histogram } from 'prom-client';
import type { Clock } from '../core/clock.ts';
import { nextTurn, toIso } from '../core/clock.ts';
import { OperatorError } from '../core/errors.ts';
import { newUuid } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Metrics } from '../core/metrics.ts';
import { whyUnavailable } from '../database/is-away.ts';
import { openStream } from './answers/event-stream.ts';
import { ApiError, errorEnvelope } from './api-error.ts';
import {
  type ApiMethod,
  type ApiRequest,
  type ApiService,
  type Authenticate,
  type Caller,
  COMMAND_LINE_AGENT,
  type Origin,
  type Satisfies,
  type SignedRequest,
} from './api-method.ts';
import {
  isJson,
  looksLikeObject,
  parseBodyInTurns,
  parseCheckedBody,
  requireUtf8,
  SMALL_BODY_BYTES,
  sizeText,
} from './bodies/body.ts';
import { type BodyBudget, createBodyBudget } from './bodies/body-budget.ts';
import { receiveBody } from './bodies/receive-body.ts';
import { checkParams, checkQuery, requireJson } from './request-checks.ts';
import { fillInScopes, insufficientScopes } from './scope-check.ts';
import { jsonText, sendJson, sendJsonLine, sendPieces } from './send-json.ts';
import { compilePayloadCheck, type PayloadCheck } from './validation.ts';

export type ApiServing = {
  readonly authenticate: Authenticate;
  readonly satisfies: Satisfies;
  /** Called when a signed request was answered 5xx: the same signature may come again. */
  readonly forgive: (request: SignedRequest) => void;
  readonly rootUrl: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

type Duration = Histogram<'service' | 'method' | 'status'>;

export const serveApis = (server: FastifyInstance, apis: readonly ApiService[], serving: ApiServing): void => {
  const { clock, metrics } = serving;
  const duration: Duration = metrics.histogram('hookwright_api_seconds', 'Time to answer an API call', [
    'service',
    'method',
    'status',
  ]);
  const budget = createBodyBudget(clock);
  for (const { service, methods } of apis) {
    serveOptions(server, service, methods);
    for (const method of methods) {
      server.route({
        method: method.verb,
        url: urlOf(service, method),
        // For errors that come before the handler.
        config: { apiMethod: method.name, secretParams: method.secretParams ?? [] },
        handler: createHandler(service, method, serving, budget, duration),
      });
    }
  }
};

const urlOf = (service: string, { route }: ApiMethod): string =>
  `/api/${service}/v1${route.replace(/<(\w+)>/g, ':$1')}`;

/** What browsers ask before they call from another origin. */
const serveOptions = (server: FastifyInstance, service: string, methods: ApiService['methods']): void => {
  const verbs = new Map<string, string[]>();
  for (const method of methods) {
    const url = urlOf(service, method);
    verbs.set(url, [...(verbs.get(url) ?? []), ...(method.verb === 'GET' ? ['GET', 'HEAD'] : [method.verb])]);
  }
  for (const [url, allowed] of verbs) {
    const allow = allowed.sort().join(', ');
    server.options(url, async (_request, reply) => reply.header('allow', allow).type('text/plain').send(allow));
  }
};

const createHandler = (
  service: string,
  method: ApiMethod,
  serving: ApiServing,
  budget: BodyBudget,
  duration: Duration,
) => {
  const { clock, rootUrl } = serving;
  const send = method.endsLine ? sendJsonLine : sendJson;
  const checkPayload: PayloadCheck | undefined =
    method.input &&
    compilePayloadCheck(method.input, () => `${rootUrl()}/schemas/${service}/v1/${method.input?.name}.json#`);

  const { largestBody = SMALL_BODY_BYTES, input, leavesLargeUnparsed = false } = method;
  const labels = Array.from({ length: 6 }, (_, first) => ({ service, method: method.name, status: `${first}xx` }));
  const receiving = { limit: largestBody, budget, clock };

  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const began = clock.monotonic();
    const body = receiveBody(request.raw, receiving);
    const call = new Call(request, reply, body.read, method, serving);
    const { params, signed } = call;
    const { contentType } = signed;
    const isDebugging = serving.log.isLevelEnabled('debug');
    try {
      // What is small is read first: that it is no JSON is told before anything else.
      const isSmall = await body.begin();
      let isParsed = isSmall;
      if (isSmall) {
        const bytes = await body.read();
        call.payloadBytes = bytes.length;
        call.isKnown = true;
        if (isJson(contentType)) {
          call.beginning = bytes;
          call.payload = undefined;
          call.payload = parseCheckedBody(bytes, contentType);
        }
      }
      if (method.scopes !== undefined) call.caller = await serving.authenticate(signed);
      requireScopes(call, method, serving);
      checkParams(method, params);
      call.query = checkQuery(method, request.query as Record<string, unknown>);
      if (input) requireJson(request);
      if (!isSmall) {
        if (method.authorization === 'deferred' && call.caller.clientId === undefined) throw largeBodyOfNobody();
        await method.admit?.(params);
        isParsed = await parseLarge(call, await body.read(), leavesLargeUnparsed);
        await nextTurn();
      }
      if (isParsed) checkPayload?.(call.payload);
      if (!isSmall && isParsed) {
        body.forget();
        await nextTurn();
      }
      const answer = await method.handle(call);
      if (isDebugging) call.log.debug({ method: method.name, clientId: call.caller.clientId }, 'answered');
      if ('noContent' in answer) reply.code(204).send();
      else if ('stream' in answer) openStream(reply, answer.stream);
      else if ('pieces' in answer) sendPieces(reply, answer.pieces);
      else {
        if (answer.headers) reply.headers(answer.headers);
        if (!isSmall) await nextTurn();
        send(reply, 200, answer.body);
      }
    } catch (thrown) {
      const error = toApiError(thrown, () => call.log, method.name);
      if (error.statusCode >= 500) serving.forgive(signed);
      if (shouldSign(method, error, signed)) reply.header('www-authenticate', 'hawk');
      const info = {
        method: method.name,
        params: withoutSecrets(params, method.secretParams ?? []),
        ...(call.isKnown && { payload: echoOf(call) }),
        time: toIso(clock.now()),
      };
      if (isDebugging) call.log.debug({ method: method.name, code: error.code }, 'refused');
      send(reply, error.statusCode, errorEnvelope(error, info));
    } finally {
      body.end();
    }
    if (!reply.sent) await reply; // a stream, or still to be compressed
    duration.observe(labels[Math.floor(reply.statusCode / 100)] ?? {}, (clock.monotonic() - began) / 1000);
  };
};

const NOTHING = Buffer.alloc(0);
const NOBODY: Caller = { clientId: undefined, scopes: [] };

/**
 * A request, with as much as is known of it so far, which errors tell. A class, with getters for
 * what few ask for: what getters of a literal hold, or functions that are fields, V8 lets go of
 * much later (test/short-lived.test.ts).
 */
class Call implements ApiRequest {
  readonly params: Record<string, string>;
  query: Record<string, string> = {};
  /** undefined: it could not be parsed, or was not yet. */
  payload: unknown = {};
  /** After decompression. */
  payloadBytes = 0;
  /** Whether all of it was received. */
  isKnown = false;
  /** Its first bytes, or all of them. */
  beginning: Buffer = NOTHING;
  /** Bad credentials do not matter where none are needed. */
  caller = NOBODY;
  readonly signed: SignedRequest;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #streams: boolean | undefined;
  readonly #serving: ApiServing;
  #log: Log | undefined;

  constructor(
    request: FastifyRequest,
    reply: FastifyReply,
    body: () => Promise<Buffer>,
    { streams }: ApiMethod,
    serving: ApiServing,
  ) {
    this.params = request.params as Record<string, string>;
    this.signed = signedRequest(request, body);
    this.#request = request;
    this.#reply = reply;
    this.#streams = streams;
    this.#serving = serving;
  }

  get authorize(): ApiRequest['authorize'] {
    const { satisfies } = this.#serving;
    return (expression) => {
      if (!satisfies(this.caller, expression)) throw insufficientScopes(this.caller, expression, satisfies);
    };
  }

  get requestId(): string {
    return this.#request.id;
  }

  get origin(): Origin {
    return originOf(this.#request);
  }

  get lastEventId(): string | undefined {
    return this.#streams ? String(this.#request.headers['last-event-id'] ?? '') : undefined;
  }

  get idempotencyKey(): string | undefined {
    return this.#request.raw.headers['idempotency-key'] as string | undefined; // several are joined by Node
  }

  get log(): Log {
    this.#log ??= this.#serving.log.child({ requestId: this.requestId });
    return this.#log;
  }

  get gone(): AbortSignal {
    return goneSignal(this.#reply);
  }
}

/** Whether it was parsed; unless `mayLeave`, it is, or an error is thrown. */
const parseLarge = async (call: Call, bytes: Buffer, mayLeave: boolean): Promise<boolean> => {
  const { contentType } = call.signed;
  call.payloadBytes = bytes.length;
  call.isKnown = true;
  if (!isJson(contentType)) return true;
  // Lets others have a turn between two steps that each take long.
  await nextTurn();
  call.beginning = Buffer.from(bytes.subarray(0, LONGEST_CUT_ECHO)); // a part would hold the whole
  call.payload = undefined;
  if (mayLeave && looksLikeObject(bytes)) {
    requireUtf8(contentType);
    return false;
  }
  call.payload = await parseBodyInTurns(bytes, contentType);
  return true;
};

/** Bytes of a payload that comes back whole with an error. */
const LARGEST_ECHO = 8 * 1024;
/** Bytes of the beginning of a larger one, or of one that grows with its indentation. */
const LONGEST_CUT_ECHO = 2_000;

/** The payload as it was understood, for an error; a text where it is cut, or no JSON. */
const echoOf = ({ payload, payloadBytes: bytes, beginning: first }: Call): unknown => {
  if (first.length === 0) return payload;
  const beginning = first.toString('utf8', 0, LONGEST_CUT_ECHO);
  const isWhole = bytes <= LARGEST_ECHO && jsonText(payload ?? '').length <= 2 * LARGEST_ECHO;
  if (isWhole && payload !== undefined) return payload;
  if (bytes <= LONGEST_CUT_ECHO && payload === undefined) return beginning;
  return `${beginning}… (cut: ${bytes.toLocaleString('en')} bytes)`;
};

const largeBodyOfNobody = (): ApiError =>
  new ApiError(
    'InputTooLarge',
    `Without credentials, a request body has at most ${sizeText(SMALL_BODY_BYTES)} here. Sign the request to send more.`,
  );

/** Made only for those who ask: it costs more than many an answer. */
const goneSignal = ({ raw }: FastifyReply): AbortSignal => {
  const gone = new AbortController();
  if (raw.destroyed) gone.abort();
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort();
  });
  return gone.signal;
};

/** Whether a signature, or a good one, might have helped. */
const shouldSign = ({ scopes }: ApiMethod, { code }: ApiError, { authorization }: SignedRequest): boolean =>
  scopes !== undefined &&
  (code === 'AuthenticationFailed' || (code === 'InsufficientScopes' && authorization === undefined));

const signedRequest = (request: FastifyRequest, body: () => Promise<Buffer>): SignedRequest => ({
  method: request.method,
  url: request.raw.url ?? '',
  host: onlyOne(request, 'host'),
  authorization: onlyOne(request, 'authorization'),
  contentType: request.raw.headers['content-type'],
  body,
});

/**
 * Of several headers Node hands out the first, and who stands before this server may have looked at
 * another. Joined, none of them is good: neither a signature nor a host can be read from it.
 */
const onlyOne = ({ raw }: FastifyRequest, name: 'host' | 'authorization'): string | undefined => {
  let given: string | undefined;
  for (let at = 0; at < raw.rawHeaders.length; at += 2) {
    const header = raw.rawHeaders[at] as string;
    if (header.length !== name.length || header.toLowerCase() !== name) continue;
    given = given === undefined ? raw.rawHeaders[at + 1] : `${given}, ${raw.rawHeaders[at + 1]}`;
  }
  return given;
};

/** Browsers say that a page of ours calls, and let no script say so. */
const originOf = ({ headers }: FastifyRequest): Origin => {
  if (headers['sec-fetch-site'] === 'same-origin') return 'page';
  return headers['user-agent']?.startsWith(COMMAND_LINE_AGENT) ? 'command line' : 'api';
};

/** Whether who calls may, as far as the route's parameters alone tell what they need. */
const requireScopes = ({ caller, params }: Call, method: ApiMethod, { satisfies }: ApiServing): void => {
  if (method.scopes === undefined || method.authorization === 'deferred') return;
  const required = fillInScopes(method.scopes, params);
  if (!satisfies(caller, required)) throw insufficientScopes(caller, required, satisfies);
};

export const withoutSecrets = (params: Readonly<Record<string, string>>, secret: readonly string[]) =>
  secret.length === 0
    ? params
    : Object.fromEntries(
        Object.entries(params).map(([name, value]) => [name, secret.includes(name) ? '(secret)' : value]),
      );

/**
 * Whatever was thrown, as an answer. What nobody foresaw gets an incident id, and its story goes to
 * the log only.
 */
export const toApiError = (thrown: unknown, requestLog: () => Log, method: string): ApiError => {
  if (thrown instanceof ApiError) return thrown;
  const why = whyUnavailable(thrown);
  if (why !== undefined) {
    // The database has reported an OperatorError itself, once.
    const level = thrown instanceof OperatorError ? 'debug' : 'warn';
    requestLog()[level]({ err: thrown, method }, 'API call failed: database unavailable');
    return new ApiError('ServiceUnavailable', `${why} Send this again later.`, thrown);
  }
  const incidentId = newUuid();
  requestLog().error({ err: thrown, incidentId, method }, 'an API call failed inside');
  return new ApiError('InternalServerError', `Internal Server Error, incidentId ${incidentId}.`, thrown);
};
