// The posts of a channel as scripts walk them: by their place, oldest first, a page at a time, and
// never all of them in memory.
import type { Queryable } from '../../database/database.ts';
import type { VPost } from '../types/posts.ts';
import { readPostsAfter, readPostsBefore } from './post-store.ts';

export type PostPages = {
  readonly length: number;
  /** Posts `start` (included) to `end` (not). */
  readonly page: (start: number, end: number) => Promise<readonly VPost[]>;
};

/**
 * Reads from the end that is nearer, and goes on from the page before it: a walk through all costs
 * no more for each page, in both directions.
 */
export const createPostPages = (from: Queryable, nest: string, length: number): PostPages => {
  /** Place → id of the post there, at the ends of pages that were read. */
  const known = new Map<number, string>();

  const read = async (start: number, end: number): Promise<VPost[]> => {
    const limit = end - start;
    const before = known.get(end);
    if (before !== undefined) return (await readPostsBefore(from, nest, { before, limit })).reverse();
    const after = known.get(start - 1);
    if (after !== undefined) return readPostsAfter(from, nest, { after, limit });
    if (start < length - end) return readPostsAfter(from, nest, { offset: start, limit });
    return (await readPostsBefore(from, nest, { offset: length - end, limit })).reverse();
  };

  return {
    length,
    page: async (start, end) => {
      if (end <= start) return [];
      const posts = await read(start, end);
      const [first, last] = [posts[0], posts.at(-1)];
      if (first) known.set(start, first.seal.id);
      if (last) known.set(start + posts.length - 1, last.seal.id);
      return posts;
    },
  };
};
