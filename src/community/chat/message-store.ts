// Messages and replies of conversations in the database: a row each, in the copy of each owner.
import { toIso } from '../../core/clock.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { RepliesSummary } from '../changes/conversation-change.ts';
import { LARGEST_PAGE } from '../contents.ts';
import type { ChatMessage, ChatReply, KnownMessage } from './message.ts';

/** Whose copy of which conversation. */
export type Place = { readonly owner: string; readonly whom: string };

/** Of those who replied last. */
const REPLIERS_SHOWN = 3;

type ReplyDoc = ChatReply;
type MessageDoc = Omit<ChatMessage, 'replies'>;
type Row = {
  readonly owner: string;
  readonly parent: string;
  readonly doc: MessageDoc | ReplyDoc | null;
  readonly is_deleted: boolean;
  readonly replies: number | null;
  readonly other_bytes: number | null;
};

const findRows = statement<Row>(
  'chat-messages.find',
  `select m.owner, m.parent, m.doc is null as is_deleted, case when m.owner = $5 then m.doc end as doc,
     t.replies, t.other_bytes
   from unnest($1::text[], $2::text[]) as w(owner, whom) join chat_messages m using (owner, whom)
   left join lateral (
     select count(*)::int as replies, sum(r.bytes) filter (where r.id <> $4) as other_bytes from chat_messages r
     where r.owner = m.owner and r.whom = m.whom and r.parent = $3) t on m.owner = $5 and m.parent = ''
   where (m.parent = '' and m.id = $3) or (m.parent = $3 and m.id = $4)`,
);
const addRows = statement(
  'chat-messages.add',
  `insert into chat_messages (owner, whom, parent, id, time, author, doc, seq)
   select owner, whom, $4, $5, $6, $7, $8::json, seq
   from unnest($1::text[], $2::text[], $3::integer[]) as w(owner, whom, seq)`,
);
const changeRows = statement(
  'chat-messages.change',
  `update chat_messages m set doc = $5::json, deleted_at = $6 from unnest($1::text[], $2::text[]) as w(owner, whom)
   where m.owner = w.owner and m.whom = w.whom and m.parent = $3 and m.id = $4`,
);

/** undefined: the copy never had it. */
type Presence = 'there' | 'deleted' | undefined;

export type Known = {
  /** As `owner` has it: with no other reply than the one that was asked for. */
  readonly message: KnownMessage;
  readonly reply: ChatReply | 'deleted' | undefined;
  /** Also those that were deleted. */
  readonly replies: number;
  /** Bytes of the replies, without the one that was asked for. */
  readonly otherBytes: number;
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
    replies: message?.replies ?? 0,
    otherBytes: message?.other_bytes ?? 0,
    reply: reply && (reply.doc === null ? 'deleted' : (reply.doc as ReplyDoc)),
    messageIn: (of) => presence(rowOf(of, false)),
    replyIn: (of) => presence(rowOf(of, true)),
  };
};

export type MessageWrite = {
  /** The message to which it replies; empty: it is one. */
  readonly parent: string;
  readonly id: string;
  /** null: deleted. */
  readonly doc: MessageDoc | ReplyDoc | null;
};

/** A new one, the same in all of these copies but for its number; replies have none. */
export const addMessage = async (
  tx: Transaction,
  places: readonly (Place & { readonly seq?: number | undefined })[],
  { parent, id, doc }: MessageWrite & { readonly doc: MessageDoc | ReplyDoc },
): Promise<void> => {
  const seqs = places.map(({ seq }) => seq ?? null);
  const values = [parent, id, doc.time, doc.memo.author, JSON.stringify(doc)];
  await tx.query(addRows, [owners(places), whoms(places), seqs, ...values]);
};

/** One that is there in all of these copies. @param now ms since the epoch. */
export const changeMessageIn = async (
  tx: Transaction,
  places: readonly Place[],
  { parent, id, doc }: MessageWrite,
  now: number,
): Promise<void> => {
  const [text, deletedAt] = doc === null ? [null, toIso(now)] : [JSON.stringify(doc), null];
  await tx.query(changeRows, [owners(places), whoms(places), parent, id, text, deletedAt]);
};

