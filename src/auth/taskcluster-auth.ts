// Who calls, where clients and roles live in a Taskcluster deployment: its Auth verifies signatures
// and tells scopes. What can be checked here is checked here: the payload, and that no signature is
// used twice.
import { LRUCache } from 'lru-cache';
import { signedAddress } from '#signing';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { ApiError } from '../http/api-error.ts';
import type { Authenticate, Caller, Satisfies, SignedRequest } from '../http/api-method.ts';
import type { TaskclusterClient } from '../taskcluster/taskcluster-client.ts';
import { isScope, normalForm, satisfies } from './scopes.ts';
import { type Address, checkResource, readHost } from './signatures/address.ts';
import { authenticationFailed, badHeader, twoSchemes } from './signatures/authentication-failed.ts';
import { checkPayload } from './signatures/payload-hash.ts';
import { hasBewit } from './signatures/read-bewit.ts';
import { readHeader } from './signatures/read-header.ts';
import { createReplays } from './signatures/replays.ts';

export type TaskclusterAuthSettings = {
  readonly client: TaskclusterClient;
  /** What callers sign when a proxy stands before us; undefined: what their Host header says. */
  readonly rootUrl: URL | undefined;
  /** The deployment's own: a Host header that names it leaves out the port of its scheme. */
  readonly deploymentUrl: URL;
  readonly clock: Clock;
  readonly log: Log;
};

export type TaskclusterAuth = {
  readonly authenticate: Authenticate;
  readonly satisfies: Satisfies;
  readonly forgive: (request: SignedRequest) => void;
  /**
   * Whether Auth answers, and whether our own credentials are good. Throws ApiError
   * ServiceUnavailable that says what is not.
   */
  readonly checkHealth: () => Promise<void>;
  /** What our own credentials may do, expanded. */
  readonly ownScopes: () => Promise<readonly string[]>;
  /**
   * What a role stands for, as far as our own credentials may assume it. Throws an ApiError when
   * they may not.
   */
  readonly scopesOfRole: (role: string) => Promise<readonly string[]>;
};

/** What Auth says of a request. */
type Verdict =
  | {
      readonly status: 'auth-success';
      readonly clientId: string;
      readonly scopes: readonly string[];
      readonly hash?: string;
    }
  | { readonly status: 'no-auth'; readonly scopes: readonly string[]; readonly expires: number }
  | { readonly status: 'auth-failed'; readonly message: string };

const DEADLINE_MS = 8_000;
const HEALTH_DEADLINE_MS = 3_000;
const TRIES = 3;
/**
 * The client keeps 64 connections; what waits for one longer than this queue allows is told at
 * once.
 */
const MOST_UNDER_WAY = 1_000;
/**
 * How long what everybody may do is not asked for again. Auth permits 15 minutes, for which it
 * stays good while Auth is away.
 */
const EVERYBODY_FRESH_MS = 60_000;
const EVERYBODY_GOOD_MS = 15 * 60_000;
const QUIET_MS = 5_000;
const ASK_AGAIN_MS = 5_000;
const LARGEST_ANSWER = 4 * 1024 * 1024;
const LONGEST_MESSAGE = 2_000;
/** Characters of answers whose meaning is remembered. */
const READINGS_KEPT = 2 * 1024 * 1024;

