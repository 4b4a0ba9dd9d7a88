// The client `root`, which may do everything, and the file that holds its credentials: made at the
// first start.
import { chmod, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { describeFileError, errorCode, OperatorError } from '../../core/errors.ts';
import { makeFolders } from '../../core/files/make-folders.ts';
import { newAccessToken, newUuid } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { secretsAreEqual } from '../../core/secret-box.ts';
import type { Database } from '../../database/database.ts';
import type { ClientStore } from './clients.ts';

export const ROOT_CLIENT_ID = 'root';
const ROOT_CREDENTIALS_FILE = 'root-credentials.json';

/** Expires as the static clients of Taskcluster do: about 1,000 years on. */
const FAR_MS = 1_000 * 365.25 * 24 * 60 * 60 * 1000;

export type RootClientSettings = {
  readonly database: Database;
  readonly clients: Pick<ClientStore, 'find' | 'add'>;
  readonly clock: Clock;
  /** The folder that the file is written to; made when it is missing. */
  readonly dataFolder: string;
  /** Where clients reach this server; stands in the file. */
  readonly rootUrl: string;
};

export type RootClient = {
  /** The path of the file, for people. What is in it is never printed. */
  readonly credentialsFile: string;
  /** Whether the file was written now. */
  readonly written: boolean;
};

/**
 * Makes sure that the client exists and that the file says what is true. Two processes may do so at
 * once, and a crash at any point is mended by the next start: the database decides about the token,
 * the file follows it. Throws OperatorError HW_DATA_NOT_WRITABLE or HW_DISK_FULL.
 */
export const ensureRootClient = async (settings: RootClientSettings): Promise<RootClient> => {
  const { dataFolder, rootUrl } = settings;
  const accessToken = await ensureClient(settings);
  const credentialsFile = join(dataFolder, ROOT_CREDENTIALS_FILE);
  const credentials = { rootUrl, clientId: ROOT_CLIENT_ID, accessToken };
  try {
    if (await isUpToDate(credentialsFile, credentials)) return { credentialsFile, written: false };
    await makeFolders(dataFolder);
    await writeAtomically(dataFolder, credentialsFile, `${JSON.stringify(credentials, null, 2)}\n`);
    return { credentialsFile, written: true };
  } catch (error) {
    throw toOperatorError(dataFolder, error);
  }
};

export type FollowingRootClient = RootClientSettings & {
  /** Auth's. */
  readonly onClientChanged: (clientId: string, changed: () => void) => void;
  readonly log: Log;
};

/**
 * Keeps the file true from then on: whoever gives the client a new token, in whichever process, the
 * file has it a moment later. The API lets nobody change, disable or delete this client
 * (client-writer.ts), so a new token is all that can happen to it there. Disposing waits until what
 * is under way is written.
 */
export const followRootClient = ({ onClientChanged, log, ...settings }: FollowingRootClient): AsyncDisposable => {
  let isEnding = false;
  const write = async (): Promise<void> => {
    if (isEnding) return;
    try {
      const { credentialsFile, written } = await ensureRootClient(settings);
      if (written) log.info({ credentialsFile }, 'credentials of the client root written to their file');
    } catch (error) {
      log.warn({ err: error }, 'credentials of the client root not written; the next start writes them');
    }
  };
  // Only a direct change in the database does that, and may be meant. It is logged, not undone.
  const warn = async (): Promise<void> => {
    const problem = await findProblem(settings);
    if (problem) log.warn(`the client root ${problem}: somebody changed it in the database`);
  };
  // One after another, each with the token as it is then, so that the last one writes the current
  // one.
  let writing = warn().catch((error: unknown) => log.warn({ err: error }, 'client root not checked'));
  onClientChanged(ROOT_CLIENT_ID, () => {
    writing = writing.then(write);
  });
  return {
    [Symbol.asyncDispose]: async () => {
      await writing;
      isEnding = true;
    },
  };
};

/** Why the client cannot do everything, if it cannot. */
const findProblem = async ({ clients, clock }: RootClientSettings): Promise<string | undefined> => {
  const root = await clients.find(ROOT_CLIENT_ID);
  if (root?.disabled) return 'is disabled';
  if (root && root.expires < clock.now()) return 'has expired';
  return root?.scopes.includes('*') ? undefined : 'may not do everything';
};

const ensureClient = async ({ database, clients, clock }: RootClientSettings): Promise<string> => {
  const present = await clients.find(ROOT_CLIENT_ID);
  if (present) return present.accessToken;
  const now = clock.now();
  const root = {
    clientId: ROOT_CLIENT_ID,
    description: 'May do everything. Made at the first start; its credentials are in the data folder.',
    accessToken: newAccessToken(),
    scopes: ['*'],
    expires: now + FAR_MS,
    deleteOnExpiration: false,
  };
  const isOurs = await database.transaction((tx) => clients.add(tx, root, now));
  if (isOurs) return root.accessToken;
  // Another process was first, and has committed.
  const theirs = await clients.find(ROOT_CLIENT_ID);
  if (!theirs) throw new Error('the root client was deleted while this server started; start it again');
  return theirs.accessToken;
};

type Credentials = { readonly rootUrl: string; readonly clientId: string; readonly accessToken: string };

const isUpToDate = async (file: string, wanted: Credentials): Promise<boolean> => {
  let found: Partial<Record<keyof Credentials, unknown>> | null;
  try {
    found = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return false;
    throw error;
  }
  if (found?.rootUrl !== wanted.rootUrl || found.clientId !== wanted.clientId) return false;
  if (typeof found.accessToken !== 'string' || !secretsAreEqual(found.accessToken, wanted.accessToken)) return false;
  // Whoever copied it here may have let others read it.
  if (process.platform !== 'win32' && ((await stat(file)).mode & 0o077) !== 0) await chmod(file, 0o600);
  return true;
};

const writeAtomically = async (folder: string, file: string, text: string): Promise<void> => {
  const temporary = join(folder, `.${ROOT_CREDENTIALS_FILE}.${newUuid()}`);
  try {
    // `wx`: never writes through a file or a link that is there already.
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => {}); // it may not have been made
    throw error;
  }
  await syncFolder(folder);
};

/** Makes the new name durable. Windows cannot, and does not need to. */
const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const toOperatorError = (folder: string, error: unknown): unknown => {
  const code = errorCode(error);
  const values = { folder, reason: describeFileError(error) };
  if (code === 'ENOSPC' || code === 'EDQUOT') return new OperatorError('HW_DISK_FULL', values, error);
  return code === undefined ? error : new OperatorError('HW_DATA_NOT_WRITABLE', values, error);
};
