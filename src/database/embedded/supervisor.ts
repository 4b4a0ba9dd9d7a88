// The process that starts PostgreSQL and stops it after its last user. It reads a FIFO that every
// user holds open for writing; the kernel closes what a dead process held, so end of file means
// "nobody is left", also after `kill -9` of all of them.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import { describeError, errorCode, OperatorError } from '../../core/errors.ts';
import { giveTo } from './owner.ts';
import type { Place } from './place.ts';
import { pollUntil } from './poll.ts';
import { childOptions } from './run.ts';

/**
 * $1 postgres, $2 its folder, $3 its settings, $4 the FIFO, $5 the folder of greetings, $6 a folder
 * to remove at the end or ''.
 *
 * A user says its name and gets a file of that name: then it knows that the end of file has not
 * been seen before it came. The reader is a process of its own, so that the end of PostgreSQL is
 * noticed too. Both hold the FIFO open for reading until all is over, which is how others see that
 * it is. INT is PostgreSQL's fast shutdown: it ends the sessions and writes all to disk.
 */
const SUPERVISOR = `
umask 077
trap '' HUP INT QUIT TERM
exec 3<"$4"
"$1" -D "$2" -c config_file="$3" 3<&- &
postgres=$!
(
  while read -r name; do printf '' >"$5/$name"; done
  kill -INT "$postgres"
) <&3 &
reader=$!
wait "$postgres"
status=$?
kill -KILL "$reader" 2>/dev/null
[ -z "$6" ] || rm -rf "$6"
exit "$status"
`;

/** While one of these is open, the server runs. */
export type Hold = {
  /**
   * Lets go. `wasLast` says that nobody else holds the server, which is stopping then; the caller
   * holds the folder's lock.
   */
  readonly release: () => Promise<{ wasLast: boolean }>;
};

const fifoOf = (place: Place): string => join(place.folder, 'users');
const greetingsOf = (place: Place): string => join(place.folder, 'greetings');

/**
 * Milliseconds. A shell that has nothing else to do answers in one or two; this is for a machine
 * that is swapping.
 */
const GREETING_TIMEOUT_MS = 15_000;
const POLL_MS = 3;

/**
 * Holds a server that runs already. Resolves with undefined when there is no supervisor, also when
 * one was just on its way out (then after it is gone), and with 'deaf' when one is there but does
 * not answer, as after a `kill -9` of its reader alone.
 */
export const joinSupervisor = async (place: Place, clock: Clock): Promise<Hold | 'deaf' | undefined> => {
  const fifo = await openFifo(place, constants.O_WRONLY | constants.O_NONBLOCK);
  if (fifo === undefined) return undefined;
  const answer = await greet(place, fifo, clock, () => hasReader(place));
  if (answer === 'heard') return holdOf(place, fifo);
  await fifo.close();
  return answer === 'gone' ? undefined : 'deaf';
};

/**
 * Starts a supervisor, and by it PostgreSQL, whose output goes to the end of `log`. `ended`
 * resolves when the server does, which it has to be raced against until the server is ready.
 */
export const startSupervisor = async (options: {
  place: Place;
  postgres: string;
  settings: string;
  removeAtEnd: string | undefined;
  log: FileHandle;
  clock: Clock;
}): Promise<{ hold: Hold; ended: Promise<void> } | undefined> => {
  const { place, log, clock } = options;
  await makeFifo(place);
  await rm(greetingsOf(place), { recursive: true, force: true });
  await mkdir(greetingsOf(place), { mode: 0o700 });
  await giveTo(place.identity.postgres, greetingsOf(place));

  // Opening for reading and writing waits for nobody; it keeps the FIFO from ending before the
  // supervisor has opened it.
  const keeper = await openFifo(place, constants.O_RDWR | constants.O_NONBLOCK);
  if (keeper === undefined) throw new Error(`${fifoOf(place)} disappeared`);
  try {
    const paths = [options.postgres, place.cluster, options.settings, fifoOf(place), greetingsOf(place)];
    const child = spawn('/bin/sh', ['-c', SUPERVISOR, 'hookwright-postgres', ...paths, options.removeAtEnd ?? ''], {
      ...childOptions(place.identity.postgres),
      stdio: ['ignore', log.fd, log.fd],
    });
    child.unref();
    const ended = endOf(child);
    let isOver = false;
    ended
      .finally(() => {
        isOver = true;
      })
      .catch(() => {});
    const answer = await greet(place, keeper, clock, async () => !isOver);
    if (answer === 'gone') {
      await ended;
      return undefined;
    }
    if (answer === 'deaf') {
      const reason = `its supervisor has not answered for ${GREETING_TIMEOUT_MS / 1000} s`;
      throw new OperatorError('HW_POSTGRES_DID_NOT_START', { reason, log: place.log });
    }
    // From now on a writer only, so that the supervisor is the one reader and its absence shows.
    const fifo = await openFifo(place, constants.O_WRONLY | constants.O_NONBLOCK);
    return fifo && { hold: holdOf(place, fifo), ended };
  } finally {
    await keeper.close();
  }
};

