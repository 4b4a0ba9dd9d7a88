// A backup into a database, in one transaction: what was there, the schema that the backup was made
// of, its rows, and the migrations since. Whatever ends it before the end, `kill -9` or a pulled
// plug, leaves the database as it was.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type Clock, toIso } from '../../core/clock.ts';
import { describeError, errorCode, OperatorError } from '../../core/errors.ts';
import { takeDatabaseAlone } from '../in-use.ts';
import { checkApplied, knownMigrations, lockMigrations, migrateDown, migrateUp, namesMadeBy } from '../migrate.ts';
import { type BackupTable, listApplied, listRelations, listSequenceNames, listTables } from './catalogue.ts';
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
  /** Tests bring migrations of their own. */
  readonly migrations?: string;
};

export type RestoreSummary = {
  /** Table → rows; partitions each for themselves. */
  readonly restored: ReadonlyMap<string, number>;
  readonly removed: ReadonlyMap<string, number>;
  /** Migrations that the backup did not have yet. */
  readonly migrated: readonly string[];
};

/**
 * Throws HW_BACKUP_TOO_NEW, HW_DATABASE_IN_USE, HW_SCHEMA_TOO_NEW, HW_RESTORE_NOT_EMPTY,
 * HW_BACKUP_DAMAGED, HW_MIGRATION_FAILED or HW_RESTORE_FAILED; the database is then as it was.
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
  known: readonly string[],
): Promise<RestoreSummary> => {
  const { header, migrations: folder } = order;
  const removed = await removeWhatIsThere(client, order);
  await migrateUp(client, header.migrations, folder);
  const ours = await namesMadeBy(header.migrations, folder);
  await prepareTables(client, order, ours);
  const restored = await copyAllIn(client, order);
  await setSequences(client, order, ours);
  const migrated = known.slice(header.migrations.length);
  await migrateUp(client, migrated, folder);
  await putRight(client, toIso(order.clock.now()));
  await client.query(`analyze ${header.tables.map(({ name }) => quoted(name)).join(', ')}`);
  return { restored, removed, migrated };
};

/** What anyone else holds now is held for long; servers are known to be away. */
const LOCK_TIMEOUT = "set local lock_timeout = '5s'";
const NOT_AVAILABLE = '55P03';
/** How the name of a month's partition ends. */
const MONTH = /_\d{4}_\d{2}$/;

/** Answers what that was: table → rows. */
const removeWhatIsThere = async (
  client: pg.Client,
  { header, address, replace, migrations: folder }: RestoreOrder,
): Promise<ReadonlyMap<string, number>> => {
  const removed = new Map<string, number>();
  const applied = await listApplied(client);
  if (applied === null) return removed;
  await checkApplied(applied, folder);
  const ours = await namesMadeBy(applied, folder);
  await lockAll(client, ours, address);
  for (const { name } of await listTables(client, ours)) {
    const { rows } = await client.query<{ count: string }>(`select count(*) as count from ${quoted(name)}`);
    const count = Number(rows[0]?.count);
    if (count > 0) removed.set(name, count);
  }
  if (removed.size > 0 && !replace) {
    throw new OperatorError('HW_RESTORE_NOT_EMPTY', { place: address, what: describeRows(removed) });
  }
  await migrateDown(client, folder);
  // A month of the ledger that retention took out and did not get to drop bears a name that is
  // needed.
  for (const { name, partition } of header.tables) {
    const isMonth =
      partition && ours.includes(partition.of) && MONTH.test(name) && name.replace(MONTH, '') === partition.of;
    if (isMonth) await client.query(`drop table if exists ${quoted(name)}`);
  }
  return removed;
};

const lockAll = async (client: pg.Client, ours: readonly string[], address: string): Promise<void> => {
  const names = (await listRelations(client, ours)).map(quoted);
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
    const table = name.replace(MONTH, '');
    sums.set(table, (sums.get(table) ?? 0) + count);
  }
  return [...sums].map(([name, count]) => `${name} ${count}`).join(', ');
};

/**
 * Makes the partitions, and sees to it that all tables of the backup are there and empty, and are
 * all that there is.
 */
const prepareTables = async (
  client: pg.Client,
  { header, path }: RestoreOrder,
  ours: readonly string[],
): Promise<void> => {
  for (const { name, partition } of header.tables) {
    if (partition === undefined || !ours.includes(partition.of)) continue;
    await client.query(`create table ${quoted(name)} partition of ${quoted(partition.of)} ${partition.bounds}`);
  }
  const there = (await listTables(client, ours)).map(({ name }) => name);
  const names = header.tables.map(({ name }) => name);
  const wrong = there.find((name) => !names.includes(name)) ?? names.find((name) => !there.includes(name));
  if (wrong !== undefined || new Set(names).size < names.length) {
    const reason = `its tables are not those of its migrations${wrong === undefined ? '' : `: ${wrong}`}`;
    throw new OperatorError('HW_BACKUP_DAMAGED', { path, reason });
  }
  // A migration may have put rows there, which are in the backup if they were kept.
  await client.query(`truncate only ${names.map(quoted).join(', only ')}`);
};

const setSequences = async (
  client: pg.Client,
  { header, path }: RestoreOrder,
  ours: readonly string[],
): Promise<void> => {
  const there = await listSequenceNames(client, ours);
  for (const { name, lastValue, isCalled } of header.sequences) {
    if (!there.includes(name)) {
      throw new OperatorError('HW_BACKUP_DAMAGED', { path, reason: `there is no sequence ${name} in its migrations` });
    }
    await client.query('select setval($1::regclass, $2::bigint, $3)', [quoted(name), lastValue, isCalled]);
  }
};

const copyAllIn = async (
  client: pg.Client,
  { header: { tables }, frames, path }: RestoreOrder,
): Promise<ReadonlyMap<string, number>> => {
  const damaged = (reason: string) => new OperatorError('HW_BACKUP_DAMAGED', { path, reason });
  const byName = new Map(tables.map((table) => [table.name, table]));
  const restored = new Map<string, number>();
  let frame = await nextOf(frames);
  while (frame.kind === 'T') {
    const name = parseJson(frame.content, path);
    const table = typeof name === 'string' ? byName.get(name) : undefined;
    if (table === undefined || restored.has(table.name)) throw damaged('it has rows of a table that it does not name');
    const rows = await copyIn(client, table, frames);
    restored.set(table.name, rows.count);
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

/** Rows up to the frame that is of something else, which it answers too. */
const copyIn = async (
  client: pg.Client,
  table: BackupTable,
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
  const columns = table.columns.map(quoted).join(', ');
  await pipeline(Readable.from(pieces()), client.query(copyFrom(`copy ${quoted(table.name)} (${columns}) from stdin`)));
  return { count, next };
};
