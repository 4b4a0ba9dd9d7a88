// Whether the embedded PostgreSQL still runs.

import type { Clock } from '../../core/clock.ts';
import { errorCode, OperatorError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { createLoop } from '../../core/loop.ts';

const CHECK_EVERY_MS = 1_000;

/**
 * Rejects with HW_DATABASE_DIED when the process has ended, and never resolves. A server without
 * its database can only answer errors; whoever supervises it can start both again. `pid`: undefined
 * for a given database, which may come back.
 */
export const followDatabaseServer = (
  pid: number | undefined,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<never> => {
  const { promise: failure, reject } = Promise.withResolvers<never>();
  failure.catch(() => {}); // whoever runs the server hears of it; nobody has to
  if (pid === undefined) return failure;
  const check = async () => {
    if (!isRunning(pid)) reject(new OperatorError('HW_DATABASE_DIED', { pid }));
  };
  void createLoop({ name: 'database server check', clock, log, everyMs: CHECK_EVERY_MS, turn: check }).run(signal);
  return failure;
};

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH'; // EPERM: it runs as another user
  }
};
