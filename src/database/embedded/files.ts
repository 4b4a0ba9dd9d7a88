// Writing files so that nobody ever sees half of one.
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { giveTo, type Owner } from './owner.ts';

/**
 * Writes the whole file or, when the disk is full or the power goes, none of it. Leaves alone a
 * file that says the same.
 */
export const replaceFile = async (
  path: string,
  text: string,
  how: { mode: number; owner: Owner | undefined },
): Promise<void> => {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  const file = await open(draft, 'wx', how.mode);
  try {
    await file.writeFile(text);
    await file.chmod(how.mode);
    await file.sync();
  } finally {
    await file.close();
  }
  await giveTo(how.owner, draft);
  await rename(draft, path);
  await syncFolder(dirname(path));
};

/** Makes the names in a folder survive a power cut: a rename is durable only when its folder is. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
