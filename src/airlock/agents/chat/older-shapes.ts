// Messages as older clients read them: without blobs, bots and numbers, and nothing where one was
// deleted.
import type { MessageChange } from '../../../community/changes/conversation-change.ts';
import { mapValues } from '../../../core/json.ts';
import { type AirlockEssay, type AirlockMemo, airlockMemo, shipOf } from '../../vocabulary/essay.ts';
import { type AirlockWrit, type AirlockWritReply, replyMeta } from '../../vocabulary/messages.ts';
import type { Tombstone } from '../../vocabulary/posts.ts';
import type { Json } from '../agent.ts';

export type WritPage = {
  readonly writs: Readonly<Record<string, AirlockWrit | Tombstone>>;
  readonly newer: string | null;
  readonly older: string | null;
  readonly newest: number;
  readonly total: number;
};

export const olderPage = ({ writs, newer, older, total }: WritPage): Json => ({
  ...{ newer, older, total },
  writs: mapValues(writs, (writ) => (writ.type === 'tombstone' ? null : olderWrit(writ))),
});

export const olderWrit = ({ seal: { seq: _, replies, ...seal }, essay }: AirlockWrit): Json => ({
  seal: { ...seal, replies: mapValues(replies, olderReply) },
  essay: { ...olderMemo(essay), 'kind-data': { chat: isNotice(essay) ? { notice: null } : null } },
});

/** What was done to a message, in the community's words: those of the oldest clients. */
export const oldestResponse = ({ delta, time, replies }: MessageChange): Json => {
  if ('add' in delta) return { add: { ...delta.add, memo: olderMemo(airlockMemo(delta.add.memo)), time } };
  if (!('reply' in delta)) return delta;
  const { id, delta: done } = delta.reply;
  const meta = replies ? replyMeta(replies) : null;
  const shown = 'add' in done ? { add: { memo: olderMemo(airlockMemo(done.add.memo)), time } } : done;
  return { reply: { id, meta, delta: shown } };
};

/** The same with an essay, for those that are not the oldest. */
export const olderResponse = (change: MessageChange): Json => {
  const { delta, time } = change;
  if (!('add' in delta)) return oldestResponse(change);
  const { memo, kind } = delta.add;
  return { add: { essay: { ...olderMemo(airlockMemo(memo)), 'kind-data': { chat: kind ?? null } }, time } };
};

const olderReply = ({ seal, 'reply-essay': essay }: AirlockWritReply): Json => ({ seal, memo: olderMemo(essay) });

const olderMemo = ({ content, author, sent }: AirlockMemo) => ({ content, author: shipOf(author), sent });

const isNotice = ({ kind }: AirlockEssay): boolean => kind === '/chat/notice';
