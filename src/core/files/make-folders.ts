// A folder with those around it. Node's own `recursive` never ends where a folder that is there
// takes no other, such as /proc.
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../errors.ts';

/** The outermost that was made; undefined when all were there. */
export const makeFolders = async (path: string, mode = 0o777): Promise<string | undefined> => {
  const outer = dirname(path);
  const first = await make(path, mode);
  if (first !== 'no place') return first === 'made' ? path : undefined;
  const outermost = outer === path ? undefined : await makeFolders(outer, mode);
  if ((await make(path, mode)) === 'no place')
    throw Object.assign(new Error(`no folder can be made in ${outer}`), { code: 'ENOTSUP' });
  return outermost ?? path;
};

const make = async (path: string, mode: number): Promise<'made' | 'there' | 'no place'> => {
  try {
    await mkdir(path, { mode });
    return 'made';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'no place';
    if (await isFolder(path)) return 'there';
    throw error;
  }
};

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // why it cannot be looked at is no better reason than why it cannot be made
  }
};
