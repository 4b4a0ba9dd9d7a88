// What schedulers do with hooks that are due: in one transaction the occurrences are recorded and the timers moved to their next dates.
import type { Clock } from '../core/clock.ts';
import type { BatchTimerHandler } from '../timers/types.ts';
import type { HookStore } from './hook-store.ts';
import type { Pursuit } from './pursue.ts';
import { nextOccurrence } from './schedule.ts';
import type { Ticks } from './tick.ts';

export type ScheduleHandlerSettings = {
  readonly hooks: HookStore;
  readonly ticks: Ticks;
  readonly pursuit: Pursuit;
  readonly clock: Clock;
};

export const createScheduleHandler =
  ({ hooks, ticks, pursuit, clock }: ScheduleHandlerSettings): BatchTimerHandler =>
  async (tx, timers) => {
    const found = await hooks.findMany(
      timers.map(({ key }) => key),
      tx,
    );
    const due = timers.flatMap(({ key, due }) => {
      const hook = found.get(key);
      return hook ? [{ hook, due }] : []; // a hook takes its timer along when it goes
    });
    const isOurs = pursuit.hasRoom();
    const now = clock.now(); // one moment for both: what comes due while this is recorded is the next turn's
    const fires = await ticks.record(tx, due, now, isOurs ? 'ours' : 'anybody');
    return timers.map(({ key, due }, index) => ({
      next: nextOccurrence(found.get(key)?.definition.schedule ?? [], Math.max(now, due)) ?? 'never',
      ...(index === 0 && isOurs && { afterCommit: () => pursuit.follow(fires) }),
    }));
  };
