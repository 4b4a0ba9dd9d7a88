// Messages as older clients read them: without blobs, bots and numbers, and nothing where one was
// deleted.
import { type AirlockEssay, type AirlockMemo, shipOf } from '../../vocabulary/essay.ts';
import type { AirlockWrit, AirlockWritReply } from '../../vocabulary/messages.ts';
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

const olderReply = ({ seal, 'reply-essay': essay }: AirlockWritReply): Json => ({ seal, memo: olderMemo(essay) });

const olderMemo = ({ content, author, sent }: AirlockMemo) => ({ content, author: shipOf(author), sent });

const isNotice = ({ kind }: AirlockEssay): boolean => kind === '/chat/notice';

const mapValues = <V>(values: Readonly<Record<string, V>>, map: (value: V) => Json): Json =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]));
