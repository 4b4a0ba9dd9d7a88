// The PostgreSQL that comes with Hookwright: started in the data folder by the first process that
// needs it, joined by the others, stopped after the last one. docs/decisions/postgresql-embedded.md
// says why.
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { describeError, errorCode, OperatorError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Binaries, findBinaries, makeRunnable } from './binaries.ts';
import { DATABASE_USER, ensureCluster } from './cluster.ts';
import { explainFileError, explainServerFailure } from './failure.ts';
import { lockFile } from './file-lock.ts';
import { replaceFile } from './files.ts';
import { chooseIdentity } from './owner.ts';
import { findPlace, type Place, prepareDataFolder } from './place.ts';
import { pollUntil } from './poll.ts';
import { findRunningPostmaster, type Postmaster, readPostmaster, removeStalePidFile } from './postmaster.ts';
import { openServerLog, readServerLog, shortenServerLog, watchServerLog } from './server-log.ts';
import { ACCESS_RULES, serverSettings } from './settings.ts';
import { makeSocketFolder } from './socket-folder.ts';
import { type Hold, hasReader, joinSupervisor, startSupervisor } from './supervisor.ts';

export type EmbeddedPostgres = AsyncDisposable & {
  /**
   * What to hand to `pg`; `host` is the folder of the socket. There is no password and no TCP port.
   */
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
  };
  /** The server's main process, for measures of memory. */
  readonly pid: number;
  /**
   * Where the database lies: `<data>/postgres`, or a folder below /var/lib/hookwright when root's
   * data folder is closed.
   */
  readonly place: string;
  /** The database was made just now. */
  readonly firstStart: boolean;
};

type Options = { readonly dataFolder: string; readonly log: Log; readonly clock: Clock };

/**
 * Milliseconds. A start replays at most max_wal_size, a stop writes at most shared_buffers; the
 * rest is for slow disks.
 */
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
const LOCK_TIMEOUT_MS = START_TIMEOUT_MS + STOP_TIMEOUT_MS;
/** How long the sessions of a server that was killed may take to notice that it is gone. */
const ORPHANS_TIMEOUT_MS = 20_000;
const POLL_MS = 5;

/**
 * Starts the database of a data folder, which is made if it is missing, or joins the server that
 * runs on it already. Disposing of the result lets go of the server; the last one to do so, in any
 * process, waits until it has stopped. A process that ends without disposing, even by `kill -9`,
 * lets go as well.
 *
 * Rejects with HW_NO_POSTGRES_BINARIES, HW_DATA_NOT_WRITABLE, HW_DISK_FULL,
 * HW_POSTGRES_DID_NOT_START, HW_DATABASE_MISSING, HW_DATABASE_OUT_OF_REACH or
 * HW_DATABASE_OF_OTHER_VERSION.
 *
 * @example
 * await using postgres = await startEmbeddedPostgres({ dataFolder: '.hookwright', log, clock:
 * systemClock });
 * const pool = new Pool(postgres.connection);
 */
export const startEmbeddedPostgres = async ({ dataFolder, log, clock }: Options): Promise<EmbeddedPostgres> => {
  const carried = await findBinaries();
  try {
    const data = await prepareDataFolder(dataFolder);
    using _lock = await lockDataFolder(data, clock);
    const place = await findPlace(data);
    const joined = await joinServer(place, clock);
    const { server, hold, firstStart } = joined ?? (await startServer(place, carried, clock));
    log.debug({ place: place.folder, postgresPid: server.pid, joined: joined !== undefined }, 'embedded PostgreSQL');
    return userOf({ data, place, server, hold, firstStart, log, clock });
  } catch (error) {
    throw explainFileError(error, dataFolder);
  }
};

type Joined = { readonly server: Postmaster; readonly hold: Hold; readonly firstStart: boolean };

/**
 * Everything that begins or ends a server happens under this lock, so that only one process at a
 * time looks and decides.
 */
const lockDataFolder = async (data: string, clock: Clock): Promise<Disposable> => {
  const path = join(data, 'postgres.lock');
  const { files } = await chooseIdentity(data, undefined);
  const lock = await lockFile({ path, owner: files, clock, timeoutMs: LOCK_TIMEOUT_MS });
  if (lock) return lock;
  const reason = `another process has been starting or stopping it for ${LOCK_TIMEOUT_MS / 1000} s and holds ${path}`;
  throw new OperatorError('HW_POSTGRES_DID_NOT_START', { reason, log: join(data, 'postgres') });
};

const joinServer = async (place: Place, clock: Clock): Promise<Joined | undefined> => {
  const hold = await joinSupervisor(place, clock);
  if (hold === undefined || hold === 'deaf') return undefined;
  let isJoined = false;
  try {
    const server = await waitUntilReady(place, clock, () => hasReader(place));
    isJoined = server !== undefined;
    return server && { server, hold, firstStart: false };
  } finally {
    if (!isJoined) await hold.release();
  }
};

/** Starts a server where none has users. */
const startServer = async (place: Place, carried: Binaries, clock: Clock): Promise<Joined> => {
  await stopUnsupervisedServer(place, clock);
  const binaries = await makeRunnable(carried, place.identity.postgres, place.folder);
  const firstStart = await ensureCluster(place, binaries);
  await removeStalePidFile(place.cluster);
  const giveUpAt = clock.monotonic() + ORPHANS_TIMEOUT_MS;
  for (;;) {
    const outcome = await tryToStart(place, binaries, clock);
    if ('server' in outcome) return { ...outcome, firstStart };
    // Sessions of a killed server that are still busy with a query; they end by themselves.
    const hasOrphans = /pre-existing shared memory block/.test(outcome.output);
    if (!hasOrphans || clock.monotonic() > giveUpAt) {
      throw explainServerFailure(outcome.output, place.folder, place.log);
    }
    await clock.sleep(100);
  }
};

