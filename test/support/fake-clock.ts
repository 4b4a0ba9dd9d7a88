// A clock whose time the test moves, forwards and backwards, and that knows who sleeps. Nothing
// ever sleeps for real.
import { setImmediate as nextTick } from 'node:timers/promises';
import type { Clock } from '../../src/core/clock.ts';

export type FakeClock = Clock & {
  /**
   * Time passes: both clocks go on by `ms`, and those who sleep wake in order, each at its own
   * time.
   */
  readonly advance: (ms: number) => Promise<void>;
  /**
   * The wall clock is set, forwards or backwards. Nobody wakes: the time that sleepers count did
   * not pass.
   */
  readonly jump: (ms: number) => void;
  /** How many sleep at the moment. */
  readonly sleepers: () => number;
  /** Resolves when at least `count` sleep at the same time; at once when they do. */
  readonly asleep: (count?: number) => Promise<void>;
};

type Sleeper = { readonly until: number; readonly wake: () => void };
type Watcher = { readonly count: number; readonly resolve: () => void };

/** @example const clock = createFakeClock(Date.UTC(2026, 10, 20)); */
export const createFakeClock = (start = Date.UTC(2026, 10, 20, 12)): FakeClock => {
  let wall = start;
  let passed = 0;
  const sleepers = new Set<Sleeper>();
  const watchers = new Set<Watcher>();

  const sleep: Clock['sleep'] = (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper: Sleeper = { until: passed + Math.max(ms, 0), wake };
      sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
      for (const watcher of watchers) {
        if (sleepers.size < watcher.count) continue;
        watchers.delete(watcher);
        watcher.resolve();
      }
    });

  const firstUntil = (end: number): Sleeper | undefined => {
    const [first] = [...sleepers].sort((a, b) => a.until - b.until);
    return first && first.until <= end ? first : undefined;
  };

  const moveTo = (time: number) => {
    wall += time - passed;
    passed = time;
  };

  return {
    now: () => wall,
    monotonic: () => passed,
    after: (ms, callback) => {
      const cancelled = new AbortController();
      void sleep(ms, cancelled.signal).then(() => {
        if (!cancelled.signal.aborted) callback();
      });
      return () => cancelled.abort();
    },
    sleep,
    advance: async (ms) => {
      const end = passed + ms;
      for (let first = firstUntil(end); first; first = firstUntil(end)) {
        moveTo(Math.max(first.until, passed));
        first.wake();
        await nextTick(); // it may sleep again, and wake again before `end`
      }
      moveTo(Math.max(end, passed));
    },
    jump: (ms) => {
      wall += ms;
    },
    sleepers: () => sleepers.size,
    asleep: (count = 1) =>
      new Promise((resolve) => {
        if (sleepers.size >= count) resolve();
        else watchers.add({ count, resolve });
      }),
  };
};