const deleteReplies = statement(
  'chat-messages.delete-replies',
  `delete from chat_messages m using unnest($1::text[], $2::text[]) as w(owner, whom)
   where m.owner = w.owner and m.whom = w.whom and m.parent = $3`,
);

export const deleteRepliesTo = async (tx: Transaction, places: readonly Place[], parent: string): Promise<void> =>
  void (await tx.query(deleteReplies, [owners(places), whoms(places), parent]));

const summarizeReplies = statement<RepliesSummary & { parent: string }>(
  'chat-messages.summarize-replies',
  `select w.parent, total.count, total.latest, (
     select coalesce(array_agg(author order by latest desc), '{}') from (
       select author, max(time) as latest from (
         select author, time from chat_messages r where r.owner = $1 and r.whom = $2 and r.parent = w.parent
           and r.doc is not null order by time desc limit 100) as recent
       group by author order by latest desc limit ${REPLIERS_SHOWN}) as last) as repliers
   from unnest($3::text[]) as w(parent)
   cross join lateral (select count(*)::int as count, max(time) as latest from chat_messages r
     where r.owner = $1 and r.whom = $2 and r.parent = w.parent and r.doc is not null) as total`,
);

/** By the id of the message. */
export const readRepliesSummaries = async (
  on: Queryable,
  { owner, whom }: Place,
  parents: readonly string[],
): Promise<ReadonlyMap<string, RepliesSummary>> =>
  new Map(
    (await on.query(summarizeReplies, [owner, whom, parents])).map(({ parent, ...summary }) => [parent, summary]),
  );

const owners = (places: readonly Place[]) => places.map(({ owner }) => owner);
const whoms = (places: readonly Place[]) => places.map(({ whom }) => whom);

export const LONGEST_PAGE = 100;
const REPLIES_SHOWN = 100;

// Newest first; both ends are open.
const listMessages = statement<{ doc: MessageDoc }>(
  'chat-messages.list',
  `select doc from (
     select doc, time, sum(bytes) over (order by time desc) as bytes, row_number() over (order by time desc) as place
     from (select doc, time, bytes from chat_messages where owner = $1 and whom = $2 and parent = $3 and doc is not null
             and ($4::numeric is null or time < $4) order by time desc limit $5) as latest) as measured
   where bytes <= ${LARGEST_PAGE} or place = 1 order by time desc`,
);
const listReplies = statement<{ parent: string; count: number; doc: ReplyDoc }>(
  'chat-messages.list-replies',
  `select parent, count, doc from (
     select w.parent, total.count, latest.doc, latest.time,
       sum(latest.bytes) over (order by w.place, latest.time desc) as bytes
     from unnest($3::text[]) with ordinality as w(parent, place)
     cross join lateral (select count(*)::int as count from chat_messages r
       where r.owner = $1 and r.whom = $2 and r.parent = w.parent and r.doc is not null) as total
     cross join lateral (select r.doc, r.time, r.bytes from chat_messages r
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

const withReplies = async (on: Queryable, place: Place, messages: readonly MessageDoc[]) => {
  if (messages.length === 0) return [];
  const ids = messages.map(({ id }) => id);
  const rows = await on.query(listReplies, [place.owner, place.whom, ids]);
  const latest = repliesByParent(rows);
  const counts = new Map(rows.map(({ parent, count }) => [parent, count]));
  return messages.map((message): ShownMessage => {
    const replies = Object.fromEntries((latest.get(message.id) ?? []).map((reply) => [reply.id, reply]));
    return { ...message, replies, replyCount: counts.get(message.id) ?? 0 };
  });
};

/** By the id of the message, in the order in which they came. */
export const readLatestReplies = async (
  on: Queryable,
  { owner, whom }: Place,
  parents: readonly string[],
): Promise<ReadonlyMap<string, readonly ChatReply[]>> =>
  repliesByParent(await on.query(listReplies, [owner, whom, parents]));

const repliesByParent = (rows: readonly { readonly parent: string; readonly doc: ReplyDoc }[]) => {
  const replies = new Map<string, ReplyDoc[]>();
  for (const { parent, doc } of rows) {
    const known = replies.get(parent);
    if (known) known.push(doc);
    else replies.set(parent, [doc]);
  }
  return replies;
};
