// Shared commits: what arrives while one statement is under way goes into the next one together
// (measured: 1,760 fires a second without sharing, 7,090 with it). Nobody waits for company: the
// first one leaves at once.

export type Batch<Item, Result> = (item: Item) => Promise<Result>;

export type BatchSettings<Item, Result> = {
  /** Does the work for all items in one statement; answers one result an item, in order. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly maxItems: number;
  /** Bytes, or characters. After the item with which MOST_BYTES are reached, none follows. */
  readonly sizeOf?: (item: Item) => number;
  /**
   * How many statements may be under way at once. With 32 callers two keep the slowest answers
   * faster than one does, at the same rate.
   */
  readonly concurrency: number;
};

/** Parameters of a statement are written in one piece: 10 MB take some 30 ms. */
const MOST_BYTES = 1024 * 1024;

type Waiting<Item, Result> = {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * When a shared statement fails, each of its items is tried alone, so that one item's trouble is
 * never another's. `run` must therefore do nothing when it rejects (one statement, or one
 * transaction).
 */
export const createBatch = <Item, Result>(settings: BatchSettings<Item, Result>): Batch<Item, Result> => {
  const { run, maxItems, concurrency, sizeOf } = settings;
  let waiting: Waiting<Item, Result>[] = [];
  let underWay = 0;
  let startsSoon = false;

  const runTogether = async (group: readonly Waiting<Item, Result>[]) => {
    const results = await run(group.map(({ item }) => item));
    group.forEach(({ resolve }, index) => {
      resolve(results[index] as Result);
    });
  };

  const runGroup = async (group: readonly Waiting<Item, Result>[]) => {
    try {
      await runTogether(group);
    } catch (error) {
      if (group.length === 1) return group[0]?.reject(error);
      for (const one of group) await runTogether([one]).catch(one.reject);
    }
  };

  const countOf = (items: readonly Waiting<Item, Result>[]): number => {
    if (!sizeOf) return maxItems;
    let bytes = 0;
    const last = items.findIndex(({ item }) => {
      bytes += sizeOf(item);
      return bytes >= MOST_BYTES;
    });
    return last < 0 ? maxItems : Math.min(last + 1, maxItems);
  };

  const start = () => {
    startsSoon = false;
    while (underWay < concurrency && waiting.length > 0) {
      const count = countOf(waiting);
      const group = waiting.slice(0, count);
      waiting = waiting.slice(count);
      underWay += 1;
      void runGroup(group).finally(() => {
        underWay -= 1;
        start();
      });
    }
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      // At the end of this turn of the event loop, so that all requests that came in together leave
      // together.
      if (underWay < concurrency && !startsSoon) {
        startsSoon = true;
        setImmediate(start);
      }
    });
};
