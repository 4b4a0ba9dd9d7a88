// Messages of a copy as pages of it, with those that were deleted: each has its number, and no
// number is missing.

import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { RepliesSummary } from '../changes/conversation-change.ts';
import { LARGEST_PAGE } from '../contents.ts';
import { withDots } from '../schema/id.ts';
import type { Chat } from './chat-store.ts';
import type { ChatMessage, ChatReply } from './message.ts';
import { LONGEST_PAGE, readLatestReplies, readRepliesSummaries } from './message-store.ts';

export type PagedMessage = {
  readonly id: string;
  /** When it came, in digits. */
  readonly time: string;
  /** From 1. */
  readonly seq: number;
  readonly author: string;
  /** When it was deleted, in ms since the epoch; null: it was not, or nobody knows. */
  readonly deletedAt: number | null;
  /** null: it was deleted. */
  readonly doc: Omit<ChatMessage, 'replies'> | null;
  readonly summary: RepliesSummary;
  /** The latest, in the order in which they came; none if they were not asked for. */
  readonly replies: readonly ChatReply[];
};

export type MessagePageAsk =
  | { readonly kind: 'older'; readonly than?: string; readonly limit: number }
  | { readonly kind: 'newer'; readonly than: string; readonly limit: number }
  /** As many on both sides of a message, together with it at most `limit`. */
  | { readonly kind: 'around'; readonly time: string; readonly limit: number }
  /** By number, with both ends. */
  | { readonly kind: 'range'; readonly first: number; readonly last: number };

type Row = Omit<PagedMessage, 'summary' | 'replies'>;

const COLUMNS = 'id, time, seq, author, deleted_at as "deletedAt", doc';

/** Those next to one end first; what does not fit the bytes of a page is left out at the other. */
const pageStatement = (name: string, condition: string, order: 'time' | 'time desc') =>
  statement<Row>(
    `chat-pages.${name}`,
    `select id, time, seq, author, "deletedAt", doc from (
       select *, sum(bytes) over (order by ${order}) as total, row_number() over (order by ${order}) as place
       from (select ${COLUMNS}, bytes from chat_messages where owner = $1 and whom = $2 and parent = ''
             and ${condition} order by ${order} limit $3) as found) as measured
     where coalesce(total, 0) <= ${LARGEST_PAGE} or place = 1 order by time`,
  );
const listOlder = pageStatement('older', '($4::numeric is null or time < $4)', 'time desc');
const listNewer = pageStatement('newer', 'time > $4', 'time');
const listRange = pageStatement('range', 'seq between $4 and $5', 'time desc');

const findRow = statement<Row>(
  'chat-pages.find',
  `select ${COLUMNS} from chat_messages where owner = $1 and whom = $2 and parent = '' and id = $3`,
);
const findTime = statement<{ time: string }>(
  'chat-pages.find-time',
  `select time from chat_messages where owner = $1 and whom = $2 and parent = '' and id = any($3) order by time limit 1`,
);

/** In the order in which they came. */
export const readMessagePage = async (
  on: Queryable,
  chat: Chat,
  ask: MessagePageAsk,
  { withReplies }: { readonly withReplies: boolean },
): Promise<readonly PagedMessage[]> => surround(on, chat, await rowsOf(on, chat, ask), withReplies);

/** With its latest replies. */
export const readPagedMessage = async (on: Queryable, chat: Chat, id: string): Promise<PagedMessage | undefined> => {
  const rows = await on.query(findRow, [chat.owner, chat.whom, id]);
  return (await surround(on, chat, rows, true))[0];
};

/** When the message came that was sent at that moment; the moment, if there is none. In digits. */
export const timeOfMoment = async (on: Queryable, { owner, whom, club }: Chat, moment: string): Promise<string> => {
  const ships = club ? [...club.team, ...club.hive] : [owner, whom];
  const ids = ships.map((ship) => `${ship}/${withDots(moment)}`);
  return (await on.query(findTime, [owner, whom, ids]))[0]?.time ?? moment;
};

const rowsOf = async (on: Queryable, chat: Chat, ask: MessagePageAsk): Promise<readonly Row[]> => {
  const { owner, whom } = chat;
  const older = (than: string | null, limit: number) => on.query(listOlder, [owner, whom, most(limit), than]);
  const newer = (than: string, limit: number) => on.query(listNewer, [owner, whom, most(limit), than]);
  switch (ask.kind) {
    case 'older':
      return older(ask.than ?? null, ask.limit);
    case 'newer':
      return newer(ask.than, ask.limit);
    case 'range':
      return on.query(listRange, [owner, whom, MOST_MESSAGES, ask.first, ask.last]);
    case 'around': {
      const half = Math.floor(most(ask.limit) / 2);
      const before = await older(String(BigInt(ask.time) + 1n), most(ask.limit) - half);
      return half === 0 ? before : [...before, ...(await newer(ask.time, half))];
    }
  }
};

/** Clients ask for more at once than people read. */
const MOST_MESSAGES = 5 * LONGEST_PAGE;
const most = (limit: number): number => Math.min(limit, MOST_MESSAGES);

const surround = async (
  on: Queryable,
  chat: Chat,
  rows: readonly Row[],
  withReplies: boolean,
): Promise<readonly PagedMessage[]> => {
  if (rows.length === 0) return [];
  const ids = rows.flatMap(({ id, doc }) => (doc === null ? [] : [id]));
  const summaries = await readRepliesSummaries(on, chat, ids);
  const replies = withReplies ? await readLatestReplies(on, chat, ids) : new Map<string, readonly ChatReply[]>();
  return rows.map((row) => ({
    ...row,
    summary: summaries.get(row.id) ?? NO_REPLIES,
    replies: replies.get(row.id) ?? [],
  }));
};

const NO_REPLIES: RepliesSummary = { count: 0, repliers: [], latest: null };
