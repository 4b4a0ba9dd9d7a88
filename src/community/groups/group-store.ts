// Groups in the database.
import { LRUCache } from 'lru-cache';
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Group } from '../types/group.ts';
import type { HostedGroup } from './group-change.ts';
import { hostOf } from './membership.ts';

export type StoredGroup = HostedGroup & { readonly flag: string; readonly version: number };

type Row = { readonly version: number; readonly doc: Group };

const findGroup = statement<Row>('community-groups.find', 'select version, doc from groups where flag = $1');
const lockGroup = statement<Row>('community-groups.lock', 'select version, doc from groups where flag = $1 for update');
const shareGroup = statement<Row>(
  'community-groups.share',
  'select version, doc from groups where flag = $1 for share',
);
const insertGroup = statement<{ flag: string }>(
  'community-groups.insert',
  'insert into groups (flag, doc) values ($1, $2) on conflict do nothing returning flag',
);
const updateGroup = statement(
  'community-groups.update',
  'update groups set version = version + 1, doc = $2 where flag = $1',
);
const deleteGroup = statement(
  'community-groups.delete',
  `with gone as (delete from groups where flag = $1),
   members as (delete from group_members where flag = $1)
   delete from channel_members m using channels c where c.flag = $1 and m.nest = c.nest`,
);
const changeMembers = statement(
  'community-groups.members',
  `with gone as (delete from group_members where flag = $1 and ship = any($2::text[]))
   insert into group_members (flag, ship) select $1, unnest($3::text[]) on conflict do nothing`,
);
const groupsOfShip = statement<{ flag: string; doc: Group; version: number }>(
  'community-groups.of-ship',
  `select g.flag, g.doc, g.version from group_members m join groups g using (flag)
   where m.ship = $1 and m.flag > $2 order by m.flag limit $3`,
);

const stored = (flag: string, { version, doc }: Row): StoredGroup => ({
  flag,
  version,
  host: hostOf(flag),
  group: doc,
});

export const readGroup = async (from: Queryable, flag: string): Promise<StoredGroup | undefined> => {
  const [row] = await from.query(findGroup, [flag]);
  return row && stored(flag, row);
};

/** As `readGroup`; others who want to change it wait until the transaction ends. */
export const readGroupToChange = async (tx: Transaction, flag: string): Promise<StoredGroup | undefined> => {
  const [row] = await tx.query(lockGroup, [flag]);
  return row && stored(flag, row);
};

/** As `readGroup`; nobody changes it until the transaction ends. */
export const readGroupToKeep = async (tx: Transaction, flag: string): Promise<StoredGroup | undefined> => {
  const [row] = await tx.query(shareGroup, [flag]);
  return row && stored(flag, row);
};

/** By flag, those after `after`. */
export const readGroupsOf = async (
  from: Queryable,
  ship: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<StoredGroup[]> => (await from.query(groupsOfShip, [ship, after, limit])).map((row) => stored(row.flag, row));

/** Answers whether there was none of that name. */
export const storeNewGroup = async (tx: Transaction, flag: string, group: Group): Promise<boolean> => {
  const rows = await tx.query(insertGroup, [flag, JSON.stringify(group)]);
  if (rows.length > 0) await tx.query(changeMembers, [flag, [], Object.keys(group.fleet)]);
  return rows.length > 0;
};

export const storeGroup = async (tx: Transaction, flag: string, before: Group, after: Group): Promise<void> => {
  await tx.query(updateGroup, [flag, JSON.stringify(after)]);
  const gone = Object.keys(before.fleet).filter((ship) => !Object.hasOwn(after.fleet, ship));
  const came = Object.keys(after.fleet).filter((ship) => !Object.hasOwn(before.fleet, ship));
  if (gone.length + came.length > 0) await tx.query(changeMembers, [flag, gone, came]);
};

/** Whoever was in its channels is in them no longer. The channels stay with their hosts. */
export const removeGroup = (tx: Transaction, flag: string): Promise<unknown> => tx.query(deleteGroup, [flag]);

const MOST_BYTES = 32 * 1024 * 1024;

/** Parsed groups by flag: one is read again only when its version is another. */
export type GroupCache = {
  readonly get: (flag: string) => StoredGroup | undefined;
  readonly put: (flag: string, row: { readonly version: number; readonly text: string }) => StoredGroup;
};

export const createGroupCache = (): GroupCache => {
  const cache = new LRUCache<string, StoredGroup>({ maxSize: MOST_BYTES });
  return {
    get: (flag) => cache.get(flag),
    put: (flag, { version, text }) => {
      const group = stored(flag, { version, doc: JSON.parse(text) as Group });
      cache.set(flag, group, { size: text.length + 1 });
      return group;
    },
  };
};
