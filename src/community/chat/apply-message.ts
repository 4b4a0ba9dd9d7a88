// What is done to a message of a conversation, in the copy of everybody who is in it, and what the
// others are told of it.
import type { Transaction } from '../../database/database.ts';
import { type Acting, type ActResult, DONE, refuse } from '../acting.ts';
import { forgetMessage } from '../activity/act.ts';
import { mentionsIn } from '../activity/mentions.ts';
import { type NewActivity, recordActivity } from '../activity/record.ts';
import { recordChanges } from '../changes/record-changes.ts';
import { whyNoReaction, whyThreadTooLarge, whyTooLarge } from '../contents.ts';
import { idFromMillis, STEP, withDots } from '../schema/id.ts';
import type { MsgKey, Whom } from '../types/activity.ts';
import type { ReplyDelta, WritsDelta } from '../types/chat.ts';
import type { Memo } from '../types/posts.ts';
import type { Story } from '../types/story.ts';
import { type Chat, touchAll } from './chat-store.ts';
import { type ChatMessage, type ChatReply, changeMessage, timeOfMessage } from './message.ts';
import {
  addMessage,
  changeMessageIn,
  deleteRepliesTo,
  type Known,
  type MessageWrite,
  readKnown,
  readRepliesSummaries,
} from './message-store.ts';

const MOST_REPLIES = 1_000;

export type MessageAction = {
  readonly id: string;
  readonly delta: WritsDelta;
  /** All copies, that of who acts among them. */
  readonly chats: readonly Chat[];
};

/**
 * The same in every copy that has the message, or does not have it yet. Refuses what is done in the
 * name of somebody else.
 */
export const applyMessage = async (
  tx: Transaction,
  { id, delta, chats }: MessageAction,
  { actor, now }: Acting,
): Promise<ActResult> => {
  const reply = 'reply' in delta ? delta.reply : undefined;
  const known = await readKnown(tx, chats, { owner: actor, id, replyId: reply?.id });
  const refusal = reply ? whyNot(reply.delta, known.reply, actor) : whyNot(delta as PlainDelta, known.message, actor);
  if (refusal !== undefined) return refuse(refusal);
  const own = chats.find(({ owner }) => owner === actor);
  const isNew = 'add' in (reply?.delta ?? delta);
  if (isNew && !mayHaveId(reply?.id ?? id, own, actor))
    return refuse(`The id of a message of yours begins with ${actor}/.`);
  if (reply && 'add' in reply.delta && known.replies >= MOST_REPLIES) {
    return refuse(`A message has at most ${MOST_REPLIES} replies.`);
  }
  const time = newTime(chats, now);
  const after = known.reply === 'deleted' ? undefined : changeMessage(known.message, id, delta, time);
  if (after === undefined) return DONE;
  const tooLarge = whyTooLargeAfter(after, known, reply?.id);
  if (tooLarge !== undefined) return refuse(tooLarge);
  const targets = chats.filter(({ owner }) =>
    reply
      ? known.messageIn(owner) === 'there' && known.replyIn(owner) === known.replyIn(actor)
      : known.messageIn(owner) === known.messageIn(actor),
  );
  const write = reply ? replyAfter(after, id, reply.id) : messageAfter(after, id);
  const copies = isNew ? await add(tx, targets, write, time) : targets;
  if (!isNew) await changeMessageIn(tx, targets, write, now);
  if ('del' in delta) await deleteRepliesTo(tx, targets, id);
  await forgetDeleted(tx, targets, id, delta);
  const replies = reply && own ? (await readRepliesSummaries(tx, own, [id])).get(id) : undefined;
  await recordChanges(tx, [
    { kind: 'message', copies: copies.map(placeOf), id, delta, time, ...(replies && { replies }) },
  ]);
  const memo = memoOf(delta);
  if (!memo) return DONE;
  const parent = reply && after !== 'deleted' ? { id, time: withDots(after.time) } : undefined;
  const { content } = memo;
  const key = { id: reply?.id ?? id, time: withDots(time) };
  const said = { key, parent, content, mentions: mentionsIn(content) };
  const others = targets.filter(({ owner }) => owner !== actor);
  await recordActivity(
    tx,
    others.map((chat) => activityOf(chat, said, time)),
    now,
  );
  return { kind: 'done', id: String(timeOfMessage(said.key.id)) };
};

type Copy = Chat & { readonly seq?: number };

