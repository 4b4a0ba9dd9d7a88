// A message of a conversation without a channel, and what can be done to it. The same for two
// ships and for a club.

import { idFromMillis, parseId, withDots } from '../schema/id.ts';
import type { WritsDelta } from '../types/chat.ts';
import type { Memo } from '../types/posts.ts';

export type Reacts = Readonly<Record<string, string>>;

export type ChatReply = { readonly id: string; readonly time: string; readonly memo: Memo; readonly reacts: Reacts };

export type ChatMessage = ChatReply & {
  /** A notice of the system, and not of a person. */
  readonly isNotice: boolean;
  /** By their ids, in the order in which they came. */
  readonly replies: Readonly<Record<string, ChatReply>>;
};

/** `deleted`: it was there, and a copy of it that comes late is not taken. */
export type KnownMessage = ChatMessage | 'deleted' | undefined;

/**
 * The message after the change; undefined when nothing changes: one that is known is not added
 * again, and nothing is done to one that is missing.
 * @param time in digits, when it came: that is where it stands, whatever the sender says.
 */
export const changeMessage = (
  known: KnownMessage,
  id: string,
  delta: WritsDelta,
  time: string,
): ChatMessage | 'deleted' | undefined => {
  if ('add' in delta) {
    if (known !== undefined) return undefined;
    const { memo, kind } = delta.add;
    return { id, time, memo, reacts: {}, isNotice: kind != null, replies: {} };
  }
  if (known === undefined || known === 'deleted') return undefined;
  if ('del' in delta) return 'deleted';
  if ('reply' in delta) return changeThread(known, delta.reply, time);
  const reacts = react(known.reacts, delta);
  return reacts && { ...known, reacts };
};

type ReplyChange = Extract<WritsDelta, { reply: unknown }>['reply'];

const changeThread = (message: ChatMessage, { id, delta }: ReplyChange, time: string): ChatMessage | undefined => {
  const known = Object.hasOwn(message.replies, id) ? message.replies[id] : undefined;
  const withReplies = (replies: ChatMessage['replies']): ChatMessage => ({ ...message, replies });
  if ('add' in delta) {
    if (known) return undefined;
    return withReplies({ ...message.replies, [id]: { id, time, memo: delta.add.memo, reacts: {} } });
  }
  if (!known) return undefined;
  if ('del' in delta) {
    return withReplies(Object.fromEntries(Object.entries(message.replies).filter(([key]) => key !== id)));
  }
  const reacts = react(known.reacts, delta);
  return reacts && withReplies({ ...message.replies, [id]: { ...known, reacts } });
};

type Reaction = Extract<WritsDelta, { 'add-react': unknown } | { 'del-react': unknown }>;

const react = (reacts: Reacts, delta: Reaction): Reacts | undefined => {
  if ('add-react' in delta) {
    const { ship, react: value } = delta['add-react'];
    return reacts[ship] === value ? undefined : { ...reacts, [ship]: value };
  }
  const ship = delta['del-react'];
  if (!Object.hasOwn(reacts, ship)) return undefined;
  return Object.fromEntries(Object.entries(reacts).filter(([key]) => key !== ship));
};

/** `~ship/170.141…`: the id of a message of this ship. */
export const messageId = (ship: string, ms: number): string => `${ship}/${withDots(idFromMillis(ms))}`;

/** The moment in a message's id, in digits; undefined when it is none. */
export const timeOfMessage = (id: string): string | undefined => {
  const time = parseId(id.slice(id.indexOf('/') + 1));
  return time === null ? undefined : String(time);
};
