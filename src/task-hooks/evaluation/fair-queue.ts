// What waits, of many owners: each has its turn, however much another has waiting.

export type FairQueue<Item> = {
  readonly size: () => number;
  readonly sizeOf: (owner: string) => number;
  readonly put: (owner: string, item: Item) => void;
  /** The owner's oldest; the owner comes next after all others that wait. */
  readonly take: () => Item | undefined;
};

export const createFairQueue = <Item>(): FairQueue<Item> => {
  const queues = new Map<string, Item[]>();
  let size = 0;
  return {
    size: () => size,
    sizeOf: (owner) => queues.get(owner)?.length ?? 0,
    put: (owner, item) => {
      const queue = queues.get(owner);
      if (queue) queue.push(item);
      else queues.set(owner, [item]);
      size += 1;
    },
    take: () => {
      const [next] = queues;
      if (!next) return undefined;
      const [owner, queue] = next;
      const item = queue.shift();
      queues.delete(owner);
      if (queue.length > 0) queues.set(owner, queue); // behind the others
      size -= 1;
      return item;
    },
  };
};
