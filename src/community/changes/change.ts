// What is told of a change in the community to whoever watches it: enough to say what is new, and
// to whom.
import type { ChannelChange } from './channel-change.ts';

export type Change =
  | ChannelChange
  /** The group is another one, new or gone. */
  | { readonly kind: 'group'; readonly flag: string };
