// What those see of groups who are not in them, and all groups that a ship is in. Each is read in
// bounds.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Meta } from '../types/group.ts';
import { type EntryRequest, hasJoined, type Invitation } from './entry.ts';
import { type GroupRow, storedGroup, type WholeGroup } from './group-store.ts';
import { isMember } from './membership.ts';

/** What is told of a group to those who are not in it. */
export type GroupSummary = {
  readonly flag: string;
  readonly meta: Meta;
  readonly isOpen: boolean;
  readonly isSecret: boolean;
  readonly members: number;
  /** ms since the epoch. */
  readonly created: number;
};

/** And how a ship stands to it that has not come in. */
export type GroupGuest = GroupSummary & {
  readonly invitation: Invitation | null;
  readonly request: EntryRequest | null;
};

type SummaryRow = Omit<GroupSummary, 'created'> & {
  readonly version: number;
  readonly invitation: Invitation | null;
  readonly request: EntryRequest | null;
  readonly isMember: boolean;
  /** It is invited or asks, or was added by others; and has not come. */
  readonly isGuest: boolean;
};

const MOST_GROUPS = 1_000;
/** All groups of a ship together, as JSON. */
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_GUESTS = 100;
const MOST_HOSTED = 100;
/** Of all that is told of them. */
const MOST_TOLD_BYTES = 4 * 1024 * 1024;

// Groups are large: each is taken apart once.
const summaries = (name: string, which: string) =>
  statement<SummaryRow>(
    `group-summaries.${name}`,
    `select * from (
       select flag, version, meta, cordon->'open' is not null as "isOpen", secret as "isSecret",
         (select count(*)::int from group_members m where m.flag = g.flag) as members,
         invited->$1::text as invitation, requests->$1::text as request,
         exists (select from group_members m where m.flag = g.flag and m.ship = $1) as "isMember",
         exists (select from group_guests t where t.flag = g.flag and t.ship = $1) as "isGuest",
         sum(octet_length(meta::text)) over (order by flag) as bytes
       from groups g
       cross join lateral json_to_record(doc) as d(meta json, cordon json, secret boolean)
       cross join lateral json_to_record(coalesce(entry, '{}')) as e(invited json, requests json)
       where ${which}) told
     where bytes <= ${MOST_TOLD_BYTES} order by flag`,
  );
const oneSummary = summaries('one', 'flag = $2');
const guestSummaries = summaries(
  'guests',
  `flag in (select flag from group_guests where ship = $1 order by flag limit ${MOST_GUESTS})`,
);
const hostedSummaries = summaries(
  'hosted',
  `flag in (select flag from groups where flag > $2 || '/' and flag < $2 || '0' order by flag limit ${MOST_HOSTED})`,
);

// The sum is over what comes before, too: what does not fit is left out with all that follows.
const bounded = (name: string, which: string) =>
  statement<GroupRow & { readonly flag: string; readonly bytes: number }>(
    `groups.${name}`,
    `select flag, version, doc, entry, bytes from (
       select flag, version, doc, entry, bytes, sum(bytes) over (order by flag) as sum from (
         select flag, version, doc, entry, octet_length(doc::text) + coalesce(octet_length(entry::text), 0) as bytes
         from groups where ${which} order by flag limit ${MOST_GROUPS}) found) counted
     where sum <= ${MOST_BYTES} order by flag`,
  );
const joinedGroups = bounded(
  'joined',
  `flag in (select flag from group_members where ship = $1 except select flag from group_guests where ship = $1)`,
);
const someGroups = bounded('some', 'flag = any($1::text[])');
const concernedGroups = statement<GroupRow & { readonly flag: string; readonly bytes: number }>(
  'groups.concerned',
  `select flag, version, doc, entry, octet_length(doc::text) as bytes from groups g
   where flag = any($1::text[]) and (
     exists (select from group_members m where m.flag = g.flag and m.ship = any($2::text[])) or
     exists (select from group_guests t where t.flag = g.flag and t.ship = any($2::text[])))`,
);
const flagsOfShip = statement<{ flag: string }>(
  'groups.flags-of',
  `(select flag from group_members where ship = $1 order by flag limit ${MOST_GROUPS})
   union (select flag from group_guests where ship = $1 order by flag limit ${MOST_GUESTS})`,
);

