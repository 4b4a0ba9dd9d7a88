// Posts and replies of the database as clients read them.
import type { KeptPost, KeptReply } from '../../../community/changes/channel-change.ts';
import { readKeptReplies, type ShownPost, type Talk } from '../../../community/channels/kept-posts.ts';
import { idFromMillis, millisFromId, withDots } from '../../../community/schema/id.ts';
import type { Queryable } from '../../../database/database.ts';
import {
  type AirlockPost,
  type AirlockReply,
  airlockPost,
  airlockReply,
  type ReplyMeta,
  type Tombstone,
  tombstone,
} from '../../vocabulary/posts.ts';

type Around = { readonly meta?: ReplyMeta; readonly replies?: readonly KeptReply[] };

export const showPost = (post: KeptPost, { meta, replies = [] }: Around = {}): AirlockPost | Tombstone => {
  const { id, seq, doc, modified } = post;
  if (doc === null) return tombstoneOf(post, seq);
  return airlockPost(doc, {
    ...{ seq, modifiedAt: modified === null ? id : String(idFromMillis(modified)) },
    replies: Object.fromEntries(replies.map((reply) => [reply.id, showReply(id, reply)])),
    ...(meta && { meta }),
  });
};

/** @param post the id of the one to which it replies, in digits. */
export const showReply = (post: string, reply: KeptReply): AirlockReply | Tombstone =>
  reply.doc === null ? tombstoneOf(reply, 0) : airlockReply(post, reply.doc);

const tombstoneOf = ({ id, author, modified }: Omit<KeptReply, 'doc'>, seq: number): Tombstone =>
  tombstone({ id, author, seq, 'deleted-at': modified ?? millisFromId(BigInt(id)) });

const MOST_REPLIERS = 3;

export const metaOf = ({ replyCount, lastReply, lastRepliers }: Talk): ReplyMeta => ({
  replyCount,
  lastReply: lastReply === null ? null : millisFromId(BigInt(lastReply)),
  lastRepliers: [...new Set(lastRepliers)].slice(0, MOST_REPLIERS),
});

/** `post`: with their replies. */
export type Mode = 'post' | 'outline';

export type AirlockPosts = Readonly<Record<string, AirlockPost | Tombstone>>;

/** By dotted id. */
export const showPosts = async (
  from: Queryable,
  nest: string,
  posts: readonly ShownPost[],
  mode: Mode,
): Promise<AirlockPosts> => {
  const ids = posts.map(({ id }) => id);
  const replies = mode === 'post' ? Map.groupBy(await readKeptReplies(from, nest, ids), ({ post }) => post) : new Map();
  return Object.fromEntries(
    posts.map((post) => [withDots(post.id), showPost(post, { meta: metaOf(post), replies: replies.get(post.id) })]),
  );
};
