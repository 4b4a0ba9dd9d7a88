// What Linux tells about processes under /proc: CPU, memory, and which of them belong to a data
// folder.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join, sep } from 'node:path';

/**
 * Whether figures of other processes can be had at all; elsewhere those measures say that they
 * cannot be taken.
 */
export const hasProc = existsSync('/proc/self/stat');
export const NO_PROC = 'this platform has no /proc';

export type ProcessInfo = {
  readonly pid: number;
  readonly parent: number;
  /** The name of the program, at most 15 characters. */
  readonly name: string;
  /** PostgreSQL writes what a process is for in its only argument: `postgres: checkpointer`. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** Milliseconds of user and system time, of all threads, also of those that have ended. */
  readonly cpuMs: number;
  /** The same of its children that have ended and were waited for. */
  readonly endedChildrenCpuMs: number;
};

/** All processes that this user may look into. One that ends while it is read is left out. */
export const listProcesses = (): ProcessInfo[] => {
  if (!hasProc) return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => readProcess(Number(entry)) ?? []);
};

const readProcess = (pid: number): ProcessInfo | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name stands in parentheses and may hold anything, parentheses and spaces too.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = (index: number): number => Number(fields[index]);
    return {
      pid,
      parent: Number(fields[1]),
      name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      args: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean),
      cwd: readlinkSync(`/proc/${pid}/cwd`),
      cpuMs: (ticks(11) + ticks(12)) * msPerTick(),
      endedChildrenCpuMs: (ticks(13) + ticks(14)) * msPerTick(),
    };
  } catch {
    return undefined;
  }
};

let tickMs: number | undefined;

/**
 * The unit of CPU time under /proc. It is 10 ms nearly everywhere: exact enough for rounds of
 * seconds.
 */
const msPerTick = (): number => {
  tickMs ??= 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return tickMs;
};

export const cpuMsOf = (pid: number): number => {
  const found = readProcess(pid);
  if (found === undefined) throw new Error(`process ${pid} is gone or cannot be looked into`);
  return found.cpuMs;
};

/**
 * The proportional set size in bytes: what is shared (PostgreSQL's buffers, the program itself)
 * counts in equal parts towards those that share it, so that a sum over processes counts everything
 * once.
 */
export const pssBytesOf = (pid: number): number => {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const kibibytes = /^Pss:\s+(\d+) kB/m.exec(rollup)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/smaps_rollup has no Pss`);
  return Number(kibibytes) * 1024;
};

/** A process and everything that descends from it. */
export const familyOf = (pid: number, all: readonly ProcessInfo[] = listProcesses()): ProcessInfo[] => {
  const family = all.filter((one) => one.pid === pid);
  for (let index = 0; index < family.length; index++) {
    family.push(...all.filter((one) => one.parent === family[index]?.pid));
  }
  return family;
};

/**
 * CPU in ms of a process, and of those that it has started, whether they still run or have ended:
 * the sum does not shrink when one ends. Without the PostgreSQL of its data folder.
 */
export const familyCpuMsOf = (pid: number, data: string | undefined): { own: number; children: number } => {
  const all = listProcesses();
  const [own, ...others] = familyOf(pid, all);
  if (own === undefined) throw new Error(`process ${pid} is gone or cannot be looked into`);
  const database = new Set(data === undefined ? [] : databaseProcessesOf(data, all).map((one) => one.pid));
  const children = others.filter((one) => !database.has(one.pid));
  return { own: own.cpuMs, children: children.reduce((sum, one) => sum + one.cpuMs, own.endedChildrenCpuMs) };
};

/**
 * Where the cluster of a data folder lies: <data>/postgres, which may be a file that names another
 * folder.
 */
export const databaseFolderOf = (data: string): string => {
  const path = join(data, 'postgres');
  try {
    return lstatSync(path).isFile() ? readFileSync(path, 'utf8').trim() : path;
  } catch {
    return path;
  }
};

/**
 * PostgreSQL of a data folder, with the shell that watches over it. It is nobody's child: it
 * outlives the server that started it, so it is found by its place. Every PostgreSQL process works
 * in its cluster's folder.
 */
export const databaseProcessesOf = (data: string, all: readonly ProcessInfo[] = listProcesses()): ProcessInfo[] => {
  const folder = databaseFolderOf(data);
  return all.filter((one) => isPostgres(one, folder) || isSupervisor(one, folder));
};

export const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep);

const isPostgres = (one: ProcessInfo, folder: string): boolean =>
  one.name === 'postgres' && (isWithin(one.cwd, folder) || one.args.some((arg) => isWithin(arg, folder)));

const isSupervisor = (one: ProcessInfo, folder: string): boolean =>
  basename(one.args[0] ?? '') === 'sh' && one.args.slice(3).some((arg) => isWithin(arg, folder));

/** The postmaster among PostgreSQL's processes: the one that is no child of another. */
export const postmasterOf = (database: readonly ProcessInfo[]): ProcessInfo | undefined => {
  const postgres = database.filter((one) => one.name === 'postgres');
  return postgres.find((one) => !postgres.some((other) => other.pid === one.parent));
};

/**
 * CPU that PostgreSQL has used, in ms: of the processes that run and, through the postmaster, of
 * those that have ended.
 */
export const databaseCpuMsOf = (data: string): number => {
  const database = databaseProcessesOf(data);
  const postmaster = postmasterOf(database);
  if (postmaster === undefined) throw new Error(`no PostgreSQL runs in ${databaseFolderOf(data)}`);
  return database.reduce((sum, one) => sum + one.cpuMs, postmaster.endedChildrenCpuMs);
};

/**
 * CPU in ms that all cores of the machine have spent on anything, the time that a hypervisor took
 * away included.
 */
export const machineCpuMs = (): number => {
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] = (
    /^cpu +(.*)/.exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? ''
  )
    .split(' ')
    .map(Number);
  return (user + nice + system + interrupts + softInterrupts + stolen) * msPerTick();
};