export const createTaskclusterAuth = (settings: TaskclusterAuthSettings): TaskclusterAuth => {
  const { client, clock, log } = settings;
  const replays = createReplays(clock);
  const addressOf = createAddressOf(settings);
  const verdicts = createVerdictReader();
  let underWay = 0;
  let quietUntil = Number.NEGATIVE_INFINITY;

  /** At most once in QUIET_MS: while Auth is away, each request has the same warning. */
  const warn = (about: object, what: string) => {
    const now = clock.monotonic();
    if (now < quietUntil) return;
    quietUntil = now + QUIET_MS;
    log.warn(about, what);
  };

  const away = (reason: string, cause?: unknown) =>
    new ApiError(
      'ServiceUnavailable',
      `the Auth of ${client.rootUrl} ${reason}, so callers cannot be authenticated`,
      cause,
    );

  const ask = async (question: object, deadlineMs = DEADLINE_MS): Promise<Verdict> => {
    if (underWay >= MOST_UNDER_WAY) throw away('has too many of our questions under way');
    underWay += 1;
    try {
      const answer = await client.call({
        ...{ service: 'auth', name: 'authenticateHawk', verb: 'POST', path: '/authenticate-hawk', as: 'nobody' },
        body: JSON.stringify(question),
        ...{ deadlineMs, tries: TRIES, largestAnswer: LARGEST_ANSWER, parse: verdicts.parse },
      });
      if (answer.ok) return verdicts.read(answer.body);
      const { statusCode, code, message } = answer;
      warn(
        { statusCode, code, reason: message.slice(0, LONGEST_MESSAGE) },
        'signature not verified: Auth rejected the question',
      );
      // Auth rejects a host or a resource that it cannot read, for which there is no signature.
      if (statusCode === 400) throw authenticationFailed('Bad Request: what was signed cannot be read');
      throw away(`refuses to be asked: ${code}`);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      warn({ err: error }, 'signature not verified');
      throw away('does not answer', error);
    } finally {
      underWay -= 1;
    }
  };

  let everybody: { readonly caller: Caller; readonly freshUntil: number; readonly goodUntil: number } | undefined;
  let asking: Promise<Caller> | undefined;
  const askForEverybody = async (): Promise<Caller> => {
    try {
      const verdict = await ask({ method: 'get', resource: '/', host: 'localhost', port: 80 });
      if (verdict.status !== 'no-auth') throw away('took an unsigned request for a signed one');
      const caller = Object.freeze({ clientId: undefined, scopes: verdict.scopes });
      const now = clock.monotonic();
      const goodMs = Math.min(verdict.expires - clock.now(), EVERYBODY_GOOD_MS);
      everybody = { caller, freshUntil: now + Math.min(goodMs, EVERYBODY_FRESH_MS), goodUntil: now + goodMs };
      return caller;
    } finally {
      asking = undefined;
    }
  };
  const unsignedCaller = async (): Promise<Caller> => {
    const known = everybody;
    const now = clock.monotonic();
    if (known && now < known.freshUntil) return known.caller;
    asking ??= askForEverybody();
    try {
      return await asking;
    } catch (error) {
      if (!known || now >= known.goodUntil) throw error;
      everybody = { ...known, freshUntil: clock.monotonic() + ASK_AGAIN_MS };
      return known.caller;
    }
  };

  const verify = async (request: SignedRequest): Promise<Caller> => {
    const { method, url, authorization } = request;
    checkResource(url);
    const isLink = hasBewit(url);
    if (!authorization && !isLink) return unsignedCaller();
    if (authorization && isLink) throw twoSchemes();
    const attributes = authorization ? readHeader(authorization) : undefined;
    const { host, port } = addressOf(request.host);
    const verdict = await ask({
      ...{ method: method.toLowerCase(), resource: url, host, port },
      ...(authorization && { authorization }),
    });
    if (verdict.status === 'auth-failed') throw authenticationFailed(verdict.message);
    if (verdict.status === 'no-auth') throw badHeader(); // it is signed
    const { clientId, scopes, hash } = verdict;
    if (attributes) {
      const { id, nonce, ts, hash: claimed } = attributes;
      // Two parsers saw the header. They agree, or what is checked here is not what was signed.
      if (id !== clientId || (claimed ?? '') !== (hash ?? '')) throw badHeader();
      if (hash) await checkPayload(request, hash);
      const problem = replays.use(request, { id, nonce, ts });
      if (problem) throw authenticationFailed(`Unauthorized: ${problem}`);
    }
    return { clientId, scopes };
  };

  /** Our own credentials, looked at as those of a caller: that needs no scope. */
  /** @param restricted to these scopes of ours. */
  const askAboutUs = async (restricted?: readonly string[]): Promise<Extract<Verdict, { status: 'auth-success' }>> => {
    const question = { method: 'get', resource: '/', host: 'localhost', port: 80 };
    const authorization = client.sign('GET', new URL('http://localhost/'), restricted);
    const verdict = await ask({ ...question, authorization }, HEALTH_DEADLINE_MS);
    if (verdict.status === 'auth-success') return verdict;
    const reason = verdict.status === 'auth-failed' ? `: ${verdict.message}` : '';
    throw new ApiError(
      'ServiceUnavailable',
      `the Auth of ${client.rootUrl} refuses the credentials of this server (client ${client.clientId})${reason}`,
    );
  };

  return {
    authenticate: verify,
    satisfies,
    forgive: replays.forgive,
    checkHealth: async () => void (await askAboutUs()),
    ownScopes: async () => (await askAboutUs()).scopes,
    scopesOfRole: async (role) => (await askAboutUs([`assume:${role}`])).scopes,
  };
};

