// A message that somebody cites, for whoever may read it.
import { readKeptReplies } from '../../../community/channels/kept-posts.ts';
import type { Queryable } from '../../../database/database.ts';
import type { Fact } from '../agent.ts';
import { idOf, readOnePost } from './post-pages.ts';
import { readableChannel } from './readable-channel.ts';
import { showReply } from './show-post.ts';

// The ship that is asked stands before the channel since v5.
const SAID = /^\/v\d\/said\/(?:~[a-z-]+\/)?([a-z][a-z0-9-]*\/~[a-z-]+\/[a-z0-9-]+)\/post\/([\d.]+)(?:\/([\d.]+))?$/;

/**
 * undefined: the path asks for no such thing. What may not be read is told like what is not there.
 */
export const saidFact = async (from: Queryable, path: string, ship: string): Promise<Fact | undefined> => {
  const [, nest = '', postText, replyText] = SAID.exec(path) ?? [];
  const post = idOf(postText);
  if (post === undefined) return undefined;
  const channel = await readableChannel(from, nest, ship);
  const reference = channel && (await referenceTo(from, nest, post, idOf(replyText)));
  return reference ? { mark: 'channel-said-3', json: { nest, reference } } : { mark: 'channel-denied', json: null };
};

const referenceTo = async (
  from: Queryable,
  nest: string,
  post: string,
  replyId: string | undefined,
): Promise<object | undefined> => {
  const found = await readOnePost(from, nest, post, 'outline');
  if (replyId === undefined || found === undefined) return found && { post: found };
  if (found.type === 'tombstone') return undefined; // its replies are gone with it
  const reply = (await readKeptReplies(from, nest, [post])).find(({ id }) => id === replyId);
  return reply && { reply: { 'id-post': post, reply: showReply(post, reply) } };
};
