// Posts as clients read them that are older than numbers, tombstones and bots: deleted ones are
// null, kinds are data, and a reply has a memo.
import { communityEssay, communityMemo } from './essay.ts';
import type { AirlockPost, AirlockReply, Tombstone } from './posts.ts';

export const olderPost = (post: AirlockPost | Tombstone): object | null => {
  if (post.type === 'tombstone') return null;
  const { id, reacts, replies, meta } = post.seal;
  const older = Object.entries(replies).map(([key, reply]) => [key, olderReply(reply)]);
  return {
    seal: { id, reacts, replies: Object.fromEntries(older), meta },
    revision: post.revision,
    essay: communityEssay(post.essay),
  };
};

export const olderReply = (reply: AirlockReply | Tombstone): object | null =>
  'type' in reply ? null : { seal: reply.seal, revision: reply.revision, memo: communityMemo(reply['reply-essay']) };
