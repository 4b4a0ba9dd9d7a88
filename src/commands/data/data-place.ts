// Where the data are that backup and restore work on: the options of serve that say so, and a
// connection to the database.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { type Config, readConfig } from '../../config.ts';
import { systemClock } from '../../core/clock.ts';
import { errorCode, OperatorError } from '../../core/errors.ts';
import { onLauncherGone } from '../../core/lifeline.ts';
import { createLog, type Log } from '../../core/log.ts';
import { startEmbeddedPostgres } from '../../database/embedded/embedded-postgres.ts';
import { inspectDatabase } from '../../database/start/inspect.ts';
import { withoutPassword } from '../../database/start/prepare-database.ts';
import type { Call } from '../cli/command.ts';
import { DATA_OPTIONS } from './data-options.ts';

/** Throws HW_BAD_OPTION. */
export const readDataConfig = (call: Call): Config => {
  const given = DATA_OPTIONS.flatMap(({ name }) => {
    const value = call.text(name);
    return value === undefined ? [] : [`--${name}`, value];
  });
  return readConfig(given, call.env, call.cwd);
};

export type DataPlace = AsyncDisposable & {
  readonly connection: pg.ClientConfig;
  /** For messages; holds no password. */
  readonly address: string;
  readonly log: Log;
};

/**
 * Starts the embedded database if it does not run, and makes it if it may. Throws
 * HW_NOTHING_TO_BACK_UP where it may not.
 */
export const openDataPlace = async (
  { databaseUrl, dataFolder, logLevel }: Config,
  { mayMake }: { readonly mayMake: boolean },
): Promise<DataPlace> => {
  const log = createLog({ level: logLevel });
  if (databaseUrl !== undefined) {
    const address = withoutPassword(databaseUrl);
    const connection = { connectionString: databaseUrl };
    await inspectDatabase(connection, address);
    return { connection, address, log, [Symbol.asyncDispose]: async () => {} };
  }
  if (!mayMake && !(await isThere(join(dataFolder, 'postgres')))) {
    throw new OperatorError('HW_NOTHING_TO_BACK_UP', { place: dataFolder });
  }
  const embedded = await startEmbeddedPostgres({ dataFolder, clock: systemClock, log });
  const { connection, place } = embedded;
  return { connection, address: place, log, [Symbol.asyncDispose]: () => embedded[Symbol.asyncDispose]() };
};

export const isThere = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
};

/** Aborts when the command is told to end; it then undoes what it has begun. */
export const endingSignal = (): AbortSignal => {
  const ending = new AbortController();
  // Not once: a second one would end the process before it has tidied up.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => ending.abort());
  onLauncherGone(() => ending.abort());
  return ending.signal;
};
