// A backup into a database, in one transaction: what was there, the schema that the backup was made of, its rows, and the migrations since.
// Whatever ends it before the end, `kill -9` or a pulled plug, leaves the database as it was.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type Clock, toIso } from '../../core/clock.ts';
import { describeError, errorCode, OperatorError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { takeDatabaseAlone } from '../in-use.ts';
import { checkApplied, knownMigrations, lockMigrations, migrateWithin } from '../migrate.ts';
import { type BackupTable, listApplied, listRelations, listTables } from './catalogue.ts';
import { type Frame, parseJson, unpack } from './frames.ts';
import type { BackupEnd, BackupHeader } from './header.ts';
import { countRows } from './make-backup.ts';
import { putRight } from './put-right.ts';
import { quoted } from './session.ts';

export type RestoreOrder = {
  readonly header: BackupHeader;
  /** What follows the header (readFrames). */
  readonly frames: AsyncGenerator<Frame>;
  /** For messages: the file, and where the data go. */
  readonly path: string;
  readonly address: string;
  /** Removes what is there. */
  readonly replace: boolean;
  /** Called when all is in and before it is committed. What it throws undoes the restore. */
  readonly beforeCommit: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** Tests bring migrations of their own. */
  readonly migrations?: string;
};

export type RestoreSummary = {
  /** Table → rows; partitions each for themselves. */
  readonly restored: ReadonlyMap<string, number>;
  readonly removed: ReadonlyMap<string, number>;
  /** Tables of the backup that are not Hookwright's, and were left out. */
  readonly leftOut: readonly string[];
  /** Migrations that the backup did not have yet. */
  readonly migrated: readonly string[];
};

/**
 * Throws HW_BACKUP_TOO_NEW, HW_DATABASE_IN_USE, HW_SCHEMA_TOO_NEW, HW_RESTORE_NOT_EMPTY, HW_BACKUP_DAMAGED, HW_MIGRATION_FAILED or
 * HW_RESTORE_FAILED; the database is then as it was.
 */
export const restoreBackup = async (client: pg.Client, order: RestoreOrder): Promise<RestoreSummary> => {
  const { header, path, address, clock } = order;
  const ours = await knownMigrations(order.migrations);
  requireKnown(header, ours, path);
  await takeDatabaseAlone(client, address, clock);
  await lockMigrations(client);
  await client.query('begin');
  try {
    const summary = await restoreWithin(client, order, ours);
    await order.beforeCommit();
    await client.query('commit');
    return summary;
  } catch (error) {
    await client.query('rollback').catch(() => {}); // where the connection broke, the server has undone it
    throw error instanceof OperatorError ? error : failed(error);
  }
};

const failed = (error: unknown): OperatorError =>
  new OperatorError('HW_RESTORE_FAILED', { reason: describeError(error) }, error);

const requireKnown = ({ migrations, version }: BackupHeader, ours: readonly string[], path: string): void => {
  const unknown = migrations.find((name, at) => ours[at] !== name);
  if (unknown === undefined) return;
  const reason = `it has the migration "${unknown}" of Hookwright ${version}, which this version does not know`;
  throw new OperatorError('HW_BACKUP_TOO_NEW', { path, reason });
};

const restoreWithin = async (
  client: pg.Client,
  order: RestoreOrder,
  ours: readonly string[],
): Promise<RestoreSummary> => {
  const { header, log, migrations: folder } = order;
  const removed = await removeWhatIsThere(client, order);
  await migrateWithin(client, { direction: 'up', count: header.migrations.length }, log, folder);
  const { tables, leftOut } = await prepareTables(client, header);
  const restored = await copyAllIn(client, order, tables);
  for (const { name, lastValue, isCalled } of await sequencesThatAreThere(client, header)) {
    await client.query('select setval($1::regclass, $2::bigint, $3)', [quoted(name), lastValue, isCalled]);
  }
  const migrated = ours.slice(header.migrations.length);
  await migrateWithin(client, { direction: 'up', count: migrated.length }, log, folder);
  await putRight(client, toIso(order.clock.now()));
  await client.query('analyze');
  return { restored, removed, leftOut, migrated };
};

/** What anyone else holds now is held for long; servers are known to be away. */
const LOCK_TIMEOUT = "set local lock_timeout = '5s'";
const NOT_AVAILABLE = '55P03';

/** Answers what that was: table → rows. */
const removeWhatIsThere = async (
  client: pg.Client,
  { header, address, replace, log, migrations: folder }: RestoreOrder,
): Promise<ReadonlyMap<string, number>> => {
  const removed = new Map<string, number>();
  const applied = await listApplied(client);
  if (applied === null) return removed;
  await checkApplied(applied, folder);
  await lockAll(client, address);
  for (const { name } of await listTables(client)) {
    const { rows } = await client.query<{ count: string }>(`select count(*) as count from ${quoted(name)}`);
    const count = Number(rows[0]?.count);
    if (count > 0) removed.set(name, count);
  }
  if (removed.size > 0 && !replace) {
    throw new OperatorError('HW_RESTORE_NOT_EMPTY', { place: address, what: describeRows(removed) });
  }
  await migrateWithin(client, { direction: 'down' }, log, folder);
  // A month of the ledger that retention took out and did not get to drop bears a name that is needed.
  for (const { name, partition } of header.tables) {
    if (partition && name.startsWith(`${partition.of}_`)) await client.query(`drop table if exists ${quoted(name)}`);
  }
  return removed;
};

const lockAll = async (client: pg.Client, address: string): Promise<void> => {
  const names = (await listRelations(client)).map(quoted);
  await client.query(LOCK_TIMEOUT);
  try {
    await client.query(`lock table only ${names.join(', only ')} in access exclusive mode`);
  } catch (error) {
    if (errorCode(error) !== NOT_AVAILABLE) throw error;
    throw new OperatorError('HW_DATABASE_IN_USE', { place: address, who: 'somebody who reads or writes in it' }, error);
  }
  await client.query('set local lock_timeout = 0');
};

/** `hooks 3, timers 12`; partitions as the table that they are of. */
export const describeRows = (rows: ReadonlyMap<string, number>): string => {
  const sums = new Map<string, number>();
  for (const [name, count] of rows) {
    const table = name.replace(/_\d{4}_\d{2}$/, '');
    sums.set(table, (sums.get(table) ?? 0) + count);
  }
  return [...sums].map(([name, count]) => `${name} ${count}`).join(', ');
};

/** Makes the partitions, empties all, and says which tables of the backup there are. */
const prepareTables = async (
  client: pg.Client,
  { tables }: BackupHeader,
): Promise<{ tables: readonly BackupTable[]; leftOut: readonly string[] }> => {
  const there = new Set(await listRelations(client));
  for (const { name, partition } of tables) {
    if (partition === undefined || !there.has(partition.of) || there.has(name)) continue;
    await client.query(`create table ${quoted(name)} partition of ${quoted(partition.of)} ${partition.bounds}`);
    there.add(name);
  }
  const known = tables.filter(({ name }) => there.has(name));
  // A migration may have put rows there, which are in the backup if they were kept.
  if (known.length > 0) await client.query(`truncate only ${known.map(({ name }) => quoted(name)).join(', only ')}`);
  return { tables: known, leftOut: tables.filter(({ name }) => !there.has(name)).map(({ name }) => name) };
};

const sequencesThatAreThere = async (client: pg.Client, { sequences }: BackupHeader) => {
  const { rows } = await client.query<{ name: string }>(
    `select s.name from unnest($1::text[]) as s (name) where to_regclass(quote_ident(s.name)) is not null`,
    [sequences.map(({ name }) => name)],
  );
  const there = new Set(rows.map(({ name }) => name));
  return sequences.filter(({ name }) => there.has(name));
};

const copyAllIn = async (
  client: pg.Client,
  { frames, path }: RestoreOrder,
  tables: readonly BackupTable[],
): Promise<ReadonlyMap<string, number>> => {
  const damaged = (reason: string) => new OperatorError('HW_BACKUP_DAMAGED', { path, reason });
  const byName = new Map(tables.map((table) => [table.name, table]));
  const restored = new Map<string, number>();
  let frame = await nextOf(frames);
  while (frame.kind === 'T') {
    const name = parseJson(frame.content, path);
    const table = typeof name === 'string' ? byName.get(name) : undefined;
    const rows = await copyIn(client, table, frames);
    if (table) restored.set(table.name, rows.count);
    frame = rows.next;
  }
  if (frame.kind !== 'E') throw damaged('its frames are in no order');
  const { rows = {} } = parseJson(frame.content, path) as Partial<BackupEnd>;
  const wrong = tables.find(({ name }) => rows[name] !== restored.get(name));
  if (wrong)
    throw damaged(`the table ${wrong.name} has ${restored.get(wrong.name) ?? 'no'} rows, not ${rows[wrong.name]}`);
  // Reads to the end, which is where the checksum of all is looked at.
  await frames.next();
  return restored;
};

const nextOf = async (frames: AsyncGenerator<Frame>): Promise<Frame> => {
  const { value, done } = await frames.next();
  if (done) throw new Error('frames ended without an end');
  return value;
};

/** Rows up to the frame that is of something else, which it answers too. Without a table they are passed over. */
const copyIn = async (
  client: pg.Client,
  table: BackupTable | undefined,
  frames: AsyncGenerator<Frame>,
): Promise<{ count: number; next: Frame }> => {
  let count = 0;
  let next = await nextOf(frames);
  if (next.kind !== 'D') return { count, next };
  async function* pieces(): AsyncGenerator<Buffer> {
    for (; next.kind === 'D'; next = await nextOf(frames)) {
      const rows = await unpack(next.content);
      count += countRows(rows);
      yield rows;
    }
  }
  if (table === undefined) {
    for await (const _rows of pieces());
    return { count, next };
  }
  const columns = table.columns.map(quoted).join(', ');
  await pipeline(Readable.from(pieces()), client.query(copyFrom(`copy ${quoted(table.name)} (${columns}) from stdin`)));
  return { count, next };
};
