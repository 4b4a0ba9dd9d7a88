// What changes do not say and watchers of activity are told: events that were written down, who has
// joined a channel, and who wrote the post to which somebody replied. One question each for all.
import { readTold, type ToldEvent } from '../../../community/activity/feed.ts';
import type { Change } from '../../../community/changes/change.ts';
import type { Queryable } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';

export type LookedUp = {
  readonly toldTo: (owner: string, time: string) => ToldEvent | undefined;
  /** The watching ships that have joined the channel, and its group. */
  readonly joined: (nest: string) => readonly { readonly ship: string; readonly flag: string }[];
  /** Of a post. */
  readonly authorOf: (nest: string, post: string) => string | undefined;
};

const findJoined = statement<{ nest: string; ship: string; flag: string }>(
  'airlock.activity-joined',
  `select m.nest, m.ship, c.flag from channel_members m join channels c using (nest)
   where m.nest = any($1) and m.ship = any($2)`,
);
const findAuthors = statement<{ nest: string; id: string; author: string }>(
  'airlock.activity-authors',
  `select p.nest, p.id, p.author from unnest($1::text[], $2::numeric[]) as w(nest, id) join posts p using (nest, id)`,
);

export const lookUp = async (
  on: Queryable,
  changes: readonly Change[],
  ships: ReadonlySet<string>,
): Promise<LookedUp> => {
  const wanted = changes.flatMap((change) =>
    change.kind === 'told' ? change.events.filter(({ owner }) => ships.has(owner)) : [],
  );
  const told = new Map((await readTold(on, wanted)).map((event) => [`${event.owner} ${event.time}`, event]));
  const nests = [...new Set(changes.flatMap((change) => (isOfChannel(change) ? [change.nest] : [])))];
  const joined = nests.length === 0 ? [] : await on.query(findJoined, [nests, [...ships]]);
  const byNest = Map.groupBy(joined, ({ nest }) => nest);
  const parents = changes.flatMap((change) => (change.kind === 'reply' && byNest.has(change.nest) ? [change] : []));
  const places = [parents.map(({ nest }) => nest), parents.map(({ post }) => post)];
  const posts = parents.length === 0 ? [] : await on.query(findAuthors, places);
  const authors = new Map(posts.map(({ nest, id, author }) => [`${nest} ${id}`, author]));
  return {
    toldTo: (owner, time) => told.get(`${owner} ${time}`),
    joined: (nest) => byNest.get(nest) ?? [],
    authorOf: (nest, post) => authors.get(`${nest} ${post}`),
  };
};

const isOfChannel = (change: Change) =>
  change.kind === 'post' || change.kind === 'reply' || change.kind === 'own-channel';
