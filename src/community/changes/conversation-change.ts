// What changes in conversations: their messages, clubs, and who wants to hear from whom.
import type { ClubDelta, WritsDelta } from '../types/chat.ts';

/** Something was done to a message of a conversation, in these copies. */
export type MessageChange = {
  readonly kind: 'message';
  /** `seq`: the number of a new message there. */
  readonly copies: readonly { readonly owner: string; readonly whom: string; readonly seq?: number }[];
  readonly id: string;
  readonly delta: WritsDelta;
  /** When a new message or reply came, in digits. */
  readonly time: string;
  /** Of the message, after something was done to a reply. */
  readonly replies?: RepliesSummary;
};

export type RepliesSummary = {
  readonly count: number;
  /** Those who replied last, the latest first. */
  readonly repliers: readonly string[];
  /** When the latest came, in digits. */
  readonly latest: string | null;
};

export type ConversationChange =
  | MessageChange
  /** A club has changed, or one of the owners has left it. */
  | {
      readonly kind: 'club';
      readonly id: string;
      readonly owners: readonly string[];
      readonly delta: Exclude<ClubDelta, { writ: unknown }>;
    }
  /** The conversations to which these are invited are others. */
  | { readonly kind: 'dm-invitations'; readonly owners: readonly string[] }
  | { readonly kind: 'block'; readonly owner: string; readonly ship: string; readonly isBlocked: boolean }
  | { readonly kind: 'hidden-message'; readonly owner: string; readonly id: string; readonly isHidden: boolean };
