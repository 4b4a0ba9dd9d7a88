// One set-up of a folder at a time. The lock is a listening socket, which the kernel closes however
// its owner ends: a lock file would be left behind by a killed `npm ci`, and node_modules, where it
// could lie, is what the set-up replaces.
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LOOK_EVERY_MS = 200;
const GIVE_UP_AFTER_MS = 15 * 60_000;

/**
 * Waits for the lock of `root`, telling `onWait` once if it has to. Resolves with how to let it go.
 */
export const lockSetUp = async (root, onWait) => {
  const address = addressOf(root);
  const end = Date.now() + GIVE_UP_AFTER_MS;
  for (let hasTold = false; Date.now() < end; await pause(LOOK_EVERY_MS)) {
    const server = await tryToListen(address);
    if (server !== undefined) return { release: () => server.close(), fd: descriptorOf(server) };
    if (await isAbandoned(address)) rmSync(address, { force: true });
    else if (!hasTold) onWait();
    hasTold = true;
  }
  throw new Error(
    'Cannot set up: another set-up of this folder has been at work for 15 minutes. End it and try again.',
  );
};

/**
 * What a child process can be given to hold the lock as well; undefined on Windows. Node has no
 * public name for it.
 */
const descriptorOf = (server) => {
  const { fd } = server._handle || {};
  return typeof fd === 'number' && fd > 2 ? fd : undefined;
};

/**
 * Linux has names for sockets that are no files (they begin with a zero byte). Elsewhere it is a
 * file in the temporary folder.
 */
const addressOf = (root) => {
  const user = process.getuid ? process.getuid() : 'all';
  const name = `hookwright-setup-${user}-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`;
  if (process.platform === 'linux') return `\0${name}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), name);
};

const tryToListen = (address) =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.on('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(address, () => resolve(server));
  });

/** A file whose listener was killed refuses connections. */
const isAbandoned = (address) =>
  new Promise((resolve) => {
    if (process.platform === 'linux' || process.platform === 'win32') return resolve(false);
    const socket = connect(address);
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', (error) => resolve(error.code === 'ECONNREFUSED'));
  });

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
