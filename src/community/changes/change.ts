// What is told of a change in the community to whoever watches it: enough to say what is new, and
// to whom.
import type { ActivityChange } from './activity-change.ts';
import type { ChannelChange } from './channel-change.ts';
import type { ConversationChange } from './conversation-change.ts';

export type Change =
  | ChannelChange
  | ConversationChange
  | ActivityChange
  /** The group is another one, new or gone. `left`: who had come in and is in it no longer. */
  | { readonly kind: 'group'; readonly flag: string; readonly left?: readonly string[] }
  /**
   * A script hook was made or changed: the response of their library without the source, which is
   * large. It is read when it is told, and the hook with it.
   */
  | { readonly kind: 'script-hook'; readonly hook: { readonly id: string } }
  /** Something else was done with script hooks: the response of their library. */
  | { readonly kind: 'script-hooks'; readonly response: object }
  /** What a ship says of itself is something else. */
  | { readonly kind: 'profile'; readonly ship: string }
  /**
   * What a ship keeps about others, by their keys: pages are new or edited, or are gone; or a ship
   * without a page is met, snubbed or dropped.
   */
  | {
      readonly kind: 'contacts';
      readonly owner: string;
      readonly news: 'page' | 'wipe' | 'peer';
      readonly kips: readonly string[];
    }
  /** What a client keeps for its ship: the event as the client sent it. */
  | { readonly kind: 'settings'; readonly ship: string; readonly desk: string; readonly event: object };
