// Turns by name, in this process: whoever holds a name keeps others waiting, in the order in which
// they came.

export type Locks = {
  /**
   * Resolves with a function that gives them back, when all of these names are free. Those who ask
   * for several never wait for each other in a circle.
   */
  readonly take: (names: readonly string[]) => Promise<() => void>;
};

export const createLocks = (): Locks => {
  /** Name → settled when the last one who asked for it has given it back. */
  const last = new Map<string, Promise<void>>();
  return {
    // All are asked for at once, without waiting in between: so of any two, one stands before the
    // other everywhere.
    take: async (names) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wanted = [...new Set(names)];
      const before = wanted.map((name) => last.get(name));
      for (const name of wanted) last.set(name, promise);
      await Promise.all(before);
      return () => {
        for (const name of wanted) if (last.get(name) === promise) last.delete(name);
        resolve();
      };
    },
  };
};
