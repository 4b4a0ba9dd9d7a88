// What is known of the sources of a ship: how far it has read them, and how loud they are.
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { ActivitySource, VolumeMap } from '../types/activity.ts';
import { keyOf, wayUp } from './sources.ts';

export type KnownSource = {
  readonly key: string;
  readonly source: ActivitySource;
  readonly newest: bigint;
  readonly readUntil: bigint;
  /** Until then all sources below it are read, too. */
  readonly deepUntil: bigint;
  /** What came until then was removed. */
  readonly removedUntil: bigint;
  /** Read one by one, after `readUntil`. In digits. */
  readonly readItems: readonly string[];
  readonly volume: VolumeMap | null;
};

export type KnownSources = ReadonlyMap<string, KnownSource>;

type SourceRow = {
  readonly key: string;
  readonly source: ActivitySource;
  readonly newest: string;
  readonly read_until: string;
  readonly deep_until: string;
  readonly removed_until: string;
  readonly items: string[];
  readonly volume: VolumeMap | null;
};

/** The latest; nobody follows more. */
const MOST_SOURCES = 10_000;

const COLUMNS = `key, source, newest, read_until, deep_until, removed_until, read_items::text[] as items, volume`;
const listSources = statement<SourceRow & { owner: string }>(
  'activity.sources',
  `select w.owner, s.* from unnest($1::text[]) as w(owner)
   cross join lateral (select ${COLUMNS} from activity_sources s where s.owner = w.owner
                       order by newest desc limit ${MOST_SOURCES}) as s`,
);
const lockSource = statement<SourceRow>(
  'activity.lock-source',
  `select ${COLUMNS} from activity_sources where owner = $1 and key = $2 for update`,
);
const insertSource = statement(
  'activity.insert-source',
  `insert into activity_sources (owner, key, parents, source) values ($1, $2, $3, $4)
   on conflict (owner, key) do nothing`,
);
const updateSource = statement(
  'activity.update-source',
  `update activity_sources set read_until = $3, deep_until = $4, removed_until = $5, read_items = $6, volume = $7
   where owner = $1 and key = $2`,
);

const fromRow = (row: SourceRow): KnownSource => ({
  ...{ key: row.key, source: row.source, newest: BigInt(row.newest), volume: row.volume },
  ...{ readUntil: BigInt(row.read_until), deepUntil: BigInt(row.deep_until), removedUntil: BigInt(row.removed_until) },
  readItems: row.items,
});

const NONE: KnownSources = new Map();

export const readSources = async (on: Queryable, owner: string): Promise<KnownSources> =>
  (await readSourcesOf(on, [owner])).get(owner) ?? NONE;

/** By owner; of those who have none, nothing. */
export const readSourcesOf = async (
  on: Queryable,
  owners: readonly string[],
): Promise<ReadonlyMap<string, KnownSources>> => {
  const rows = Map.groupBy(await on.query(listSources, [owners]), ({ owner }) => owner);
  return new Map([...rows].map(([owner, of]) => [owner, new Map(of.map((row) => [row.key, fromRow(row)]))]));
};

export const volumesIn = (sources: KnownSources): Readonly<Record<string, VolumeMap>> =>
  Object.fromEntries([...sources.values()].flatMap(({ key, volume }) => (volume ? [[key, volume]] : [])));

/** Writes what `change` answers; a source that is not there yet begins with nothing read. */
export const changeSource = async (
  tx: Transaction,
  owner: string,
  source: ActivitySource,
  change: (known: KnownSource) => Partial<KnownSource>,
): Promise<void> => {
  const [key = '', ...parents] = wayUp(source).map(keyOf);
  await tx.query(insertSource, [owner, key, parents, JSON.stringify(source)]);
  const [row] = await tx.query(lockSource, [owner, key]);
  const known = fromRow(row as SourceRow);
  const next = { ...known, ...change(known) };
  await tx.query(updateSource, [
    ...[owner, key, String(next.readUntil), String(next.deepUntil), String(next.removedUntil)],
    next.readItems.filter((item) => BigInt(item) > next.readUntil),
    next.volume === null ? null : JSON.stringify(next.volume),
  ]);
};

const largest = (numbers: readonly bigint[]): bigint => numbers.reduce((a, b) => (a > b ? a : b), 0n);

/** Until when a source is read, by itself or with what is above it. */
export const floorOf = (sources: KnownSources, source: ActivitySource, since = 0n): bigint => {
  const [own, ...above] = wayUp(source).map((one) => sources.get(keyOf(one)));
  return largest([
    since,
    ...(own ? [own.readUntil] : []),
    ...[own, ...above].flatMap((known) => (known ? [known.deepUntil, known.removedUntil] : [])),
  ]);
};

/** Until when what came was removed. */
export const removedUntilOf = (sources: KnownSources, source: ActivitySource): bigint =>
  largest(wayUp(source).map((one) => sources.get(keyOf(one))?.removedUntil ?? 0n));
