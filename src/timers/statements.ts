// The table `timers`: every statement that reads or writes it.
import { toIso } from '../core/clock.ts';
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { DueTimer, NewTimer, TimerAnswer, TimerId } from './types.ts';

/** Payload: kind and earliest due time, `schedule 1795188563000`. */
export const TIMERS_CHANNEL = 'timers';

const findEarliest = statement<{ not_before: number }>(
  'timers.earliest',
  'select not_before from timers where kind = $1 order by not_before limit 1',
);

/** When the first timer of a kind may be claimed, if there is one. */
export const earliestOf = async (on: Queryable, kind: string): Promise<number | undefined> =>
  (await on.query(findEarliest, [kind]))[0]?.not_before;

const claimDue = statement<DueTimer>(
  'timers.claim-due',
  `select kind, key, due, data, attempts from timers where kind = $1 and not_before <= $2
   order by not_before limit $3 for update skip locked`,
);

const claimThese = statement<DueTimer>(
  'timers.claim-these',
  `select kind, key, due, data, attempts from timers where kind = $1 and not_before <= $2 and key = any($4)
   order by not_before limit $3 for update skip locked`,
);

export type Claim = {
  readonly kind: string;
  readonly now: number;
  readonly limit: number;
  /** Only these; absent: whatever is due. */
  readonly keys?: readonly string[];
};

/** Locks what is due and not locked by another scheduler, in order of due time. */
export const claim = (on: Queryable, { kind, now, limit, keys }: Claim): Promise<DueTimer[]> =>
  keys ? on.query(claimThese, [kind, toIso(now), limit, keys]) : on.query(claimDue, [kind, toIso(now), limit]);

// One row a timer, and one notification a kind: a scheduler must know only of something earlier
// than what it waits for.
const putTimers = statement<unknown>(
  'timers.put',
  `with input as (select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::json[]) as i (kind, key, due, data)),
   put as (
     insert into timers (kind, key, due, not_before, data) select kind, key, due, due, data from input
     on conflict (kind, key) do update
       set due = excluded.due, not_before = excluded.due, data = excluded.data, attempts = 0, last_error = null
   )
   select pg_notify('${TIMERS_CHANNEL}', kind || ' ' || (extract(epoch from min(due)) * 1000)::bigint) from input group by kind`,
);

export const put = async (on: Queryable, timers: readonly NewTimer[]): Promise<void> => {
  // The last word on a timer counts: one statement cannot write a row twice. In order of identity,
  // so that two who set the same timers wait for each other instead of locking each other out.
  const unique = new Map(timers.map((timer) => [`${timer.kind} ${timer.key}`, timer]));
  const sorted = [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, timer]) => timer);
  if (sorted.length === 0) return;
  await on.query(putTimers, [
    sorted.map(({ kind }) => kind),
    sorted.map(({ key }) => key),
    sorted.map(({ due }) => toIso(due)),
    sorted.map(({ data }) => JSON.stringify(data ?? null)),
  ]);
};

const removeTimer = statement<{ due: number }>(
  'timers.remove',
  'delete from timers where kind = $1 and key = $2 returning due',
);

/** Answers when it was due, if there was such a timer. */
export const remove = async (on: Queryable, { kind, key }: TimerId): Promise<number | undefined> =>
  (await on.query(removeTimer, [kind, key]))[0]?.due;

const findTimer = statement<{ due: number }>('timers.find', 'select due from timers where kind = $1 and key = $2');

export const dueOf = async (on: Queryable, { kind, key }: TimerId): Promise<number | undefined> =>
  (await on.query(findTimer, [kind, key]))[0]?.due;

const moveTimers = statement(
  'timers.move',
  `update timers t set due = i.due, not_before = i.due, data = coalesce(i.data, t.data), attempts = 0, last_error = null
   from unnest($2::text[], $3::timestamptz[], $4::json[]) as i (key, due, data) where t.kind = $1 and t.key = i.key`,
);

const removeDone = statement('timers.remove-done', 'delete from timers where kind = $1 and key = any($2)');

/** Moves or removes the timers of a turn, as their handler answered. */
export const moveOn = async (
  on: Queryable,
  kind: string,
  turns: readonly { readonly timer: DueTimer; readonly answer: TimerAnswer }[],
): Promise<void> => {
  const done = turns.filter(({ answer }) => answer.next === 'never').map(({ timer }) => timer.key);
  const moved = turns.flatMap(({ timer, answer: { next, data } }) =>
    next === 'never'
      ? []
      : [{ key: timer.key, due: toIso(next), data: data === undefined ? null : JSON.stringify(data) }],
  );
  const columns = [moved.map(({ key }) => key), moved.map(({ due }) => due), moved.map(({ data }) => data)];
  await Promise.all([
    done.length > 0 && on.query(removeDone, [kind, done]),
    moved.length > 0 && on.query(moveTimers, [kind, ...columns]),
  ]);
};

// Only the very turn that failed: another scheduler may have had better luck since.
const postponeTimer = statement(
  'timers.postpone',
  `update timers set attempts = attempts + 1, last_error = $5, not_before = $6
   where kind = $1 and key = $2 and due = $3 and attempts = $4`,
);

const LONGEST_ERROR = 2_000;

/** Remembers that the turn of this timer failed, and that it is to be tried again at `again`. */
export const postpone = async (on: Queryable, timer: DueTimer, error: string, again: number): Promise<void> => {
  const { kind, key, due, attempts } = timer;
  const text = error.replaceAll('\0', '\u{fffd}').slice(0, LONGEST_ERROR); // PostgreSQL's text holds no NUL
  await on.query(postponeTimer, [kind, key, toIso(due), attempts, text, toIso(again)]);
};

const countOverdueOnes = statement<{ kind: string; count: number }>(
  'timers.count-overdue',
  `select k.kind, (select count(*)::int from (
             select from timers t where t.kind = k.kind and t.not_before < $2 order by t.not_before limit $3) o) as count
   from unnest($1::text[]) as k (kind)`,
);

/** For each of these kinds, counted up to a bound. */
export const countOverdue = async (
  on: Queryable,
  kinds: readonly string[],
  before: number,
  upTo: number,
): Promise<ReadonlyMap<string, number>> => {
  const rows = await on.query(countOverdueOnes, [kinds, toIso(before), upTo]);
  return new Map(rows.map(({ kind, count }) => [kind, count]));
};
