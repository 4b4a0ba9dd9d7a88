// Locks by name, within this process. Whoever holds a name keeps others waiting for it; it is given
// to them in the order in which they asked.

export type Locks = {
  /**
   * Waits until all these names are free, takes them, and answers the function that gives them
   * back. Two callers that ask for some of the same names never wait for each other in a circle.
   */
  readonly take: (names: readonly string[]) => Promise<() => void>;
};

export const createLocks = (): Locks => {
  /** Name → resolved when the last caller in its queue has given it back. */
  const last = new Map<string, Promise<void>>();
  return {
    // A caller joins the queues of all its names in one step. So of two callers that share names
    // the same one is ahead in each of these queues, and never waits for the other.
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
