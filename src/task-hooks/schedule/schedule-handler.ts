// What schedulers do with hooks that are due: in one transaction the occurrences are recorded,
// their fires begin, and the timers move to their next dates.
import type { Clock } from '../../core/clock.ts';
import { nextOccurrence } from '../../timers/schedule/schedule.ts';
import type { BatchTimerHandler, TimerAnswer } from '../../timers/types.ts';
import type { Hook } from '../definition.ts';
import type { FireRunner } from '../firing/fire-runner.ts';
import type { HookCache } from '../hooks/hook-cache.ts';
import type { HookStore } from '../hooks/hook-store.ts';
import type { DueHook, Ticks } from './tick.ts';

export type ScheduleHandlerSettings = {
  readonly hooks: HookStore;
  readonly cache: Pick<HookCache, 'getMany'>;
  readonly ticks: Pick<Ticks, 'record' | 'send'>;
  readonly runner: Pick<FireRunner, 'hasRoom'>;
  readonly clock: Clock;
};

export const createScheduleHandler =
  ({ hooks, cache, ticks, runner, clock }: ScheduleHandlerSettings): BatchTimerHandler =>
  async (tx, timers, isHasty) => {
    const uids = timers.map(({ key }) => key);
    // A turn that failed may have failed for its tasks; the fire is then stored first, as where the
    // queue is elsewhere.
    const atOnce = timers.every(({ attempts }) => attempts === 0);

    const begin = async <Known extends Hook>(
      found: ReadonlyMap<string, Known>,
      record: (
        due: readonly (DueHook & { readonly hook: Known })[],
        now: number,
      ) => Promise<TimerAnswer['afterCommit'] | undefined>,
    ): Promise<readonly TimerAnswer[] | undefined> => {
      const due = timers.flatMap(({ key, due }) => {
        const hook = found.get(key);
        return hook ? [{ hook, due }] : []; // a hook takes its timer along when it goes
      });
      const now = clock.now(); // one moment for both: what comes due while this is recorded is the next turn's
      const afterCommit = await record(due, now);
      if (!afterCommit) return undefined;
      return timers.map(({ key, due }, index) => ({
        next: nextOccurrence(found.get(key)?.definition.schedule ?? [], Math.max(now, due)) ?? 'never',
        ...(index === 0 && { afterCommit }),
      }));
    };

    const { send } = ticks;
    if (isHasty && atOnce && send) {
      const sent = await begin(await cache.getMany(uids, tx), (due, now) => send(tx, due, now));
      if (sent) return sent;
    }
    const leaseOf = runner.hasRoom() ? 'this process' : 'anybody';
    const record: Parameters<typeof begin<Hook>>[1] = (due, now) => ticks.record(tx, due, now, { atOnce, leaseOf });
    return (await begin(await hooks.findMany(uids, tx), record)) ?? [];
  };
