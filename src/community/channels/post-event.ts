// From a command on a post to the event that hooks see, and from the event that they leave to the
// post as it is kept.

import { parseId, withDots } from '../schema/id.ts';
import type { ActionPost, ActionReply } from '../types/channels.ts';
import type { Event } from '../types/event.ts';
import type { VPost, VReacts, VReply } from '../types/posts.ts';
import { digits, type KnownPost, replyOf } from './post-command.ts';

/**
 * The event of a command; undefined when nothing would happen: what is meant is missing or deleted.
 * @param id in digits: of the new post or reply, if the command makes one.
 */
export const eventOf = (action: ActionPost, post: KnownPost, id: string): Event | undefined => {
  if ('add' in action) {
    return { 'on-post': { add: { seal: { id, replies: {}, reacts: {} }, revision: '0', essay: action.add } } };
  }
  if (post === undefined || post === 'deleted') return undefined;
  if ('edit' in action) return { 'on-post': { edit: { original: post, essay: action.edit.essay } } };
  if ('del' in action) return { 'on-post': { del: post } };
  if ('reply' in action) return replyEventOf(action.reply.action, post, id);
  return { 'on-post': { react: { post, ...reactionOf(action) } } };
};

const replyEventOf = (action: ActionReply, parent: VPost, id: string): Event | undefined => {
  if ('add' in action) {
    return { 'on-reply': { add: { parent, reply: { id, reacts: {}, revision: '0', ...action.add } } } };
  }
  if ('edit' in action) {
    const original = replyOf(parent, action.edit.id);
    return original && { 'on-reply': { edit: { parent, original, memo: action.edit.memo } } };
  }
  if ('del' in action) {
    const original = replyOf(parent, action.del);
    return original && { 'on-reply': { del: { parent, original } } };
  }
  const reply = replyOf(parent, 'add-react' in action ? action['add-react'].id : action['del-react'].id);
  return reply && { 'on-reply': { react: { parent, reply, ...reactionOf(action) } } };
};

type Reaction = { readonly ship: string; readonly react: string | null };

const reactionOf = (
  action: Extract<ActionPost | ActionReply, { 'add-react': unknown } | { 'del-react': unknown }>,
): Reaction =>
  'add-react' in action
    ? { ship: action['add-react'].ship, react: action['add-react'].react }
    : { ship: action['del-react'].ship, react: null };

/**
 * `deleted`: a tombstone takes its place. `reply`: all that changed is this one; null: it is
 * deleted. Ids in digits.
 */
export type PostAfter = {
  readonly id: string;
  readonly post: VPost | 'deleted';
  readonly reply?: { readonly id: string; readonly reply: VReply | null };
};

/** What is said to a sender whom a hook denies without a reason. */
export const denialOf = (event: Event): string => {
  if ('on-post' in event) {
    const [what = ''] = Object.keys(event['on-post']);
    return { add: 'post blocked', edit: 'edit blocked', del: 'delete blocked' }[what] ?? 'react action blocked';
  }
  const [what = ''] = 'on-reply' in event ? Object.keys(event['on-reply']) : [];
  return { add: 'reply blocked', edit: 'edit blocked', del: 'delete blocked' }[what] ?? 'react action blocked';
};

/**
 * The post after the event, of which only that counts which hooks may change: `original` is the
 * event as it came, and says which post and reply are meant.
 */
export const applyEvent = (original: Event, final: Event): PostAfter | undefined => {
  if ('on-post' in original && 'on-post' in final) return applyPostEvent(original['on-post'], final['on-post']);
  if ('on-reply' in original && 'on-reply' in final) return applyReplyEvent(original['on-reply'], final['on-reply']);
  return undefined;
};

/** Who reacts in this event; the host may be somebody else, others may not. */
export const reactorOf = (event: Event): string | undefined => {
  const action = 'on-post' in event ? event['on-post'] : 'on-reply' in event ? event['on-reply'] : undefined;
  return action && 'react' in action ? action.react.ship : undefined;
};

type OnPost = Extract<Event, { 'on-post': unknown }>['on-post'];
type OnReply = Extract<Event, { 'on-reply': unknown }>['on-reply'];

const applyPostEvent = (original: OnPost, final: OnPost): PostAfter | undefined => {
  if ('add' in original && 'add' in final) {
    const { id } = original.add.seal;
    return { id, post: { ...final.add, seal: { ...final.add.seal, id } } };
  }
  if ('edit' in original && 'edit' in final) {
    const post = original.edit.original;
    return { id: post.seal.id, post: { ...post, essay: final.edit.essay, revision: raised(post.revision) } };
  }
  if ('react' in original && 'react' in final) {
    const { post } = original.react;
    const reacts = react(post.seal.reacts, final.react);
    return reacts && { id: post.seal.id, post: { ...post, seal: { ...post.seal, reacts } } };
  }
  return 'del' in original ? { id: original.del.seal.id, post: 'deleted' } : undefined;
};

const applyReplyEvent = (original: OnReply, final: OnReply): PostAfter | undefined => {
  if ('add' in original && 'add' in final) {
    const { parent, reply } = original.add;
    return withReply(parent, reply.id, { ...final.add.reply, id: reply.id });
  }
  if ('edit' in original && 'edit' in final) {
    const { parent, original: reply } = original.edit;
    return withReply(parent, reply.id, { ...reply, ...final.edit.memo, revision: raised(reply.revision) });
  }
  if ('react' in original && 'react' in final) {
    const { parent, reply } = original.react;
    const reacts = react(reply.reacts, final.react);
    return reacts && withReply(parent, reply.id, { ...reply, reacts });
  }
  return 'del' in original ? withReply(original.del.parent, original.del.original.id, null) : undefined;
};

const withReply = (post: VPost, id: string, reply: VReply | null): PostAfter => {
  const replies = { ...post.seal.replies, [withDots(digits(id))]: reply };
  return { id: post.seal.id, post: { ...post, seal: { ...post.seal, replies } }, reply: { id: digits(id), reply } };
};

/** undefined: it is there already, or there is none to take back. */
const react = (reacts: VReacts, { ship, react: value }: Reaction): VReacts | undefined => {
  const known = Object.hasOwn(reacts, ship) ? reacts[ship] : undefined;
  if ((known?.react ?? null) === value) return undefined;
  return { ...reacts, [ship]: { revision: known ? raised(known.revision) : '0', react: value } };
};

/** `"999"` → `"1.000"`. */
const raised = (revision: string): string => withDots((parseId(revision) ?? 0n) + 1n);
