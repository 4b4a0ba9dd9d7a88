// Looking at processes through /proc (Linux).
import { readdir, readFile } from 'node:fs/promises';

type Stat = { readonly state: string; readonly parent: number };

const statOf = async (pid: number): Promise<Stat | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return state && parent ? { state, parent: Number(parent) } : undefined;
};

/** Whether a process does anything still; a zombie does not. */
export const isAlive = async (pid: number): Promise<boolean> => !/^[ZX]?$/.test((await statOf(pid))?.state ?? '');

export const parentOf = async (pid: number): Promise<number | undefined> => (await statOf(pid))?.parent;

/** The process and all that descend from it, itself first. */
export const familyOf = async (pid: number): Promise<number[]> => {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map(await Promise.all(ids.map(async (id) => [id, (await statOf(id))?.parent] as const)));
  const family = [pid];
  for (const member of family) family.push(...ids.filter((id) => parents.get(id) === member));
  return family;
};

/** SIGKILL; a process that is gone already is no error. */
export const kill9 = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
};