/** Whether a supervisor, or what is left of one, still has the FIFO open. */
export const hasReader = async (place: Place): Promise<boolean> => {
  const fifo = await openFifo(place, constants.O_WRONLY | constants.O_NONBLOCK);
  await fifo?.close();
  return fifo !== undefined;
};

const endOf = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    child.on('exit', () => resolve());
    child.on('error', (error) => {
      const reason = `its supervisor /bin/sh cannot be started (${describeError(error)})`;
      reject(new OperatorError('HW_POSTGRES_DID_NOT_START', { reason, log: 'empty' }, error));
    });
  });

/**
 * A file handle that is garbage closes itself, and with it would go the server of a caller who
 * forgot the hold.
 */
const heldOpen = new Set<FileHandle>();

const holdOf = (place: Place, fifo: FileHandle): Hold => {
  heldOpen.add(fifo);
  return { release: () => letGo(place, fifo) };
};

const letGo = async (place: Place, fifo: FileHandle): Promise<{ wasLast: boolean }> => {
  heldOpen.delete(fifo);
  await fifo.close();
  // Without a writer a read finds the end of the FIFO; with one it would have to wait.
  const reader = await openFifo(place, constants.O_RDONLY | constants.O_NONBLOCK);
  if (reader === undefined) return { wasLast: false };
  try {
    const { bytesRead } = await reader.read(Buffer.alloc(1), 0, 1);
    return { wasLast: bytesRead === 0 };
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return { wasLast: false };
    throw error;
  } finally {
    await reader.close();
  }
};

const greet = async (
  place: Place,
  fifo: FileHandle,
  clock: Clock,
  isThere: () => Promise<boolean>,
): Promise<'heard' | 'gone' | 'deaf'> => {
  const name = randomBytes(8).toString('hex');
  const answer = join(greetingsOf(place), name);
  try {
    // Shorter than PIPE_BUF, hence in one piece whoever else writes.
    await fifo.write(`${name}\n`);
  } catch (error) {
    if (errorCode(error) === 'EPIPE') return 'gone';
    throw error;
  }
  let outcome: 'heard' | 'gone' | 'deaf' = 'deaf';
  await pollUntil(clock, { everyMs: POLL_MS, timeoutMs: GREETING_TIMEOUT_MS }, async () => {
    const wasThere = await isThere();
    if (await exists(answer)) outcome = 'heard';
    else if (!wasThere) outcome = 'gone';
    return outcome !== 'deaf';
  });
  await rm(answer, { force: true });
  return outcome;
};

/** Undefined when there is no FIFO, or when it is opened for writing and nobody reads it. */
const openFifo = async (place: Place, flags: number): Promise<FileHandle | undefined> => {
  try {
    const handle = await open(fifoOf(place), flags);
    if ((await handle.stat()).isFIFO()) return handle;
    await handle.close();
    return undefined;
  } catch (error) {
    if (errorCode(error) === 'ENXIO' || errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};

/**
 * Node cannot make a FIFO itself. It stays for the next start: processes may hold it still, and are
 * users of that server as well.
 */
const makeFifo = async (place: Place): Promise<void> => {
  const fifo = fifoOf(place);
  const isFifo = await lstat(fifo).then(
    (status) => status.isFIFO(),
    () => false,
  );
  if (!isFifo) {
    await rm(fifo, { recursive: true, force: true });
    await promisify(execFile)('mkfifo', ['-m', '600', '--', fifo]);
  }
  await giveTo(place.identity.postgres, fifo);
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
