// What postmaster.pid says, and whether the process it names is really the server of this cluster.
import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../core/errors.ts';
import { run } from './run.ts';

export type Postmaster = {
  readonly pid: number;
  readonly port: number;
  readonly socketFolder: string;
  /** Accepting connections; before that the server reads its log of changes. */
  readonly isReady: boolean;
};

const pidFile = (cluster: string): string => join(cluster, 'postmaster.pid');

/** Reads `postmaster.pid`; undefined when there is none or it is not written to its end yet. */
export const readPostmaster = async (cluster: string): Promise<Postmaster | undefined> => {
  const text = await readFile(pidFile(cluster), 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  });
  // pid, data folder, start time, port, first socket folder, listen address, shared memory, status
  // (src/include/utils/pidfile.h)
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3]), socketFolder: lines[4] ?? '', isReady: lines[7]?.trim() === 'ready' };
};

/**
 * The server that runs on this cluster, if one does. A pid whose process is gone, is a zombie, or
 * does something else by now (the number was given out again) does not count; PostgreSQL itself
 * would refuse to start because of the latter two.
 */
export const findRunningPostmaster = async (cluster: string): Promise<Postmaster | undefined> => {
  const postmaster = await readPostmaster(cluster);
  return postmaster && (await isServerOf(postmaster.pid, cluster)) ? postmaster : undefined;
};

/**
 * Removes a `postmaster.pid` that names no running server. The caller holds the lock and has
 * looked. Should processes of the dead server still be alive, PostgreSQL sees them by their shared
 * memory, whose key comes from the folder and not from this file.
 */
export const removeStalePidFile = (cluster: string): Promise<void> => rm(pidFile(cluster), { force: true });

const isServerOf = async (pid: number, cluster: string): Promise<boolean> =>
  process.platform === 'linux' ? isServerByProc(pid, cluster) : isServerByPs(pid, cluster);

const isServerByProc = async (pid: number, cluster: string): Promise<boolean> => {
  if (!(await isRunningByProc(pid))) return false;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (commandLine.split('\0').includes(cluster)) return true;
  // The folder was renamed while the server ran: its working directory has followed.
  const workingFolder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  return workingFolder !== undefined && workingFolder === (await realpath(cluster).catch(() => cluster));
};

/**
 * `pid (name) S ...`: the name may hold anything, so the state is what follows the last
 * parenthesis.
 */
const isRunningByProc = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
};

const isServerByPs = async (pid: number, cluster: string): Promise<boolean> => {
  const { succeeded, output } = await run('ps', ['-o', 'stat=,args=', '-p', String(pid)], undefined);
  return succeeded && !output.trimStart().startsWith('Z') && output.includes(cluster);
};
