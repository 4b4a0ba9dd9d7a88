// Reading the ledger: pages of one hook's entries, newest first, and the fire that made a task.
import { toIso } from '../core/clock.ts';
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { readCursor, writeCursor } from './cursor.ts';
import type { EntryKind, LedgerRow, Outcome } from './entry.ts';

export type PageQuery = {
  readonly hookUid: string;
  /** Only these kinds; absent: all. */
  readonly kinds?: readonly EntryKind[];
  /**
   * Only entries with these outcomes; absent: all. Attempts and bindings have no outcome, so
   * `kinds` alone decides about them.
   */
  readonly outcomes?: readonly Outcome[];
  /** From 1 to 1000; what is outside becomes the nearest of them. */
  readonly limit: number;
  /** The token of the page before; absent: the newest page. */
  readonly continuationToken?: string | undefined;
};

export type Page = {
  readonly entries: readonly LedgerRow[];
  /** Leads to what is older; absent on the last page. */
  readonly continuationToken?: string;
};

const LONGEST_PAGE = 1_000;
export const NEWEST = { at: Date.UTC(9999, 11, 31), seq: Number.MAX_SAFE_INTEGER };

// A place in the order (at, seq), not a number of rows to skip: pages neither repeat nor lose an
// entry while others are written. "at <= $2" says nothing new, but by it PostgreSQL skips the
// months that are newer than the page.
const findPage = statement<RawRow>(
  'ledger.page',
  `select * from ledger
   where hook_uid = $1 and at <= $2 and (at, seq) < ($2, $3)
     and ($4::text[] is null or kind = any($4)) and ($5::text[] is null or outcome is null or outcome = any($5))
   order by at desc, seq desc limit $6`,
);

const findByTask = statement<RawRow>(
  'ledger.fire-by-task',
  `select * from ledger where task_id = $2 and payload_hash is not null and hook_uid = $1 and kind = 'fire' order by at desc, seq desc limit 1`,
);

/** One page, newest first. Throws InputError when the continuationToken is not one of ours. */
export const readPage = async (on: Queryable, query: PageQuery): Promise<Page> => {
  const { hookUid, kinds, outcomes, continuationToken } = query;
  const limit = Math.min(Math.max(Math.trunc(query.limit), 1), LONGEST_PAGE);
  const before = continuationToken === undefined ? NEWEST : readCursor(continuationToken);
  const place = [toIso(before.at), before.seq];
  const rows = await on.query(findPage, [hookUid, ...place, kinds ?? null, outcomes ?? null, limit + 1]);
  const entries = rows.slice(0, limit).map(fromRow);
  const last = entries.at(-1);
  return rows.length > limit && last ? { entries, continuationToken: writeCursor(last) } : { entries };
};

/** The finished fire of this hook that has this taskId. */
export const findFireByTask = async (
  on: Queryable,
  hookUid: string,
  taskId: string,
): Promise<LedgerRow | undefined> => {
  const [row] = await on.query(findByTask, [hookUid, taskId]);
  return row && fromRow(row);
};

export type RawRow = {
  readonly at: number;
  readonly seq: number;
  readonly kind: EntryKind;
  readonly outcome: Outcome | null;
  readonly hook_uid: string;
  readonly hook_group_id: string;
  readonly hook_id: string;
  readonly hook_revision: number | null;
  readonly cause: string | null;
  readonly fired_by: string | null;
  readonly task_id: string | null;
  readonly arrived: number;
  readonly attempts: number;
  readonly client_id: string | null;
  readonly request_id: string;
  readonly payload_hash: Buffer | null;
  readonly error: unknown;
  readonly detail: unknown;
};

export const fromRow = (row: RawRow): LedgerRow =>
  ({
    at: row.at,
    seq: row.seq,
    kind: row.kind,
    outcome: row.outcome,
    hookUid: row.hook_uid,
    hookGroupId: row.hook_group_id,
    hookId: row.hook_id,
    hookRevision: row.hook_revision,
    cause: row.cause,
    firedBy: row.fired_by,
    taskId: row.task_id,
    arrived: row.arrived,
    attempts: row.attempts,
    clientId: row.client_id,
    requestId: row.request_id,
    payloadHash: row.payload_hash,
    error: row.error,
    detail: row.detail,
  }) as LedgerRow; // which outcome goes with which kind, the table's checks guard
