// Messages and replies of conversations in the database: a row each, in the copy of each owner.
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { LARGEST_PAGE } from '../contents.ts';
import type { ChatMessage, ChatReply, KnownMessage } from './message.ts';

/** Whose copy of which conversation. */
export type Place = { readonly owner: string; readonly whom: string };

type ReplyDoc = ChatReply;
type MessageDoc = Omit<ChatMessage, 'replies'>;
type Row = {
  readonly owner: string;
  readonly parent: string;
  readonly doc: MessageDoc | ReplyDoc | null;
  readonly is_deleted: boolean;
};

const findRows = statement<Row>(
  'chat-messages.find',
  `select m.owner, m.parent, m.doc is null as is_deleted, case when m.owner = $5 then m.doc end as doc
   from unnest($1::text[], $2::text[]) as w(owner, whom) join chat_messages m using (owner, whom)
   where (m.parent = '' and m.id = $3) or (m.parent = $3 and m.id = $4)`,
);
const countReplies = statement<{ count: number }>(
  'chat-messages.count-replies',
  'select count(*)::int as count from chat_messages where owner = $1 and whom = $2 and parent = $3',
);
const putRows = statement(
  'chat-messages.put',
  `insert into chat_messages (owner, whom, parent, id, time, doc)
   select owner, whom, $3, $4, $5, $6::json from unnest($1::text[], $2::text[]) as w(owner, whom)
   on conflict (owner, whom, parent, id) do update set doc = excluded.doc`,
);

/** undefined: the copy never had it. */
type Presence = 'there' | 'deleted' | undefined;

export type Known = {
  /** As `owner` has it: with no other reply than the one that was asked for. */
  readonly message: KnownMessage;
  readonly reply: ChatReply | 'deleted' | undefined;
  /** In which copies there is a message or reply. Where it is, it is the same. */
  readonly messageIn: (owner: string) => Presence;
  readonly replyIn: (owner: string) => Presence;
};

/**
 * What the copies have of a message and, if asked for, of one reply to it; the contents are those
 * of one.
 */
export const readKnown = async (
  tx: Transaction,
  places: readonly Place[],
  { owner, id, replyId = '' }: { readonly owner: string; readonly id: string; readonly replyId?: string | undefined },
): Promise<Known> => {
  const rows = await tx.query(findRows, [owners(places), whoms(places), id, replyId, owner]);
  const rowOf = (of: string, isReply: boolean) =>
    rows.find((row) => row.owner === of && (row.parent !== '') === isReply);
  const presence = (row: Row | undefined): Presence => row && (row.is_deleted ? 'deleted' : 'there');
  const [message, reply] = [rowOf(owner, false), rowOf(owner, true)];
  const replies = reply?.doc ? { [replyId]: reply.doc as ReplyDoc } : {};
  return {
    message: message && (message.doc === null ? 'deleted' : { ...(message.doc as MessageDoc), replies }),
    reply: reply && (reply.doc === null ? 'deleted' : (reply.doc as ReplyDoc)),
    messageIn: (of) => presence(rowOf(of, false)),
    replyIn: (of) => presence(rowOf(of, true)),
  };
};

export const countRepliesOf = async (tx: Transaction, { owner, whom }: Place, id: string): Promise<number> =>
  (await tx.query(countReplies, [owner, whom, id]))[0]?.count ?? 0;

export type MessageWrite = {
  /** The message to which it replies; empty: it is one. */
  readonly parent: string;
  readonly id: string;
  /** In digits. */
  readonly time: string;
  /** null: deleted. */
  readonly doc: MessageDoc | ReplyDoc | null;
};

/** The same in all of these copies. */
export const storeMessage = async (
  tx: Transaction,
  places: readonly Place[],
  { parent, id, time, doc }: MessageWrite,
): Promise<void> => {
  if (places.length === 0) return;
  const text = doc === null ? null : JSON.stringify(doc);
  await tx.query(putRows, [owners(places), whoms(places), parent, id, time, text]);
};

const deleteReplies = statement(
  'chat-messages.delete-replies',
  `delete from chat_messages m using unnest($1::text[], $2::text[]) as w(owner, whom)
   where m.owner = w.owner and m.whom = w.whom and m.parent = $3`,
);

