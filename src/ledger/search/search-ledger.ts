// Pages of the ledger over all hooks, newest first. Whatever is looked for, an answer takes a
// bounded time: it holds what was found until then, and from where the next page goes on.
import { type Clock, toIso } from '../../core/clock.ts';
import { walkBounded } from '../../database/bounded-walk.ts';
import type { Queryable } from '../../database/database.ts';
import { type Statement, statement } from '../../database/statement.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { NEWEST } from '../read.ts';
import { FILTER_VALUES, filterCondition, filterValues, type LedgerFilter } from './filter.ts';
import { FOUND_COLUMNS, type FoundRaw, type FoundRow, foundRow } from './found-row.ts';

export type LedgerSearch = LedgerFilter & {
  /** ms; entries of that moment and later. */
  readonly since?: number | undefined;
  /** ms; entries before that moment. */
  readonly until?: number | undefined;
  readonly limit: number;
  readonly continuationToken?: string | undefined;
};

export type FoundPage = {
  readonly entries: readonly FoundRow[];
  /** Leads to what is older; absent when all was looked at. */
  readonly continuationToken?: string;
  /** ms; there because the time for one page was up: what is older was not looked at yet. */
  readonly lookedUntil?: number;
};

/** Entries of one task, cause or request. */
const MOST_OF_ONE = 10_000;

const BEFORE = 'at <= $1 and (at, seq) < ($1, $2) and at >= $3';
const FILTER = filterCondition(6);
const OWN = 6 + FILTER_VALUES;

type WalkRow = FoundRaw & { readonly last_at: number | null; readonly last_seq: number | null };

/** Some entries in order: those that match, and the last one that was looked at. */
const walk = (name: string, of: string): Statement<WalkRow> =>
  statement(
    `ledger.walk-${name}`,
    `with last as (
       select at, seq from ledger where ${BEFORE} and ${of} order by at desc, seq desc offset $5::int - 1 limit 1)
     select last.at as last_at, last.seq as last_seq, found.*
     from (select) as one left join last on true left join lateral (
       select ${FOUND_COLUMNS} from ledger
       where ${BEFORE} and ${of} and at >= coalesce(last.at, $3) and (last.at is null or (at, seq) >= (last.at, last.seq))
         and ${FILTER}
       order by at desc, seq desc limit $4) as found on true
     order by found.at desc, found.seq desc`,
  );

// One statement for each way to find rows, so that each has its index.
const WALKS = {
  all: walk('all', 'true'),
  withoutTask: walk('without-task', `outcome is distinct from 'created'`),
  hook: walk('hook', `hook_uid = $${OWN}::uuid`),
};

/** Those of one value first, however many rows there are: their index knows nothing of an order. */
const findOf = (column: 'task_id' | 'cause' | 'request_id'): Statement<FoundRaw> =>
  statement(
    `ledger.search-${column}`,
    `with those as materialized (select * from ledger where ${column} = $5::text limit ${MOST_OF_ONE})
     select ${FOUND_COLUMNS} from those where ${BEFORE} and ${FILTER} order by at desc, seq desc limit $4`,
  );
const OF_ONE = { taskId: findOf('task_id'), cause: findOf('cause'), requestId: findOf('request_id') };

/** A hook that was removed and made again has several. */
const findUids = statement<{ uid: string }>(
  'ledger.uids-of-hook',
  `select uid from hooks where hook_group_id = $1 and hook_id = $2
   union select hook_uid from audit where hook_group_id = $1 and hook_id = $2 limit 2`,
);

/** Throws InputError when the continuationToken is not one of ours. */
export const searchLedger = async (on: Queryable, clock: Clock, search: LedgerSearch): Promise<FoundPage> => {
  const { limit, since = 0, until } = search;
  const first = until === undefined ? NEWEST : { at: until, seq: 0 };
  const from = search.continuationToken === undefined ? first : readCursor(search.continuationToken);
  const values = (place: Place, most: number, step: unknown) => [
    ...[toIso(place.at), place.seq, toIso(since), most, step],
    ...filterValues(search),
  ];
  const key = KEYS.find((name) => search[name] !== undefined);
  if (key) {
    const rows = await on.query(OF_ONE[key], values(from, limit + 1, search[key]));
    return pageOf(rows, limit);
  }
  const { by, own } = await wayOf(on, search);
  const { found, stoppedAt } = await walkBounded(clock, limit, from, async (place: Place, most, size) => {
    const rows = await on.query(by, [...values(place, most, size), ...own]);
    const { last_at: at, last_seq: seq } = rows[0] as WalkRow;
    return {
      found: rows.filter((row) => row.seq !== null),
      last: at !== null && seq !== null ? { at, seq } : undefined,
    };
  });
  if (!stoppedAt) return pageOf(found, limit);
  return { entries: found.map(foundRow), continuationToken: writeCursor(stoppedAt), lookedUntil: stoppedAt.at };
};

type Place = { readonly at: number; readonly seq: number };

const KEYS = ['taskId', 'cause', 'requestId'] as const;

const wayOf = async (
  on: Queryable,
  { hook, outcomes, kinds }: LedgerSearch,
): Promise<{ readonly by: Statement<WalkRow>; readonly own: readonly unknown[] }> => {
  const slash = hook?.indexOf('/') ?? -1;
  if (hook !== undefined && slash > 0 && !hook.includes('*')) {
    const uids = await on.query(findUids, [hook.slice(0, slash), hook.slice(slash + 1)]);
    if (uids.length === 1) return { by: WALKS.hook, own: [uids[0]?.uid] };
  }
  const isWithoutTask = outcomes ? !outcomes.includes('created') : kinds && !kinds.includes('fire');
  return { by: isWithoutTask ? WALKS.withoutTask : WALKS.all, own: [] };
};

const pageOf = (rows: readonly FoundRaw[], limit: number): FoundPage => {
  const entries = rows.slice(0, limit).map(foundRow);
  const last = entries.at(-1);
  return rows.length > limit && last ? { entries, continuationToken: writeCursor(last) } : { entries };
};
