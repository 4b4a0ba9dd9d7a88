// The ledger of runs, searched: newest first, and in a bounded time whatever is looked for.
import { type Clock, toIso } from '../../core/clock.ts';
import { walkBounded } from '../../database/bounded-walk.ts';
import type { Queryable } from '../../database/database.ts';
import { type Statement, statement } from '../../database/statement.ts';
import type { RunOutcome } from './run-rows.ts';
import { entriesOf, RUN_BYTES, type RunsPage, type RunsQuery, runsKey, type Size } from './runs.ts';

export type RunsSearch = RunsQuery & {
  readonly outcomes?: readonly RunOutcome[] | undefined;
  /** Who caused the event. */
  readonly src?: string | undefined;
  readonly eventKind?: string | undefined;
  /** ms; runs of that moment and later. */
  readonly since?: number | undefined;
  /** ms; runs before that moment. */
  readonly until?: number | undefined;
  /** In the reason, whatever the case. */
  readonly text?: string | undefined;
};

export type FoundRuns = RunsPage & {
  /** There because the time for one page was up: runs with a smaller id were not looked at yet. */
  readonly lookedUntil?: number;
};

/** Characters of a reason that are looked through. */
const LONGEST_REASON = 1_200;
/** Runs are committed a little out of the order of their ids. */
const SLACK_MS = 60_000;

type Row = { readonly last: number | null; readonly id: number | null; readonly bytes: number };

const walk = (name: string, of: string): Statement<Row> =>
  statement(
    `script-runs.search-${name}`,
    `with last as (
       select id from script_runs where id < $1 and ${of} order by id desc offset $11::int - 1 limit 1)
     select last.id as last, found.id, found.bytes
     from (select) as one left join last on true left join lateral (
       select id, (${RUN_BYTES})::int8 as bytes from script_runs
       where id < $1 and id >= coalesce(last.id, 0) and ${of} and at >= $3 and at < $4
         and ($5::text[] is null or outcome = any($5)) and ($6::text is null or src = $6)
         and ($7::text is null or event_kind = $7)
         and ($8::text is null or strpos(lower(left(reason, ${LONGEST_REASON})), lower($8)) > 0)
         and ($9::numeric is null or hook = $9) and ($10::text is null or origin = $10)
       order by id desc limit $2) as found on true
     order by found.id desc`,
  );

// One for each way to find rows, so that each has its index.
const WALKS = { all: walk('all', 'true'), hook: walk('hook', 'hook = $9'), origin: walk('origin', 'origin = $10') };

const findFirst = statement<{ id: number }>(
  'script-runs.first-before',
  'select max(id) as id from (select id from script_runs where at < $1 order by at desc limit 1000) as latest',
);
const findTime = statement<{ at: number }>('script-runs.time-of', 'select at from script_runs where id = $1');

export const searchRuns = async (
  on: Queryable,
  clock: Clock,
  search: RunsSearch,
  before?: number,
): Promise<FoundRuns> => {
  const { limit, outcomes, src, eventKind, since = 0, until, text } = search;
  const { id: hook, place: origin } = runsKey(search);
  const walkOf = hook !== undefined ? WALKS.hook : origin !== undefined ? WALKS.origin : WALKS.all;
  const filter = [
    ...[toIso(since), until === undefined ? 'infinity' : toIso(until), outcomes ?? null, src ?? null],
    ...[eventKind ?? null, text ?? null, hook ?? null, origin ?? null],
  ];
  const first = until === undefined ? undefined : (await on.query(findFirst, [toIso(until + SLACK_MS)]))[0]?.id;
  const from = Math.min(before ?? Number.MAX_SAFE_INTEGER, (first ?? Number.MAX_SAFE_INTEGER - 1) + 1);
  const { found, stoppedAt } = await walkBounded(clock, limit, from, async (place, most, size) => {
    const rows = await on.query(walkOf, [place, most, ...filter, size]);
    const last = rows[0]?.last ?? undefined;
    const [time] = last === undefined || since === 0 ? [] : await on.query(findTime, [last]);
    const sizes = rows.filter((row): row is Row & Size => row.id !== null);
    return { found: sizes, last: time && time.at < since - SLACK_MS ? undefined : last };
  });
  const runs = await entriesOf(on, found.slice(0, limit));
  const end = runs.at(-1)?.id;
  if (end !== undefined && runs.length < found.length) return { runs, continuationToken: String(end) };
  if (stoppedAt === undefined) return { runs };
  const [time] = await on.query(findTime, [stoppedAt]);
  return { runs, continuationToken: String(stoppedAt), ...(time && { lookedUntil: time.at }) };
};
