// Searching a channel, from the newest message on, a window at a time.
import { readTalks } from '../../../community/channels/kept-posts.ts';
import { type ChannelMessage, readWindow } from '../../../community/channels/message-windows.ts';
import { normalizeShip } from '../../../community/schema/ship.ts';
import type { Story } from '../../../community/types/story.ts';
import type { Queryable } from '../../../database/database.ts';
import { decodeKnot } from '../../vocabulary/knot.ts';
import type { AirlockPost, AirlockReply, Tombstone } from '../../vocabulary/posts.ts';
import { contains, mentions } from '../../vocabulary/story-text.ts';
import { END, idOf, numberOf } from './post-pages.ts';
import { metaOf, showPost, showReply } from './show-post.ts';

export type Found =
  | { readonly post: AirlockPost | Tombstone }
  | { readonly reply: { readonly 'id-post': string; readonly reply: AirlockReply | Tombstone } };

export type Searched = {
  /** From where to go on, an id in digits; null: all was searched. */
  readonly last: string | null;
  readonly scan: readonly Found[];
};

/** Characters. */
const LONGEST_QUERY = 500;

type Matches = (story: Story) => boolean;

/** `verb`: what follows `/search/`. undefined: it is none. */
export const searchChannel = async (
  from: Queryable,
  nest: string,
  verb: readonly string[],
): Promise<Searched | readonly Found[] | undefined> => {
  const isBounded = verb[0] === 'bounded';
  const [kind, first = '', second, query = ''] = isBounded ? verb.slice(1) : verb;
  const matches = matcherOf(kind, query);
  const count = numberOf(second);
  if (!matches || !count) return undefined;
  if (!isBounded) {
    const skip = numberOf(first);
    return skip === undefined ? undefined : searchAll(from, nest, matches, { skip, count });
  }
  const before = first === '' ? END : idOf(first);
  if (before === undefined) return undefined;
  const { messages, next } = await readWindow(from, nest, before, count);
  return { last: next, scan: await show(from, nest, messages.filter(isMatch(matches))) };
};

const matcherOf = (kind: string | undefined, query: string): Matches | undefined => {
  if (kind === 'text') {
    const text = decodeKnot(query);
    if (text.length > LONGEST_QUERY) return undefined;
    return (story) => contains(story, text);
  }
  const ship = kind === 'mention' ? normalizeShip(query) : null;
  return ship === null ? undefined : (story) => mentions(story, ship);
};

const isMatch =
  (matches: Matches) =>
  ({ post, doc }: ChannelMessage): boolean =>
    matches(post === null ? doc.essay.content : doc.content);

/** How far back a search goes that cannot be continued. */
const MOST_WINDOWS = 20;
const WINDOW = 500;

const searchAll = async (
  from: Queryable,
  nest: string,
  matches: Matches,
  { skip, count }: { readonly skip: number; readonly count: number },
): Promise<readonly Found[]> => {
  const found: ChannelMessage[] = [];
  const end = skip + Math.min(count, WINDOW);
  let before: string | null = END;
  for (let windows = 0; before !== null && windows < MOST_WINDOWS && found.length < end; windows += 1) {
    const { messages, next } = await readWindow(from, nest, before, WINDOW);
    found.push(...messages.filter(isMatch(matches)));
    before = next;
  }
  return show(from, nest, found.slice(skip, end));
};

const show = async (from: Queryable, nest: string, messages: readonly ChannelMessage[]): Promise<readonly Found[]> => {
  const posts = messages.filter(({ post }) => post === null).map(({ id }) => ({ nest, id }));
  const talkOf = await readTalks(from, posts);
  return messages.map((message): Found => {
    if (message.post !== null) return { reply: { 'id-post': message.post, reply: showReply(message.post, message) } };
    const talk = talkOf({ nest, id: message.id });
    return { post: showPost(message, talk && { meta: metaOf(talk) }) };
  });
};
