// When a worker has had the time that its job may take: time of a processor, because one that gets
// none for a while, on a machine that is busy, does no harm, and what it was asked is no slower for
// it.
import { type Clock, withDeadline } from '../../core/clock.ts';

/**
 * What a worker has used of a processor since its start, in ms; undefined where that cannot be
 * told. Does not reject.
 */
export type UsedMs = () => Promise<number | undefined>;

/** By the clock a job has so many times as long. */
const MOST_STARVED = 10;
/** Nobody waits longer than that for the figure. */
const SAYS_WITHIN_MS = 500;
const SHORTEST_LOOK_MS = 5;

/**
 * To be called before the worker is given its job. Resolves when that has used `deadlineMs` of a
 * processor, when the clock says ten times that, or when it has not said how much; never after
 * `signal` has aborted.
 */
export const jobTimeIsUp = async (
  clock: Clock,
  usedMs: UsedMs,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> => {
  const usedBefore = usedMs(); // of the jobs before; not waited for
  const latest = clock.monotonic() + MOST_STARVED * deadlineMs;
  for (let left = deadlineMs; left > 0; ) {
    await clock.sleep(Math.max(left, SHORTEST_LOOK_MS), signal);
    if (signal.aborted) return new Promise(() => {});
    const used = await usedSince(clock, usedMs, usedBefore);
    left = used === undefined ? 0 : Math.min(deadlineMs - used, latest - clock.monotonic());
  }
};

/** In ms; undefined when that cannot be told. */
const usedSince = async (
  clock: Clock,
  usedMs: UsedMs,
  before: Promise<number | undefined>,
): Promise<number | undefined> => {
  const both = () => Promise.all([before, usedMs()]);
  const silent = () => new Error('the worker says nothing');
  const [earlier, now] = await withDeadline(clock, SAYS_WITHIN_MS, both, silent).catch(() => []); // undefined says it
  return earlier === undefined || now === undefined ? undefined : now - earlier;
};