type Outcome = { readonly server: Postmaster; readonly hold: Hold } | { readonly output: string };

const tryToStart = async (place: Place, binaries: Binaries, clock: Clock): Promise<Outcome> => {
  const socketFolder = await makeSocketFolder(place);
  const settings = await writeSettings(place, socketFolder.path);
  await using log = await openServerLog(place.log, place.identity.files);
  const started = await startSupervisor({
    place,
    postgres: binaries.postgres,
    settings,
    removeAtEnd: socketFolder.isTemporary ? socketFolder.path : undefined,
    log: log.file,
    clock,
  });
  if (started === undefined) return { output: await readServerLog(place.log, log.size) };
  const { hold, ended } = started;
  let isUp = false;
  let hasEnded = false;
  ended.then(
    () => {
      hasEnded = true;
    },
    () => {},
  );
  try {
    const server = await waitUntilReady(place, clock, async () => !hasEnded);
    isUp = server !== undefined;
    return server ? { server, hold } : { output: await readServerLog(place.log, log.size) };
  } finally {
    if (!isUp) await hold.release();
  }
};

/** Resolves with undefined when the server ended instead. */
const waitUntilReady = async (
  place: Place,
  clock: Clock,
  isThere: () => Promise<boolean>,
): Promise<Postmaster | undefined> => {
  let server: Postmaster | undefined;
  const isDecided = await pollUntil(clock, { everyMs: POLL_MS, timeoutMs: START_TIMEOUT_MS }, async () => {
    const wasThere = await isThere();
    server = await readPostmaster(place.cluster);
    return server?.isReady || !wasThere;
  });
  if (isDecided) return server?.isReady ? server : undefined;
  const reason = `it is not ready after ${START_TIMEOUT_MS / 1000} s`;
  throw new OperatorError('HW_POSTGRES_DID_NOT_START', { reason, log: place.log });
};

const writeSettings = async (place: Place, socketFolder: string): Promise<string> => {
  const settings = join(place.folder, 'postgresql.conf');
  const accessFile = join(place.folder, 'pg_hba.conf');
  const how = { mode: 0o644, owner: place.identity.files };
  await replaceFile(accessFile, ACCESS_RULES, how);
  await replaceFile(settings, serverSettings({ socketFolder, accessFile }), how);
  return settings;
};

/**
 * Stops a server whose supervisor was killed: nothing would stop it after us. Its users, if any,
 * come back to the next one.
 */
const stopUnsupervisedServer = async (place: Place, clock: Clock): Promise<void> => {
  const server = await interruptServer(place);
  if (await waitUntilStopped(place, clock)) return;
  const reason = `an earlier server (process ${server?.pid ?? 'unknown'}) does not stop`;
  throw new OperatorError('HW_POSTGRES_DID_NOT_START', { reason, log: place.log });
};

/** PostgreSQL's fast shutdown: it ends the sessions and writes all to disk. */
const interruptServer = async (place: Place): Promise<Postmaster | undefined> => {
  const server = await findRunningPostmaster(place.cluster);
  try {
    if (server) process.kill(server.pid, 'SIGINT');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error; // it has just ended
  }
  return server;
};

const waitUntilStopped = (place: Place, clock: Clock): Promise<boolean> =>
  pollUntil(
    clock,
    { everyMs: POLL_MS, timeoutMs: STOP_TIMEOUT_MS },
    // In this order: to look for a reader is to be a writer for a moment, which could hide the end
    // of file from the supervisor.
    async () => !(await findRunningPostmaster(place.cluster)) && !(await hasReader(place)),
  );

const userOf = (options: {
  data: string;
  place: Place;
  server: Postmaster;
  hold: Hold;
  firstStart: boolean;
  log: Log;
  clock: Clock;
}): EmbeddedPostgres => {
  const { data, place, server, hold, firstStart, log, clock } = options;
  const shorten = async () => {
    using _lock = await lockDataFolder(data, clock);
    await shortenServerLog(place.log);
  };
  const watch = watchServerLog(place.log, () => {
    shorten().catch((error) => log.warn({ reason: describeError(error) }, `${place.log} cannot be shortened`));
  });
  const letGo = async () => {
    watch[Symbol.dispose]();
    // Without its folder, which somebody may have deleted, the lock cannot be had; to let go is
    // right all the same.
    using _lock = await lockDataFolder(data, clock).catch(() => undefined);
    const { wasLast } = await hold.release();
    if (!wasLast) return;
    // The supervisor stops it as well, unless it was killed. PostgreSQL ignores the second signal.
    await interruptServer(place).catch((error: unknown) =>
      log.debug({ err: error }, 'embedded PostgreSQL not signalled'),
    );
    if (!(await waitUntilStopped(place, clock))) {
      log.warn({ place: place.folder, postgresPid: server.pid }, 'embedded PostgreSQL is still stopping');
    }
  };
  let end: Promise<void> | undefined;
  return {
    connection: { host: server.socketFolder, port: server.port, user: DATABASE_USER, database: 'postgres' },
    pid: server.pid,
    place: place.folder,
    firstStart,
    [Symbol.asyncDispose]: () => {
      end ??= letGo();
      return end;
    },
  };
};
