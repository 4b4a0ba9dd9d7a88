// A tick: the schedule of a hook has come due. Its fire, and a row of the ledger for occurrences
// that were missed, in the caller's transaction.
import { toIso } from '../../core/clock.ts';
import { newSlugId, newUuid } from '../../core/ids.ts';
import type { Transaction } from '../../database/database.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { LedgerEntry } from '../../ledger/entry.ts';
import type { Hook } from '../definition.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { FiringContext } from '../evaluation/template.ts';
import { LEASE_MS } from '../firing/fire-runner.ts';
import type { FireStore, StoredFire, ToStore } from '../firing/fire-store.ts';
import { givesUpAt } from '../firing/task-times.ts';
import type { HookMemory } from '../hooks/hook-cache.ts';
import { advance } from '../hooks/hook-state.ts';
import { nextOccurrence, passedOccurrences } from './schedule.ts';

export type DueHook = {
  readonly hook: Hook;
  /** The occurrence that its timer was set for; ms. */
  readonly due: number;
};

export type Ticks = {
  /**
   * Records that these hooks are due, each hook once: the latest occurrence up to `now` fires,
   * those before it were missed. The caller has the hooks' timers or their rows locked, and looks
   * for their next dates after the same `now`. Answers the fires that were stored, in order (this
   * process holds their leases if it asked for them, else anybody may take them up), and how many
   * occurrences were missed.
   */
  readonly record: (
    tx: Transaction,
    due: readonly DueHook[],
    now: number,
    lease: 'ours' | 'anybody',
  ) => Promise<Recorded>;
};

export type Recorded = { readonly fires: readonly StoredFire[]; readonly missed: number };

export type TicksSettings = {
  readonly memory: HookMemory;
  readonly evaluator: Evaluator;
  readonly fires: FireStore;
  readonly ledger: Ledger;
};

/**
 * Queues take no task that says it was created long ago (Taskcluster's: 15 minutes). A fire later
 * than this counts from the moment at which it fires, in place of its scheduled date.
 */
const STALE_AFTER_MS = 10 * 60 * 1000;

export const createTicks = ({ memory, evaluator, fires, ledger }: TicksSettings): Ticks => ({
  record: async (tx, due, now, lease) => {
    const passed = due.map(({ hook, due: first }) => ({ hook, ...whatPassed(hook, first, now) }));
    const later = await advance(
      tx,
      passed.map(({ hook, occurrence }) => ({ hookUid: hook.uid, at: occurrence })),
    );
    const occurred = passed.filter(({ hook }) => later.has(hook.uid));
    const missed = occurred.flatMap((one) => (one.missed ? [{ ...one.missed, hook: one.hook }] : []));
    const leaseEnds = lease === 'ours' ? now + LEASE_MS : now;
    const toStore = occurred.map(({ hook, occurrence }): ToStore => {
      const fire = fireOf(memory.compiled(hook), occurrence, now, evaluator);
      return { hook: { uid: hook.uid, revision: 'any' }, fire, leaseEnds }; // its token may be reset meanwhile; what fires stays
    });
    if (missed.length > 0) {
      await ledger.write(
        missed.map(({ hook, ...those }) => missedEntry(hook, those, now)),
        tx,
      );
    }
    return {
      fires: toStore.length > 0 ? await fires.storeAll(tx, toStore) : [],
      missed: missed.reduce((sum, { count }) => sum + count, 0),
    };
  },
});

type Missed = { readonly first: number; readonly last: number; readonly count: number };

const whatPassed = (
  { definition: { schedule } }: Hook,
  first: number,
  now: number,
): { readonly occurrence: number; readonly missed: Missed | undefined } => {
  const next = nextOccurrence(schedule, first);
  if (next === undefined || next > now) return { occurrence: first, missed: undefined };
  const occurrence = passedOccurrences(schedule, next, now)?.last ?? next;
  // The one that the timer was set for may not be a date of the schedule any more, but it was one.
  const between = occurrence > next ? passedOccurrences(schedule, next, occurrence - 1) : undefined;
  return { occurrence, missed: { first, last: between?.last ?? first, count: 1 + (between?.count ?? 0) } };
};

const fireOf = (hook: CompiledHook, occurrence: number, now: number, evaluator: Evaluator): StoredFire => {
  const { hookGroupId, hookId, task: template } = hook.definition;
  const taskId = newSlugId();
  const moment = now - occurrence > STALE_AFTER_MS ? now : occurrence;
  const context: FiringContext = { firedBy: 'schedule', taskId, now: toIso(moment) };
  const fire = {
    hookUid: hook.uid,
    cause: `schedule:${toIso(occurrence)}`,
    hookGroupId,
    hookId,
    firedBy: 'schedule',
    taskId,
    payloadHash: undefined,
    clientId: undefined,
    requestId: newUuid(),
    arrived: occurrence,
    attempts: 0,
  } as const;
  const evaluation = evaluator.renderNow(hook, context);
  if (evaluation?.outcome !== 'rendered') {
    return { ...fire, unrendered: { template, context }, givesUp: givesUpAt(undefined, moment) };
  }
  return { ...fire, task: evaluation.task, givesUp: givesUpAt(evaluation.deadline, moment) };
};

const missedEntry = ({ uid, definition }: Hook, { first, last, count }: Missed, now: number): LedgerEntry => ({
  at: now,
  kind: 'fire',
  outcome: 'missed',
  hookUid: uid,
  hookGroupId: definition.hookGroupId,
  hookId: definition.hookId,
  cause: `missed:${toIso(first)}`,
  firedBy: 'schedule',
  taskId: null,
  arrived: first,
  attempts: 0,
  clientId: null,
  requestId: newUuid(),
  payloadHash: null,
  error: {
    message:
      count === 1
        ? `The occurrence of ${toIso(first)} passed before anything could fire it; the one after it fired.`
        : `${count} occurrences, from ${toIso(first)} to ${toIso(last)}, passed before anything could fire them; the one after them fired.`,
  },
  detail: { first: toIso(first), last: toIso(last), count },
});
