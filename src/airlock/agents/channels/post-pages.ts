// The posts of a channel as clients page through them.
import aura from '@urbit/aura';
import type { StoredChannel } from '../../../community/channels/channel-store.ts';
import {
  readKeptAfter,
  readKeptBefore,
  readKeptRange,
  readKeptSince,
  type ShownPost,
} from '../../../community/channels/kept-posts.ts';
import { parseId } from '../../../community/schema/id.ts';
import type { Queryable } from '../../../database/database.ts';
import { type AirlockPosts, type Mode, showPosts } from './show-post.ts';

export type PostsPage = {
  readonly posts: AirlockPosts;
  /** From where to go on, an id in digits; null: there is nothing more. */
  readonly newer: string | null;
  readonly older: string | null;
  /** The number of the newest post of the channel. */
  readonly newest: number;
  readonly total: number;
};

/** Later than every post. */
export const END = '1'.padEnd(45, '0');

/** `verb`: what follows `/posts/`. undefined: it is none. */
export const readPostsPage = async (
  from: Queryable,
  channel: StoredChannel,
  verb: readonly string[],
): Promise<PostsPage | undefined> => {
  const found = await readVerb(from, channel.nest, verb);
  if (!found) return undefined;
  const { posts, mode } = found;
  const ordered = posts.toSorted((one, other) => one.seq - other.seq);
  const [oldest, newest] = [ordered[0], ordered.at(-1)];
  return {
    posts: await showPosts(from, channel.nest, ordered, mode),
    // Numbers have no gaps, so they say whether there is more.
    newer: newest && newest.seq < channel.newestSeq ? newest.id : null,
    older: oldest && oldest.seq > 1 ? oldest.id : null,
    ...{ newest: channel.newestSeq, total: channel.newestSeq },
  };
};

type Found = { readonly posts: readonly ShownPost[]; readonly mode: Mode };

const readVerb = async (
  from: Queryable,
  nest: string,
  [verb, ...rest]: readonly string[],
): Promise<Found | undefined> => {
  if (verb === 'newest') {
    const [count, mode] = [numberOf(rest[0]), modeOf(rest[1])];
    return count && mode ? { posts: await readKeptBefore(from, nest, END, count), mode } : undefined;
  }
  if (verb === 'range') {
    const [first, last, mode] = [numberOf(rest[0]), numberOf(rest[1]), modeOf(rest[2])];
    if (first === undefined || !last || !mode) return undefined;
    return { posts: await readKeptRange(from, nest, first, last), mode };
  }
  if (verb === 'changes') {
    const [first, last, since] = [idOf(rest[0]), idOf(rest[1]), timeOf(rest[2])];
    if (first === undefined || last === undefined || since === undefined) return undefined;
    return { posts: await readKeptSince(from, nest, { first, last, since }), mode: 'post' };
  }
  const [id, count, mode] = [idOf(rest[0]), numberOf(rest[1]), modeOf(rest[2])];
  if (id === undefined || !count || !mode) return undefined;
  if (verb === 'older') return { posts: await readKeptBefore(from, nest, id, count), mode };
  if (verb === 'newer') return { posts: await readKeptAfter(from, nest, id, count), mode };
  if (verb !== 'around') return undefined;
  // The post itself, and as many on each side.
  const here = String(BigInt(id) + 1n);
  const posts = [await readKeptBefore(from, nest, here, count + 1), await readKeptAfter(from, nest, id, count)];
  return { posts: posts.flat(), mode };
};

/** One post; undefined: there never was any. */
export const readOnePost = async (from: Queryable, nest: string, id: string, mode: Mode) => {
  const [post] = await readKeptBefore(from, nest, String(BigInt(id) + 1n), 1);
  if (post?.id !== id) return undefined;
  const [shown] = Object.values(await showPosts(from, nest, [post], mode));
  return shown;
};

const MODES: readonly string[] = ['post', 'outline'] satisfies Mode[];
const isMode = (text: string): text is Mode => MODES.includes(text);

/** None: with replies. */
const modeOf = (text = 'post'): Mode | undefined => (isMode(text) ? text : undefined);

/** In digits. */
export const idOf = (text = ''): string | undefined => parseId(text)?.toString();

/** With dots or without; at most what PostgreSQL counts. */
export const numberOf = (text = ''): number | undefined => {
  const number = parseId(text);
  return number === null ? undefined : Number(number > 2_147_483_647n ? 2_147_483_647n : number);
};

/** `~2025.4.1..12.00.00`, or an id. */
const timeOf = (text = ''): bigint | undefined => {
  const id = parseId(text);
  if (id !== null) return id;
  return (text.length < 100 ? aura.tryParse('da', text) : null) ?? undefined;
};
