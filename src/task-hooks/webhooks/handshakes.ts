// What senders ask before they send, or to see whose address it is. Answers are plain text, short,
// and never a page: what a sender wrote comes back in them.
import { secretsAreEqual } from '../../core/secret-box.ts';
import { onlyValue, type SentHeaders } from './schemes/headers.ts';
import type { SchemeName } from './schemes/settings.ts';

export type Handshake = {
  readonly status: 200 | 403;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Characters of what is sent back. */
const LONGEST_CHALLENGE = 2_000;

const PLAIN = {
  'content-type': 'text/plain; charset=utf-8',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'cache-control': 'no-store',
};

const echo = (challenge: unknown): Handshake | undefined =>
  typeof challenge === 'string' && challenge !== '' && challenge.length <= LONGEST_CHALLENGE
    ? { status: 200, headers: PLAIN, body: challenge }
    : undefined;

const refusal = (why: string): Handshake => ({ status: 403, headers: PLAIN, body: why });

const onlyIn = (query: URLSearchParams, name: string): string | undefined => {
  const values = query.getAll(name);
  return values.length === 1 ? values[0] : undefined;
};

/**
 * GET, by WebSub and Meta: `hub.challenge`, for who knows the verify token of the webhook. A hub of
 * WebSub keeps it when it stands in the address that it was given. undefined: it is no handshake.
 */
export const answerChallenge = (query: URLSearchParams, verifyToken: string | undefined): Handshake | undefined => {
  const mode = onlyIn(query, 'hub.mode');
  if (mode !== 'subscribe' && mode !== 'unsubscribe') return undefined;
  const given = onlyIn(query, 'hub.verify_token');
  const isRight = verifyToken !== undefined && given !== undefined && secretsAreEqual(verifyToken, given);
  if (!isRight) return refusal('hub.verify_token is not that of this webhook.\n');
  return echo(onlyIn(query, 'hub.challenge')) ?? refusal('hub.challenge is missing, or too long.\n');
};

const ORIGIN = /^(\*|[A-Za-z0-9.-]{1,253}(:\d{1,5})?)$/;

/**
 * OPTIONS, by senders of CloudEvents (its "Web Hooks for Event Delivery"): may they send here?
 * undefined: it is no handshake.
 */
export const answerOptions = (headers: SentHeaders): Handshake | undefined => {
  const origin = onlyValue(headers, 'webhook-request-origin');
  if (origin === undefined || !ORIGIN.test(origin)) return undefined;
  const allowed = { allow: 'POST, OPTIONS', 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' };
  return { status: 200, headers: { ...PLAIN, ...allowed }, body: '' };
};

/**
 * POST, for a delivery that was verified: Microsoft Graph asks with `validationToken` in the
 * address. undefined: it is no handshake.
 */
export const answerValidation = (query: URLSearchParams): Handshake | undefined =>
  echo(onlyIn(query, 'validationToken'));

/** POST, for a delivery that was verified and read: `url_verification` of Slack. */
export const answerSlack = (scheme: SchemeName, payload: unknown): Handshake | undefined => {
  if (scheme !== 'slack') return undefined;
  const { type, challenge } = payload as Record<string, unknown>;
  return type === 'url_verification' ? echo(challenge) : undefined;
};