/** What is new is numbered in each copy, unless it is a reply. */
const add = async (tx: Transaction, chats: readonly Chat[], write: MessageWrite, time: string): Promise<Copy[]> => {
  const isMessage = write.parent === '';
  const seqs = await touchAll(tx, chats, { time, messages: isMessage ? 1 : 0 });
  const copies = chats.map((chat) => ({ ...chat, ...(isMessage && { seq: seqs.get(chat.owner) as number }) }));
  await addMessage(tx, copies, write as MessageWrite & { doc: ChatMessage });
  return copies;
};

const placeOf = ({ owner, whom, seq }: Copy) => ({ owner, whom, ...(seq !== undefined && { seq }) });

const memoOf = (delta: WritsDelta): Memo | undefined => {
  const plain = 'reply' in delta ? delta.reply.delta : delta;
  return 'add' in plain ? plain.add.memo : undefined;
};

/** Later than all that is there, so that the order in which messages came is theirs. */
const newTime = (chats: readonly Chat[], now: number): string =>
  String(
    chats.reduce((time, { latest }) => {
      const next = BigInt(latest) + STEP;
      return next > time ? next : time;
    }, idFromMillis(now)),
  );

/** `after` has no other reply than this one. What is deleted is not looked at. */
const whyTooLargeAfter = (after: ChatMessage | 'deleted', { otherBytes }: Known, reply: string | undefined) => {
  if (after === 'deleted' || (reply !== undefined && !Object.hasOwn(after.replies, reply))) return undefined;
  const { replies, ...message } = after;
  return whyThreadTooLarge([message, ...Object.values(replies)], otherBytes);
};

const messageAfter = (after: ChatMessage | 'deleted', id: string): MessageWrite => {
  if (after === 'deleted') return { parent: '', id, doc: null };
  const { replies: _, ...doc } = after;
  return { parent: '', id, doc };
};

const replyAfter = (after: ChatMessage | 'deleted', parent: string, id: string): MessageWrite => {
  const doc: ChatReply | undefined = after === 'deleted' ? undefined : after.replies[id];
  return { parent, id, doc: doc ?? null };
};

type Said = {
  readonly key: MsgKey;
  /** The message to which it replies. */
  readonly parent: MsgKey | undefined;
  readonly content: Story;
  readonly mentions: (ship: string) => boolean;
};

const activityOf = (chat: Chat, { key, parent, content, mentions }: Said, time: string): NewActivity => {
  const { owner } = chat;
  const said = { key, whom: whomOf(chat), content, mention: mentions(owner) };
  return { owner, time, event: parent ? { 'dm-reply': { ...said, parent } } : { 'dm-post': said } };
};

const whomOf = ({ whom, club }: Pick<Chat, 'whom' | 'club'>): Whom => (club ? { club: whom } : { ship: whom });

const forgetDeleted = async (tx: Transaction, chats: readonly Chat[], id: string, delta: WritsDelta) => {
  const reply = 'reply' in delta && 'del' in delta.reply.delta ? delta.reply.id : undefined;
  if (reply === undefined && !('del' in delta)) return;
  const owners = chats.map(({ owner }) => owner);
  const threads = chats.map((chat) => ({ 'dm-thread': { key: { id, time: '0' }, whom: whomOf(chat) } }));
  if (reply !== undefined) return forgetMessage(tx, owners, threads, reply);
  await forgetMessage(
    tx,
    owners,
    chats.map((chat) => ({ dm: whomOf(chat) })),
    id,
  );
  await forgetMessage(tx, owners, threads);
};

type PlainDelta = Exclude<WritsDelta, { reply: unknown }>;

/** In a conversation of two it may name the other ship: that is how scripts have always made it. */
const mayHaveId = (id: string, own: Chat | undefined, actor: string): boolean =>
  id.startsWith(`${actor}/`) || (own?.club === null && id.startsWith(`${own.whom}/`));

/** Nobody speaks, reacts or deletes in the name of another. */
const whyNot = (
  delta: PlainDelta | ReplyDelta['delta'],
  known: ChatReply | 'deleted' | undefined,
  actor: string,
): string | undefined => {
  if ('add' in delta) {
    const { author } = delta.add.memo;
    if (author !== actor) return `You are ${actor}, and cannot write as ${author}.`;
    return whyTooLarge(delta.add.memo);
  }
  if ('add-react' in delta) {
    const { ship, react } = delta['add-react'];
    if (ship !== actor) return `You are ${actor}, and cannot react as ${ship}.`;
    return whyNoReaction(react);
  }
  if ('del-react' in delta && delta['del-react'] !== actor) {
    return `You are ${actor}, and cannot take back what ${delta['del-react']} has said.`;
  }
  if ('del' in delta && known !== undefined && known !== 'deleted' && known.memo.author !== actor) {
    return `Only ${known.memo.author} can delete this.`;
  }
  return undefined;
};
