// Making the cluster, once, so that a crash in the middle leaves nothing that looks like one.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, OperatorError } from '../../core/errors.ts';
import type { Binaries } from './binaries.ts';
import { explainServerFailure } from './failure.ts';
import { syncFolder } from './files.ts';
import { giveTo } from './owner.ts';
import type { Place } from './place.ts';
import { run } from './run.ts';

/** The superuser of the cluster, which is the only user in it. */
export const DATABASE_USER = 'hookwright';

/**
 * Makes the cluster if there is none; resolves with whether it did. An existing one is never
 * touched, only refused when another major version of PostgreSQL made it
 * (HW_DATABASE_OF_OTHER_VERSION) or when it is not one (HW_POSTGRES_DID_NOT_START).
 */
export const ensureCluster = async (place: Place, binaries: Binaries): Promise<boolean> => {
  await removeDrafts(place);
  const version = await readVersion(place);
  if (version === undefined) {
    await makeCluster(place, binaries);
    return true;
  }
  if (version !== binaries.major) {
    const values = { place: place.folder, found: version, carried: binaries.major };
    throw new OperatorError('HW_DATABASE_OF_OTHER_VERSION', values);
  }
  return false;
};

/**
 * initdb works under another name until all is on disk. It syncs every file itself; the rename is
 * ours to sync.
 */
const makeCluster = async (place: Place, binaries: Binaries): Promise<void> => {
  const draft = `${place.cluster}.new-${randomBytes(4).toString('hex')}`;
  await mkdir(draft, { mode: 0o700 });
  await giveTo(place.identity.postgres, draft);
  // The built-in C.UTF-8 sorts by code point, as C does, and is the same on every machine, yet
  // knows letters beyond ASCII.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const settings = ['-c', 'max_connections=40', '-c', 'shared_buffers=16MB', '-c', 'huge_pages=off'];
  const args = ['-D', draft, '-U', DATABASE_USER, '-A', 'trust', '--no-instructions', ...locale, ...settings];
  const { succeeded, output } = await run(binaries.initdb, args, place.identity.postgres);
  if (!succeeded) {
    await rm(draft, { recursive: true, force: true });
    throw explainServerFailure(output, place.folder, 'not begun yet: this was initdb, which makes the database');
  }
  await rename(draft, place.cluster);
  await syncFolder(place.folder);
};

/** What an earlier start left half-made. No server ever ran in it. */
const removeDrafts = async (place: Place): Promise<void> => {
  for (const name of await readdir(place.folder)) {
    // An initdb that outlived its killed parent may still be writing there; then the next start
    // removes the rest.
    if (name.startsWith('cluster.new-')) {
      await rm(join(place.folder, name), { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    }
  }
};

const readVersion = async (place: Place): Promise<number | undefined> => {
  try {
    return Number.parseInt(await readFile(join(place.cluster, 'PG_VERSION'), 'utf8'), 10);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  const content = await readdir(place.cluster).catch(() => undefined);
  if (content === undefined) return undefined;
  if (content.length === 0) {
    await rm(place.cluster, { recursive: true });
    return undefined;
  }
  const reason = `${place.cluster} holds files but no PG_VERSION, so it is damaged or something else; move it away or restore a backup`;
  throw new OperatorError('HW_POSTGRES_DID_NOT_START', { reason, log: place.log });
};
