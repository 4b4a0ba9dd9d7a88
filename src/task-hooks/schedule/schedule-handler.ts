// What schedulers do with hooks that are due: in one transaction the occurrences are recorded,
// their fires begin, and the timers move to their next dates.
import type { Clock } from '../../core/clock.ts';
import { nextOccurrence } from '../../timers/schedule/schedule.ts';
import type { BatchTimerHandler } from '../../timers/types.ts';
import type { FireRunner } from '../firing/fire-runner.ts';
import type { HookStore } from '../hooks/hook-store.ts';
import type { Ticks } from './tick.ts';

export type ScheduleHandlerSettings = {
  readonly hooks: HookStore;
  readonly ticks: Ticks;
  readonly runner: Pick<FireRunner, 'hasRoom'>;
  readonly clock: Clock;
};

export const createScheduleHandler =
  ({ hooks, ticks, runner, clock }: ScheduleHandlerSettings): BatchTimerHandler =>
  async (tx, timers) => {
    const found = await hooks.findMany(
      timers.map(({ key }) => key),
      tx,
    );
    const due = timers.flatMap(({ key, due }) => {
      const hook = found.get(key);
      return hook ? [{ hook, due }] : []; // a hook takes its timer along when it goes
    });
    const now = clock.now(); // one moment for both: what comes due while this is recorded is the next turn's
    const afterCommit = await ticks.record(tx, due, now, {
      // A turn that failed may have failed for its tasks; the fire is then stored first, as where
      // the queue is elsewhere.
      atOnce: timers.every(({ attempts }) => attempts === 0),
      leaseOf: runner.hasRoom() ? 'this process' : 'anybody',
    });
    return timers.map(({ key, due }, index) => ({
      next: nextOccurrence(found.get(key)?.definition.schedule ?? [], Math.max(now, due)) ?? 'never',
      ...(index === 0 && { afterCommit }),
    }));
  };
