// What is to be done after a commit, in the database: effects, and runs whose time has come.

import type { Effect } from '../../community/types/effect.ts';
import type { WaitingHook } from '../../community/types/event.ts';
import { toIso } from '../../core/clock.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';

export type EffectJob = {
  readonly kind: 'effect';
  readonly effect: Effect;
  /** The run that asked for it, and which of its effects this is. */
  readonly run: number;
  readonly index: number;
  readonly hook: string;
  readonly name: string;
  readonly origin: string;
  /** How many effects may come of it in turn. Absent: of a version that did not count. */
  readonly left?: number | undefined;
  /** Of the task, if it makes one. */
  readonly taskId?: string;
};
export type CronJob = { readonly kind: 'cron'; readonly hook: string; readonly origin: string };
export type WakeJob = {
  readonly kind: 'wake';
  readonly hook: string;
  readonly origin: string;
  readonly wake: WaitingHook;
  readonly left?: number | undefined;
};

export type JobBody = EffectJob | CronJob | WakeJob;

export type NewJob = {
  /** Jobs of one lane are done in order. */
  readonly lane: string;
  readonly body: JobBody;
  /** How many effects led to it. */
  readonly depth: number;
};

export type Job = NewJob & { readonly id: string };

type Row = { readonly id: number; readonly lane: string; readonly body: JobBody; readonly depth: number };

const insert = statement<{ id: number }>(
  'script-jobs.insert',
  `insert into script_jobs (lane, kind, body, depth, created, holder, leased_until)
   select lane, kind, body, depth, $5, $6, $7
   from unnest($1::text[], $2::text[], $3::json[], $4::int[]) with ordinality as given (lane, kind, body, depth, position)
   order by position returning id`,
);
const end = statement<{ id: number; body: JobBody }>(
  'script-jobs.end',
  'delete from script_jobs where id = any($1::bigint[]) returning id, body',
);
const renew = statement('script-jobs.renew', 'update script_jobs set leased_until = $2 where holder = $1');
// The whole lane at once, by one process, and only when no other holds any of it.
const claim = statement<Row>(
  'script-jobs.claim',
  `with free as materialized (
     select lane from script_jobs where holder <> $1 group by lane having max(leased_until) < $2
     order by min(id) limit 2000),
   mine as materialized (select lane from free where pg_try_advisory_xact_lock(hashtext('script-jobs'), hashtext(lane)))
   update script_jobs j set holder = $1, leased_until = $3 from mine
   where j.lane = mine.lane and j.holder <> $1 and j.leased_until < $2 returning j.id, j.lane, j.body, j.depth`,
);
const cronsWaiting = statement<{ lane: string }>(
  'script-jobs.crons',
  `select distinct lane from script_jobs where kind = 'cron' and lane = any($1::text[])`,
);

export type Lease = { readonly holder: string; readonly now: number; readonly until: number };

/** Answers them with their ids, in order. */
export const insertJobs = async (tx: Transaction, jobs: readonly NewJob[], lease: Lease): Promise<Job[]> => {
  if (jobs.length === 0) return [];
  const rows = await tx.query(insert, [
    jobs.map(({ lane }) => lane),
    jobs.map(({ body }) => body.kind),
    jobs.map(({ body }) => JSON.stringify(body)),
    jobs.map(({ depth }) => depth),
    toIso(lease.now),
    lease.holder,
    toIso(lease.until),
  ]);
  return jobs.map((job, index) => ({ ...job, id: String(rows[index]?.id) }));
};

/** Answers those that were there. */
export const endJobs = async (tx: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, JobBody>> =>
  new Map((await tx.query(end, [ids])).map(({ id, body }) => [String(id), body]));

export const renewJobs = async (from: Queryable, { holder, until }: Lease): Promise<void> => {
  await from.query(renew, [holder, toIso(until)]);
};

/** Takes over lanes that nobody does any more. */
export const claimJobs = async (from: Queryable, { holder, now, until }: Lease): Promise<Job[]> =>
  (await from.query(claim, [holder, toIso(now), toIso(until)]))
    .map(({ id, ...job }) => ({ ...job, id: String(id) }))
    .sort((left, right) => Number(left.id) - Number(right.id));

/** Of these lanes those in which a run of a cron waits already. */
export const findWaitingCrons = async (tx: Queryable, lanes: readonly string[]): Promise<ReadonlySet<string>> =>
  new Set((await tx.query(cronsWaiting, [lanes])).map(({ lane }) => lane));
