// How often a login may fail: from one address and from all together. A code has 64 random bits, so
// this keeps the load down; who has not failed yet may always try.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.ts';

export type LoginAttempts = {
  /** Whether it may try. It counts as failed until it is forgiven. */
  readonly begin: (address: string) => boolean;
  readonly forgive: (address: string) => void;
};

const WINDOW_MS = 60_000;
export const MOST_OF_ADDRESS = 30;
export const MOST_IN_ALL = 600;
const MOST_ADDRESSES = 10_000;

type Count = { failed: number; readonly until: number };

export const createLoginAttempts = ({ monotonic }: Pick<Clock, 'monotonic'>): LoginAttempts => {
  const counts = new LRUCache<string, Count>({ max: MOST_ADDRESSES });
  const fresh = (): Count => ({ failed: 0, until: monotonic() + WINDOW_MS });
  let all = fresh();
  const countOf = (address: string): Count => {
    const network = networkOf(address);
    const known = counts.get(network);
    if (known && known.until > monotonic()) return known;
    const count = fresh();
    counts.set(network, count);
    return count;
  };
  return {
    begin: (address) => {
      if (all.until <= monotonic()) all = fresh();
      const count = countOf(address);
      if (count.failed >= MOST_OF_ADDRESS || (count.failed > 0 && all.failed >= MOST_IN_ALL)) return false;
      count.failed += 1;
      all.failed += 1;
      return true;
    },
    forgive: (address) => {
      const count = countOf(address);
      count.failed = Math.max(0, count.failed - 1);
      all.failed = Math.max(0, all.failed - 1);
    },
  };
};

/** Of IPv6 the first half: who has one address has all of these. */
const networkOf = (address: string): string => {
  if (!address.includes(':') || address.includes('.')) return address;
  return (address.split('::')[0] ?? '').split(':').slice(0, 4).join(':');
};
