// Waiting for what must come true, and undoing in the order that undoing needs.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from './database.ts';

/** Often at first; what takes longer may take a little longer. */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 50;
const WITHIN_MS = 30_000;

/**
 * Resolves with the first thing that is not undefined or false; fails with `what` when there is
 * none in time.
 */
export const eventually = async <T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = WITHIN_MS,
): Promise<T> => {
  const giveUpAt = performance.now() + withinMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.2, LONGEST_PAUSE_MS)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > giveUpAt) throw new Error(`never came true within ${withinMs} ms: ${what}`);
    await sleep(pauseMs);
  }
};

/**
 * node:test runs hooks in the order in which they were given. What is handed to this one is undone
 * last things first.
 */
export const lastFirst = (t: Cleanup): Cleanup => {
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  return { after: (step) => undo.defer(step) };
};
