// A temporary folder in memory for all that tests write. Each of some thousand databases is a
// thousand small files, and what a disk's file system does for each of them was half of a run's CPU
// time. What tests kill are processes, never the machine, so nothing of theirs needs a disk.
import { chmodSync, mkdtempSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { startJanitor } from '../test/support/janitor.ts';

const MEMORY = '/dev/shm';
/** Tests with the largest data, three files at once, had 0.5 GB in it at their highest. */
const FREE_BYTES = 2 * 2 ** 30;
/** The folder, and the programs of the run beside it. */
const AVAILABLE_BYTES = 3 * FREE_BYTES;

export type MemoryFolder = AsyncDisposable & { readonly path: string };

/**
 * Removed in the end, however this process ends. Undefined where there is no memory for it, and
 * where TMPDIR names another place.
 */
export const makeMemoryFolder = (): MemoryFolder | undefined => {
  if (process.env.TMPDIR || !isRoomy()) return undefined;
  const path = mkdtempSync(join(MEMORY, 'hookwright-'));
  const janitor = startJanitor();
  janitor.takeCharge(path);
  chmodSync(path, 0o1777); // as /tmp: tests run programs as other users
  return { path, [Symbol.asyncDispose]: () => janitor.finish() };
};

/** In containers it may be small, or programs may not be run from it. */
const isRoomy = (): boolean => {
  if (process.platform !== 'linux' || process.availableMemory() < AVAILABLE_BYTES) return false;
  const [, options = 'noexec'] = /^\S+ \/dev\/shm tmpfs (\S+)/m.exec(readFileSync('/proc/mounts', 'utf8')) ?? [];
  if (options.split(',').some((option) => option === 'noexec' || option === 'ro')) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= FREE_BYTES;
};
