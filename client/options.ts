// What a client can be told, what holds when it is not, and what is no sense at all.
import { type Credentials, createSigner, type Signer } from './signing/credentials.ts';

export type ClientOptions = {
  /** Where the server is: `https://hooks.example.com`. */
  readonly rootUrl: string;
  /** Without them, or with `{}`, requests go unsigned. */
  readonly credentials?: Credentials | Record<string, never> | undefined;
  /** Each request may use these scopes only. The credentials must have them. */
  readonly authorizedScopes?: readonly string[] | undefined;
  /**
   * Sent with each call that is a POST. A trigger with it fires once, however often it is sent:
   * `hooks.use({ idempotencyKey: 'ship-4711' }).triggerHook(…)`.
   */
  readonly idempotencyKey?: string | undefined;
  /** How often a call is repeated that met a broken connection, a timeout or a 5xx. Default: 5. */
  readonly retries?: number | undefined;
  /** How long one try may take, in milliseconds. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
  /** The pause before the n-th repetition lasts 2ⁿ × this, in milliseconds. Default: 100. */
  readonly delayFactor?: number | undefined;
  /**
   * By which share a pause is longer or shorter by chance, from 0 up to, but not including, 1.
   * Default: 0.25.
   */
  readonly randomizationFactor?: number | undefined;
  /** No pause is longer, in milliseconds. Default: 30,000. */
  readonly maxDelay?: number | undefined;
  /** What sends the requests. Default: the `fetch` of the platform. */
  readonly fetch?: Fetch | undefined;
};

/** As much of the platform's `fetch` as is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type ClientSettings = {
  readonly rootUrl: string;
  readonly signer: Signer | undefined;
  readonly idempotencyKey: string | undefined;
  readonly retries: number;
  readonly timeoutMs: number;
  readonly delayFactor: number;
  readonly randomizationFactor: number;
  readonly maxDelay: number;
  readonly fetch: Fetch;
};

/** Timers cannot hold more (2³¹ - 1 ms). */
const LONGEST_MS = 2 ** 31 - 1;

/** Throws TypeError for options that are not known, and for values that they cannot have. */
export const readOptions = (options: ClientOptions): ClientSettings => {
  const { rootUrl, credentials, authorizedScopes, idempotencyKey, ...rest } = requireObject(options);
  const {
    retries = 5,
    timeoutMs = 30_000,
    delayFactor = 100,
    randomizationFactor = 0.25,
    maxDelay = 30_000,
    fetch = (url, init) => globalThis.fetch(url, init),
    ...unknown
  } = rest;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) throw new TypeError(`There is no option ${stranger}`);
  requireNumber('retries', retries, Number.isSafeInteger(retries) && retries >= 0, 'a whole number, 0 or more');
  requireNumber('timeoutMs', timeoutMs, timeoutMs > 0 && timeoutMs <= LONGEST_MS, 'above 0 and at most 24 days');
  requireNumber('delayFactor', delayFactor, delayFactor >= 0, '0 or more');
  requireNumber('maxDelay', maxDelay, maxDelay >= 0 && maxDelay <= LONGEST_MS, 'from 0 to 24 days');
  const isShare = randomizationFactor >= 0 && randomizationFactor < 1;
  requireNumber('randomizationFactor', randomizationFactor, isShare, 'from 0 up to, but not including, 1');
  if (idempotencyKey !== undefined && !/^[\x21\x23-\x2b\x2d-\x7e]{1,255}$/.test(idempotencyKey)) {
    throw new TypeError('idempotencyKey must be 1 to 255 visible ASCII characters, without quotes and commas');
  }
  if (typeof fetch !== 'function') throw new TypeError('fetch must be a function');
  return {
    rootUrl: readRootUrl(rootUrl),
    signer: createSigner(credentials, authorizedScopes),
    ...{ idempotencyKey, retries, timeoutMs, delayFactor, randomizationFactor, maxDelay, fetch },
  };
};

const requireObject = (options: ClientOptions): ClientOptions => {
  if (typeof options === 'object' && options !== null) return options;
  throw new TypeError('A client needs options, at least { rootUrl }');
};

const requireNumber = (name: string, value: unknown, isGood: boolean, what: string): void => {
  if (typeof value !== 'number' || !isGood) throw new TypeError(`${name} must be ${what}`);
};

/**
 * Without slashes at its end. What it says besides the address is refused: a request would not
 * carry it, or carry it in the clear.
 */
const readRootUrl = (rootUrl: unknown): string => {
  const url = typeof rootUrl === 'string' && URL.canParse(rootUrl) ? new URL(rootUrl) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError('rootUrl must be an http or https URL, such as https://hooks.example.com');
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new TypeError('rootUrl must not have a user, a password, a query or a fragment');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
};