/** `bytes`: of its JSON. */
export type MeasuredGroup = WholeGroup & { readonly bytes: number };

const measured = (row: GroupRow & { readonly flag: string; readonly bytes: number }): MeasuredGroup => ({
  ...storedGroup(row.flag, row),
  bytes: row.bytes,
});

/** Those that the ship has joined, by flag: at most 1,000 and 8 MB. */
export const readJoinedGroups = async (from: Queryable, ship: string): Promise<WholeGroup[]> =>
  (await from.query(joinedGroups, [ship])).map((row) => storedGroup(row.flag, row));

export const readGroupsNamed = async (from: Queryable, flags: readonly string[]): Promise<MeasuredGroup[]> =>
  flags.length === 0 ? [] : (await from.query(someGroups, [flags])).map(measured);

/** Those of them that have to do with any of these ships. `flags`: a few. */
export const readGroupsConcerning = async (
  from: Queryable,
  flags: readonly string[],
  ships: readonly string[],
): Promise<MeasuredGroup[]> =>
  flags.length === 0 || ships.length === 0 ? [] : (await from.query(concernedGroups, [flags, ships])).map(measured);

/** All groups that the ship is in, or is a guest of. */
export const readFlagsOf = async (from: Queryable, ship: string): Promise<string[]> =>
  (await from.query(flagsOfShip, [ship])).map(({ flag }) => flag);

/** What the ship may know of a group that it may not be in. */
export const readSummary = async (from: Queryable, ship: string, flag: string): Promise<GroupGuest | undefined> => {
  const [row] = await from.query(oneSummary, [ship, flag]);
  return row && mayKnow(row, ship) ? guestOf(row) : undefined;
};

/** Groups that the ship is not in, but has to do with: at most 100. */
export const readGuestSummaries = async (from: Queryable, ship: string): Promise<GroupGuest[]> =>
  (await from.query(guestSummaries, [ship])).map(guestOf);

/** Those of a host that everybody finds: of its first 100. */
export const readHostedSummaries = async (from: Queryable, ship: string, host: string): Promise<GroupSummary[]> =>
  (await from.query(hostedSummaries, [ship, host])).filter(({ isSecret }) => !isSecret).map(summaryOf);

const mayKnow = ({ isOpen, isSecret, isMember, isGuest, flag }: SummaryRow, ship: string): boolean =>
  isOpen || !isSecret || isMember || isGuest || flag.startsWith(`${ship}/`);

/** A version begins with the microseconds at which the group was made. */
const createdOf = (version: number): number => Math.floor(version / 1000);

const summaryOf = ({ flag, version, meta, isOpen, isSecret, members }: SummaryRow): GroupSummary => ({
  ...{ flag, meta, isOpen, isSecret, members },
  created: createdOf(version),
});

/** Who was added by others is invited by the host. */
const guestOf = (row: SummaryRow): GroupGuest => ({
  ...summaryOf(row),
  request: row.request,
  invitation: row.invitation ?? (row.isMember && row.isGuest ? invitedBy(row.flag) : null),
});

const invitedBy = (flag: string): Invitation => ({
  ...{ from: flag.split('/')[0] ?? '', at: 0, token: null, note: null, roles: [] },
});

/** The same of a group that is at hand. */
export const guestAt = ({ flag, version, group, entry }: WholeGroup, ship: string): GroupGuest =>
  guestOf({
    ...{ flag, version, meta: group.meta, isOpen: 'open' in group.cordon, isSecret: group.secret },
    members: Object.keys(group.fleet).length,
    ...{ invitation: own(entry.invited, ship), request: own(entry.requests, ship) },
    ...{ isMember: isMember(group, ship), isGuest: !hasJoined(group, ship) },
  });

const own = <V>(record: Readonly<Record<string, V>>, key: string): V | null =>
  Object.hasOwn(record, key) ? (record[key] ?? null) : null;
