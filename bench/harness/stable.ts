// Where the processes and folders of a bench live. Whatever happens (an error, Ctrl-C, the end),
// all of them are gone afterwards.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import {
  databaseFolderOf,
  databaseProcessesOf,
  isWithin,
  listProcesses,
  type ProcessInfo,
  postmasterOf,
} from './proc.ts';

export type Stable = {
  /**
   * Starts a process in a process group of its own: Ctrl-C reaches the bench only, which then ends
   * all in order.
   */
  readonly spawn: (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess;
  /** The path of a folder that does not exist yet. */
  readonly newFolder: (name: string) => string;
  /** Removes a folder of newFolder before the end, with what still runs in it. */
  readonly removeFolder: (folder: string) => void;
  /**
   * Ends and removes everything. It does not return before that is done, so that it can run while
   * the program exits.
   */
  readonly close: () => void;
};

const PREFIX = 'hookwright-bench-';

/**
 * How long PostgreSQL may take to stop by itself once nobody uses it, and after being told to, in
 * ms.
 */
const STOP_BY_ITSELF_MS = 5000;
const STOP_WHEN_TOLD_MS = 3000;

export const openStable = (): Stable => {
  removeLeftovers();
  const root = realpathSync(mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`)));
  // PostgreSQL refuses to run as root; its own user has to pass through here.
  chmodSync(root, 0o711);
  const children = new Set<ChildProcess>();
  let folders = 0;
  let isClosed = false;

  return {
    spawn: (command, args, options) => {
      if (isClosed) throw new Error('the bench is ending');
      const child = spawn(command, args, { ...options, detached: true });
      children.add(child);
      child.once('exit', () => children.delete(child));
      return child;
    },
    newFolder: (name) => join(root, `${name}-${++folders}`),
    removeFolder: (folder) => removeDataFolder(folder),
    close: () => {
      if (isClosed) return;
      isClosed = true;
      for (const child of children) {
        if (child.pid !== undefined) kill(-child.pid, 'SIGKILL');
      }
      removeRoot(root);
    },
  };
};

/**
 * What a bench left that was itself killed with SIGKILL: it would go on using the machine that the
 * next one measures.
 */
const removeLeftovers = (): void => {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || kill(Number(pid), 0)) continue;
    const root = join(realpathSync(tmpdir()), name);
    for (const one of listProcesses()) {
      if (isServerIn(one, root)) kill(one.pid, 'SIGKILL');
    }
    removeRoot(root);
  }
};

const isServerIn = (one: ProcessInfo, root: string): boolean =>
  /^node/.test(basename(one.args[0] ?? '')) &&
  one.args.includes('serve') &&
  one.args.some((arg) => isWithin(arg, root));

const removeRoot = (root: string): void => {
  mkdirSync(root, { recursive: true });
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const folder of folders) removeDataFolder(join(root, folder.name));
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
};

/**
 * PostgreSQL is let, then told, and only at last made to end: killed at once it would leave shared
 * memory behind.
 */
const removeDataFolder = (data: string): void => {
  const isGone = (): boolean => databaseProcessesOf(data).length === 0;
  if (!waitFor(isGone, STOP_BY_ITSELF_MS)) {
    const postmaster = postmasterOf(databaseProcessesOf(data));
    if (postmaster) kill(postmaster.pid, 'SIGQUIT');
    if (!waitFor(isGone, STOP_WHEN_TOLD_MS)) for (const one of databaseProcessesOf(data)) kill(one.pid, 'SIGKILL');
  }
  const database = databaseFolderOf(data);
  if (isWithin(database, '/var/lib/hookwright')) rmSync(database, { recursive: true, force: true, maxRetries: 5 });
  rmSync(data, { recursive: true, force: true, maxRetries: 5 });
};

/** Blocks, because it also runs while the program exits. */
const waitFor = (isSo: () => boolean, ms: number): boolean => {
  const end = systemClock.monotonic() + ms;
  while (!isSo()) {
    if (systemClock.monotonic() > end) return false;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  return true;
};

/** Sends a signal (0 only asks); false when there is no such process. */
const kill = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};
