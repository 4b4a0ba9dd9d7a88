// Turns of the event loop: long work in pieces, so that others are served in between.

/**
 * Resolves when what has come in meanwhile was looked at. Twice, because an immediate that is set
 * while a socket is looked at comes before the next look at sockets.
 */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Bytes, or characters, of which one pass takes more than a millisecond or so. */
const LARGE = 100 * 1024;

/** Between two passes over something of this size: a turn for others, where it is large. */
export const turnIfLarge = (size: number): Promise<void> | undefined => (size > LARGE ? nextTurn() : undefined);

/** The JSON of an array; each large item is written in a turn of its own. */
export const stringifyInTurns = async (items: readonly unknown[]): Promise<string> => {
  const texts: string[] = [];
  for (const item of items) {
    const text = JSON.stringify(item);
    texts.push(text);
    if (text.length > LARGE) await nextTurn();
  }
  return `[${texts.join(',')}]`;
};
