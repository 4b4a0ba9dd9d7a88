// The tables of replays: which events come again, and the jobs of many.
import { toIso } from '../../core/clock.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { LedgerRow } from '../../ledger/entry.ts';
import { fromRow, type RawRow } from '../../ledger/read.ts';

/** Which definition the events meet: the hook's as it is, or as it was when they came. */
export type Revision = 'now' | 'then';

export type ReplayKey = { readonly seq: number; readonly n: number };

export type ReplayOf = Pick<LedgerRow, 'seq' | 'at' | 'hookUid'>;

/** An event that is to come again; `row` is undefined when the ledger has it no more. */
export type Waiting = ReplayKey & Pick<ReplayOf, 'at'> & { readonly row: LedgerRow | undefined };

export type ReplayJob = {
  readonly id: string;
  readonly revision: Revision;
  readonly rate: number;
  readonly total: number;
  readonly clientId: string;
  readonly created: number;
  readonly ended: number | null;
  readonly cancelledBy: string | null;
};

export type Done = ReplayKey & {
  readonly outcome: string;
  readonly reason: string | null;
  readonly taskId: string | null;
};

/** `outcome` is null while it has not begun. */
export type KnownReplay = Omit<Done, 'outcome'> & { readonly outcome: string | null };

/** What is older has no fire in the ledger that it could be taken for. */
const KEPT_MS = 400 * 86_400_000;
const MOST_TRIES = 10;

// Whoever adds some takes some old ones along.
const removeOld = statement(
  'replays.remove-old',
  'delete from replays where (seq, n) in (select seq, n from replays where created < $1 order by created limit $2)',
);
const removeOldJobs = statement('replays.remove-old-jobs', 'delete from replay_jobs where ended < $1');

const insertReplays = statement<ReplayKey>(
  'replays.insert',
  `insert into replays (seq, n, at, hook_uid, job, created)
   select given.seq, 1 + coalesce((select max(n) from replays known where known.seq = given.seq), 0), given.at, given.hook_uid, $4, $5
   from unnest($1::bigint[], $2::timestamptz[], $3::uuid[]) as given (seq, at, hook_uid)
   on conflict do nothing
   returning seq, n`,
);

/** Each event once. Others may take the same numbers at this moment; then the next are tried. */
export const addReplays = async (
  on: Queryable,
  events: readonly ReplayOf[],
  { job, now }: { readonly job: string | null; readonly now: number },
): Promise<readonly ReplayKey[]> => {
  await on.query(removeOld, [toIso(now - KEPT_MS), 10 + 2 * events.length]);
  const added: ReplayKey[] = [];
  let left = events;
  for (let tries = 0; left.length > 0; tries += 1) {
    if (tries === MOST_TRIES) throw new Error('others replay the same events at this moment');
    const rows = await on.query(insertReplays, [
      left.map(({ seq }) => seq),
      left.map(({ at }) => toIso(at)),
      left.map(({ hookUid }) => hookUid),
      job,
      toIso(now),
    ]);
    added.push(...rows);
    const isAdded = new Set(rows.map(({ seq }) => seq));
    left = left.filter(({ seq }) => !isAdded.has(seq));
  }
  return added;
};

const insertOnce = statement(
  'replays.insert-once',
  `insert into replays (seq, n, at, hook_uid, id, created)
   select $1, 1 + coalesce((select max(n) from replays where seq = $1), 0), $2, $3, $4, $5
   on conflict do nothing`,
);
const findOfId = statement<KnownReplay>(
  'replays.of-id',
  'select seq, n, outcome, reason, task_id as "taskId" from replays where id = $1',
);

/** Of an id that somebody has chosen. */
export const findReplay = async (on: Queryable, id: string): Promise<KnownReplay | undefined> =>
  (await on.query(findOfId, [id]))[0];

/** The one of this id, made if there is none. */
export const addReplayOnce = async (on: Queryable, event: ReplayOf, id: string, now: number): Promise<KnownReplay> => {
  await on.query(removeOld, [toIso(now - KEPT_MS), 10]);
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    await on.query(insertOnce, [event.seq, toIso(event.at), event.hookUid, id, toIso(now)]);
    const known = await findReplay(on, id);
    if (known) return known;
  }
  throw new Error('others replay the same event at this moment');
};

