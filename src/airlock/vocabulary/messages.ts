// Messages of conversations as clients read them, and what clients do to them in the community's
// words.
import type { MessageChange, RepliesSummary } from '../../community/changes/conversation-change.ts';
import type { ChatMessage, ChatReply } from '../../community/chat/message.ts';
import type { PagedMessage } from '../../community/chat/message-pages.ts';
import { millisFromId, withDots } from '../../community/schema/id.ts';
import type { WritsDelta } from '../../community/types/chat.ts';
import type { Memo } from '../../community/types/posts.ts';
import {
  type AirlockEssay,
  type AirlockMemo,
  airlockEssay,
  airlockMemo,
  communityEssay,
  communityMemo,
  shipOf,
} from './essay.ts';
import { isObject, type JsonObject, omit } from './json.ts';
import { type AirlockReacts, communityReact, type ReplyMeta, type Tombstone, tombstone } from './posts.ts';

export type AirlockWrit = {
  readonly seal: {
    /** `~author/170.141…`. */
    readonly id: string;
    readonly seq: number;
    /** When it came, in digits. */
    readonly time: string;
    readonly reacts: AirlockReacts;
    /** By the time at which each came, with dots. */
    readonly replies: Readonly<Record<string, AirlockWritReply>>;
    readonly meta: ReplyMeta;
  };
  readonly essay: AirlockEssay;
  readonly type: 'post';
};

export type AirlockWritReply = {
  readonly seal: {
    readonly id: string;
    readonly 'parent-id': string;
    readonly time: string;
    readonly reacts: AirlockReacts;
  };
  readonly 'reply-essay': AirlockMemo;
};

/** In place of a message that was deleted. */
export const airlockWrit = (message: PagedMessage): AirlockWrit | Tombstone => {
  const { id, seq, time, author, deletedAt, doc, summary, replies } = message;
  if (doc === null) {
    return tombstone({ id, author, seq, 'deleted-at': deletedAt ?? millisFromId(BigInt(time)) });
  }
  return {
    seal: {
      ...{ id, seq, time, reacts: doc.reacts, meta: replyMeta(summary) },
      replies: Object.fromEntries(replies.map((reply) => [withDots(reply.time), airlockWritReply(id, reply)])),
    },
    essay: essayOf(doc.memo, doc.isNotice),
    type: 'post',
  };
};

/** @param parent the id of the message. */
export const airlockWritReply = (parent: string, { id, time, memo, reacts }: ChatReply): AirlockWritReply => ({
  seal: { id, 'parent-id': parent, time, reacts },
  'reply-essay': airlockMemo(memo),
});

const essayOf = (memo: Memo, isNotice: ChatMessage['isNotice']): AirlockEssay =>
  airlockEssay({ ...memo, 'kind-data': { chat: isNotice ? { notice: null } : null } });

export const replyMeta = ({ count, repliers, latest }: RepliesSummary): ReplyMeta => ({
  replyCount: count,
  lastReply: latest === null ? null : millisFromId(BigInt(latest)),
  lastRepliers: repliers,
});

/** What was done to a message, for one who sees it under the number `seq`. */
export const airlockWritResponse = ({ delta, time, replies }: MessageChange, seq: number | undefined): JsonObject => {
  if ('add' in delta) return { add: { essay: essayOf(delta.add.memo, delta.add.kind != null), seq, time } };
  if ('reply' in delta) {
    const { id, delta: done } = delta.reply;
    const shown = 'add' in done ? { add: { 'reply-essay': airlockMemo(done.add.memo), time } } : airlockReaction(done);
    return { reply: { id, meta: replies ? replyMeta(replies) : null, delta: shown } };
  }
  return airlockReaction(delta);
};

type PlainDelta = Exclude<WritsDelta, { add: unknown } | { reply: unknown }>;

const airlockReaction = (delta: PlainDelta): JsonObject => {
  if (!('add-react' in delta)) return delta;
  const { ship: author, react } = delta['add-react'];
  return { 'add-react': { author, react } };
};

/**
 * What a client does to a message, in any age of the protocol, as a `WritsDelta`. Not checked: what
 * comes out is to be decoded.
 */
export const communityWritsDelta = (delta: unknown): unknown => {
  if (!isObject(delta)) return delta;
  if (isObject(delta.add)) return { add: communityWrit(delta.add) };
  if (!isObject(delta.reply)) return communityReaction(delta);
  const { id, delta: done } = delta.reply;
  const isNew = isObject(done) && isObject(done.add);
  return {
    reply: { id, delta: isNew ? { add: communityWritReply(done.add as JsonObject) } : communityReaction(done) },
  };
};

const communityWrit = ({ essay, memo, kind }: JsonObject): JsonObject => {
  if (!isObject(essay)) return { memo: communityMemo(memo), kind };
  const written = communityEssay(essay) as JsonObject;
  const kindData = written['kind-data'];
  const isOfChat = isObject(kindData) && 'chat' in kindData;
  return { memo: omit(written, ['kind-data']), kind: isOfChat ? kindData.chat : essay.kind };
};

const communityWritReply = ({ 'reply-essay': essay, memo = essay }: JsonObject): JsonObject => ({
  memo: communityMemo(memo),
});

const communityReaction = (delta: unknown): unknown => {
  if (!isObject(delta)) return delta;
  if ('del-react' in delta) return { 'del-react': shipOf(delta['del-react']) };
  const asked = delta['add-react'];
  if (!isObject(asked)) return delta;
  const { author, ship = author, react } = asked;
  return { 'add-react': { ship: shipOf(ship), react: communityReact(react) } };
};
