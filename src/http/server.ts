// The HTTP server: limits, headers, probes and metrics. What is served under /api comes from
// serve-api.ts.
import type { Socket } from 'node:net';
import { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, fastify, LogController } from 'fastify';
import { type Clock, toIso } from '../core/clock.ts';
import { newUuid } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Metrics } from '../core/metrics.ts';
import { ApiError, errorEnvelope } from './api-error.ts';
import { weakEtag } from './etag.ts';
import { finishAnswers } from './finish-answers.ts';
import { jsonText, sendJson, sendJsonText } from './send-json.ts';
import { withoutSecrets } from './serve-api.ts';

export type HttpServerSettings = {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Whether work can be taken on; throws or rejects with the reason when not. */
  readonly checkReadiness: () => Promise<void>;
  /** What does not work at the moment although requests can be answered. */
  readonly findTrouble?: () => Promise<string | undefined>;
};

/**
 * More than a request line may hold: what is wrong with a long id is said by the pattern of its
 * parameter.
 */
const MAX_PARAM_LENGTH = 16_384;
/** As the reference service; longer than what load balancers keep idle connections for. */
const KEEP_ALIVE_MS = 90_000;
/** A body of 10 MB over a slow line; a connection that trickles must end some time. */
const REQUEST_TIMEOUT_MS = 300_000;

/** What is on its way when the server is told to end is answered still. */
const LONGEST_UNUSED_MS = 500;

const API_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "report-uri /__cspreport__;default-src 'none';frame-ancestors 'none';",
  'x-content-type-options': 'nosniff',
  'access-control-allow-origin': '*',
  'access-control-max-age': '900',
  'access-control-allow-methods': 'OPTIONS,GET,HEAD,POST,PUT,DELETE,TRACE,CONNECT',
  'access-control-request-method': '*',
  'access-control-allow-headers':
    'X-Requested-With,Content-Type,Authorization,Accept,Origin,Cache-Control,Idempotency-Key',
  'access-control-expose-headers': 'Idempotent-Replayed',
  'cache-control': 'no-store no-cache must-revalidate',
  vary: 'Accept-Encoding',
};

const TRACE_ID = /^[\x21-\x7e]{1,200}$/;

export const createHttpServer = (settings: HttpServerSettings): FastifyInstance => {
  const { clock, log, metrics, checkReadiness, findTrouble } = settings;
  const server = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: newUuid,
    // No child log for each request: serve-api.ts makes one with the request's id when there is
    // something to say.
    childLoggerFactory: (logger) => logger,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: true, caseSensitive: true },
    frameworkErrors: (_error, request, reply) => {
      // A path that cannot be decoded (%zz) meets no route, so it has no method name, and nobody
      // knows what in it is a secret.
      setApiHeaders(reply, request.id, undefined);
      const refused = new ApiError('InvalidRequestArguments', 'Invalid URL: its path cannot be decoded.');
      const info = { method: '', params: {}, time: toIso(clock.now()) };
      const text = jsonText(errorEnvelope(refused, info));
      // No hook runs here.
      sendJsonText(reply.header('etag', weakEtag(text, Buffer.byteLength(text))) as FastifyReply, 400, text);
    },
  });

  // Bodies, and what type they are, are not looked at here: a signature may cover them, and what is
  // read before it is known who calls is serve-api.ts's decision.
  for (const method of server.supportedMethods) server.addHttpMethod(method, { overrideExisting: true });

  server.addHook('onRequest', (request, reply, done) => {
    setApiHeaders(reply, request.id, request.headers['x-taskcluster-trace-id']);
    done();
  });
  finishAnswers(server);
  closeUnused(server, clock);
  server.setNotFoundHandler((_request, reply) => sendJson(reply, 404, { error: 'Not found' }));
  server.setErrorHandler(async (error, request, reply) => {
    const { apiMethod, secretParams = [] } = request.routeOptions.config as {
      apiMethod?: string;
      secretParams?: string[];
    };
    const params =
      apiMethod === undefined ? {} : withoutSecrets(request.params as Record<string, string>, secretParams);
    const info = { method: apiMethod ?? '', params, time: toIso(clock.now()) };
    const answer = answerFor(error, log.child({ requestId: request.id }));
    return sendJson(reply, answer.statusCode, errorEnvelope(answer, info));
  });

  server.get('/livez', async () => ({ alive: true }));
  let isReady = true;
  server.get('/readyz', async (request, reply) => {
    try {
      await checkReadiness();
      const trouble = await findTrouble?.();
      if (!isReady) log.info('ready again');
      isReady = true;
      return { ready: true, ...(trouble !== undefined && { trouble }) };
    } catch (error) {
      // Probes come every few seconds, and an outage is one thing to be said.
      log[isReady ? 'warn' : 'debug']({ err: error, requestId: request.id }, 'not ready');
      isReady = false;
      return reply.code(503).send({ ready: false, reason: error instanceof ApiError ? error.message : 'see the log' });
    }
  });
  server.get('/metrics', async (_request, reply) =>
    reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  return server;
};

/**
 * Clients open connections in advance, and Node waits a minute for a first request on each of them
 * before it lets a server end.
 */
const closeUnused = (server: FastifyInstance, clock: Clock): void => {
  const sockets = new Set<Socket>();
  server.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.addHook('preClose', async () => {
    const cancel = clock.after(LONGEST_UNUSED_MS, () => {
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    });
    server.server.once('close', cancel);
  });
};

const setApiHeaders = (reply: FastifyReply, requestId: string, traceId: string | string[] | undefined): void => {
  reply.headers(API_HEADERS);
  reply.header('x-for-request-id', requestId);
  reply.header('x-for-trace-id', typeof traceId === 'string' && TRACE_ID.test(traceId) ? traceId : requestId);
};

/** What goes wrong outside a method. */
const answerFor = (error: unknown, log: Log): ApiError => {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) return new ApiError('MalformedPayload', (error as Error).message);
  const incidentId = newUuid();
  log.error({ err: error, incidentId }, 'request failed');
  return new ApiError('InternalServerError', `Internal Server Error, incidentId ${incidentId}.`);
};
