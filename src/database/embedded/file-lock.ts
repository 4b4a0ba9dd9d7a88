// A lock between processes that the kernel lets go of when its holder dies, also by `kill -9`: a
// lock that is a file with a pid in it would need somebody to judge whether it is stale, and two
// processes judging at once both win. Node has no flock(); the SQLite that it carries takes fcntl()
// locks on an empty file, on Linux and macOS alike.
import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../core/clock.ts';
import type { Owner } from './owner.ts';
import { pollUntil } from './poll.ts';

const SQLITE_BUSY = 5;
const POLL_MS = 10;

/**
 * Waits until nobody else holds the lock on `path` and takes it; the file is made when missing and
 * stays, empty. Resolves with undefined when `timeoutMs` passes first. Rejects with Node's file
 * errors.
 */
export const lockFile = async (options: {
  path: string;
  owner: Owner | undefined;
  clock: Clock;
  timeoutMs: number;
}): Promise<Disposable | undefined> => {
  const file = await open(options.path, 'a', 0o600);
  try {
    if (options.owner) await file.chown(options.owner.uid, options.owner.gid);
  } finally {
    await file.close();
  }
  const database = new DatabaseSync(options.path, { timeout: 0 });
  let isOurs = false;
  try {
    isOurs = await pollUntil(options.clock, { everyMs: POLL_MS, timeoutMs: options.timeoutMs }, () => take(database));
  } finally {
    if (!isOurs) database.close();
  }
  return isOurs ? { [Symbol.dispose]: () => database.close() } : undefined;
};

const take = (database: DatabaseSync): boolean => {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false;
    throw error;
  }
};
