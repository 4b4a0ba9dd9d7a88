// Groups in the database.
import { LRUCache } from 'lru-cache';
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { recordChanges } from '../changes/record-changes.ts';
import { LARGEST_PAGE } from '../contents.ts';
import { readableJson } from '../schema/readable-json.ts';
import type { Group } from '../types/group.ts';
import { type Entry, type GroupAndEntry, guestsOf, hasJoined, NO_ENTRY } from './entry.ts';
import type { GroupToChange, HostedGroup } from './group-change.ts';
import { hostOf } from './membership.ts';

export type StoredGroup = HostedGroup & { readonly flag: string; readonly version: number };

/** With what hooks do not see of it. */
export type WholeGroup = StoredGroup & GroupToChange;

export type GroupRow = { readonly version: number; readonly doc: Group; readonly entry: Entry | null };

const findGroup = statement<GroupRow>(
  'community-groups.find',
  'select version, doc, entry from groups where flag = $1',
);
const lockGroup = statement<GroupRow>(
  'community-groups.lock',
  'select version, doc, entry from groups where flag = $1 for update',
);
const shareGroup = statement<GroupRow>(
  'community-groups.share',
  'select version, doc, entry from groups where flag = $1 for share',
);
const insertGroup = statement<{ flag: string }>(
  'community-groups.insert',
  'insert into groups (flag, doc, entry) values ($1, $2, $3) on conflict do nothing returning flag',
);
const updateGroup = statement(
  'community-groups.update',
  'update groups set version = version + 1, doc = $2, entry = $3 where flag = $1',
);
const deleteGroup = statement(
  'community-groups.delete',
  `with gone as (delete from groups where flag = $1),
   members as (delete from group_members where flag = $1),
   guests as (delete from group_guests where flag = $1)
   delete from channel_members m using channels c where c.flag = $1 and m.nest = c.nest`,
);
const changeMembers = statement(
  'community-groups.members',
  `with gone as (delete from group_members where flag = $1 and ship = any($2::text[]))
   insert into group_members (flag, ship) select $1, unnest($3::text[]) on conflict do nothing`,
);
const changeGuests = statement(
  'community-groups.guests',
  `with gone as (delete from group_guests where flag = $1 and ship = any($2::text[]))
   insert into group_guests (flag, ship) select $1, unnest($3::text[]) on conflict do nothing`,
);
const groupsOfShip = statement<ListedGroup>(
  'community-groups.of-ship',
  `select flag, case when bytes <= ${LARGEST_PAGE} or place = 1 then doc end as group from (
     select flag, doc, sum(octet_length(doc::text)) over (order by flag) as bytes, row_number() over (order by flag) as place
     from (select m.flag, g.doc from group_members m join groups g using (flag)
           where m.ship = $1 and m.flag > $2 order by m.flag limit $3) as listed) as measured order by flag`,
);

export const storedGroup = (flag: string, { version, doc, entry }: GroupRow): WholeGroup => ({
  flag,
  version,
  host: hostOf(flag),
  group: doc,
  entry: entry ?? NO_ENTRY,
});

export const readGroup = async (from: Queryable, flag: string): Promise<WholeGroup | undefined> => {
  const [row] = await from.query(findGroup, [flag]);
  return row && storedGroup(flag, row);
};

/** As `readGroup`; others who want to change it wait until the transaction ends. */
export const readGroupToChange = async (tx: Transaction, flag: string): Promise<WholeGroup | undefined> => {
  const [row] = await tx.query(lockGroup, [flag]);
  return row && storedGroup(flag, row);
};

/** As `readGroup`; nobody changes it until the transaction ends. */
export const readGroupToKeep = async (tx: Transaction, flag: string): Promise<WholeGroup | undefined> => {
  const [row] = await tx.query(shareGroup, [flag]);
  return row && storedGroup(flag, row);
};

/** `group`: null where it does not fit into the page. */
export type ListedGroup = { readonly flag: string; readonly group: Group | null };

/** By flag, those after `after`. */
export const readGroupsOf = (
  from: Queryable,
  ship: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<ListedGroup[]> => from.query(groupsOfShip, [ship, after, limit]);

/** What others see of a group is taken out of it in the database. */
const textOf = (part: Group | Entry): string => readableJson(JSON.stringify(part));

/** As they are stored. */
export type GroupTexts = { readonly group: string; readonly entry: string };

export const textsOf = ({ group, entry }: GroupAndEntry): GroupTexts => ({
  group: textOf(group),
  entry: textOf(entry),
});

/** Answers whether there was none of that name. */
export const storeNewGroup = async (
  tx: Transaction,
  flag: string,
  { group, entry }: GroupAndEntry,
  texts: GroupTexts,
): Promise<boolean> => {
  const rows = await tx.query(insertGroup, [flag, texts.group, texts.entry]);
  if (rows.length === 0) return false;
  await tx.query(changeMembers, [flag, [], Object.keys(group.fleet)]);
  await tx.query(changeGuests, [flag, [], [...guestsOf({ group, entry })]]);
  await recordChanges(tx, [{ kind: 'group', flag }]);
  return true;
};

export const storeGroup = async (
  tx: Transaction,
  before: WholeGroup,
  after: GroupAndEntry,
  texts: GroupTexts,
): Promise<void> => {
  const { flag } = before;
  await tx.query(updateGroup, [flag, texts.group, texts.entry]);
  const change = async (statement: typeof changeMembers, was: ReadonlySet<string>, is: ReadonlySet<string>) => {
    const gone = [...was].filter((ship) => !is.has(ship));
    const came = [...is].filter((ship) => !was.has(ship));
    if (gone.length + came.length > 0) await tx.query(statement, [flag, gone, came]);
  };
  const membersOf = ({ group }: GroupAndEntry) => new Set(Object.keys(group.fleet));
  if (before.group.fleet !== after.group.fleet) await change(changeMembers, membersOf(before), membersOf(after));
  await change(changeGuests, guestsOf(before), guestsOf(after));
  const left =
    before.group.fleet === after.group.fleet ? [] : joinedOf(before).filter((ship) => !hasJoined(after.group, ship));
  await recordChanges(tx, [{ kind: 'group', flag, ...(left.length > 0 && { left }) }]);
};

const joinedOf = ({ group }: Pick<GroupAndEntry, 'group'>): string[] =>
  Object.keys(group.fleet).filter((ship) => hasJoined(group, ship));

/** Whoever was in its channels is in them no longer. The channels stay with their hosts. */
export const removeGroup = async (tx: Transaction, stored: WholeGroup): Promise<void> => {
  const { flag } = stored;
  await tx.query(deleteGroup, [flag]);
  await recordChanges(tx, [{ kind: 'group', flag, left: joinedOf(stored) }]);
};

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
      const group = { flag, version, host: hostOf(flag), group: JSON.parse(text) as Group };
      cache.set(flag, group, { size: text.length + 1 });
      return group;
    },
  };
};
