// Which signatures were used already. Taskcluster does not look: who overhears a request there can
// send it again for 15 minutes. A cache of this process, bounded: the oldest goes first.
import { LRUCache } from 'lru-cache';

export type Replays = {
  /** Records a use by this request. False: the signature was used before. */
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
  const used = new LRUCache<string, true>({ max: kept });
  const usedBy = new WeakMap<object, string>();
  return {
    use: (request, claims) => {
      const key = keyOf(claims);
      if (used.has(key)) return false;
      used.set(key, true);
      usedBy.set(request, key);
      return true;
    },
    forgive: (request) => {
      const key = usedBy.get(request);
      if (key !== undefined) used.delete(key);
      usedBy.delete(request);
    },
  };
};

/** Quotation marks stand in no attribute of a Hawk header, so no two triples make the same key. */
const keyOf = ({ id, nonce, ts }: SignatureClaims): string => `${id}"${nonce}"${ts}`;
