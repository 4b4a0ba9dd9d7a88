// Time and chance for the client, in the hands of a test. Nothing waits: pauses are written down
// and are over at once.
import type { Surroundings } from '../../client/surroundings.ts';

export type FakeSurroundings = Surroundings & {
  /** The pauses between tries, in milliseconds. */
  readonly pauses: number[];
  /** Timers of this length are held until `expire`; all others are pauses. */
  readonly timeoutMs: number;
  /** The time of all tries that are under way is over. */
  readonly expire: () => void;
  readonly heldTimers: () => number;
};

export const createFakeSurroundings = (
  settings: Partial<Pick<Surroundings, 'now' | 'random' | 'randomBytes'>> = {},
): FakeSurroundings => {
  const timeoutMs = 12_345;
  const pauses: number[] = [];
  const held = new Set<() => void>();
  let made = 0;
  return {
    now: () => Date.UTC(2026, 10, 20, 12),
    random: () => 0.5,
    randomBytes: (length) => new Uint8Array(length).fill(made++),
    ...settings,
    pauses,
    timeoutMs,
    expire: () => {
      for (const callBack of held) callBack();
    },
    heldTimers: () => held.size,
    after: (ms, callBack) => {
      if (ms === timeoutMs) held.add(callBack);
      else {
        pauses.push(ms);
        setImmediate(callBack);
      }
      return () => held.delete(callBack);
    },
  };
};
