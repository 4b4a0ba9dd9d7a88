// What is told of a change in the community to whoever watches it: enough to say what is new, and
// to whom.

import type { ClubDelta, WritsDelta } from '../types/chat.ts';
import type { ChannelChange } from './channel-change.ts';

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

export type Change =
  | ChannelChange
  /** The group is another one, new or gone. */
  | { readonly kind: 'group'; readonly flag: string }
  /** A script hook was made or changed. Its source is large: it is read when it is told. */
  | { readonly kind: 'script-hook'; readonly id: string }
  /** Something else was done with script hooks: the response of their library. */
  | { readonly kind: 'script-hooks'; readonly response: object }
  /** What a ship says of itself is something else. */
  | { readonly kind: 'profile'; readonly ship: string }
  /**
   * What a ship keeps about others, by their keys: pages are new or edited, or are gone; or a ship
   * without a page is met or dropped.
   */
  | {
      readonly kind: 'contacts';
      readonly owner: string;
      readonly news: 'page' | 'wipe' | 'peer';
      readonly kips: readonly string[];
    }
  /** What a client keeps for its ship: the event as the client sent it. */
  | { readonly kind: 'settings'; readonly ship: string; readonly desk: string; readonly event: object }
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
