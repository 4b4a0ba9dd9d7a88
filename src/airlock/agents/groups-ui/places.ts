// The channels and conversations of a ship by when something last happened there.
import { boundedMillis } from '../../../community/schema/id.ts';
import type { Queryable } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';

export type Place = {
  /** A nest, a ship or the id of a club. */
  readonly name: string;
  /** The id of what is newest there, in digits. */
  readonly newest: string;
};

const latestChannels = statement<Place>(
  'places.channels',
  `select m.nest as name, p.id as newest from channel_members m
   cross join lateral (select id from posts where nest = m.nest order by id desc limit 1) p
   where m.ship = $1 and p.id > $2::numeric order by p.id desc limit $3`,
);
const latestChats = statement<Place>(
  'places.chats',
  `select whom as name, latest as newest from chats
   where owner = $1 and state <> 'invited' and latest > $2::numeric order by latest desc limit $3`,
);
const changedChannels = statement<{ name: string }>(
  'places.changed',
  `select m.nest as name from channel_members m where m.ship = $1 and (
     exists (select from posts where nest = m.nest and id > $2::numeric) or
     exists (select from posts where nest = m.nest and modified > $3) or
     exists (select from replies where nest = m.nest and id > $2::numeric and doc is not null) or
     exists (select from replies where nest = m.nest and modified > $3))
   order by (select max(id) from posts where nest = m.nest) desc nulls last, m.nest limit $4`,
);

export type Latest = {
  /** An id in digits: only what is newer; `0`: all. */
  readonly since: string;
  readonly limit: number;
};

/** The latest first. */
export const readLatestChannels = (from: Queryable, ship: string, { since, limit }: Latest): Promise<Place[]> =>
  from.query(latestChannels, [ship, since, limit]);

/** The latest first; not those to which the ship is invited. */
export const readLatestChats = (from: Queryable, ship: string, { since, limit }: Latest): Promise<Place[]> =>
  from.query(latestChats, [ship, since, limit]);

/** Where something was written, edited, deleted or reacted to; where the newest posts are first. */
export const readChangedChannels = async (from: Queryable, ship: string, { since, limit }: Latest): Promise<string[]> =>
  (await from.query(changedChannels, [ship, since, boundedMillis(BigInt(since)), limit])).map(({ name }) => name);
