// The channels that a ship has joined, as clients read them when they begin.

import type { ChannelDoc } from '../../../community/channels/channel-store.ts';
import { readHiddenPosts } from '../../../community/channels/membership-store.ts';
import { withDots } from '../../../community/schema/id.ts';
import type { Queryable } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';

export type AirlockChannel = {
  /** Empty: posts are read page by page. */
  readonly posts: Readonly<Record<string, never>>;
  readonly count: number;
  /** Dotted ids. */
  readonly order: readonly string[];
  readonly view: string;
  readonly sort: string;
  readonly perms: Perms;
  readonly meta: string | null;
  readonly pending: { readonly posts: object; readonly replies: object };
};

export type Perms = { readonly writers: readonly string[]; readonly group: string };

export type ChannelsInit = {
  readonly channels: Readonly<Record<string, AirlockChannel>>;
  readonly 'hidden-posts': readonly string[];
};

type Row = { readonly nest: string; readonly flag: string; readonly posts: number; readonly doc: ChannelDoc };

/** All that is kept of them, in bytes; beyond it the largest are left out. */
const MOST_BYTES = 4 * 1024 * 1024;

const joinedChannels = statement<Row>(
  'airlock-channels.joined',
  `select nest, flag, posts, doc from (
     select c.nest, c.flag, c.newest_seq as posts, c.doc,
       sum(octet_length(c.doc::text)) over (order by octet_length(c.doc::text), c.nest) as bytes
     from channel_members m join channels c using (nest) where m.ship = $1) as joined
   where bytes <= ${MOST_BYTES} order by nest`,
);

export const channelsInit = async (database: Queryable, ship: string): Promise<ChannelsInit> => ({
  channels: await readJoinedChannels(database, ship),
  'hidden-posts': await readHidden(database, ship),
});

/** Whoever may read a channel no longer is in it no longer. */
export const readJoinedChannels = async (database: Queryable, ship: string): Promise<ChannelsInit['channels']> =>
  Object.fromEntries((await database.query(joinedChannels, [ship])).map((row) => [row.nest, shown(row)]));

export const readHidden = async (database: Queryable, ship: string): Promise<readonly string[]> =>
  (await readHiddenPosts(database, ship)).map(withDots);

export const permsOf = ({ flag, doc }: Pick<Row, 'flag' | 'doc'>): Perms => ({ writers: doc.writers, group: flag });

const shown = ({ flag, posts, doc }: Row): AirlockChannel => ({
  ...{ posts: {}, count: posts, order: (doc.order ?? []).map(withDots), view: doc.view, sort: doc.sort },
  ...{ perms: permsOf({ flag, doc }), meta: doc.meta ?? null, pending: { posts: {}, replies: {} } },
});
