// Copies of events that are known: counted, answered as the first one was, and forgotten in time.
import { type Clock, toIso } from '../../../core/clock.ts';
import { newUuid } from '../../../core/ids.ts';
import type { Log } from '../../../core/log.ts';
import { createLoop } from '../../../core/loop.ts';
import type { Database } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import type { FiredBy } from '../../evaluation/template.ts';
import type { EndFires } from '../end-fires.ts';
import type { EndedFire, FireEvent, KnownEvent } from '../fire.ts';

/** The fire that an event has led to. */
export type FirstFire = {
  readonly hookUid: string;
  readonly cause: string;
  readonly taskId: string;
  readonly bodyHash: Buffer;
  /** How many have come of this event since, this one included. */
  readonly copies: number;
};

export type KnownEvents = {
  /** A copy has come. undefined: the event is not known, or not any more. */
  readonly meet: (hookUid: string, event: KnownEvent) => Promise<FirstFire | undefined>;
  /** The fire has made no task, and the event may come again. */
  readonly forget: (first: FirstFire, event: KnownEvent) => Promise<void>;
  /** The row of a copy in the ledger; beyond the first few of an event they are counted only. */
  readonly skip: (copy: FireEvent, first: FirstFire, detail: object | undefined) => Promise<void>;
  /** Forgets what is old enough, until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

export type KnownEventsSettings = {
  readonly database: Database;
  readonly endFires: Pick<EndFires, 'inTransaction' | 'alone'>;
  readonly clock: Clock;
  readonly log: Log;
};

const MOST_OF_THEIR_OWN = 5;
const FORGET_EVERY_MS = 60_000;
const MOST_FORGOTTEN_AT_ONCE = 1_000;

const meetKnown = statement<{ body_hash: Buffer; cause: string; task_id: string; copies: number }>(
  'known-events.meet',
  `update known_events set copies = copies + 1, last_copy = $3
   where hook_uid = $1 and key = $2 returning body_hash, cause, task_id, copies`,
);

const forgetKnown = statement(
  'known-events.forget',
  'delete from known_events where hook_uid = $1 and key = $2 and cause = $3',
);

type OldRow = {
  readonly hook_uid: string;
  readonly hook_group_id: string | null;
  readonly hook_id: string | null;
  readonly task_id: string;
  readonly fired_by: FiredBy;
  readonly copies: number;
  readonly last_copy: number;
};

const forgetOld = statement<OldRow>(
  'known-events.forget-old',
  `with gone as (
     delete from known_events where (hook_uid, key) in (
       select hook_uid, key from known_events where forget <= $1 order by forget limit ${MOST_FORGOTTEN_AT_ONCE}
       for update skip locked)
     returning hook_uid, task_id, fired_by, copies, last_copy)
   select gone.*, hooks.hook_group_id, hooks.hook_id from gone left join hooks on hooks.uid = gone.hook_uid`,
);

export const createKnownEvents = ({ database, endFires, clock, log }: KnownEventsSettings): KnownEvents => {
  /** Answers when to come again; nothing: as usual. */
  const forgetSome = async (): Promise<number | undefined> => {
    const { count, afterCommit } = await database.transaction(async (tx) => {
      const gone = await tx.query(forgetOld, [toIso(clock.now())]);
      return { count: gone.length, afterCommit: await endFires.inTransaction(tx, gone.flatMap(sumUp)) };
    });
    afterCommit();
    return count === MOST_FORGOTTEN_AT_ONCE ? 0 : undefined;
  };
  const loop = createLoop({ name: 'forgetting events', clock, log, everyMs: FORGET_EVERY_MS, turn: forgetSome });

  return {
    run: loop.run,
    meet: async (hookUid, { key }) => {
      const [row] = await database.query(meetKnown, [hookUid, key, toIso(clock.now())]);
      return row && { hookUid, cause: row.cause, taskId: row.task_id, bodyHash: row.body_hash, copies: row.copies };
    },
    forget: async ({ hookUid, cause }, { key }) => {
      await database.query(forgetKnown, [hookUid, key, cause]);
    },
    skip: ({ arrived, ...copy }, { taskId, copies }, detail) =>
      endFires.alone({
        ...copy,
        arrived,
        cause: `copy:${newUuid()}`,
        taskId: null,
        outcome: 'skipped',
        attempts: 0,
        error: { message: `This event came before: with it, the task ${taskId} was asked for.` },
        detail: { because: 'duplicate', taskId, ...detail },
        ...(copies > MOST_OF_THEIR_OWN && { hasRow: false }),
      }),
  };
};

/** What a hook that is gone has left is told to nobody. */
const sumUp = (row: OldRow): EndedFire[] => {
  const { copies, hook_group_id: hookGroupId, hook_id: hookId, task_id: taskId } = row;
  if (copies <= MOST_OF_THEIR_OWN || hookGroupId === null || hookId === null) return [];
  const count = copies - MOST_OF_THEIR_OWN;
  const last = toIso(row.last_copy);
  return [
    {
      hookUid: row.hook_uid,
      cause: `copies:${taskId}`,
      hookGroupId,
      hookId,
      firedBy: row.fired_by,
      clientId: undefined,
      requestId: newUuid(),
      arrived: row.last_copy,
      taskId: null,
      outcome: 'skipped',
      attempts: 0,
      error: {
        message: `${count} more copies came of the event that made the task ${taskId}; the last one at ${last}.`,
      },
      detail: { because: 'duplicate', taskId, count, last },
      events: 0, // each was counted when it came
    },
  ];
};
