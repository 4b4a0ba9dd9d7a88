// A loop that takes turns: when it is woken, when its last turn asked for it, and now and then in
// any case. A turn that fails is tried again with growing pauses.
import type { BackoffSettings } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import { retry } from './retry.ts';

export type Loop = {
  /** Takes turns until the signal aborts; the turn under way is finished. Never rejects. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /**
   * There is something to do. A turn that is under way may have missed it, and is followed by
   * another one. A pause after a failure is not cut short.
   */
  readonly wake: () => void;
  /**
   * Whether the notifications arrive that wake this loop. While they do not, it looks more often;
   * after the gap the next turn comes at once.
   */
  readonly setListening: (isListening: boolean) => void;
};

export type LoopSettings = {
  /** What cannot be done while turns fail, for the log: `relay`, `lease renewal`. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Answers after how many ms the next turn is to come at the latest. Any answer that is no number
   * leaves that to `everyMs`.
   */
  readonly turn: () => Promise<unknown>;
  /** No pause is longer. Default 10 s: a notification may get lost with its connection. */
  readonly everyMs?: number;
  /** Between turns that fail. */
  readonly pauses?: BackoffSettings;
  readonly isQuiet?: boolean;
};

const EVERY_MS = 10_000;
const DEAF_EVERY_MS = 1_000;

/**
 * @example
 * const loop = createLoop({ name: 'watch cleanup', clock, log, everyMs: 15_000, turn: cleanUp });
 * await loop.run(signal);
 */
export const createLoop = ({ turn, everyMs = EVERY_MS, ...settings }: LoopSettings): Loop => {
  const { clock } = settings;
  let isListening = true;
  let isWoken = false;
  let endPause: (() => void) | undefined;

  const pause = (ms: number, signal: AbortSignal): Promise<void> => {
    if (isWoken || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        signal.removeEventListener('abort', end);
        endPause = undefined;
        resolve();
      };
      const cancel = clock.after(ms, end);
      signal.addEventListener('abort', end, { once: true });
      endPause = end;
    });
  };

  const wake = () => {
    isWoken = true;
    endPause?.();
  };

  return {
    wake,
    setListening: (value) => {
      isListening = value;
      wake();
    },
    run: async (signal) => {
      const takeTurn = () => {
        isWoken = false;
        return turn();
      };
      while (!signal.aborted) {
        const wanted = await retry(takeTurn, { ...settings, signal });
        const longestMs = isListening ? everyMs : Math.min(everyMs, DEAF_EVERY_MS);
        await pause(typeof wanted === 'number' ? Math.min(wanted, longestMs) : longestMs, signal);
      }
    },
  };
};
