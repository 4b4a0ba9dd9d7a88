// The ledger of runs, read: pages of it, and one run.
import { parseUv, uvText } from '../../community/schema/uv.ts';
import type { Event } from '../../community/types/event.ts';
import type { Queryable } from '../../database/database.ts';
import { type Statement, statement } from '../../database/statement.ts';
import type { Replay } from './replay.ts';
import type { RunOutcome, RunResult } from './run-rows.ts';

export type RunEntry = {
  readonly id: number;
  /** ms */
  readonly at: number;
  /** Its id and its name; the name is null when the hook was deleted. */
  readonly hook: string;
  readonly name: string | null;
  readonly hookVersion: number;
  /** A nest, or null. */
  readonly origin: string | null;
  /** Who caused the event. */
  readonly src: string;
  /** How many effects led to it. */
  readonly depth: number;
  readonly eventKind: string;
  readonly outcome: RunOutcome;
  readonly reason: string | null;
  readonly result: RunResult;
  readonly failedEffects: readonly { readonly index: number; readonly reason: string }[];
  readonly durationMs: number;
  readonly seed: string;
  readonly isRepeatable: boolean;
};

/** `event`: as the hook got it; null: it was too large to be kept. */
export type WholeRun = RunEntry & { readonly event: Event | null };

export type RunsQuery = {
  readonly hook?: string | undefined;
  /** A nest, or `global`. */
  readonly origin?: string | undefined;
  readonly limit: number;
};

/** Runs that follow: those after `after` that are not among `seen`, oldest first. */
export type FollowQuery = RunsQuery & { readonly after: number; readonly seen: readonly number[] };

export type RunsPage = { readonly runs: readonly RunEntry[]; readonly continuationToken?: string };

/** Prints and effects of a run may have 2 MiB: a page ends when it has more than this. */
const LARGEST_PAGE = 1024 * 1024;

export type Size = { readonly id: number; readonly bytes: number };
type Row = Omit<RunEntry, 'origin' | 'failedEffects'> & {
  readonly origin: string;
  readonly failedEffects: RunEntry['failedEffects'] | null;
};

export const RUN_BYTES = 'octet_length(result::text) + coalesce(octet_length(failed_effects::text), 0)';

/** One statement for each way to ask, so that each finds its rows by an index. */
const sizesWhere = (name: string, where: string, order: string): Statement<Size> =>
  statement(
    `script-runs.${name}`,
    `select id, (${RUN_BYTES})::int8 as bytes from script_runs where ${where} order by id ${order} limit $2`,
  );
const NEWEST = {
  all: sizesWhere('newest', 'id < $1', 'desc'),
  hook: sizesWhere('newest-of-hook', 'id < $1 and hook = $3', 'desc'),
  origin: sizesWhere('newest-of-origin', 'id < $1 and origin = $3', 'desc'),
  both: sizesWhere('newest-of-both', 'id < $1 and hook = $3 and origin = $4', 'desc'),
};
const FOLLOWING = {
  all: sizesWhere('following', 'id > $1 and id <> all($3::bigint[])', 'asc'),
  hook: sizesWhere('following-of-hook', 'id > $1 and id <> all($3::bigint[]) and hook = $4', 'asc'),
  origin: sizesWhere('following-of-origin', 'id > $1 and id <> all($3::bigint[]) and origin = $4', 'asc'),
  both: sizesWhere('following-of-both', 'id > $1 and id <> all($3::bigint[]) and hook = $4 and origin = $5', 'asc'),
};

const ENTRY = `r.id, r.at, r.hook::text, h.name, r.hook_version as "hookVersion", r.origin, r.src, r.depth,
  r.event_kind as "eventKind", r.outcome, r.reason, r.result, r.failed_effects as "failedEffects",
  r.duration_ms as "durationMs", r.seed, r.replay is not null and r.event is not null as "isRepeatable"`;
