// What users and scripts do to posts: which post, and who may do it. One command is one event.
import { whyNoReaction, whyTooLarge } from '../contents.ts';
import { parseId, withDots } from '../schema/id.ts';
import type { ActionPost, ActionReply } from '../types/channels.ts';
import type { Essay, VPost, VReply } from '../types/posts.ts';

/** Who acts on a channel, and what they are there. */
export type Standing = {
  readonly actor: string;
  /** Of the channel. */
  readonly host: string;
  /** `chat`, `diary` or `heap`. */
  readonly kind: string;
  /** The host always is. */
  readonly isAdmin: boolean;
  readonly mayWrite: boolean;
};

/** A post as it is kept; `deleted`: there was one, and its id is never used again. */
export type KnownPost = VPost | 'deleted' | undefined;

/** The id of the post that is meant, in digits; undefined for a new one. */
export const postIdOf = (action: ActionPost): string | undefined => {
  if ('add' in action) return undefined;
  if ('del' in action) return digits(action.del);
  if ('edit' in action) return digits(action.edit.id);
  if ('reply' in action) return digits(action.reply.id);
  return digits('add-react' in action ? action['add-react'].id : action['del-react'].id);
};

/** An id as it stands in a post, from either spelling. */
export const digits = (id: string): string => String(parseId(id) ?? id);

/** The reply of that id; undefined when it is missing or deleted. */
export const replyOf = ({ seal }: VPost, id: string): VReply | undefined => {
  const key = withDots(digits(id));
  return (Object.hasOwn(seal.replies, key) ? seal.replies[key] : undefined) ?? undefined;
};

/** What the sender is told when they may not; undefined when they may. Hooks come after it. */
export const whyNot = (standing: Standing, action: ActionPost, post: KnownPost): string | undefined => {
  if (!standing.mayWrite) return 'You may not write in this channel.';
  if ('add' in action) return whyNotPost(standing, action.add);
  if (post === undefined || post === 'deleted') return undefined; // nothing happens, whoever it is
  if ('edit' in action) return whyNotEdit(standing, action.edit.essay, post);
  if ('del' in action) return mayRemove(standing, post.essay.author) ? undefined : NOT_AUTHOR;
  return 'reply' in action ? whyNotReply(standing, action.reply.action, post) : whyNotReact(action);
};

/** In whose name somebody reacts is looked at after the hooks. */
const whyNotReact = (action: ActionPost | ActionReply): string | undefined => {
  return 'add-react' in action ? whyNoReaction(action['add-react'].react) : undefined;
};

const NOT_AUTHOR = 'Only the author and the admins of the group may do this.';
const FORGED = 'You can write in your own name only.';

const whyNotPost = ({ actor, host, kind }: Standing, essay: Essay): string | undefined => {
  if (actor !== host && essay.author !== actor) return FORGED;
  if (!(kind in essay['kind-data'])) return `A post in a ${kind} channel needs the kind data of ${kind}.`;
  return whyTooLarge(essay);
};

const whyNotEdit = ({ actor, isAdmin }: Standing, essay: Essay, post: VPost): string | undefined => {
  if (!isAdmin && (essay.author !== actor || post.essay.author !== actor)) return NOT_AUTHOR;
  return whyTooLarge(essay);
};

const mayRemove = ({ actor, isAdmin }: Standing, author: string): boolean => isAdmin || author === actor;

const whyNotReply = (standing: Standing, action: ActionReply, post: VPost): string | undefined => {
  const { actor } = standing;
  if ('add' in action) {
    if (action.add.author !== actor) return FORGED;
    return whyTooLarge(action.add);
  }
  if (!('edit' in action) && !('del' in action)) return whyNotReact(action);
  const reply = replyOf(post, 'edit' in action ? action.edit.id : action.del);
  if (!reply) return undefined;
  if ('del' in action) return mayRemove(standing, reply.author) ? undefined : NOT_AUTHOR;
  if (reply.author !== actor) return 'Only its author may edit a reply.';
  return whyTooLarge(action.edit.memo);
};
