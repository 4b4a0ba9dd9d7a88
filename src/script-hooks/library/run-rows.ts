// The ledger of runs: what each run saw and what came of it.
import { toIso } from '../../core/clock.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { FailureKind, Outcome, Thrown } from '../types.ts';

export type RunRow = {
  /** ms since the epoch. */
  readonly at: number;
  readonly hook: string;
  readonly hookVersion: number;
  /** A nest, or the empty text. */
  readonly origin: string;
  readonly src: string;
  readonly depth: number;
  /** `on-post/add`, `cron` and the like. */
  readonly eventKind: string;
  /** As JSON; null: larger than is kept. */
  readonly event: string | null;
  readonly outcome: RunOutcome;
  /** Of all but `allowed`. */
  readonly reason: string | null;
  readonly result: RunResult;
  readonly durationMs: number;
  readonly seed: string;
  /** As JSON; null: too large to be repeated. */
  readonly replay: string | null;
};

/**
 * `limited`: a bound of time or memory was reached. `skipped`: the hook did not run, because it is
 * disabled or does not compile.
 */
export const RUN_OUTCOMES = ['allowed', 'denied', 'failed', 'limited', 'skipped'] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

/** Of a run that took place. */
export const outcomeOf = (outcome: Outcome): RunOutcome => {
  if (outcome.outcome !== 'failed') return outcome.outcome;
  return BOUNDS.includes(outcome.kind) ? 'limited' : 'failed';
};

const BOUNDS: readonly FailureKind[] = ['deadline', 'memory', 'terminated'];

/** As a text column has it, which has no room for NUL. */
export const reasonOf = (outcome: Outcome): string | null => {
  if (outcome.outcome === 'allowed') return null;
  return withoutNul(outcome.outcome === 'denied' ? outcome.reason : outcome.message);
};

export type RunResult = {
  readonly effects: readonly unknown[];
  readonly prints: readonly string[];
  readonly dropped: readonly { readonly pointer: string; readonly reason: string }[];
  /** Of a failure. */
  readonly failure?: RunFailure;
  /** What the hook made of the event, where it changed it. */
  readonly event?: unknown;
};

export type RunFailure = {
  readonly kind: FailureKind;
  readonly line?: number;
  readonly column?: number;
  readonly stack: Thrown['stack'];
  readonly causes: readonly Thrown[];
};

const insertRuns = statement<{ id: number }>(
  'script-runs.insert',
  `insert into script_runs
     (at, hook, hook_version, origin, src, depth, event_kind, event, outcome, reason, result, duration_ms, seed, replay)
   select at, hook, hook_version, origin, src, depth, event_kind, event, outcome, reason, result, duration_ms, seed, replay
   from unnest($1::timestamptz[], $2::numeric[], $3::bigint[], $4::text[], $5::text[], $6::int[], $7::text[], $8::json[],
     $9::text[], $10::text[], $11::json[], $12::float8[], $13::text[], $14::json[])
     with ordinality as given (at, hook, hook_version, origin, src, depth, event_kind, event, outcome, reason, result,
       duration_ms, seed, replay, position)
   order by position returning id`,
);

/** Answers their ids, in order. */
export const insertRunRows = async (tx: Transaction, rows: readonly RunRow[]): Promise<number[]> => {
  if (rows.length === 0) return [];
  const column = <Value>(value: (row: RunRow) => Value) => rows.map(value);
  const inserted = await tx.query(insertRuns, [
    column(({ at }) => toIso(at)),
    column(({ hook }) => hook),
    column(({ hookVersion }) => hookVersion),
    column(({ origin }) => origin),
    column(({ src }) => src),
    column(({ depth }) => depth),
    column(({ eventKind }) => eventKind),
    column(({ event }) => event),
    column(({ outcome }) => outcome),
    column(({ reason }) => reason),
    column(({ result }) => JSON.stringify(result)),
    column(({ durationMs }) => durationMs),
    column(({ seed }) => seed),
    column(({ replay }) => replay),
  ]);
  return inserted.map(({ id }) => id);
};

const withoutNul = (text: string | null): string | null => text?.replaceAll('\0', '\u{fffd}') ?? null;

const noteFailedEffect = statement(
  'script-runs.failed-effect',
  `update script_runs
   set failed_effects = (coalesce(failed_effects::jsonb, '[]'::jsonb) || jsonb_build_array(
     jsonb_build_object('index', $2::int, 'reason', $3::text)))::json
   where id = $1`,
);

/** An effect of this run was refused when it was done. */
export const storeFailedEffect = (from: Queryable, run: number, index: number, reason: string): Promise<unknown> =>
  from.query(noteFailedEffect, [run, index, withoutNul(reason)]);

const deleteOld = statement<{ id: number }>(
  'script-runs.delete-old',
  `delete from script_runs where id in (select id from script_runs where at < $1 order by at limit $2) returning id`,
);

/** Answers how many it deleted, at most `limit`. */
export const deleteRunsBefore = async (from: Queryable, before: number, limit: number): Promise<number> =>
  (await from.query(deleteOld, [toIso(before), limit])).length;
