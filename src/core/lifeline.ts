// The launcher that started us (bin/run-node.js) holds the other end of a pipe; the kernel closes
// it when the launcher dies, also by SIGKILL, which it cannot forward.
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';

const VARIABLE = 'HOOKWRIGHT_LIFELINE_FD';

/**
 * Calls `callback` once when the launcher has gone. Does nothing when there is none. Never keeps
 * the process alive, and takes the variable out of the environment, so that processes started from
 * here do not take it for theirs.
 */
export const onLauncherGone = (callback: () => void): void => {
  const fd = Number(process.env[VARIABLE] || Number.NaN);
  delete process.env[VARIABLE];
  if (!isPipe(fd)) return;
  const lifeline = new Socket({ fd, readable: true, writable: false });
  lifeline.on('error', () => {}).once('close', callback);
  lifeline.resume().unref();
};

/**
 * The variable may be left over from somewhere else, and then the number means any file of ours or
 * none.
 */
const isPipe = (fd: number): boolean => {
  if (!Number.isInteger(fd) || fd < 3) return false;
  try {
    const status = fstatSync(fd);
    return status.isFIFO() || status.isSocket();
  } catch {
    return false;
  }
};
