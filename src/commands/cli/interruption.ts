// Ctrl-C, for commands that go on until then and end in order.
import type { Clock } from '../../core/clock.ts';

/**
 * It reaches all programs of a terminal at once, and comes once more from a launcher among them.
 */
const GRACE_MS = 250;

export type Interruption = {
  /** Aborts with the first one. */
  readonly signal: AbortSignal;
  /**
   * A program that is being taken down has no handlers any more, and would end as by a signal when
   * Ctrl-C comes once more.
   */
  readonly grace: () => Promise<void>;
};

export const heedInterruption = (clock: Clock): Interruption => {
  const interrupted = new AbortController();
  // Not once: from a terminal and from a launcher Ctrl-C comes several times, and the second one
  // would end it as by a signal.
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => interrupted.abort());
  return { signal: interrupted.signal, grace: () => clock.sleep(GRACE_MS) };
};
