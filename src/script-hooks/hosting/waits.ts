// Wake-ups that hooks ask for, and the crons: timers of both kinds become jobs.

import { parseUv, uvText } from '../../community/schema/uv.ts';
import type { WaitingHook } from '../../community/types/event.ts';
import { type Clock, LATEST_MS } from '../../core/clock.ts';
import type { Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Timers } from '../../timers/create-timers.ts';
import type { BatchTimerHandler, DueTimer, TimerAnswer } from '../../timers/types.ts';
import { type CronSchedule, nextOccurrence } from '../library/cron-schedule.ts';
import { cronTimerKey } from '../library/crons.ts';
import { WAIT_TIMER, waitTimerKey } from '../library/library.ts';
import type { Jobs } from './jobs.ts';
import { type CronJob, findWaitingCrons, insertJobs, type NewJob, type WakeJob } from './jobs-store.ts';

type CronKey = { readonly hook: string; readonly origin: string };
type Cron = CronKey & { readonly schedule: CronSchedule };

const putWait = statement(
  'script-waits.put',
  `insert into script_waits (asked_by, id, origin, hook, wake, depth) values ($1, $2, $3, $4, $5, $6)
   on conflict (asked_by, id) do update set origin = excluded.origin, hook = excluded.hook, wake = excluded.wake,
     depth = excluded.depth`,
);
// Keys of timers are a hook, a slash, and the id of a wait or the origin of a cron.
const takeWaits = statement<{ key: string; origin: string; hook: string; wake: StoredWake; depth: number }>(
  'script-waits.take',
  `with due as (select split_part(key, '/', 1)::numeric as hook, split_part(key, '/', 2) as id from unnest($1::text[]) key)
   delete from script_waits w using due where w.asked_by = due.hook and w.id = due.id
   returning w.asked_by || '/' || w.id as key, w.origin, w.hook, w.wake, w.depth`,
);
/** Of the hook that asks, those that wait, and those whose time has come and that have not run. */
const findWoken = statement<{ waiting: number }>(
  'script-waits.hook',
  `select (select count(*) from (select from script_waits where asked_by = $2 and id <> $3 limit $5) waits)
     + (select count(*) from (select from script_jobs where lane = $4 limit $5) due) as waiting
   from script_hooks where id = $1`,
);
const findCrons = statement<Cron>(
  'script-crons.due',
  `with due as (
     select split_part(key, '/', 1)::numeric as hook, substr(key, strpos(key, '/') + 1) as origin from unnest($1::text[]) key)
   select hook, origin, schedule from script_crons join due using (hook, origin)`,
);

/** `left`: of one that goes on with a chain of effects. */
type StoredWake = WaitingHook & { readonly left?: number | undefined };

export type AskedWait = {
  readonly wait: WaitingHook;
  /** The hook that asks, in digits; its origin is the wake-up's. */
  readonly hook: string;
  readonly origin: string;
  /** How many effects led to this one, it included. */
  readonly depth: number;
  /** How many more may come of it. */
  readonly left: number | undefined;
  /** ms since the epoch. */
  readonly now: number;
};

/** Of a hook: each may ask for 256 more. */
const MOST_WAITS = 10_000;
/** A wake-up that is sooner goes on with the chain of effects that asked for it. */
const AT_ONCE_MS = 1_000;

/** Answers why there will be no wake-up; undefined: there will. */
export const setWait = async (
  tx: Transaction,
  timers: Pick<Timers, 'set'>,
  { wait, hook, origin, depth, left, now }: AskedWait,
): Promise<string | undefined> => {
  if (wait['fires-at'] > LATEST_MS) return 'no wake-up is later than the year 9999';
  const asked = wait.hook ?? 0;
  const woken = parseUv(asked) === 0n ? hook : String(parseUv(asked));
  const id = String(parseUv(wait.id));
  const [found] = await tx.query(findWoken, [woken, hook, id, wakeLane(woken, origin), MOST_WAITS]);
  if (!found) return `there is no hook ${asked}`;
  if (found.waiting >= MOST_WAITS) return `${MOST_WAITS} wake-ups of this hook wait already, and no more are taken`;
  const due = Math.max(0, wait['fires-at']);
  // The timer before the row, as its handler locks them.
  await timers.set(tx, { kind: WAIT_TIMER, key: waitTimerKey(hook, id), due });
  const isAtOnce = due - now < AT_ONCE_MS;
  const wake: StoredWake = { ...wait, hook: wait.hook ?? uvText(hook), ...(isAtOnce && { left }) };
  await tx.query(putWait, [hook, id, origin, woken, JSON.stringify(wake), isAtOnce ? depth : 0]);
  return undefined;
};

export type DueSettings = { readonly jobs: Pick<Jobs, 'lease' | 'add'>; readonly clock: Clock };

/** A wait that is due becomes a job, once. */
export const createWaitHandler =
  ({ jobs }: DueSettings): BatchTimerHandler =>
  async (tx, timers) => {
    const waits = await tx.query(takeWaits, [timers.map(({ key }) => key)]);
    const byKey = new Map(waits.map(({ key, ...wait }) => [key, wait]));
    const due = timers.flatMap((timer) => {
      const wait = byKey.get(timer.key);
      return wait ? [wakeOf(wait)] : []; // it was replaced, or its hook is gone
    });
    return answer(tx, timers, due, { jobs }, () => 'never');
  };

/** A cron that is due becomes a job, unless one waits already; missed ones are one. */
export const createCronHandler =
  ({ jobs, clock }: DueSettings): BatchTimerHandler =>
  async (tx, timers) => {
    const rows = await tx.query(findCrons, [timers.map(({ key }) => key)]);
    const crons = new Map(rows.map((cron) => [cronTimerKey(cron.hook, cron.origin), cron]));
    const asked = rows.map(({ hook, origin }) => jobOf({ kind: 'cron', hook, origin }, 0));
    const waiting = await findWaitingCrons(
      tx,
      asked.map(({ lane }) => lane),
    );
    const due = asked.filter(({ lane }) => !waiting.has(lane));
    const now = clock.now();
    return answer(tx, timers, due, { jobs }, (timer) => {
      const cron = crons.get(timer.key);
      return (cron && nextOccurrence(cron.schedule, timer.due, now)) ?? 'never';
    });
  };

const wakeOf = ({ hook, origin, wake: { left, ...wake }, depth }: TakenWait): NewJob =>
  jobOf({ kind: 'wake', hook, origin, wake, left }, depth);

type TakenWait = Omit<WakeJob, 'kind' | 'wake'> & { readonly wake: StoredWake; readonly depth: number };

const wakeLane = (hook: string, origin: string): string => `wake/${hook}/${origin}`;

const jobOf = (body: CronJob | WakeJob, depth: number): NewJob => ({
  lane: body.kind === 'wake' ? wakeLane(body.hook, body.origin) : `cron/${body.hook}/${body.origin}`,
  body,
  depth,
});

const answer = async (
  tx: Transaction,
  timers: readonly DueTimer[],
  due: readonly NewJob[],
  { jobs }: Pick<DueSettings, 'jobs'>,
  next: (timer: DueTimer) => TimerAnswer['next'],
): Promise<TimerAnswer[]> => {
  const stored = await insertJobs(tx, due, jobs.lease());
  return timers.map((timer, index) => ({
    next: next(timer),
    ...(index === 0 && { afterCommit: () => jobs.add(stored) }),
  }));
};
