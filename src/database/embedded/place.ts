// Where the cluster of a data folder lies: in <data>/postgres, or, where the user that PostgreSQL
// runs as may not go, outside.
import { createHash } from 'node:crypto';
import { chmod, lstat, readFile, realpath, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorCode, OperatorError } from '../../core/errors.ts';
import { makeFolders } from '../../core/files/make-folders.ts';
import { replaceFile } from './files.ts';
import { chooseIdentity, giveTo, type Identity, mayEnter } from './owner.ts';

/** Root's clusters go here when their data folder is closed to the user that runs PostgreSQL. */
const OUTSIDE = '/var/lib/hookwright';

export type Place = {
  /** The folder of everything that belongs to this cluster. */
  readonly folder: string;
  /**
   * PostgreSQL's own folder. It appears by a rename when it is complete, so what has this name may
   * hold data.
   */
  readonly cluster: string;
  readonly log: string;
  readonly identity: Identity;
};

/**
 * Makes the data folder if it is missing and returns its one true path, which a symlink or a
 * relative path would hide.
 */
export const prepareDataFolder = async (dataFolder: string): Promise<string> => {
  const path = resolve(dataFolder);
  const firstMade = await makeFolders(path);
  // As root, PostgreSQL's user passes through this folder to its own; what is secret in it has its
  // own mode.
  if (firstMade !== undefined) await chmod(path, process.getuid?.() === 0 ? 0o711 : 0o700);
  return realpath(path);
};

/**
 * Finds the place of a data folder's cluster, or makes an empty one. The caller holds the folder's
 * lock.
 */
export const findPlace = async (data: string): Promise<Place> => {
  const named = await readName(data);
  const folder = named ?? join(data, 'postgres');
  const identity = await chooseIdentity(data, join(folder, 'cluster'));
  if (named !== undefined) return placeAt(named, identity);
  if (await mayEnter(identity.postgres, data)) return placeAt(await makeFolder(folder, identity), identity);
  if (await exists(join(folder, 'cluster'))) {
    throw new OperatorError('HW_DATABASE_OUT_OF_REACH', { place: folder, uid: identity.postgres?.uid ?? -1, data });
  }
  // A folder without a cluster was given up half-made and never held data; its name is needed for
  // the file.
  await rm(folder, { recursive: true, force: true });
  return placeAt(await makeOutside(data, identity), identity);
};

const placeAt = (folder: string, identity: Identity): Place => ({
  folder,
  cluster: join(folder, 'cluster'),
  log: join(folder, 'postgres.log'),
  identity,
});

/** What the file <data>/postgres says, if it is a file. */
const readName = async (data: string): Promise<string | undefined> => {
  const file = join(data, 'postgres');
  const isFile = await lstat(file).then(
    (status) => status.isFile(),
    () => false,
  );
  if (!isFile) return undefined;
  const folder = (await readFile(file, 'utf8')).trim();
  if (!(await exists(folder))) throw new OperatorError('HW_DATABASE_MISSING', { place: folder, file });
  return folder;
};

const makeFolder = async (folder: string, { postgres, files }: Identity): Promise<string> => {
  await makeFolders(folder);
  // Root keeps the folder, so that PostgreSQL's user cannot put a symlink where we are about to
  // write.
  await chmod(folder, postgres && !files ? 0o711 : 0o700);
  await giveTo(files, folder);
  return folder;
};

/**
 * A folder outside that holds no cluster yet. One that does belongs to an earlier data folder of
 * the same path which was deleted: neither ours to take over nor ours to delete, so the next number
 * is taken.
 */
const makeOutside = async (data: string, identity: Identity): Promise<string> => {
  const hash = createHash('sha256').update(data).digest('hex').slice(0, 16);
  await makeFolders(OUTSIDE);
  await chmod(OUTSIDE, 0o711);
  for (let number = 1; ; number++) {
    const folder = join(OUTSIDE, number === 1 ? hash : `${hash}-${number}`);
    if (await exists(join(folder, 'cluster'))) continue;
    await makeFolder(folder, { ...identity, files: undefined });
    await replaceFile(join(data, 'postgres'), `${folder}\n`, { mode: 0o600, owner: identity.files });
    return folder;
  }
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return false;
      throw error;
    },
  );
