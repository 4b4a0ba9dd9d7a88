// Which signatures were used already. The reference does not look (section 13.10): who overhears a
// request can send it again for 15 minutes. In memory, hence per process, and bounded: the oldest
// goes first.

export type Replays = {
  /** Remembers a use by this request. False: it was known. */
  readonly use: (request: object, claims: SignatureClaims) => boolean;
  /**
   * Lets the signature be used once more, if it was this very request that used it: one that only
   * shows it may be anybody's.
   */
  readonly forgive: (request: object) => void;
};

/** What makes a signature one of its own. */
export type SignatureClaims = { readonly id: string; readonly nonce: string; readonly ts: string };

export const REPLAYS_KEPT = 100_000;

export const createReplays = (kept = REPLAYS_KEPT): Replays => {
  const known = new Set<string>();
  const users = new WeakMap<object, string>();
  const ring: string[] = [];
  let next = 0;
  return {
    use: (request, claims) => {
      const key = keyOf(claims);
      if (known.has(key)) return false;
      const oldest = ring[next];
      if (oldest !== undefined) known.delete(oldest);
      ring[next] = key;
      next = (next + 1) % kept;
      known.add(key);
      users.set(request, key);
      return true;
    },
    // Its place in the ring stays taken until it comes round: at worst a later use of the same key
    // goes a little early.
    forgive: (request) => {
      const key = users.get(request);
      if (key !== undefined) known.delete(key);
      users.delete(request);
    },
  };
};

/** Quotation marks stand in no attribute of a Hawk header, so no two triples make the same key. */
const keyOf = ({ id, nonce, ts }: SignatureClaims): string => `${id}"${nonce}"${ts}`;
