// The one clock. Nothing outside core/ calls Date.now(), setTimeout or Math.random(): a test can then hold time in its hands.

export type Clock = {
  /** Wall-clock time in milliseconds since the epoch. It may jump, in both directions. */
  readonly now: () => number;
  /** Milliseconds from an arbitrary start; it never jumps. For durations only. */
  readonly monotonic: () => number;
  /** Resolves after `ms` milliseconds, or as soon as `signal` aborts; it never rejects. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
};

/** setTimeout overflows above 2^31-1 ms (24.8 days) and would fire at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.max(ms, 0), LONGEST_TIMEOUT_MS));
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/**
 * Runs `work` with a signal that aborts after `ms`. Rejects with `onTimeout()` when the time is up first;
 * `work` then goes on in the background until it sees its signal, and what it does later is ignored.
 */
export const withDeadline = async <T>(
  clock: Clock,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  onTimeout: () => Error,
): Promise<T> => {
  const timeIsUp = new AbortController();
  const finished = new AbortController();
  const expiry = clock.sleep(ms, finished.signal).then(() => {
    if (finished.signal.aborted) return new Promise<never>(() => {});
    timeIsUp.abort();
    throw onTimeout();
  });
  try {
    return await Promise.race([work(timeIsUp.signal), expiry]);
  } finally {
    finished.abort();
  }
};

/** An ISO 8601 date in UTC with milliseconds, as every API here writes it: `2026-11-20T15:29:17.603Z`. */
export const toIso = (ms: number): string => new Date(ms).toISOString();
