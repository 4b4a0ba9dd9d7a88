// Logging in and out, and who one is.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Cookie, cookieText } from '../sessions/cookie.ts';
import type { LoginAttempts } from '../sessions/login-attempts.ts';
import { IDLE_SECONDS, type Sessions } from '../sessions/sessions.ts';
import type { Bodies } from './bodies.ts';
import type { Door } from './door.ts';
import { LOGIN_PAGE_POLICY, loginPage, ownPath } from './login-page.ts';

export type SessionServing = {
  readonly door: Door;
  readonly sessions: Sessions;
  readonly attempts: LoginAttempts;
  readonly endChannels: (sessionIds: readonly string[]) => void;
  readonly host: string;
  readonly rootUrl: () => string;
  readonly bodies: Bodies;
  readonly countLogin: (result: 'done' | 'refused' | 'limited') => void;
};

/** Who has no session, to clients that want a name: a comet that nobody can be. */
const STRANGER = '~doznec-dozzod-dozzod-dozzod--dozzod-dozzod-dozzod-dozzod';

export const serveSessions = (scope: FastifyInstance, serving: SessionServing): void => {
  const { door, sessions, attempts, endChannels, host, rootUrl, bodies, countLogin } = serving;
  const setCookie = (reply: FastifyReply, cookie: Cookie, seconds: number) =>
    reply.header('set-cookie', cookieText(cookie, seconds, rootUrl().startsWith('https:')));
  const sendForm = (reply: FastifyReply, status: number, redirect: string, problem?: string) =>
    reply
      .code(status)
      .header('content-security-policy', LOGIN_PAGE_POLICY)
      .type('text/html; charset=utf-8')
      .send(loginPage(problem, redirect));

  scope.get('/~/login', async (request, reply) => {
    const { redirect } = request.query as { redirect?: unknown };
    return sendForm(reply, 200, typeof redirect === 'string' ? ownPath(redirect) : '/');
  });

  scope.post('/~/login', async (request, reply) => {
    const form = await bodies.readForm(request);
    const redirect = form.get('redirect') || undefined;
    const again = (status: number, problem: string) => sendForm(reply, status, ownPath(redirect ?? '/'), problem);
    if (!attempts.begin(request.ip)) {
      countLogin('limited');
      reply.header('retry-after', '60');
      return again(429, 'Too many attempts to log in. Try again in a minute.');
    }
    const opened = await sessions.open(form.get('password') ?? '', request.headers.cookie).catch((error) => {
      attempts.forgive(request.ip);
      throw error;
    });
    if (!opened) {
      countLogin('refused');
      return again(400, 'This is not the login code of any ship here.');
    }
    attempts.forgive(request.ip);
    countLogin('done');
    endChannels(opened.replaced);
    setCookie(reply, opened.cookie, IDLE_SECONDS);
    if (redirect === undefined) return reply.code(204).send();
    return reply.redirect(ownPath(redirect), 303);
  });

  scope.post('/~/logout', async (request, reply) => {
    const form = await bodies.readForm(request);
    const { redirect } = request.query as { redirect?: unknown };
    const session = await door.caller(request, reply);
    if (session) {
      endChannels(await sessions.end(session, form.has('all') ? 'all' : 'this'));
      setCookie(reply, { ship: session.ship, value: '0v0' }, 0);
    }
    return reply.redirect(typeof redirect === 'string' ? ownPath(redirect) : '/~/login', 303);
  });

  const sendName = (reply: FastifyReply, name: string) => reply.type('text/plain').send(name);
  scope.get('/~/name', async (request, reply) =>
    sendName(reply, (await door.caller(request, reply))?.ship ?? STRANGER),
  );
  // Programs that log in as the host of a server ask this; here each ship is at home.
  scope.get('/~/host', async (request, reply) => sendName(reply, (await door.caller(request, reply))?.ship ?? host));
};
