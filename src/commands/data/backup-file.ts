// The file of a backup on the disk, or a pipe in its place.
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { describeFileError, errorCode, OperatorError } from '../../core/errors.ts';
import type { Call } from '../cli/command.ts';

export const PIPE = '-';

/** How a message names it. */
export const nameOfBackup = (name: string, pipe: 'standard input' | 'standard output'): string =>
  name === PIPE ? pipe : name;

/**
 * Writes beside the file, and gives it its name when all is on the disk; a file of that name is
 * replaced then, and kept until then. Answers how many bytes. Throws HW_BACKUP_NOT_WRITTEN, or an
 * OperatorError of the source.
 */
export const writeBackupFile = async (
  name: string,
  source: AsyncIterable<Buffer>,
  { cwd, stdout }: Pick<Call, 'cwd' | 'stdout'>,
): Promise<number> => {
  let bytes = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  try {
    if (name === PIPE) await writeToPipe(stdout, counted());
    else await writeWhole(await targetOf(resolve(cwd, name)), counted());
    return bytes;
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const path = nameOfBackup(name, 'standard output');
    const isMissing = errorCode(error) === 'ENOENT';
    const reason = isMissing ? 'there is no such folder' : describeFileError(error);
    throw new OperatorError('HW_BACKUP_NOT_WRITTEN', { path, reason }, error);
  }
};

/** Each piece is waited for, so that a reader that is gone is noticed, and memory stays small. */
const writeToPipe = async (stdout: NodeJS.WritableStream, source: AsyncIterable<Buffer>): Promise<void> => {
  stdout.on('error', () => {}); // the write that meets it reports it
  for await (const chunk of source) {
    const { promise, resolve: written, reject } = Promise.withResolvers<void>();
    stdout.write(chunk, (error) => (error ? reject(error) : written()));
    await promise;
  }
};

/**
 * Where a link leads, so that the link stays one. What is no file is not replaced by one: as root
 * that could be /dev/null.
 */
const targetOf = async (path: string): Promise<string> => {
  const target = await realpath(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return path;
    throw error;
  });
  const status = await stat(target).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (status?.isFile() === false) throw new Error('it is not a file; - is standard output');
  return target;
};

const writeWhole = async (path: string, source: AsyncIterable<Buffer>): Promise<void> => {
  const draft = `${path}.${randomUUID().slice(0, 8)}.part`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await fill(file, source);
    await rename(draft, path);
  } catch (error) {
    await unlink(draft).catch(() => {}); // what stopped the writing may stop this, too, and is what is told
    throw error;
  }
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
};

const fill = async (file: FileHandle, source: AsyncIterable<Buffer>): Promise<void> => {
  try {
    await file.writeFile(source);
    await file.sync();
  } finally {
    await file.close();
  }
};

export type BackupSource = {
  /** For messages. */
  readonly path: string;
  /** The bytes from the beginning. A pipe gives them once. */
  readonly open: () => AsyncIterable<Buffer>;
  /** Whether it can be read again from the beginning. */
  readonly isFile: boolean;
};

/** Throws HW_BAD_FILE, HW_BAD_OPTION. */
export const findBackupFile = async (
  name: string,
  { cwd, stdin }: Pick<Call, 'cwd' | 'stdin'>,
): Promise<BackupSource> => {
  const path = nameOfBackup(name, 'standard input');
  if (name === PIPE) {
    if (stdin.isTTY) {
      throw new OperatorError('HW_BAD_OPTION', {
        problem: 'A backup is not typed in',
        cure: 'Give it with < FILE, or name it',
      });
    }
    return { path, isFile: false, open: () => readable(stdin, path) };
  }
  const full = resolve(cwd, name);
  const status = await stat(full).catch((error: unknown) => {
    throw badFile(path, error);
  });
  return {
    path,
    isFile: status.isFile(),
    open: () => readable(createReadStream(full, { highWaterMark: 1 << 20 }), path),
  };
};

async function* readable(source: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    yield* source;
  } catch (error) {
    throw badFile(path, error);
  }
}

const badFile = (path: string, error: unknown): OperatorError =>
  new OperatorError('HW_BAD_FILE', { path, reason: describeFileError(error) }, error);
