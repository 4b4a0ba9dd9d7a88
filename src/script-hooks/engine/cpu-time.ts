// How much CPU time this thread has used. Budgets of work that nobody waits for are counted in it:
// a busy machine does not change what a script comes to.
import { systemClock } from '../../core/clock.ts';

/** Milliseconds of CPU time of this thread; of time that passes, where Node does not say. */
export const threadCpuMs = (): number => {
  if (typeof process.threadCpuUsage !== 'function') return systemClock.monotonic();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};
