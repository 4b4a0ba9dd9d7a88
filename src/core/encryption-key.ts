// The key for secrets at rest: given by the operator, or made once and kept in the data folder.
import { randomBytes } from 'node:crypto';
import { link, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describeFileError, errorCode, OperatorError } from './errors.ts';
import { makeFolders } from './files/make-folders.ts';
import { newUuid } from './ids.ts';
import { ENCRYPTION_KEY_BYTES } from './secret-box.ts';

export type EncryptionKey = {
  readonly key: Buffer;
  /** For messages: where the key came from. */
  readonly source: string;
};

const FILE = 'encryption-key';

/** Throws HW_BAD_ENCRYPTION_KEY, HW_DATA_NOT_WRITABLE or HW_DISK_FULL. */
export const loadEncryptionKey = async (given: string | undefined, dataFolder: string): Promise<EncryptionKey> => {
  if (given !== undefined) return decode(given, 'HOOKWRIGHT_ENCRYPTION_KEY');
  const path = join(dataFolder, FILE);
  try {
    const text = (await readIfThere(path)) ?? (await make(path, dataFolder));
    return decode(text, path);
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const code = errorCode(error) === 'ENOSPC' ? 'HW_DISK_FULL' : 'HW_DATA_NOT_WRITABLE';
    throw new OperatorError(code, { folder: dataFolder, reason: describeFileError(error) }, error);
  }
};

/** The same without making one. undefined: there is none. */
export const findEncryptionKey = async (
  given: string | undefined,
  dataFolder: string,
): Promise<EncryptionKey | undefined> => {
  if (given !== undefined) return decode(given, 'HOOKWRIGHT_ENCRYPTION_KEY');
  const path = join(dataFolder, FILE);
  const text = await readIfThere(path);
  return text === undefined ? undefined : decode(text, path);
};

/** Where the key of a data folder is kept. */
export const encryptionKeyFile = (dataFolder: string): string => join(dataFolder, FILE);

/**
 * Puts a key into a data folder that has none; answers the one that is there then. Throws what the
 * file system says.
 */
export const keepEncryptionKey = async (key: Buffer, dataFolder: string): Promise<EncryptionKey> => {
  const path = join(dataFolder, FILE);
  return decode(await make(path, dataFolder, key), path);
};

/** A key that came from elsewhere. Throws HW_BAD_ENCRYPTION_KEY. */
export const parseEncryptionKey = (text: string, source: string): EncryptionKey => decode(text, source);

const decode = (text: string, source: string): EncryptionKey => {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== ENCRYPTION_KEY_BYTES) throw new OperatorError('HW_BAD_ENCRYPTION_KEY', { source });
  return { key, source };
};

const readIfThere = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};

/**
 * Whole or not at all, and the same for two processes that start at once: whoever links first has
 * made the key.
 */
const make = async (
  path: string,
  dataFolder: string,
  key: Buffer = randomBytes(ENCRYPTION_KEY_BYTES),
): Promise<string> => {
  await makeFolders(dataFolder);
  const draft = `${path}.${newUuid()}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${key.toString('base64')}\n`);
    await file.sync();
    await link(draft, path).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  } finally {
    await file.close();
    await unlink(draft);
  }
  const folder = await open(dataFolder, 'r');
  await folder.sync().finally(() => folder.close());
  return readFile(path, 'utf8');
};
