// The posts of a channel as scripts walk them: by their place, oldest first, a page at a time, and
// never all of them in memory.
import type { Queryable } from '../../database/database.ts';
import type { VPost } from '../types/posts.ts';
import { readPageAfter, readPageBefore, readPageFrom } from './post-store.ts';

export type PostPages = {
  readonly length: number;
  /**
   * Posts `start` (included) to `end` (not), oldest first. Of those that do not fit into a page it
   * gives the first, or, with `from` as `end`, the last; at least one.
   */
  readonly page: (start: number, end: number, from: 'start' | 'end') => Promise<readonly VPost[]>;
};

/** Of posts with their replies. */
const MOST_BYTES = 1024 * 1024;

/**
 * Reads from the end that is nearer, and goes on from the page before it: a walk through all costs
 * no more for each page, in both directions.
 */
export const createPostPages = (database: Queryable, nest: string, length: number): PostPages => {
  /** Place → id of the post there, at the ends of pages that were read. */
  const known = new Map<number, string>();

  const oldest = async (start: number, limit: number): Promise<VPost[]> => {
    const part = { limit, bytes: MOST_BYTES };
    const after = known.get(start - 1);
    if (after !== undefined) return readPageAfter(database, nest, { ...part, after });
    const newer = length - start - 1;
    return start < newer
      ? readPageAfter(database, nest, { ...part, offset: start })
      : readPageFrom(database, nest, { ...part, newer });
  };
  const newest = async (end: number, limit: number): Promise<VPost[]> => {
    const before = known.get(end);
    const from = before === undefined ? { offset: length - end } : { before };
    return (await readPageBefore(database, nest, { ...from, limit, bytes: MOST_BYTES })).reverse();
  };

  return {
    length,
    page: async (start, end, from) => {
      if (end <= start) return [];
      const posts = await (from === 'end' ? newest(end, end - start) : oldest(start, end - start));
      const place = from === 'end' ? end - posts.length : start;
      const [first, last] = [posts[0], posts.at(-1)];
      if (first) known.set(place, first.seal.id);
      if (last) known.set(place + posts.length - 1, last.seal.id);
      return posts;
    },
  };
};
