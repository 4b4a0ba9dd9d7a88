// The database server that tests share: started once by `npm test` (scripts/test.ts), or by a test
// file that is run alone.
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { systemClock } from '../../src/core/clock.ts';
import { errorCode } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts';
import { migrate } from '../../src/database/migrate.ts';
import { startJanitor } from './janitor.ts';

/**
 * What test files need to know of it. It travels from `npm test` to them as JSON in an environment
 * variable.
 */
export type TestServer = {
  /** The server. `database` is where databases are made from. */
  readonly connection: ServerConnection;
  /** A migrated database that nobody can connect to, to be cloned. */
  readonly template: string;
  /** How to clone it, as `create database` has it. */
  readonly strategy: '' | 'strategy file_copy';
};

/** Either the parts, or all of it in a URL. */
export type ServerConnection =
  | { readonly host: string; readonly port: number; readonly user: string; readonly database: string }
  | { readonly connectionString: string };

export const TEST_SERVER_VARIABLE = 'HOOKWRIGHT_TEST_DATABASE';

/** The test files of a run, two at a time, hold more connections than a server at work does. */
const MAX_CONNECTIONS = 200;

/**
 * Uses the server of `databaseUrl`, whose user must be allowed to make databases; without it,
 * starts one in a temporary folder.
 */
export const startTestServer = async (databaseUrl?: string): Promise<AsyncDisposable & TestServer> => {
  await using undo = new AsyncDisposableStack();
  const connection = databaseUrl ? { connectionString: databaseUrl } : await startInTemporaryFolder(undo);
  const template = newDatabaseName('template');
  undo.defer(() => dropDatabase(connection, template));
  await createTemplate(connection, template);
  const strategy = await chooseStrategy(connection);
  const owned = undo.move();
  return { connection, template, strategy, [Symbol.asyncDispose]: () => owned.disposeAsync() };
};

export const newDatabaseName = (purpose: string): string =>
  `hookwright_test_${purpose}_${randomBytes(6).toString('hex')}`;

/** The same server, another database on it. */
export const connectionTo = (connection: ServerConnection, database: string): ServerConnection => {
  if (!('connectionString' in connection)) return { ...connection, database };
  const url = new URL(connection.connectionString);
  url.pathname = `/${database}`;
  return { connectionString: url.href };
};

/**
 * What may be asked again. Autovacuum may be at work in the database that is to be dropped, and
 * ending it takes a right that the role of a given server does not have: it goes by itself.
 */
const PASSING_STATES: readonly unknown[] = ['55006', '42501']; // object in use, insufficient privilege
const TRIES = 50;

export const untilItPasses = async (ask: () => Promise<unknown>): Promise<void> => {
  for (let tried = 1; ; tried += 1) {
    try {
      await ask();
      return;
    } catch (error) {
      if (!PASSING_STATES.includes(errorCode(error)) || tried === TRIES) throw error;
      await systemClock.sleep(100);
    }
  }
};

/** Runs statements one after another on a connection of their own. */
export const administer = async (connection: ServerConnection, ...statements: string[]): Promise<void> => {
  const client = new pg.Client(connection);
  client.on('error', () => {}); // the statement that meets the broken connection reports it
  await client.connect();
  try {
    for (const text of statements) await untilItPasses(() => client.query(text));
  } finally {
    await client.end();
  }
};

/**
 * Copying the files costs a third of what writing a log of them does; on a server that syncs what
 * it writes it would cost more.
 */
const chooseStrategy = async (connection: ServerConnection): Promise<TestServer['strategy']> => {
  const client = new pg.Client(connection);
  client.on('error', () => {}); // the statement that meets the broken connection reports it
  await client.connect();
  const ask = "select current_setting('fsync') = 'off' and current_setting('server_version_num')::int >= 150000 as it";
  try {
    return (await client.query<{ it: boolean }>(ask)).rows[0]?.it ? 'strategy file_copy' : '';
  } finally {
    await client.end();
  }
};

export const dropDatabase = (connection: ServerConnection, database: string): Promise<void> =>
  administer(connection, `drop database if exists ${database} with (force)`);

const startInTemporaryFolder = async (undo: AsyncDisposableStack): Promise<ServerConnection> => {
  const janitor = startJanitor();
  undo.defer(() => janitor.finish());
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-test-server-'));
  janitor.takeCharge(folder);
  await chmod(folder, 0o711); // so that the user that runs PostgreSQL may enter when root runs the tests
  const options = { dataFolder: join(folder, 'data'), clock: systemClock, log: silentLog };
  {
    await using first = await startEmbeddedPostgres(options);
    // Inside the folder, or in /var/lib/hookwright where PostgreSQL's user may not enter it.
    janitor.takeCharge(first.place);
    await administer(
      first.connection,
      `alter system set max_connections = ${MAX_CONNECTIONS}`,
      // What these tests write need not survive a power cut. Tests of durability start servers of
      // their own.
      'alter system set fsync = off',
      'alter system set full_page_writes = off',
      'alter system set wal_level = minimal',
      'alter system set max_wal_senders = 0',
      // Databases are gone before a vacuum would help them.
      'alter system set autovacuum = off',
    );
  }
  return undo.use(await startEmbeddedPostgres(options)).connection;
};

const createTemplate = async (connection: ServerConnection, template: string): Promise<void> => {
  await administer(connection, `create database ${template} template template0 encoding 'UTF8'`);
  await migrate(connectionTo(connection, template), silentLog);
  // A database that somebody is connected to cannot be cloned.
  await administer(connection, `alter database ${template} with allow_connections false`);
};
