// From the configuration to a database that is ready: embedded or given, inspected, migrated.
import type pg from 'pg';
import type { Clock } from '../../core/clock.ts';
import { OperatorError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { openDatabase } from '../connection.ts';
import type { Database } from '../database.ts';
import { startEmbeddedPostgres } from '../embedded/embedded-postgres.ts';
import { migrate } from '../migrate.ts';
import { inspectDatabase } from './inspect.ts';

export type DatabaseSettings = {
  /** Where a PostgreSQL is; undefined: the embedded one in the data folder. */
  readonly databaseUrl: string | undefined;
  readonly dataFolder: string;
  readonly poolSize: number;
  readonly clock: Clock;
  readonly log: Log;
};

export type PreparedDatabase = AsyncDisposable & {
  readonly database: Database;
  /** The embedded server's process, which somebody has to watch; undefined for a given database. */
  readonly serverPid: number | undefined;
  /** For people: where the data are. */
  readonly description: string;
};

export const prepareDatabase = async (settings: DatabaseSettings): Promise<PreparedDatabase> => {
  const { databaseUrl, clock, log, poolSize } = settings;
  await using undo = new AsyncDisposableStack();
  let connection: pg.PoolConfig;
  let address: string;
  let description: string;
  let serverPid: number | undefined;
  if (databaseUrl === undefined) {
    const embedded = undo.use(await startEmbeddedPostgres({ dataFolder: settings.dataFolder, log, clock }));
    connection = embedded.connection;
    address = `the embedded PostgreSQL in ${embedded.place}`;
    description = embedded.place;
    serverPid = embedded.pid;
  } else {
    connection = { connectionString: databaseUrl };
    address = withoutPassword(databaseUrl);
    description = address;
    await inspectDatabase(connection, address);
  }
  await migrate(connection, log);
  const database = undo.use(openDatabase({ connection, address, poolSize, clock, log }));
  const owned = undo.move();
  return { database, description, serverPid, [Symbol.asyncDispose]: () => owned.disposeAsync() };
};

/** `postgres://user:secret@host:5432/name?x=y` → `host:5432/name`. */
export const withoutPassword = (databaseUrl: string): string => {
  if (!URL.canParse(databaseUrl)) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: 'DATABASE_URL is not a URL',
      cure: 'It looks like postgres://user@localhost:5432/hookwright',
    });
  }
  const { protocol, hostname, port, pathname } = new URL(databaseUrl);
  if (protocol !== 'postgres:' && protocol !== 'postgresql:') {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: `DATABASE_URL begins with ${protocol}//`,
      cure: 'Hookwright works with PostgreSQL only: postgres://…',
    });
  }
  return `${hostname || 'localhost'}${port ? `:${port}` : ''}${pathname}`;
};
