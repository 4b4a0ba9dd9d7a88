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
/** An arbitrary number that only Hookwright's migrations use. */
const LOCK_KEY = 4_665_776_501;

/**
 * Brings the schema up to date. Throws HW_SCHEMA_TOO_NEW when a newer program was here,
 * HW_MIGRATION_FAILED when one fails.
 */
export const migrate = async (connection: pg.ClientConfig, log: Log, folder: string = FOLDER): Promise<void> => {
  const ours = await migrationsIn(folder);
  const client = new pg.Client(connection);
  client.on('error', () => {}); // the statement that meets the broken connection reports it
  await client.connect();
  try {
    if (missing(ours, await applied(client)).length === 0) return;
    await lockMigrations(client);
    const due = missing(ours, await applied(client)); // another process may have been faster
    if (due.length === 0) return;
    log.info({ migrations: due }, 'migrating the database');
    await runMigrations(client, folder, log);
  } finally {
    await client.end(); // which frees the lock
  }
};

/** What a start would run. Throws HW_SCHEMA_TOO_NEW. Changes nothing. */
export const listDueMigrations = async (connection: pg.ClientConfig, folder: string = FOLDER): Promise<string[]> => {
  const ours = await migrationsIn(folder);
  const client = new pg.Client(connection);
  client.on('error', () => {}); // the statement that meets the broken connection reports it
  await client.connect();
  try {
    return missing(ours, await applied(client));
  } finally {
    await client.end();
  }
};

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
  const texts = await Promise.all(migrations.map((name) => readFile(join(folder, `${name}.sql`), 'utf8')));
  return texts.flatMap((text) => {
    const [up = ''] = text.replace(/--(?!\s*Down Migration).*$/gm, '').split(/--\s*Down Migration/);
    return [...up.matchAll(MAKES)].map(([, name = '']) => name);
  });
};

export type SomeMigrations =
  | { readonly direction: 'up' /** How many. */; readonly count: number }
  /** All that were applied: nothing of Hookwright is left but the empty table of migrations. */
  | { readonly direction: 'down' };

/** For who is in a transaction, which goes on afterwards. Throws HW_MIGRATION_FAILED. */
export const migrateWithin = (
  transaction: pg.Client,
  which: SomeMigrations,
  log: Log,
  folder: string = FOLDER,
): Promise<void> => {
  const query = (text: string, ...more: unknown[]) =>
    /^(begin|commit|rollback)$/i.test(text)
      ? Promise.resolve({ rows: [] }) // the runner's own: ours is open
      : transaction.query(text, ...(more as []));
  const count = which.direction === 'up' ? which.count : Number.POSITIVE_INFINITY;
  return runMigrations({ query } as unknown as pg.Client, folder, log, { direction: which.direction, count });
};

/** Waits for whoever migrates just then, and keeps others from it until the session ends. */
export const lockMigrations = async (client: pg.Client): Promise<void> => {
  await client.query('select pg_advisory_lock($1)', [LOCK_KEY]);
};

const migrationsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((file) => file.endsWith('.sql')).map((file) => file.slice(0, -4));

const applied = async (client: pg.Client): Promise<string[]> => {
  const { rows } = await client.query<{ present: boolean }>('select to_regclass($1) is not null as present', [TABLE]);
  if (!rows[0]?.present) return [];
  return (await client.query<{ name: string }>(`select name from ${TABLE} order by id`)).rows.map(({ name }) => name);
};

const missing = (ours: readonly string[], done: readonly string[]): string[] => {
  const unknown = done.find((name) => !ours.includes(name));
  if (unknown !== undefined) throw new OperatorError('HW_SCHEMA_TOO_NEW', { migration: unknown });
  return ours.filter((name) => !done.includes(name)).sort();
};

const runMigrations = async (
  client: pg.Client,
  folder: string,
  log: Log,
  which: { readonly direction: 'up' | 'down'; readonly count?: number } = { direction: 'up' },
): Promise<void> => {
  // Loaded only when there is something to migrate: it costs 50 ms and 10 MB.
  const { runner } = await import('node-pg-migrate');
  let current = '';
  try {
    await runner({
      dbClient: client,
      dir: folder,
      ...which,
      migrationsTable: TABLE,
      singleTransaction: true,
      noLock: true, // its own lock gives up when another holds it; ours waits
      logger: {
        debug: () => {},
        info: (message) => {
          current = /### MIGRATION (\S+)/.exec(message)?.[1] ?? current;
          log.debug({ message }, 'migration');
        },
        warn: (message) => log.warn({ message }, 'migration'),
        error: (message) => log.debug({ message }, 'migration failed'),
      },
    });
  } catch (error) {
    throw new OperatorError('HW_MIGRATION_FAILED', { migration: current, reason: describeError(error) }, error);
  }
};
