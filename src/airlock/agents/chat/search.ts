// What a ship searches for in a conversation: newest first, a bounded part of it at a time.
import type { Chat } from '../../../community/chat/chat-store.ts';
import { type PagedMessage, readMessagePage } from '../../../community/chat/message-pages.ts';
import { LONGEST_PAGE } from '../../../community/chat/message-store.ts';
import type { Story } from '../../../community/types/story.ts';
import type { Queryable } from '../../../database/database.ts';
import { type AirlockWrit, type AirlockWritReply, airlockWrit, airlockWritReply } from '../../vocabulary/messages.ts';
import { contains, mentions } from '../../vocabulary/story-text.ts';

const MOST_SEARCHED = 500;
const MOST_FOUND = 100;
/** Bytes of contents that are looked at, beside one page more. */
const MOST_BYTES = 2 * 1024 * 1024;

export type Search = {
  /** In digits: only messages that came before it. */
  readonly before: string | undefined;
  /** How many messages are looked at; at most 500, with their latest replies. */
  readonly tries: number;
  readonly matches: (content: Story) => boolean;
};

export type Found = {
  /** There is more before it; null: everything was looked at. */
  readonly last: string | null;
  readonly scan: readonly (
    | { readonly writ: AirlockWrit }
    | { readonly reply: { readonly 'id-post': string; readonly reply: AirlockWritReply } }
  )[];
};

/** Text as people read it, whatever the case. */
export const matchText =
  (text: string): Search['matches'] =>
  (content) =>
    contains(content, text);

export const matchMention =
  (ship: string): Search['matches'] =>
  (content) =>
    mentions(content, ship);

export const searchMessages = async (on: Queryable, chat: Chat, search: Search): Promise<Found> => {
  const scan: Found['scan'][number][] = [];
  let left = Math.min(search.tries, MOST_SEARCHED);
  let bytes = 0;
  let than = search.before;
  while (left > 0 && scan.length < MOST_FOUND && bytes < MOST_BYTES) {
    const ask = { kind: 'older' as const, limit: Math.min(left, LONGEST_PAGE), ...(than !== undefined && { than }) };
    const page = await readMessagePage(on, chat, ask, { withReplies: true });
    for (const message of page.toReversed()) scan.push(...foundIn(message, search.matches));
    const oldest = page[0];
    if (oldest === undefined || oldest.seq === 1) return { last: null, scan };
    than = oldest.time;
    left -= page.length;
    bytes += sizeOf(page);
  }
  return { last: than ?? null, scan };
};

const sizeOf = (page: readonly PagedMessage[]): number =>
  JSON.stringify(page.flatMap(({ doc, replies }) => [doc, ...replies])).length;

const foundIn = (message: PagedMessage, matches: Search['matches']): Found['scan'] => {
  const { id, doc, replies } = message;
  if (doc === null) return [];
  const found = replies.filter(({ memo }) => matches(memo.content)).toReversed();
  return [
    ...found.map((reply) => ({ reply: { 'id-post': id, reply: airlockWritReply(id, reply) } })),
    ...(matches(doc.memo.content) ? [{ writ: airlockWrit({ ...message, replies: [] }) as AirlockWrit }] : []),
  ];
};