const readEntries = statement<Row>(
  'script-runs.entries',
  `select ${ENTRY} from script_runs r left join script_hooks h on h.id = r.hook where r.id = any($1::bigint[])`,
);
const readWhole = statement<Row & { readonly event: Event | null }>(
  'script-runs.whole',
  `select ${ENTRY}, r.event from script_runs r left join script_hooks h on h.id = r.hook where r.id = $1`,
);
const readReplay = statement<{ readonly replay: Replay | null; readonly source: string | null }>(
  'script-runs.replay',
  `select r.replay, (select s.source from script_sources s where s.hook = r.hook and s.version <= r.hook_version
    order by s.version desc limit 1) as source
  from script_runs r where r.id = $1`,
);

const entryOf = <R extends Row>(row: R) => ({
  ...row,
  hook: uvText(row.hook),
  origin: row.origin === '' ? null : row.origin,
  failedEffects: row.failedEffects ?? [],
});

/** As the table has them. */
export const runsKey = ({ hook, origin }: Pick<RunsQuery, 'hook' | 'origin'>) => ({
  id: hook === undefined ? undefined : String(parseUv(hook) ?? -1n),
  place: origin === 'global' ? '' : origin,
});

/** Which of the statements, and what it is asked. */
const chosen = (among: typeof NEWEST, query: RunsQuery): [Statement<Size>, unknown[]] => {
  const { id, place } = runsKey(query);
  if (id !== undefined && place !== undefined) return [among.both, [id, place]];
  if (id !== undefined) return [among.hook, [id]];
  return place === undefined ? [among.all, []] : [among.origin, [place]];
};

export const entriesOf = async (on: Queryable, sizes: readonly Size[]): Promise<RunEntry[]> => {
  let left = LARGEST_PAGE;
  const ids = sizes.filter(({ bytes }, index) => {
    left -= bytes;
    return index === 0 || left > 0;
  });
  const rows = await on.query(readEntries, [ids.map(({ id }) => id)]);
  const found = new Map(rows.map((row) => [row.id, entryOf(row)]));
  return ids.flatMap(({ id }) => found.get(id) ?? []); // retention may have come in between
};

/** Newest first. */
export const readRuns = async (
  on: Queryable,
  query: RunsQuery,
  before = Number.MAX_SAFE_INTEGER,
): Promise<RunsPage> => {
  const [asked, values] = chosen(NEWEST, query);
  const sizes = await on.query(asked, [before, query.limit + 1, ...values]);
  const runs = await entriesOf(on, sizes.slice(0, query.limit));
  const last = runs.at(-1);
  return last !== undefined && runs.length < sizes.length ? { runs, continuationToken: String(last.id) } : { runs };
};

/** Ids are given before a row is committed, so one may come in behind a later one. */
export const readFollowing = async (on: Queryable, query: FollowQuery): Promise<RunsPage> => {
  const [asked, values] = chosen(FOLLOWING, query);
  const sizes = await on.query(asked, [query.after, query.limit, query.seen, ...values]);
  return { runs: await entriesOf(on, sizes) };
};

export const readRun = async (on: Queryable, id: number): Promise<WholeRun | undefined> => {
  const [row] = await on.query(readWhole, [id]);
  return row && { ...entryOf(row), event: row.event };
};

/** What a run needs to be repeated. */
export const readReplayOf = async (on: Queryable, id: number) => (await on.query(readReplay, [id]))[0];

export type RunOfEvent = {
  readonly id: number;
  readonly at: number;
  readonly src: string;
  readonly event_kind: string;
  readonly hook: string;
};
const latestRuns = statement<RunOfEvent>(
  'script-runs.latest-events',
  `select id, at, src, event_kind, hook from script_runs where origin = $1 order by id desc limit $2`,
);

/** Of a channel, newest first. */
export const readLatestRuns = (from: Queryable, nest: string, limit: number): Promise<RunOfEvent[]> =>
  from.query(latestRuns, [nest, limit]);
