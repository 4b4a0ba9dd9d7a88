// Waiting for what another process does to a file or to itself: there is nothing to subscribe to,
// so we look, often and briefly.
import type { Clock } from '../../core/clock.ts';

/**
 * Resolves with true as soon as `isTrue` says so, with false when `timeoutMs` passed. Looks at
 * least once.
 */
export const pollUntil = async (
  clock: Clock,
  times: { everyMs: number; timeoutMs: number },
  isTrue: () => boolean | Promise<boolean>,
): Promise<boolean> => {
  const end = clock.monotonic() + times.timeoutMs;
  for (;;) {
    if (await isTrue()) return true;
    if (clock.monotonic() >= end) return false;
    await clock.sleep(times.everyMs);
  }
};
