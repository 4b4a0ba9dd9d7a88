// What a change in a channel is to those who watch.
import type { ChannelChange, ChannelDiff } from '../../../community/changes/channel-change.ts';
import { withDots } from '../../../community/schema/id.ts';
import { airlockEssay, airlockMemo } from '../../vocabulary/essay.ts';
import { airlockReacts, NO_REPLIES, type ReplyMeta } from '../../vocabulary/posts.ts';
import type { Fact } from '../agent.ts';
import { showPost, showReply } from './show-post.ts';

type PostChange = Extract<ChannelChange, { kind: 'post' }>;
type ReplyChange = Extract<ChannelChange, { kind: 'reply' }>;

export const responseFact = (nest: string, response: object): Fact => ({
  mark: 'channel-response-5',
  json: { nest, response },
});

export const postFact = ({ nest, did, post }: PostChange): Fact => {
  const { id, doc } = post;
  const what =
    doc === null || did === 'add' || did === 'del'
      ? { set: showPost(post) }
      : did === 'edit'
        ? { essay: airlockEssay(doc.essay) }
        : { reacts: airlockReacts(doc.seal.reacts) };
  return responseFact(nest, { post: { id, 'r-post': what } });
};

/** @param meta of the post to which it replies. */
export const replyFact = ({ nest, did, post, reply }: ReplyChange, meta: ReplyMeta = NO_REPLIES): Fact => {
  const what =
    reply.doc !== null && did === 'react'
      ? { reacts: airlockReacts(reply.doc.reacts) }
      : { set: showReply(post, reply) };
  return responseFact(nest, { post: { id: post, 'r-post': { reply: { id: reply.id, 'r-reply': what, meta } } } });
};

/** For its author, before all hear of it: what they sent has come. undefined: it is not new. */
export const pendingFact = (change: PostChange | ReplyChange, meta: ReplyMeta = NO_REPLIES): Fact | undefined => {
  if (change.did !== 'add') return undefined;
  if (change.kind === 'post') {
    const { doc } = change.post;
    if (!doc) return undefined;
    const essay = airlockEssay(doc.essay);
    return pending(change.nest, essay, { post: essay });
  }
  const { doc } = change.reply;
  if (!doc) return undefined;
  const { content, author, sent, blob } = airlockMemo(doc);
  const reply = { top: change.post, meta, 'reply-essay': { content, author, sent, blob } };
  return pending(change.nest, { author, sent }, { reply });
};

const pending = (nest: string, { author, sent }: { author: unknown; sent: number }, what: object): Fact =>
  responseFact(nest, { pending: { id: { author, sent }, pending: what } });

/** Of what is everybody's of a channel. */
export const channelResponse = (flag: string, change: ChannelDiff): object => {
  if ('create' in change) return { create: { writers: change.create.writers, group: flag } };
  if ('writers' in change) return { perm: { writers: change.writers, group: flag } };
  if ('order' in change) return { order: (change.order ?? []).map(withDots) };
  return change;
};
