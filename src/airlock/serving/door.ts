// What all routes of the airlock have in common: who calls, from which page, and how they are
// refused.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { newUuid } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { whyUnavailable } from '../../database/is-away.ts';
import { ApiError } from '../../http/api-error.ts';
import { htmlPage } from '../../http/pages/html-page.ts';
import { escapeHtml } from '../../http/pages/render-document.ts';
import { cookieText } from '../sessions/cookie.ts';
import { IDLE_SECONDS, type Session, type Sessions } from '../sessions/sessions.ts';
import { LOGIN_PAGE_POLICY } from './login-page.ts';

export type DoorSettings = {
  readonly sessions: Sessions;
  readonly log: Log;
  readonly rootUrl: () => string;
  /** Pages from there may call with the cookie of whoever looks at them. */
  readonly origins: readonly string[];
};

export type Door = {
  /** undefined: nobody. */
  readonly caller: (request: FastifyRequest, reply: FastifyReply) => Promise<Session | undefined>;
  /** The same; where there is nobody the request is refused with 403. */
  readonly requireCaller: (request: FastifyRequest, reply: FastifyReply) => Promise<Session>;
  /** What routes of this scope answer to pages of other origins, and when something goes wrong. */
  readonly guard: (scope: FastifyInstance) => void;
};

/** What is answered in place of what was asked for. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const notLoggedIn = () => new Refusal(403, 'You are not logged in, or your session has ended.');

const OF_OTHER_ORIGINS = [
  'access-control-allow-origin',
  'access-control-max-age',
  'access-control-allow-methods',
  'access-control-request-method',
  'access-control-allow-headers',
  'access-control-expose-headers',
];
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  403: 'Forbidden',
  404: 'Not found',
  406: 'Not acceptable',
  413: 'Too large',
  429: 'Too many requests',
  503: 'Not available',
};

export const createDoor = ({ sessions, log, rootUrl, origins }: DoorSettings): Door => {
  const caller: Door['caller'] = async (request, reply) => {
    const session = await sessions.find(request.headers.cookie);
    if (session?.renewed) {
      reply.header('set-cookie', cookieText(session.renewed, IDLE_SECONDS, rootUrl().startsWith('https:')));
    }
    return session;
  };

  const isOwn = (origin: string, host: string | undefined): boolean =>
    origin === rootUrl() || (host !== undefined && URL.canParse(origin) && new URL(origin).host === host);

  const refuse = (reply: FastifyReply, status: number, message: string): FastifyReply =>
    reply
      .code(status)
      .headers({ 'content-security-policy': LOGIN_PAGE_POLICY, ...(status >= 429 && { 'retry-after': '60' }) })
      .type('text/html; charset=utf-8')
      .send(htmlPage(TITLES[status] ?? 'Error', `<p>${escapeHtml(message)}</p>`));

  return {
    caller,
    requireCaller: async (request, reply) => {
      const session = await caller(request, reply);
      if (session) return session;
      throw notLoggedIn();
    },
    guard: (scope) => {
      scope.addHook('onRequest', async (request, reply) => {
        for (const name of OF_OTHER_ORIGINS) reply.removeHeader(name);
        const { origin, host } = request.headers;
        reply.header('vary', 'Accept-Encoding, Origin');
        if (origin === undefined || isOwn(origin, host)) return;
        if (origins.includes(origin)) {
          reply.headers({ 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' });
          if (request.method !== 'OPTIONS') return;
          const { 'access-control-request-method': method, 'access-control-request-headers': names } = request.headers;
          if (method) reply.header('access-control-allow-methods', method);
          if (names) reply.header('access-control-allow-headers', names);
          return;
        }
        // A cookie comes along also with what a page of another port of this machine sends.
        if (request.method !== 'GET' && request.method !== 'HEAD')
          throw new Refusal(403, 'Pages of other origins may not do this.');
      });
      scope.setErrorHandler(async (error, _request, reply) => {
        if (error instanceof Refusal) return refuse(reply, error.status, error.message);
        if (error instanceof ApiError) return refuse(reply, error.statusCode, error.message);
        const status = Object(error).statusCode;
        if (status >= 400 && status < 500) return refuse(reply, status, (error as Error).message);
        const why = whyUnavailable(error);
        if (why !== undefined) {
          log.warn({ err: error }, 'airlock request failed: database unavailable');
          return refuse(reply, 503, `${why} Try again later.`);
        }
        const incidentId = newUuid();
        log.error({ err: error, incidentId }, 'airlock request failed');
        return refuse(reply, 500, `Internal error, incidentId ${incidentId}.`);
      });
    },
  };
};
