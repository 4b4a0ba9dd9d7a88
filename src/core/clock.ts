// The one clock. Nothing outside core/ calls Date.now(), setTimeout or Math.random(): a test can
// then hold time in its hands.

export type Clock = {
  /** Wall-clock time in milliseconds since the epoch. It may jump, in both directions. */
  readonly now: () => number;
  /** Milliseconds from an arbitrary start; it never jumps. For durations only. */
  readonly monotonic: () => number;
  /**
   * Calls `callback` once after `ms` milliseconds, unless the function that it answers is called
   * before.
   */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** Resolves after `ms` milliseconds, or as soon as `signal` aborts; it never rejects. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
};

/** setTimeout overflows above 2^31-1 ms (24.8 days) and would fire at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

const after: Clock['after'] = (ms, callback) => {
  const timer = setTimeout(callback, Math.min(Math.max(ms, 0), LONGEST_TIMEOUT_MS));
  return () => clearTimeout(timer);
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = after(ms, done);
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/**
 * Runs `work` with a signal that aborts after `ms`. Rejects with `onTimeout()` when the time is up
 * first;
 * `work` then goes on in the background until it sees its signal, and what it does later is
 * ignored.
 */
export const withDeadline = <T>(
  clock: Clock,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  onTimeout: () => Error,
): Promise<T> =>
  new Promise((resolve, reject) => {
    // Aborted only when the time is up: an abort makes an exception with its stack, which costs
    // more than all the rest here.
    const timeIsUp = new AbortController();
    const cancel = clock.after(ms, () => {
      reject(onTimeout());
      timeIsUp.abort();
    });
    const working = async () => work(timeIsUp.signal); // async, so that what it throws at once counts as well
    void working().then(resolve, reject).finally(cancel);
  });

/**
 * 9999-12-31T23:59:59.999Z, the last moment that an ISO date of four digits can say. PostgreSQL
 * does not read the spelling of later ones.
 */
export const LATEST_MS = 253_402_300_799_999;

/** The last moment that a Date can be. */
export const LAST_DATE_MS = 8.64e15;

/** Seconds that are written are few: the last ones, and what is a round time from them. */
const MOST_SECONDS = 100;
const seconds = new Map<number, string>();
const THE_REST = Array.from({ length: 1_000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);

/** `2026-11-20T15:29:17.`. */
const secondText = (second: number): string => {
  const known = seconds.get(second);
  if (known !== undefined) return known;
  const text = new Date(second * 1_000).toISOString().slice(0, -'000Z'.length);
  if (seconds.size >= MOST_SECONDS) seconds.clear();
  seconds.set(second, text);
  return text;
};

/**
 * An ISO 8601 date in UTC with milliseconds, as every API here writes it:
 * `2026-11-20T15:29:17.603Z`. A fire writes some fifteen, and `toISOString` takes ten times as
 * long.
 */
export const toIso = (ms: number): string => {
  if (!(Math.abs(ms) <= LAST_DATE_MS)) throw new RangeError(`${ms} is no time`);
  const whole = Math.trunc(ms); // as Date does
  const second = Math.floor(whole / 1_000);
  return secondText(second) + THE_REST[whole - second * 1_000];
};

/**
 * A turn of the event loop: resolves when what has come in meanwhile was looked at. Twice, because
 * an immediate that is set while a socket is looked at comes before the next look at sockets.
 */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });

/** Bytes, or characters, of which one pass takes more than a fraction of a millisecond. */
export const LARGE = 100 * 1024;

/** Between two passes over something of this size: a turn for others, where it is large. */
export const turnIfLarge = (size: number): Promise<void> | undefined => (size > LARGE ? nextTurn() : undefined);
