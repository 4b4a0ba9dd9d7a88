// Which signatures were used already. The reference does not look (section 13.10): who overhears a request can send it again
// for 15 minutes. In memory, hence per process, and bounded: the oldest goes first.

export type Replays = {
  /** Remembers a use. False: it was known. */
  readonly use: (clientId: string, nonce: string, ts: string) => boolean;
  readonly forget: (clientId: string, nonce: string, ts: string) => void;
};

export const REPLAYS_KEPT = 100_000;

export const createReplays = (kept = REPLAYS_KEPT): Replays => {
  const known = new Set<string>();
  const ring: string[] = [];
  let next = 0;
  return {
    use: (clientId, nonce, ts) => {
      const key = keyOf(clientId, nonce, ts);
      if (known.has(key)) return false;
      const oldest = ring[next];
      if (oldest !== undefined) known.delete(oldest);
      ring[next] = key;
      next = (next + 1) % kept;
      known.add(key);
      return true;
    },
    // Its place in the ring stays taken until it comes round: at worst a later use of the same key goes a little early.
    forget: (clientId, nonce, ts) => known.delete(keyOf(clientId, nonce, ts)),
  };
};

/** Quotation marks stand in no attribute of a Hawk header, so no two triples make the same key. */
const keyOf = (clientId: string, nonce: string, ts: string): string => `${clientId}"${nonce}"${ts}`;
