// Fires that are not finished, and how they become rows of the ledger. Statements of concurrent
// fires are shared. How they are stored at first is in fire-inserts.ts.
import { toIso } from '../../core/clock.ts';
import { createBatch } from '../../database/batch.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { FiredBy, Unrendered } from '../evaluation/template.ts';
import type { Ending, Fire, FireKey, StoredFire } from './fire.ts';
import { createFireInserts, type FireInserts, MOST_AT_ONCE } from './fire-inserts.ts';

export type Finished = FireKey & Ending & { readonly at: number };

export type UnfinishedFire = Pick<
  Fire,
  'firedBy' | 'taskId' | 'arrived' | 'attempts' | 'givesUp' | 'clientId' | 'requestId'
> & {
  /** Why the last attempt made no task. */
  readonly error: unknown;
};

export type FireStore = FireInserts & {
  /** Gives the fire its task. false: it is gone, or has one. */
  readonly setTask: (key: FireKey, task: string, givesUp: number) => Promise<boolean>;
  /** Moves the fire to the ledger. Harmless when it was there already. */
  readonly finish: (finished: Finished) => Promise<void>;
  /**
   * As `finish`, together with what else is to be done then; that is not done when the fire was
   * finished already, by another process.
   */
  readonly finishAnd: (finished: Finished, and: (tx: Transaction) => Promise<void>) => Promise<void>;
  /** Records a failed attempt and when the next one may begin. */
  readonly postpone: (key: FireKey, at: number, due: number, error: unknown) => Promise<void>;
  /** Takes up to `most` fires that are due, leaving out hooks that have enough under way. */
  readonly claimDue: (
    now: number,
    leaseEnds: number,
    most: number,
    busyHooks: readonly string[],
  ) => Promise<StoredFire[]>;
  /**
   * Takes the fires of these tasks, whoever has their leases, of which no attempt has failed yet.
   */
  readonly claimOfTasks: (taskIds: readonly string[], leaseEnds: number) => Promise<StoredFire[]>;
  /** For fires as they were claimed: one that was postponed since has another time to wait for. */
  readonly extendLeases: (claimed: readonly StoredFire[], leaseEnds: number) => Promise<void>;
  /** Fires of a hook that have no outcome yet, newest first. */
  readonly listUnfinished: (hookUid: string, most: number) => Promise<UnfinishedFire[]>;
  readonly findUnfinished: (key: FireKey) => Promise<{ payloadHash: Buffer | null } | undefined>;
};

const setFireTask = statement<{ cause: string }>(
  'fires.set-task',
  `update fires set task = $3, unrendered = null, gives_up = $4
   where hook_uid = $1 and cause = $2 and unrendered is not null returning cause`,
);

// The commit need not wait for the disk: what a crash of PostgreSQL would undo here leaves the fire
// unfinished, and it is finished again with the same task. That saves one of three flushes a fire.
const finishFires = statement<{ hook_uid: string }>(
  'fires.finish',
  `with quickly as materialized (select set_config('synchronous_commit', 'off', true)),
        gone as (
          delete from fires using unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::json[], $6::int[])
                   as done(hook_uid, cause, at, outcome, error, attempts)
          where fires.hook_uid = done.hook_uid and fires.cause = done.cause
          returning done.at, done.outcome, done.error, done.attempts as attempts_made, fires.*)
   insert into ledger (at, kind, outcome, hook_uid, hook_group_id, hook_id, hook_revision, cause, fired_by, task_id, arrived, attempts,
                       client_id, request_id, payload_hash, error, detail)
   select at, 'fire', outcome, hook_uid, hook_group_id, hook_id, hook_revision, cause, fired_by, task_id, arrived, attempts_made,
          client_id, request_id, payload_hash, error, detail
   from gone, quickly
   returning hook_uid`,
);

const postponeFire = statement(
  'fires.postpone',
  `with later as (
     update fires set attempts = attempts + 1, due = $4, last_error = $5
     where hook_uid = $1 and cause = $2
     returning *)
   insert into ledger (at, kind, hook_uid, hook_group_id, hook_id, hook_revision, cause, fired_by, task_id, arrived, attempts, client_id,
                       request_id, error)
   select $3, 'attempt', hook_uid, hook_group_id, hook_id, hook_revision, cause, fired_by, task_id, arrived, attempts, client_id,
          request_id, last_error
   from later`,
);

type FireRow = {
  hook_uid: string;
  cause: string;
  hook_group_id: string;
  hook_id: string;
  hook_revision: number | null;
  fired_by: FiredBy;
  task_id: string;
  task: string | null;
  unrendered: Unrendered | null;
  payload_hash: Buffer | null;
  client_id: string | null;
  request_id: string;
  arrived: number;
  gives_up: number;
  attempts: number;
};

const FIRE_COLUMNS = `hook_uid, cause, hook_group_id, hook_id, hook_revision, fired_by, task_id, task::text as task, unrendered, payload_hash,
             client_id, request_id, arrived, gives_up, attempts`;

const claimDueFires = statement<FireRow>(
  'fires.claim-due',
  `update fires set due = $2
   where (hook_uid, cause) in (
     select hook_uid, cause from fires
     where due <= $1 and hook_uid <> all($4::uuid[])
     order by due
     limit $3
     for update skip locked)
   returning ${FIRE_COLUMNS}`,
);

