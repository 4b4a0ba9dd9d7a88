// What schedulers do with hooks that are due: in one transaction the occurrences are recorded and
// the timers moved to their next dates.
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { BatchTimerHandler } from '../../timers/types.ts';
import { sayStored } from '../firing/fire-log.ts';
import { fireMetricsOf } from '../firing/fire-metrics.ts';
import type { Pursuit } from '../firing/fire-runner.ts';
import type { HookStore } from '../hooks/hook-store.ts';
import { nextOccurrence } from './schedule.ts';
import type { Ticks } from './tick.ts';

export type ScheduleHandlerSettings = {
  readonly hooks: HookStore;
  readonly ticks: Ticks;
  readonly pursuit: Pursuit;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

export const createScheduleHandler = (settings: ScheduleHandlerSettings): BatchTimerHandler => {
  const { hooks, ticks, pursuit, clock, log } = settings;
  const metrics = fireMetricsOf(settings.metrics);
  return async (tx, timers) => {
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
    const { fires, missed } = await ticks.record(tx, due, now, isOurs ? 'ours' : 'anybody');
    const afterCommit = () => {
      metrics.missed(missed);
      for (const fire of fires) sayStored(log, fire);
      if (isOurs) pursuit.follow(fires);
    };
    return timers.map(({ key, due }, index) => ({
      next: nextOccurrence(found.get(key)?.definition.schedule ?? [], Math.max(now, due)) ?? 'never',
      ...(index === 0 && { afterCommit }),
    }));
  };
};
