// Tries until it works: what depends on a database or a broker that comes back by itself.
import { type BackoffSettings, backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

export type RetrySettings = {
  /** What is tried, for the log: `relay`, `lease renewal`. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Between two tries. Default: 100 ms at first, 5 s at most. */
  readonly pauses?: BackoffSettings | undefined;
  /**
   * Failures are logged at debug level, because somebody else meets the same fault and reports it.
   */
  readonly isQuiet?: boolean | undefined;
};

const PAUSES: BackoffSettings = { firstMs: 100, longestMs: 5_000 };

/**
 * Resolves with what `work` answers, or with undefined when the signal aborts before it succeeds.
 * Never rejects. Only the first of several failures is a warning, and the recovery is logged.
 */
export const retry = async <T>(work: () => Promise<T>, settings: RetrySettings): Promise<T | undefined> => {
  const { name, clock, log, signal, pauses = PAUSES, isQuiet = false } = settings;
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const answer = await work();
      if (failures > 0) log[isQuiet ? 'debug' : 'info']({ loop: name, failures }, `${name} resumed`);
      return answer;
    } catch (error) {
      const level = failures > 0 || isQuiet || signal.aborted ? 'debug' : 'warn';
      log[level]({ err: error, loop: name }, `${name} failed; retrying`);
      await clock.sleep(backoff(failures, pauses), signal);
    }
  }
  return undefined;
};
