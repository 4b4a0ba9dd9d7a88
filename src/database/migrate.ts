// Migrations: numbered .sql files, run in order at the start, all or nothing, by one process at a
// time.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describeError, OperatorError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

const FOLDER = fileURLToPath(new URL('./migrations', import.meta.url));
const TABLE = 'migrations';
/** As node-pg-migrate makes it, with which earlier versions of Hookwright ran their migrations. */
const CREATE_TABLE = `create table if not exists ${TABLE} (
  id serial primary key, name varchar(255) not null, run_on timestamp not null)`;
/** An arbitrary number that only Hookwright's migrations use. */
const LOCK_KEY = 4_665_776_501;

/**
 * Brings the schema up to date. Throws HW_SCHEMA_TOO_NEW when a newer program was here,
 * HW_MIGRATION_FAILED when one fails.
 */
export const migrate = (connection: pg.ClientConfig, log: Log, folder: string = FOLDER): Promise<void> =>
  withClient(connection, async (client) => {
    if ((await listDue(client, folder)).length === 0) return;
    await lockMigrations(client);
    const due = await listDue(client, folder); // another process may have been faster
    if (due.length === 0) return;
    log.info({ migrations: due }, 'schema migration started');
    await client.query('begin');
    try {
      await migrateUp(client, due, folder);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback').catch(() => {}); // where the connection broke, the server has undone it
      throw error instanceof OperatorError ? error : failed(due.at(-1) ?? '', error);
    }
    log.info({ migrations: due }, 'schema migration finished');
  });

/** What a start would run. Throws HW_SCHEMA_TOO_NEW. Changes nothing. */
export const listDueMigrations = (connection: pg.ClientConfig, folder: string = FOLDER): Promise<string[]> =>
  withClient(connection, (client) => listDue(client, folder));

/** Throws HW_SCHEMA_TOO_NEW when one of them is not ours. */
export const checkApplied = async (done: readonly string[], folder: string = FOLDER): Promise<void> => {
  missing(await migrationsIn(folder), done);
};

/** All that this version knows, in order. */
export const knownMigrations = async (folder: string = FOLDER): Promise<string[]> =>
  (await migrationsIn(folder)).sort();

const MAKES = /\bcreate\s+(?:unlogged\s+)?(?:table|sequence)\s+(?:if\s+not\s+exists\s+)?(\w+)/gi;

/**
 * The tables and sequences that these migrations make, as their text says it: other programs may
 * have more in the same schema.
 */
export const namesMadeBy = async (migrations: readonly string[], folder: string = FOLDER): Promise<string[]> => {
  const texts = await Promise.all(migrations.map((name) => partsOf(name, folder)));
  return texts.flatMap(({ up }) => [...up.replace(/--.*$/gm, '').matchAll(MAKES)].map(([, name = '']) => name));
};

/**
 * Runs these, in this order, in the caller's transaction. The caller holds the lock. Throws
 * HW_MIGRATION_FAILED.
 */
export const migrateUp = async (
  transaction: pg.Client,
  migrations: readonly string[],
  folder: string = FOLDER,
): Promise<void> => {
  await transaction.query(CREATE_TABLE);
  for (const name of migrations) {
    await runPart(transaction, name, folder, 'up');
    await transaction.query(`insert into ${TABLE} (name, run_on) values ($1, now())`, [name]);
  }
};

/**
 * Undoes all that was applied, in the caller's transaction: nothing of Hookwright is left but the
 * empty table of migrations. The caller holds the lock. Throws HW_MIGRATION_FAILED.
 */
export const migrateDown = async (transaction: pg.Client, folder: string = FOLDER): Promise<void> => {
  for (const name of (await listApplied(transaction)).reverse()) await runPart(transaction, name, folder, 'down');
  await transaction.query(`delete from ${TABLE}`);
};

/** Waits for whoever migrates just then, and keeps others from it until the session ends. */
export const lockMigrations = async (client: pg.Client): Promise<void> => {
  await client.query('select pg_advisory_lock($1)', [LOCK_KEY]);
};

const withClient = async <T>(connection: pg.ClientConfig, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client(connection);
  client.on('error', () => {}); // the statement that meets the broken connection reports it
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end(); // which frees the lock
  }
};

const migrationsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((file) => file.endsWith('.sql')).map((file) => file.slice(0, -4));

const listApplied = async (client: pg.Client): Promise<string[]> => {
  const { rows } = await client.query<{ present: boolean }>('select to_regclass($1) is not null as present', [TABLE]);
  if (!rows[0]?.present) return [];
  return (await client.query<{ name: string }>(`select name from ${TABLE} order by id`)).rows.map(({ name }) => name);
};

const listDue = async (client: pg.Client, folder: string): Promise<string[]> =>
  missing(await migrationsIn(folder), await listApplied(client));

const missing = (ours: readonly string[], done: readonly string[]): string[] => {
  const unknown = done.find((name) => !ours.includes(name));
  if (unknown !== undefined) throw new OperatorError('HW_SCHEMA_TOO_NEW', { migration: unknown });
  return ours.filter((name) => !done.includes(name)).sort();
};

const partsOf = async (name: string, folder: string): Promise<{ up: string; down: string | undefined }> => {
  const [up = '', down] = (await readFile(join(folder, `${name}.sql`), 'utf8')).split(/^\s*--\s*Down Migration\s*$/m);
  return { up, down };
};

const runPart = async (client: pg.Client, name: string, folder: string, direction: 'up' | 'down'): Promise<void> => {
  const { [direction]: text } = await partsOf(name, folder);
  if (text === undefined) throw failed(name, new Error('it has no way down'));
  try {
    await client.query(text);
  } catch (error) {
    throw failed(name, error);
  }
};

const failed = (migration: string, error: unknown): OperatorError =>
  new OperatorError('HW_MIGRATION_FAILED', { migration, reason: describeError(error) }, error);