const beginReplays = statement<ReplayKey>(
  'replays.begin',
  `update replays set outcome = done.outcome, reason = done.reason, task_id = done.task_id
   from unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[]) as done (seq, n, outcome, reason, task_id)
   where replays.seq = done.seq and replays.n = done.n and replays.outcome is null
   returning replays.seq, replays.n`,
);

/**
 * In the transaction in which their fires begin. Throws, so that they do not, when one has begun
 * before.
 */
export const markBegun = async (tx: Transaction, done: readonly Done[]): Promise<void> => {
  if (done.length === 0) return;
  const rows = await tx.query(beginReplays, [
    done.map(({ seq }) => seq),
    done.map(({ n }) => n),
    done.map(({ outcome }) => outcome),
    done.map(({ reason }) => reason),
    done.map(({ taskId }) => taskId),
  ]);
  if (rows.length < done.length) throw new BegunBefore('an event that is to come again has done so already');
};

export class BegunBefore extends Error {}

export const causeOfReplay = ({ seq, n }: ReplayKey): string => `replay:${seq}:${n}`;

const insertJob = statement<{ id: string }>(
  'replay-jobs.insert',
  `insert into replay_jobs (id, revision, rate, total, client_id, created) values ($1, $2, $3, $4, $5, $6)
   on conflict (id) do nothing returning id`,
);
const countJobs = statement<{ count: number }>(
  'replay-jobs.count',
  'select count(*)::int as count from replay_jobs where ended is null',
);
const findJobOf = statement<ReplayJob>(
  'replay-jobs.find',
  `select id, revision, rate, total, client_id as "clientId", created, ended, cancelled_by as "cancelledBy"
   from replay_jobs where id = $1`,
);
const endJobOf = statement(
  'replay-jobs.end',
  'update replay_jobs set ended = $2, cancelled_by = $3 where id = $1 and ended is null',
);

export const countUnderWay = async (on: Queryable): Promise<number> => (await on.query(countJobs))[0]?.count ?? 0;

/** false: there is one of this id. */
export const addJob = async (tx: Transaction, job: Omit<ReplayJob, 'ended' | 'cancelledBy'>): Promise<boolean> => {
  const { id, revision, rate, total, clientId, created } = job;
  await tx.query(removeOldJobs, [toIso(created - KEPT_MS)]);
  return (await tx.query(insertJob, [id, revision, rate, total, clientId, toIso(created)])).length > 0;
};

export const findJob = async (on: Queryable, id: string): Promise<ReplayJob | undefined> =>
  (await on.query(findJobOf, [id]))[0];

export const endJob = async (tx: Transaction, id: string, at: number, cancelledBy: string | null): Promise<void> => {
  await tx.query(endJobOf, [id, toIso(at), cancelledBy]);
};

type WaitingRow = RawRow & { readonly replay_seq: number; readonly replay_n: number; readonly replay_at: number };

const listWaiting = statement<WaitingRow>(
  'replays.waiting',
  `select waiting.seq as replay_seq, waiting.n as replay_n, waiting.at as replay_at, ledger.*
   from (select seq, n, at, hook_uid from replays
         where job = $1 and (at, seq) > ($2, $3) and outcome is null order by at, seq limit $4) waiting
   left join ledger on ledger.at = waiting.at and ledger.hook_uid = waiting.hook_uid and ledger.seq = waiting.seq
   order by waiting.at, waiting.seq`,
);

/** A place in the order in which events come again: that in which they ended. */
export type Place = { readonly at: number; readonly seq: number };

export const FIRST: Place = { at: 0, seq: 0 };

/** The next events of the job after this place. */
export const readWaiting = async (tx: Queryable, job: string, after: Place, most: number): Promise<Waiting[]> => {
  const rows = await tx.query(listWaiting, [job, toIso(after.at), after.seq, most]);
  return rows.map((row) => ({
    seq: row.replay_seq,
    n: row.replay_n,
    at: row.replay_at,
    row: row.seq === null ? undefined : fromRow(row),
  }));
};

const countOutcomesOf = statement<{ outcome: string | null; count: number }>(
  'replays.count-outcomes',
  'select outcome, count(*)::int as count from replays where job = $1 group by outcome',
);
const listUndone = statement<{ seq: number; reason: string }>(
  'replays.list-not-replayed',
  `select seq, reason from replays where job = $1 and outcome = 'not replayed' order by seq limit $2`,
);

export const countOutcomes = (on: Queryable, job: string) => on.query(countOutcomesOf, [job]);
export const listNotReplayed = (on: Queryable, job: string, most: number) => on.query(listUndone, [job, most]);
