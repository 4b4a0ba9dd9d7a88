// What `hookwright login` keeps: credentials for root URLs, in a file of the user's own that nobody
// else can read.
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { describeFileError, errorCode, OperatorError } from '../../core/errors.ts';
import { makeFolders } from '../../core/files/make-folders.ts';

export type StoredCredentials = {
  readonly clientId: string;
  readonly accessToken: string;
  /** JSON; temporary credentials have one. */
  readonly certificate?: string;
};

export type StoredLogins = {
  /** The root URL of the latest login. */
  readonly current: string | undefined;
  /** Root URL, without a slash at its end → credentials. */
  readonly logins: Readonly<Record<string, StoredCredentials>>;
};

const NONE: StoredLogins = { current: undefined, logins: {} };

export const loginsFile = (env: NodeJS.ProcessEnv): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'hookwright', 'credentials.json');

/**
 * Throws HW_CREDENTIALS_OPEN when others may read the file, HW_BAD_FILE when it is not what was
 * written.
 */
export const readLogins = async (env: NodeJS.ProcessEnv): Promise<StoredLogins> => {
  const path = loginsFile(env);
  try {
    const { mode } = await stat(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw new OperatorError('HW_CREDENTIALS_OPEN', { path });
    const read = JSON.parse(await readFile(path, 'utf8')) as Partial<StoredLogins>;
    return { current: read.current, logins: read.logins ?? {} };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return NONE;
    if (error instanceof OperatorError) throw error;
    // What JSON.parse says would show a piece of the file.
    const reason =
      error instanceof SyntaxError ? 'it is not JSON; delete it and log in again' : describeFileError(error);
    throw new OperatorError('HW_BAD_FILE', { path, reason }, error);
  }
};

/** Whole or not at all; without logins there is no file. */
export const writeLogins = async (env: NodeJS.ProcessEnv, logins: StoredLogins): Promise<void> => {
  const path = loginsFile(env);
  if (Object.keys(logins.logins).length === 0) return rm(path, { force: true });
  await makeFolders(dirname(path), 0o700);
  const draft = `${path}.${process.pid}`;
  await rm(draft, { force: true }); // one that was left behind might have another mode
  try {
    await using file = await open(draft, 'wx', 0o600);
    await file.writeFile(`${JSON.stringify(logins, null, 2)}\n`);
    await file.sync();
  } catch (error) {
    await rm(draft, { force: true });
    throw new OperatorError('HW_BAD_FILE', { path, reason: describeFileError(error) }, error);
  }
  await rename(draft, path);
};
