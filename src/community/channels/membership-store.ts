// Which channels a ship has joined, how far it has read them, and which posts it does not want to
// see.
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { recordChanges } from '../changes/record-changes.ts';
import { lockShip } from '../ships/lock-ship.ts';

export type ChannelMembership = {
  readonly nest: string;
  /** When it joined, as an id in digits. */
  readonly joined: string;
  /** The newest that it has read, in digits; `0`: nothing. */
  readonly readAt: string;
  readonly isWatched: boolean;
};

type Row = { nest: string; joined: string; read_at: string; is_watched: boolean };

const join = statement<{ ship: string; nest: string }>(
  'members.join',
  `insert into channel_members (nest, ship, joined)
   select c.nest, asked.ship, $3::numeric
   from unnest($1::text[], $2::text[]) as asked (nest, ship) join channels c on c.nest = asked.nest and c.flag = $4
   on conflict do nothing returning ship, nest`,
);
const leave = statement<Pair>(
  'members.leave',
  'delete from channel_members where nest = any($1::text[]) and ship = any($2::text[]) returning nest, ship',
);
const readAll = statement(
  'members.read',
  `update channel_members m
   set read_at = greatest(m.joined, coalesce((select max(id) from posts p where p.nest = m.nest), 0))
   where nest = $1 and ship = $2`,
);
const readUntil = statement('members.read-at', 'update channel_members set read_at = $3 where nest = $1 and ship = $2');
const watch = statement('members.watch', 'update channel_members set is_watched = $3 where nest = $1 and ship = $2');
const find = statement<Row>(
  'members.find',
  'select nest, joined, read_at, is_watched from channel_members where nest = $1 and ship = $2',
);
const ofShip = statement<Row>(
  'members.of-ship',
  'select nest, joined, read_at, is_watched from channel_members where ship = $1 order by nest',
);
const MEMBERS_AT_ONCE = 4_000;
const ofChannel = statement<{ ship: string }>(
  'members.of-channel',
  `select ship from channel_members where nest = $1 and ship > $2 order by ship limit ${MEMBERS_AT_ONCE}`,
);
const hide = statement<{ isHidden: boolean }>(
  'hidden.hide',
  `with known as (select count(*) < $3 as may, bool_or(id = $2) as is_known from hidden_posts where ship = $1),
   hidden as (
     insert into hidden_posts (ship, id) select $1, $2::numeric from known where may on conflict do nothing)
   select may or is_known as "isHidden" from known`,
);
const show = statement('hidden.show', 'delete from hidden_posts where ship = $1 and id = $2');
const hidden = statement<{ id: string }>('hidden.list', 'select id from hidden_posts where ship = $1 order by id');

const shown = ({ nest, joined, read_at, is_watched }: Row): ChannelMembership => ({
  nest,
  joined,
  readAt: read_at,
  isWatched: is_watched,
});

type Pair = { readonly nest: string; readonly ship: string };

/**
 * Answers those that had not joined before. Nobody joins a channel that belongs to another group,
 * whichever group lists it. `at`: an id in digits.
 */
export const joinChannels = async (
  tx: Transaction,
  flag: string,
  pairs: readonly Pair[],
  at: string,
): Promise<Pair[]> => {
  if (pairs.length === 0) return [];
  const joined = await tx.query(join, [pairs.map(({ nest }) => nest), pairs.map(({ ship }) => ship), at, flag]);
  await recordChanges(
    tx,
    byChannel(joined).map((place) => ({ kind: 'joined', flag, ...place })),
  );
  return joined;
};

/** Answers which of them any of the ships had joined. */
export const leaveChannels = async (
  tx: Transaction,
  nests: readonly string[],
  ships: readonly string[],
): Promise<string[]> => {
  if (nests.length === 0 || ships.length === 0) return [];
  const left = byChannel(await tx.query(leave, [nests, ships]));
  await recordChanges(
    tx,
    left.map((place) => ({ kind: 'left', ...place })),
  );
  return left.map(({ nest }) => nest);
};

const byChannel = (pairs: readonly Pair[]) =>
  [...Map.groupBy(pairs, ({ nest }) => nest)].map(([nest, of]) => ({ nest, ships: of.map(({ ship }) => ship) }));

export const readMembership = async (
  from: Queryable,
  nest: string,
  ship: string,
): Promise<ChannelMembership | undefined> => {
  const [row] = await from.query(find, [nest, ship]);
  return row && shown(row);
};

export const readMembershipsOf = async (from: Queryable, ship: string): Promise<ChannelMembership[]> =>
  (await from.query(ofShip, [ship])).map(shown);

/** In the order of their names, some of those after `after`; none: there are no more. */
export const readMembersOf = async (from: Queryable, nest: string, after: string): Promise<string[]> =>
  (await from.query(ofChannel, [nest, after])).map(({ ship }) => ship);

/** Everything in the channel counts as read. */
export const markRead = (tx: Transaction, nest: string, ship: string): Promise<unknown> =>
  tx.query(readAll, [nest, ship]);

export const markReadUntil = (tx: Transaction, nest: string, ship: string, id: string): Promise<unknown> =>
  tx.query(readUntil, [nest, ship, id]);

export const setWatched = (tx: Transaction, nest: string, ship: string, isWatched: boolean): Promise<unknown> =>
  tx.query(watch, [nest, ship, isWatched]);

export const MOST_HIDDEN = 10_000;

/** Answers whether it is hidden: there are not too many. */
export const hidePost = async (tx: Transaction, ship: string, id: string): Promise<boolean> => {
  await lockShip(tx, ship);
  return (await tx.query(hide, [ship, id, MOST_HIDDEN]))[0]?.isHidden ?? false;
};

export const showPost = (tx: Transaction, ship: string, id: string): Promise<unknown> => tx.query(show, [ship, id]);

/** In digits. */
export const readHiddenPosts = async (from: Queryable, ship: string): Promise<string[]> =>
  (await from.query(hidden, [ship])).map(({ id }) => id);
