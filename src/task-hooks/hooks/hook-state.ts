// What changes with the occurrences of a hook: which was the latest, and when its owner was last
// mailed.
import { toIso } from '../../core/clock.ts';
import type { Transaction } from '../../database/database.ts';
import { statement, type WholePiece } from '../../database/statement.ts';

export type Occurrence = { readonly hookUid: string; readonly at: number };

// The identity of an occurrence is (hook, time). Only later ones than the latest pass, so none
// fires twice: not when two schedulers claim the same timer after each other, not when a clock is
// set back, not when an edit finds a next date that another process has seen fire.
const advancing = (first: number): string =>
  `insert into hook_state (hook_uid, last_occurrence)
   select * from unnest($${first}::uuid[], $${first + 1}::timestamptz[])
   on conflict (hook_uid) do update set last_occurrence = excluded.last_occurrence
     where hook_state.last_occurrence is null or hook_state.last_occurrence < excluded.last_occurrence
   returning hook_uid`;

const advanceStates = statement<{ hook_uid: string }>('hook-state.advance', advancing(1));

/** As `advance`, for a larger statement; whole if all are later. Its values: `advanceValues`. */
export const advancedPiece: WholePiece = {
  name: 'advanced',
  parameters: 2,
  text: (first) => `advanced as (${advancing(first)})`,
  isWhole: (first) => `(select count(*) from advanced) = cardinality($${first}::uuid[])`,
};

// In one order, so that two who do this for the same hooks wait for each other instead of locking
// each other out.
export const advanceValues = (occurrences: readonly Occurrence[]): unknown[] => {
  const sorted = occurrences.toSorted((a, b) => (a.hookUid < b.hookUid ? -1 : 1));
  return [sorted.map(({ hookUid }) => hookUid), sorted.map(({ at }) => toIso(at))];
};

/**
 * Records each hook's latest occurrence; answers the hooks for which it is later than the one
 * before. One occurrence a hook.
 */
export const advance = async (tx: Transaction, occurrences: readonly Occurrence[]): Promise<ReadonlySet<string>> => {
  if (occurrences.length === 0) return new Set();
  const rows = await tx.query(advanceStates, advanceValues(occurrences));
  return new Set(rows.map(({ hook_uid }) => hook_uid));
};

const findLast = statement<{ last_occurrence: number | null }>(
  'hook-state.last',
  'select last_occurrence from hook_state where hook_uid = $1',
);

/** In ms. */
export const lastOccurrence = async (tx: Transaction, hookUid: string): Promise<number | undefined> =>
  (await tx.query(findLast, [hookUid]))[0]?.last_occurrence ?? undefined;

const resetLast = statement(
  'hook-state.reset-last',
  'update hook_state set last_occurrence = null where hook_uid = $1',
);

/** After a clock that was far ahead. */
export const resetLastOccurrence = async (tx: Transaction, hookUid: string): Promise<void> => {
  await tx.query(resetLast, [hookUid]);
};

const markMailed = statement<{ hook_uid: string }>(
  'hook-state.mailed',
  `insert into hook_state (hook_uid, last_mailed) select uid, $2::timestamptz from unnest($1::uuid[]) as uid order by uid
   on conflict (hook_uid) do update set last_mailed = excluded.last_mailed
     where hook_state.last_mailed is null or hook_state.last_mailed not between $3::timestamptz and $2::timestamptz
   returning hook_uid`,
);

/**
 * The hooks whose owners may be mailed now: those who were not since `quietSince`. They count as
 * mailed.
 */
export const takeMailTurns = async (
  tx: Transaction,
  hookUids: readonly string[],
  now: number,
  quietSince: number,
): Promise<ReadonlySet<string>> => {
  if (hookUids.length === 0) return new Set();
  const rows = await tx.query(markMailed, [hookUids, toIso(now), toIso(quietSince)]);
  return new Set(rows.map(({ hook_uid }) => hook_uid));
};

const forgetState = statement('hook-state.forget', 'delete from hook_state where hook_uid = $1');

export const forgetHookState = async (tx: Transaction, hookUid: string): Promise<void> => {
  await tx.query(forgetState, [hookUid]);
};
