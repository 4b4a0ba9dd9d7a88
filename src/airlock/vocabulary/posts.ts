// Posts and replies as clients read them, and what clients do to them as actions of the community.
import { withDots } from '../../community/schema/id.ts';
import type { VPost, VReacts, VReply } from '../../community/types/posts.ts';
import {
  type AirlockAuthor,
  type AirlockEssay,
  type AirlockMemo,
  airlockEssay,
  airlockMemo,
  communityEssay,
  communityMemo,
  shipOf,
} from './essay.ts';
import { isObject, type JsonObject, omit } from './json.ts';

/** By ship: emoji or shortcode. Reactions that were taken back are not there. */
export type AirlockReacts = Readonly<Record<string, string>>;

export type Tombstone = {
  readonly id: string;
  readonly author: AirlockAuthor;
  readonly seq: number;
  /** ms since the epoch. */
  readonly 'deleted-at': number;
  readonly type: 'tombstone';
};

export type AirlockReply = {
  readonly seal: { readonly id: string; readonly 'parent-id': string; readonly reacts: AirlockReacts };
  readonly revision: string;
  readonly 'reply-essay': AirlockMemo;
};

/** What is told of the replies to a post. */
export type ReplyMeta = {
  readonly replyCount: number;
  /** ms since the epoch. */
  readonly lastReply: number | null;
  /** At most three, the latest first. */
  readonly lastRepliers: readonly AirlockAuthor[];
};

export const NO_REPLIES: ReplyMeta = { replyCount: 0, lastReply: null, lastRepliers: [] };

export type AirlockPost = {
  readonly seal: {
    readonly id: string;
    readonly seq: number;
    readonly 'mod-at': string;
    readonly reacts: AirlockReacts;
    readonly replies: Readonly<Record<string, AirlockReply | Tombstone>>;
    readonly meta: ReplyMeta;
  };
  readonly revision: string;
  readonly essay: AirlockEssay;
  readonly type: 'post';
};

export const airlockReacts = (reacts: VReacts): AirlockReacts =>
  Object.fromEntries(Object.entries(reacts).flatMap(([ship, { react }]) => (react === null ? [] : [[ship, react]])));

const REPLY_FIELDS = ['id', 'reacts', 'revision'];

/** @param parent the id of the post, in digits. */
export const airlockReply = (parent: string, reply: VReply): AirlockReply => ({
  seal: { id: reply.id, 'parent-id': parent, reacts: airlockReacts(reply.reacts) },
  revision: reply.revision,
  'reply-essay': airlockMemo(omit(reply, REPLY_FIELDS) as Omit<VReply, 'id' | 'reacts' | 'revision'>),
});

export type PostAround = {
  /** Of the post in its channel, from 1. */
  readonly seq: number;
  /** When it was changed last, as an id in digits. */
  readonly modifiedAt: string;
  /** By id in digits. */
  readonly replies?: Readonly<Record<string, AirlockReply | Tombstone>>;
  readonly meta?: ReplyMeta;
};

export const airlockPost = (
  { seal, revision, essay }: VPost,
  { seq, modifiedAt, replies = {}, meta = NO_REPLIES }: PostAround,
): AirlockPost => ({
  seal: {
    ...{ id: seal.id, seq, 'mod-at': modifiedAt, reacts: airlockReacts(seal.reacts) },
    replies: Object.fromEntries(Object.entries(replies).map(([id, reply]) => [withDots(id), reply])),
    meta,
  },
  revision,
  essay: airlockEssay(essay),
  type: 'post',
});

export const tombstone = (of: Omit<Tombstone, 'type'>): Tombstone => ({ ...of, type: 'tombstone' });

/** A reaction as text; newer clients may send `{"any": "text"}`. Not checked. */
export const communityReact = (react: unknown): unknown => (isObject(react) && 'any' in react ? react.any : react);

/**
 * What a client does to a post, in any age of the protocol, as an `ActionPost` or an `ActionReply`.
 * Not checked: what comes out is to be decoded.
 */
export const communityPostAction = (action: unknown): unknown => {
  if (!isObject(action)) return action;
  if ('add' in action) return { add: communityEssay(action.add) };
  if (isObject(action.edit)) return { edit: { ...action.edit, essay: communityEssay(action.edit.essay) } };
  if (isObject(action.reply)) {
    return { reply: { ...action.reply, action: communityReplyAction(action.reply.action) } };
  }
  return communityReaction(action);
};

const communityReplyAction = (action: unknown): unknown => {
  if (!isObject(action)) return action;
  if ('add' in action) return { add: communityMemo(action.add) };
  if (isObject(action.edit)) {
    const { 'reply-essay': essay, memo = essay, ...edit } = action.edit;
    return { edit: { ...edit, memo: communityMemo(memo) } };
  }
  return communityReaction(action);
};

const communityReaction = (action: JsonObject): JsonObject => {
  for (const key of ['add-react', 'del-react']) {
    const asked = action[key];
    if (!isObject(asked)) continue;
    const react = 'react' in asked ? { react: communityReact(asked.react) } : {};
    // Before reactions had ships, they had authors.
    return { [key]: { ...asked, ship: shipOf(asked.ship ?? asked.author), ...react } };
  }
  return action;
};
