// postgres.log: what the server said, kept from growing without bound.
import { unwatchFile, watchFile } from 'node:fs';
import { copyFile, type FileHandle, open, rm, stat, truncate } from 'node:fs/promises';
import { giveTo, type Owner } from './owner.ts';

/** Bytes. One earlier file of this size is kept beside it. */
const LARGEST_LOG = 4 * 2 ** 20;
const LOOK_EVERY_MS = 10_000;

/** Opens the log for a server to write to its end; `size` is where what it says begins. */
export const openServerLog = async (
  path: string,
  owner: Owner | undefined,
): Promise<AsyncDisposable & { file: FileHandle; size: number }> => {
  await shortenServerLog(path);
  const file = await open(path, 'a', 0o600);
  await giveTo(owner, path);
  const { size } = await file.stat();
  return { file, size, [Symbol.asyncDispose]: () => file.close() };
};

/** What the log holds from `position` on, at most its last 20,000 bytes. */
export const readServerLog = async (path: string, position: number): Promise<string> => {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const start = Math.max(position, size - 20_000);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(size - start, 1)), 0, size - start, start);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
};

/**
 * Calls `onTooLong` when the log has grown too long. The server holds it open and cannot be told to
 * open another, so somebody has to look; this looks without keeping the process alive.
 */
export const watchServerLog = (path: string, onTooLong: () => void): Disposable => {
  const look = (current: { size: number }) => {
    if (current.size > LARGEST_LOG) onTooLong();
  };
  watchFile(path, { persistent: false, interval: LOOK_EVERY_MS }, look);
  return { [Symbol.dispose]: () => unwatchFile(path, look) };
};

/**
 * Moves what is in a log that is too long to `postgres.log.1`. Writers append, so they go on at the
 * new end.
 */
export const shortenServerLog = async (path: string): Promise<void> => {
  const size = await stat(path).then(
    (status) => status.size,
    () => 0,
  );
  if (size <= LARGEST_LOG) return;
  await rm(`${path}.1`, { force: true });
  await copyFile(path, `${path}.1`);
  await truncate(path, 0);
};