export const deleteRepliesTo = async (tx: Transaction, places: readonly Place[], parent: string): Promise<void> =>
  void (await tx.query(deleteReplies, [owners(places), whoms(places), parent]));

const owners = (places: readonly Place[]) => places.map(({ owner }) => owner);
const whoms = (places: readonly Place[]) => places.map(({ whom }) => whom);

export const LONGEST_PAGE = 100;
const REPLIES_SHOWN = 100;

// Newest first; both ends are open.
const listMessages = statement<{ doc: MessageDoc }>(
  'chat-messages.list',
  `select doc from (
     select doc, time, sum(octet_length(doc::text)) over (order by time desc) as bytes, row_number() over (order by time desc) as place
     from (select doc, time from chat_messages where owner = $1 and whom = $2 and parent = $3 and doc is not null
             and ($4::numeric is null or time < $4) order by time desc limit $5) as latest) as measured
   where bytes <= ${LARGEST_PAGE} or place = 1 order by time desc`,
);
const listReplies = statement<{ parent: string; count: number; doc: ReplyDoc }>(
  'chat-messages.list-replies',
  `select parent, count, doc from (
     select w.parent, total.count, latest.doc, latest.time,
       sum(octet_length(latest.doc::text)) over (order by w.place, latest.time desc) as bytes
     from unnest($3::text[]) with ordinality as w(parent, place)
     cross join lateral (select count(*)::int as count from chat_messages r
       where r.owner = $1 and r.whom = $2 and r.parent = w.parent and r.doc is not null) as total
     cross join lateral (select r.doc, r.time from chat_messages r
       where r.owner = $1 and r.whom = $2 and r.parent = w.parent and r.doc is not null
       order by r.time desc limit ${REPLIES_SHOWN}) as latest) as measured
   where bytes <= ${LARGEST_PAGE} order by time`,
);

export type ShownMessage = ChatMessage & {
  /** How many replies there are; `replies` has the latest of them. */
  readonly replyCount: number;
};

type Page = { readonly before?: string | undefined; readonly limit: number };

/** Messages with their latest replies, newest first. `before`: a time in digits. */
export const readMessages = async (
  on: Queryable,
  { owner, whom }: Place,
  page: Page,
): Promise<readonly ShownMessage[]> => {
  const messages = (await readDocs<MessageDoc>(on, { owner, whom }, '', page)) as readonly MessageDoc[];
  return withReplies(on, { owner, whom }, messages);
};

/** Replies to one message, newest first. */
export const readReplies = (on: Queryable, place: Place, parent: string, page: Page): Promise<readonly ChatReply[]> =>
  readDocs<ReplyDoc>(on, place, parent, page);

/** One message with its latest replies. */
export const readMessage = async (on: Queryable, place: Place, id: string): Promise<ShownMessage | undefined> => {
  const [row] = await on.query(findMessage, [place.owner, place.whom, id]);
  return row && (await withReplies(on, place, [row.doc]))[0];
};

const findMessage = statement<{ doc: MessageDoc }>(
  'chat-messages.find-one',
  `select doc from chat_messages where owner = $1 and whom = $2 and parent = '' and id = $3 and doc is not null`,
);

const readDocs = async <Doc>(on: Queryable, { owner, whom }: Place, parent: string, { before, limit }: Page) => {
  const values = [owner, whom, parent, before ?? null, Math.min(limit, LONGEST_PAGE)];
  return (await on.query(listMessages, values)).map(({ doc }) => doc as Doc);
};

const withReplies = async (on: Queryable, { owner, whom }: Place, messages: readonly MessageDoc[]) => {
  if (messages.length === 0) return [];
  const rows = await on.query(listReplies, [owner, whom, messages.map(({ id }) => id)]);
  return messages.map((message): ShownMessage => {
    const own = rows.filter(({ parent }) => parent === message.id);
    const replies = Object.fromEntries(own.map(({ doc }) => [doc.id, doc]));
    return { ...message, replies, replyCount: own[0]?.count ?? 0 };
  });
};
