// What changes in channels: their posts, themselves, and who is in them.
import type { VPost, VReply } from '../types/posts.ts';

/** A reply as it is kept. */
export type KeptReply = {
  /** In digits. */
  readonly id: string;
  readonly author: string;
  /** null: it was deleted. */
  readonly doc: VReply | null;
  /** When it was changed last, in ms since the epoch; null: never. */
  readonly modified: number | null;
};

/** The same of a post, without its replies. */
export type KeptPost = Omit<KeptReply, 'doc'> & {
  readonly doc: VPost | null;
  /** 1, 2, 3… in its channel. */
  readonly seq: number;
};

export type Did = 'add' | 'edit' | 'del' | 'react';

export type ChannelChange =
  /** The post as this commit left it. */
  | { readonly kind: 'post'; readonly nest: string; readonly did: Did; readonly post: KeptPost }
  /** `post`: to which it replies, in digits. */
  | {
      readonly kind: 'reply';
      readonly nest: string;
      readonly did: Did;
      readonly post: string;
      readonly reply: KeptReply;
    }
  | { readonly kind: 'channel'; readonly nest: string; readonly flag: string; readonly change: ChannelDiff }
  | { readonly kind: 'joined'; readonly nest: string; readonly flag: string; readonly ships: readonly string[] }
  | { readonly kind: 'left'; readonly nest: string; readonly ships: readonly string[] }
  /** What a ship notes for itself. */
  | { readonly kind: 'own-channel'; readonly nest: string; readonly ship: string; readonly change: OwnDiff }
  | { readonly kind: 'hidden-post'; readonly ship: string; readonly id: string; readonly isHidden: boolean };

/** What is everybody's of a channel. Ids in digits. */
export type ChannelDiff =
  | { readonly create: { readonly by: string; readonly writers: readonly string[] } }
  | { readonly writers: readonly string[] }
  | { readonly view: string }
  | { readonly sort: string }
  | { readonly order: readonly string[] | null }
  | { readonly meta: string | null };

export type OwnDiff =
  | { readonly read: null }
  /** An id in digits. */
  | { readonly 'read-at': string }
  | { readonly watch: null }
  | { readonly unwatch: null };