// Without an index: the table is small, and an index would cost each fire a write.
const claimFiresOfTasks = statement<FireRow>(
  'fires.claim-of-tasks',
  `update fires set due = $2 where task_id = any($1::text[]) and attempts = 0 returning ${FIRE_COLUMNS}`,
);

const extendFireLeases = statement(
  'fires.extend-leases',
  `update fires set due = $3
   from unnest($1::uuid[], $2::text[], $4::int[]) as mine(hook_uid, cause, attempts)
   where fires.hook_uid = mine.hook_uid and fires.cause = mine.cause and fires.attempts = mine.attempts`,
);

const findUnfinishedFire = statement<{ payload_hash: Buffer | null }>(
  'fires.find',
  'select payload_hash from fires where hook_uid = $1 and cause = $2',
);

type UnfinishedRow = Pick<
  FireRow,
  'fired_by' | 'task_id' | 'arrived' | 'attempts' | 'gives_up' | 'client_id' | 'request_id'
> & { last_error: unknown };

const listUnfinishedFires = statement<UnfinishedRow>(
  'fires.list',
  `select fired_by, task_id, arrived, attempts, gives_up, client_id, request_id, last_error
   from fires where hook_uid = $1 order by arrived desc limit $2`,
);

const finishValues = (done: readonly Finished[]): unknown[] => [
  done.map(({ hookUid }) => hookUid),
  done.map(({ cause }) => cause),
  done.map(({ at }) => toIso(at)),
  done.map(({ outcome }) => outcome),
  done.map(({ error }) => (error === undefined ? null : JSON.stringify(error))),
  done.map(({ attempts }) => attempts),
];

export const createFireStore = (
  database: Database,
  ledger: Pick<Ledger, 'withMonths' | 'ensureMonths' | 'forgetIfMissing' | 'payloadMonths'>,
): FireStore => {
  const finishTogether = createBatch<Finished, void>({
    maxItems: MOST_AT_ONCE,
    concurrency: 2,
    run: async (done) => {
      const months = done.map(({ at }) => at);
      await ledger.withMonths(months, () => database.query(finishFires, finishValues(done)));
      return done.map(() => undefined);
    },
  });

  return {
    ...createFireInserts(database, ledger.payloadMonths),
    setTask: async ({ hookUid, cause }, task, givesUp) =>
      (await database.query(setFireTask, [hookUid, cause, task, toIso(givesUp)])).length > 0,
    finishAnd: (finished, and) =>
      database.transaction(async (tx) => {
        const months = [finished.at];
        await ledger.ensureMonths(months, tx);
        const ended = await tx.query(finishFires, finishValues([finished])).catch((error: unknown) => {
          ledger.forgetIfMissing(error, months);
          throw error;
        });
        if (ended.length > 0) await and(tx);
      }),
    finish: finishTogether,
    postpone: async ({ hookUid, cause }, at, due, error) => {
      const values = [hookUid, cause, toIso(at), toIso(due), JSON.stringify(error)];
      await ledger.withMonths([at], () => database.query(postponeFire, values));
    },
    claimDue: async (now, leaseEnds, most, busyHooks) => {
      const rows = await database.query(claimDueFires, [toIso(now), toIso(leaseEnds), most, busyHooks]);
      return rows.map(fireOf);
    },
    claimOfTasks: async (taskIds, leaseEnds) =>
      (await database.query(claimFiresOfTasks, [taskIds, toIso(leaseEnds)])).map(fireOf),
    extendLeases: async (claimed, leaseEnds) => {
      await database.query(extendFireLeases, [
        claimed.map(({ hookUid }) => hookUid),
        claimed.map(({ cause }) => cause),
        toIso(leaseEnds),
        claimed.map(({ attempts }) => attempts),
      ]);
    },
    listUnfinished: async (hookUid, most) => {
      const rows = await database.query(listUnfinishedFires, [hookUid, most]);
      return rows.map((row) => ({
        firedBy: row.fired_by,
        taskId: row.task_id,
        arrived: row.arrived,
        attempts: row.attempts,
        givesUp: row.gives_up,
        clientId: row.client_id ?? undefined,
        requestId: row.request_id,
        error: row.last_error,
      }));
    },
    findUnfinished: async ({ hookUid, cause }) => {
      const [row] = await database.query(findUnfinishedFire, [hookUid, cause]);
      return row && { payloadHash: row.payload_hash };
    },
  };
};

const fireOf = ({ task, unrendered, ...row }: FireRow): StoredFire => ({
  ...(task !== null ? { task } : { unrendered: unrendered as Unrendered }), // the table's check: one of them is there
  hookUid: row.hook_uid,
  cause: row.cause,
  hookGroupId: row.hook_group_id,
  hookId: row.hook_id,
  hookRevision: row.hook_revision ?? undefined,
  firedBy: row.fired_by,
  taskId: row.task_id,
  payloadHash: row.payload_hash ?? undefined,
  clientId: row.client_id ?? undefined,
  requestId: row.request_id,
  arrived: row.arrived,
  givesUp: row.gives_up,
  attempts: row.attempts,
});
