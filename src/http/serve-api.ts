// From a declared API to routes that answer as Taskcluster's do: order of checks, envelope and
// headers are written here, once.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { toIso, turnIfLarge } from '../core/clock.ts';
import { OperatorError } from '../core/errors.ts';
import { newUuid } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Metrics } from '../core/metrics.ts';
import { whyUnavailable } from '../database/is-away.ts';
import { openStream } from './answers/event-stream.ts';
import { ApiError, errorEnvelope } from './api-error.ts';
import {
  type ApiMethod,
  type ApiService,
  type Authenticate,
  type Caller,
  COMMAND_LINE_AGENT,
  type Origin,
  type Satisfies,
  type SignedRequest,
} from './api-method.ts';
import { isJson, looksLikeObject, parseBodyInTurns, requireUtf8, SMALL_BODY_BYTES, sizeText } from './bodies/body.ts';
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

/** What is known of a request so far; errors are told with as much of it as there is. */
type Progress = {
  /** undefined: it could not be parsed, or was not yet. */
  payload: unknown;
  /** Of the body, after decompression. */
  bytes: number;
  /** Whether all of it was received. */
  isKnown: boolean;
  /** The first bytes. */
  beginning: Buffer;
};

export const serveApis = (server: FastifyInstance, apis: readonly ApiService[], serving: ApiServing): void => {
  const { clock, metrics } = serving;
  const duration = metrics.histogram('hookwright_api_seconds', 'Time to answer an API call', [
    'service',
    'method',
    'status',
  ]);
  const budget = createBodyBudget(clock);
  for (const { service, methods } of apis) {
    serveOptions(server, service, methods);
    for (const method of methods) {
      const handle = createHandler(service, method, serving, budget);
      server.route({
        method: method.verb,
        url: urlOf(service, method),
        // For errors that come before the handler.
        config: { apiMethod: method.name, secretParams: method.secretParams ?? [] },
        handler: async (request, reply) => {
          const began = clock.monotonic();
          await handle(request, reply);
          const status = `${Math.floor(reply.statusCode / 100)}xx`;
          duration.observe({ service, method: method.name, status }, (clock.monotonic() - began) / 1000);
          return reply;
        },
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

const createHandler = (service: string, method: ApiMethod, serving: ApiServing, budget: BodyBudget) => {
  const { clock, rootUrl } = serving;
  const send = method.endsLine ? sendJsonLine : sendJson;
  const checkPayload: PayloadCheck | undefined =
    method.input &&
    compilePayloadCheck(method.input, () => `${rootUrl()}/schemas/${service}/v1/${method.input?.name}.json#`);

  const { largestBody = SMALL_BODY_BYTES, input, leavesLargeUnparsed = false } = method;

  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const progress: Progress = { payload: {}, bytes: 0, isKnown: false, beginning: NOTHING };
    const params = request.params as Record<string, string>;
    let child: Log | undefined;
    const requestLog = (): Log => {
      child ??= serving.log.child({ requestId: request.id });
      return child;
    };
    const isDebugging = serving.log.isLevelEnabled('debug');
    const body = receiveBody(request.raw, { limit: largestBody, budget, clock });
    const signed = signedRequest(request, body.read);
    /** Lets others have a turn between two steps that each take long for a large body. */
    const pause = () => turnIfLarge(progress.bytes);
    /** Whether it was; unless `mayLeave`, it is, or an error is thrown. */
    const parse = async (mayLeave: boolean): Promise<boolean> => {
      const bytes = await body.read();
      Object.assign(progress, { bytes: bytes.length, isKnown: true });
      const contentType = request.raw.headers['content-type'];
      if (!isJson(contentType)) return true;
      await pause();
      progress.beginning = bytes.subarray(0, LONGEST_CUT_ECHO);
      progress.payload = undefined;
      if (mayLeave && looksLikeObject(bytes)) {
        requireUtf8(contentType);
        return false;
      }
      progress.payload = await parseBodyInTurns(bytes, contentType);
      return true;
    };
    try {
      // What is small is read first: that it is no JSON is told before anything else.
      const isSmall = await body.begin();
      let isParsed = isSmall && (await parse(false));
      const caller = await callerOf(method, signed, params, serving);
      checkParams(method, params);
      const query = checkQuery(method, request.query as Record<string, unknown>);
      if (input) requireJson(request);
      if (!isSmall) {
        if (method.authorization === 'deferred' && caller.clientId === undefined) throw largeBodyOfNobody();
        await method.admit?.(params);
        isParsed = await parse(leavesLargeUnparsed);
        await pause();
      }
      if (isParsed) checkPayload?.(progress.payload);
      if (!isSmall && isParsed) {
        body.forget();
        await pause();
      }
      const authorize = (expression: Parameters<Satisfies>[1]) => {
        if (!serving.satisfies(caller, expression)) throw insufficientScopes(caller, expression, serving.satisfies);
      };
      const received = { params, query, payload: progress.payload, payloadBytes: progress.bytes };
      const answer = await method.handle({
        ...received,
        caller,
        signed,
        requestId: request.id,
        get origin() {
          return originOf(request);
        },
        lastEventId: method.streams && String(request.headers['last-event-id'] ?? ''),
        idempotencyKey: request.raw.headers['idempotency-key'] as string | undefined, // several are joined by Node
        get log() {
          return requestLog();
        },
        get gone() {
          return goneSignal(reply);
        },
        authorize,
      });
      if (isDebugging) requestLog().debug({ method: method.name, clientId: caller.clientId }, 'answered');
      if ('noContent' in answer) return reply.code(204).send();
      if ('stream' in answer) {
        openStream(reply, answer.stream);
        return reply;
      }
      if ('pieces' in answer) return sendPieces(reply, answer.pieces);
      if (answer.headers) reply.headers(answer.headers);
      await pause();
      return send(reply, 200, answer.body);
    } catch (thrown) {
      const error = toApiError(thrown, requestLog, method.name);
      if (error.statusCode >= 500) serving.forgive(signed);
      if (shouldSign(method, error, signed)) reply.header('www-authenticate', 'hawk');
      const info = {
        method: method.name,
        params: withoutSecrets(params, method.secretParams ?? []),
        ...(progress.isKnown && { payload: echoOf(progress) }),
        time: toIso(clock.now()),
      };
      if (isDebugging) requestLog().debug({ method: method.name, code: error.code }, 'refused');
      return send(reply, error.statusCode, errorEnvelope(error, info));
    } finally {
      body.end();
    }
  };
};

/** Bytes of a payload that comes back whole with an error. */
const LARGEST_ECHO = 8 * 1024;
/** Bytes of the beginning of a larger one, or of one that grows with its indentation. */
const LONGEST_CUT_ECHO = 2_000;
const NOTHING = Buffer.alloc(0);

/** The payload as it was understood, for an error; a text where it is cut, or no JSON. */
const echoOf = ({ payload, bytes, beginning: first }: Progress): unknown => {
  if (first.length === 0) return payload;
  const beginning = first.toString();
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
const onlyOne = ({ headers, raw }: FastifyRequest, name: 'host' | 'authorization'): string | undefined => {
  const given: string[] = [];
  for (let at = 0; at < raw.rawHeaders.length; at += 2) {
    const header = raw.rawHeaders[at] ?? '';
    if (header.length === name.length && header.toLowerCase() === name) given.push(raw.rawHeaders[at + 1] ?? '');
  }
  return given.length > 1 ? given.join(', ') : headers[name];
};

/** Browsers say that a page of ours calls, and let no script say so. */
const originOf = ({ headers }: FastifyRequest): Origin => {
  if (headers['sec-fetch-site'] === 'same-origin') return 'page';
  return headers['user-agent']?.startsWith(COMMAND_LINE_AGENT) ? 'command line' : 'api';
};

/**
 * Who calls, and whether they may, as far as the route's parameters alone tell what they need.
 */
const callerOf = async (
  method: ApiMethod,
  signed: SignedRequest,
  params: Readonly<Record<string, string>>,
  { authenticate, satisfies }: ApiServing,
): Promise<Caller> => {
  if (method.scopes === undefined) return { clientId: undefined, scopes: [] }; // bad credentials do not matter where none are needed
  const caller = await authenticate(signed);
  if (method.authorization === 'deferred') return caller;
  const required = fillInScopes(method.scopes, params);
  if (!satisfies(caller, required)) throw insufficientScopes(caller, required, satisfies);
  return caller;
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
