// A loop that takes turns with the database: when it is woken, when its last turn said so, and now
// and then in any case.
import { backoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

export type Loop = {
  /**
   * Takes turns until the signal aborts; the turn under way is finished. Outlives failures, and
   * says so once.
   */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /**
   * There is something to do. A turn that is under way may have missed it, and is followed by
   * another one.
   */
  readonly wake: () => void;
  /** Whether notifications arrive. After a gap in them the next turn comes at once. */
  readonly setListening: (isListening: boolean) => void;
};

export type LoopSettings = {
  /** For the log: what cannot be done while turns fail. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Answers after how many ms the next turn is to come if nothing wakes the loop before; undefined:
   * when it is polled.
   */
  readonly turn: () => Promise<number | undefined>;
};

/** A notification may get lost with its connection. */
const LISTENING_POLL_MS = 10_000;
const DEAF_POLL_MS = 1_000;
const DATABASE_FAILED = { firstMs: 100, longestMs: 5_000 };

export const createLoop = ({ name, clock, log, turn }: LoopSettings): Loop => {
  let isListening = true;
  let isWoken = false;
  let wakeUp: (() => void) | undefined;

  const sleep = async (ms: number, signal: AbortSignal) => {
    const waking = new AbortController();
    wakeUp = () => waking.abort();
    signal.addEventListener('abort', wakeUp, { once: true });
    if (signal.aborted || isWoken) waking.abort();
    await clock.sleep(ms, waking.signal);
    signal.removeEventListener('abort', wakeUp);
    wakeUp = undefined;
  };

  const wake = () => {
    isWoken = true;
    wakeUp?.();
  };

  return {
    wake,
    setListening: (value) => {
      isListening = value;
      wake();
    },
    run: async (signal) => {
      let failures = 0;
      while (!signal.aborted) {
        isWoken = false;
        try {
          const pause = await turn();
          if (failures > 0) log.info({ loop: name }, 'messages: it goes on again');
          failures = 0;
          await sleep(
            Math.min(pause ?? Number.POSITIVE_INFINITY, isListening ? LISTENING_POLL_MS : DEAF_POLL_MS),
            signal,
          );
        } catch (error) {
          const level = failures === 0 ? 'warn' : 'debug';
          log[level]({ err: error, loop: name }, 'messages: this cannot be done now; trying again');
          await clock.sleep(backoff(failures, DATABASE_FAILED), signal);
          failures += 1;
        }
      }
    },
  };
};
