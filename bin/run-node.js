// Running a program under Node 24 from whatever Node is there. Plain JavaScript of 2020: an old
// Node must be able to read it.
import { spawn, spawnSync } from 'node:child_process';
import { constants, homedir } from 'node:os';
import { dirname, join } from 'node:path';

export const NEEDED_NODE = 24;

/** @param {string} version as in `v24.21.0` */
export const isNewEnough = (version) => Number.parseInt(version.replace(/^v/, ''), 10) >= NEEDED_NODE;

/** The version that a Node says it has; undefined when it does not run. */
export const versionOf = (node) => {
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return status === 0 ? stdout.trim() : undefined;
};

/**
 * A Node that is new enough in `node_modules/.bin` of one of the folders or of those above them.
 */
export const findNode = (folders) => {
  for (const start of folders) {
    for (let folder = start; ; folder = dirname(folder)) {
      const node = join(folder, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
      const version = versionOf(node);
      if (version !== undefined && isNewEnough(version)) return node;
      if (folder === dirname(folder)) break;
    }
  }
  return undefined;
};

/**
 * Where an installed package keeps compiled code: the user's own cache, since the package's folder
 * may belong to somebody else.
 */
export const userCache = () => {
  const base =
    process.env.XDG_CACHE_HOME || join(homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache');
  return join(base, 'hookwright', 'compiled');
};

/**
 * With this the C library of most Linux systems gives the buffers of large requests back at once,
 * instead of keeping them for the next ones. It reads it when a process begins.
 */
export const MEMORY = { MALLOC_MMAP_THRESHOLD_: '1048576' };

/** The same process begins once more, with MEMORY, where it has begun without. */
export const beginWithMemory = () => {
  if (process.platform !== 'linux' || process.env.MALLOC_MMAP_THRESHOLD_ !== undefined) return;
  const args = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve?.(process.execPath, args, { ...process.env, ...MEMORY });
};

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/**
 * Runs `node` with `args` in place of this process: same terminal, same signals, and this process
 * ends as the child does. The child holds one end of a pipe, whose number is in
 * HOOKWRIGHT_LIFELINE_FD: it ends when this process is killed (src/core/lifeline.ts).
 */
export const runInPlace = (node, args, compileCache) => {
  const child = spawn(node, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { NODE_COMPILE_CACHE: compileCache, ...MEMORY, ...process.env, HOOKWRIGHT_LIFELINE_FD: '3' },
  });
  // Nothing is ever said on the pipe; that the child closes its end is no error.
  child.stdio[3].on('error', () => {}).resume();
  const forward = (signal) => child.kill(signal);
  for (const signal of FORWARDED) process.on(signal, forward);
  child.on('error', (error) => {
    process.stderr.write(`Cannot run ${node}: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (status, signal) => {
    for (const name of FORWARDED) process.removeListener(name, forward);
    if (signal === null) process.exit(status);
    process.kill(process.pid, signal);
    // A signal that this process does not die of, whatever the reason: the status that a shell
    // would give.
    setTimeout(() => process.exit(128 + (constants.signals[signal] || 0)), 1000);
  });
};
