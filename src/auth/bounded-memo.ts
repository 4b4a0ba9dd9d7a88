// A memory of what was computed or looked up, bounded by weight: the least recently used goes
// first.

export type BoundedMemo<Value> = {
  readonly get: (key: string) => Value | undefined;
  /** What weighs more than everything allowed is not kept. */
  readonly set: (key: string, value: Value, weight: number) => void;
  readonly delete: (key: string) => void;
  readonly clear: () => void;
  readonly size: () => number;
};

export const createBoundedMemo = <Value>(maxWeight: number): BoundedMemo<Value> => {
  // A Map remembers the order of insertion; using an entry moves it to the end.
  const entries = new Map<string, { readonly value: Value; readonly weight: number }>();
  let total = 0;
  let newest: string | undefined;

  const remove = (key: string) => {
    const entry = entries.get(key);
    if (!entry) return;
    entries.delete(key);
    total -= entry.weight;
    if (newest === key) newest = undefined;
  };

  return {
    get: (key) => {
      const entry = entries.get(key);
      if (entry && newest !== key) {
        entries.delete(key);
        entries.set(key, entry);
        newest = key;
      }
      return entry?.value;
    },
    set: (key, value, weight) => {
      remove(key);
      if (weight > maxWeight) return;
      entries.set(key, { value, weight });
      newest = key;
      total += weight;
      for (const oldest of entries.keys()) {
        if (total <= maxWeight) break;
        remove(oldest);
      }
    },
    delete: remove,
    clear: () => {
      entries.clear();
      total = 0;
      newest = undefined;
    },
    size: () => entries.size,
  };
};
