// The only place where the client asks for the time or for chance, or waits. Tests bring their own.

export type Surroundings = {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** For nonces and seeds: nobody can guess them. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** Calls back once, after `ms` milliseconds. What it returns takes that back. */
  readonly after: (ms: number, callBack: () => void) => () => void;
};

export const realSurroundings: Surroundings = {
  now: () => Date.now(),
  random: () => Math.random(),
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  after: (ms, callBack) => {
    const timer = setTimeout(callBack, ms);
    return () => clearTimeout(timer);
  },
};
