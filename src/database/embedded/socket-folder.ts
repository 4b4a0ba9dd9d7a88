// The folder of PostgreSQL's socket: closed to everybody else, and with a name short enough for the
// kernel.
import { lstat, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from './files.ts';
import { giveTo } from './owner.ts';
import type { Place } from './place.ts';

/** Bytes of a socket's path, without the end mark: 107 on Linux, 103 on macOS. */
const LONGEST_SOCKET_PATH = 103;
const SOCKET_NAME = '.s.PGSQL.5432';

export type SocketFolder = {
  readonly path: string;
  /** It lies in /tmp, so it is to be removed when the server has ended. */
  readonly isTemporary: boolean;
};

/**
 * A new folder, empty: a socket that a dead server left would keep PostgreSQL from starting if its
 * pid means somebody else by now. In the place itself, or in /tmp when the path of the place is too
 * long; the place then notes where.
 */
export const makeSocketFolder = async (place: Place): Promise<SocketFolder> => {
  const inPlace = join(place.folder, 'socket');
  const note = join(place.folder, 'socket-folder');
  await removeEarlier(note);
  await rm(inPlace, { recursive: true, force: true });
  const isTemporary = Buffer.byteLength(join(inPlace, SOCKET_NAME)) > LONGEST_SOCKET_PATH;
  const path = isTemporary ? await mkdtemp('/tmp/hookwright-') : inPlace;
  if (isTemporary) await replaceFile(note, path, { mode: 0o600, owner: place.identity.files });
  else await mkdir(path, { mode: 0o700 });
  await giveTo(place.identity.postgres, path);
  return { path, isTemporary };
};

/**
 * Removes the temporary folder of a server that was killed. The note is ours, the check is for a
 * place that was copied.
 */
const removeEarlier = async (note: string): Promise<void> => {
  const path = await readFile(note, 'utf8').catch(() => undefined);
  if (path === undefined) return;
  const isOurs = /^\/tmp\/hookwright-\w{6}$/.test(path) && (await lstat(path).catch(() => undefined))?.isDirectory();
  if (isOurs) await rm(path, { recursive: true, force: true });
  await rm(note, { force: true });
};