/** The host and the port that a caller has signed. */
const createAddressOf = ({
  rootUrl,
  deploymentUrl,
}: TaskclusterAuthSettings): ((host: string | undefined) => Address) => {
  const given = rootUrl && signedAddress(rootUrl);
  const deployment = signedAddress(deploymentUrl);
  return (header) => {
    if (given) return given;
    const address = readHost(header);
    const names = (header ?? '').toLowerCase() === deploymentUrl.host; // without a port: that of the scheme, which only a proxy before us knows
    return names ? deployment : address;
  };
};

/**
 * What an answer means. Auth is asked about each signature, and for one client says the same each
 * time: thousands of scopes, perhaps, that take longer to parse and to sort than all else that is
 * done for a request. Equal text has equal meaning, so this is remembered, and nothing of who may
 * do what.
 */
const createVerdictReader = () => {
  const bodies = new LRUCache<string, object>({
    maxSize: READINGS_KEPT,
    sizeCalculation: (_, text) => text.length + 1,
  });
  const verdicts = new WeakMap<object, Verdict>();
  return {
    parse: (text: string): unknown => {
      const known = bodies.get(text);
      if (known) return known;
      const body: unknown = JSON.parse(text);
      if (isOfClient(body)) bodies.set(text, body);
      return body;
    },
    read: (body: unknown): Verdict => {
      if (!isOfClient(body)) return readVerdict(body);
      const verdict = verdicts.get(body) ?? readVerdict(body);
      verdicts.set(body, verdict);
      return verdict;
    },
  };
};

const isOfClient = (body: unknown): body is object =>
  typeof body === 'object' && body !== null && 'status' in body && body.status === 'auth-success';

/** Throws an Error for what no Auth answers. */
const readVerdict = (body: unknown): Verdict => {
  const { status, clientId, scopes, expires, hash, message } = (body ?? {}) as Record<string, unknown>;
  if (status === 'auth-failed') {
    return { status, message: typeof message === 'string' ? message.slice(0, LONGEST_MESSAGE) : 'Unauthorized' };
  }
  const isRead = Array.isArray(scopes) && scopes.every(isScope) && (hash === undefined || typeof hash === 'string');
  if (isRead && status === 'auth-success' && typeof clientId === 'string') {
    return { status, clientId, scopes: normalForm(scopes), ...(hash !== undefined && { hash }) };
  }
  if (isRead && status === 'no-auth') {
    const until = typeof expires === 'string' ? Date.parse(expires) : Number.NaN;
    return { status, scopes: normalForm(scopes), expires: Number.isNaN(until) ? 0 : until };
  }
  throw new Error(`its answer about a signature cannot be read; its status is ${String(status).slice(0, 50)}`);
};
