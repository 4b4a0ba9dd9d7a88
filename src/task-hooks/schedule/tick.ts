// A tick: the schedule of a hook has come due. It makes the fire of the latest occurrence, and one
// `missed` for those before it, and has them begin in the caller's transaction.
import { toIso } from '../../core/clock.ts';
import { newSlugId, newUuid } from '../../core/ids.ts';
import type { Transaction } from '../../database/database.ts';
import type { Payloads } from '../../ledger/payloads/payloads.ts';
import {
  latestOccurrence,
  MOST_COUNTED,
  nextOccurrence,
  type PassedOccurrences,
  passedOccurrences,
} from '../../timers/schedule/schedule.ts';
import type { Hook } from '../definition.ts';
import { errorOf } from '../evaluation/evaluate.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import { type Budget, newBudget } from '../evaluation/json-e/render.ts';
import type { FiringContext } from '../evaluation/template.ts';
import type { BeginFires, Beginning, BeginWithCause, Item } from '../firing/begin-fires.ts';
import type { AfterCommit } from '../firing/end-fires.ts';
import { type EndedFire, type FireEvent, isRendered, type NewFire } from '../firing/fire.ts';
import { givesUpAt } from '../firing/task-times.ts';
import type { HookCache } from '../hooks/hook-cache.ts';
import { advance, advancedPiece, advanceValues } from '../hooks/hook-state.ts';

export type DueHook = {
  readonly hook: Hook;
  /** The occurrence that its timer was set for; ms. */
  readonly due: number;
};

export type Ticks = {
  /**
   * Records that these hooks are due, each hook once: the latest occurrence up to `now` fires,
   * those before it were missed. The caller has the hooks' timers or their rows locked, and looks
   * for their next dates after the same `now`.
   */
  readonly record: (tx: Transaction, due: readonly DueHook[], now: number, how: Beginning) => Promise<AfterCommit>;
  /**
   * As `record`, for hooks as they are known here, and resolves when all that is to be done is
   * sent. The statement fails where `record` is needed; undefined: it is, and nothing was sent.
   * Absent: the queue is elsewhere.
   */
  readonly send: SendTicks | undefined;
};

export type SendTicks = (
  tx: Transaction,
  due: readonly (DueHook & { readonly hook: CompiledHook })[],
  now: number,
) => Promise<(() => Promise<void>) | undefined>;

export type TicksSettings = {
  readonly cache: HookCache;
  readonly evaluator: Evaluator;
  readonly beginFires: BeginFires;
  readonly payloads: Pick<Payloads, 'keep'>;
};

/**
 * Queues take no task that says it was created long ago (Taskcluster's: 15 minutes). A fire later
 * than this counts from the moment at which it fires, in place of its scheduled date.
 */
const STALE_AFTER_MS = 10 * 60 * 1000;

/**
 * So many times the budget of one template may be spent in a turn of up to 500 hooks; what
 * remains is rendered by the runner.
 */
const TURN = 4;

export const createTicks = ({ cache, evaluator, beginFires, payloads }: TicksSettings): Ticks => {
  const fireOf = (hook: Hook, occurrence: number, now: number, turn: Budget): NewFire => {
    const taskId = newSlugId();
    const moment = now - occurrence > STALE_AFTER_MS ? now : occurrence;
    const context: FiringContext = { firedBy: 'schedule', taskId, now: toIso(moment) };
    const ofHook = eventOf(hook, `schedule:${toIso(occurrence)}`, occurrence);
    const event = { ...ofHook, payload: payloads.keep(ofHook, { context }), taskId, attempts: 0 };
    const fire = { ...event, payloadHash: undefined };
    const evaluation = evaluator.renderNow(cache.compiled(hook), context, turn);
    if (evaluation === undefined) {
      const unrendered = { template: hook.definition.task, context };
      return { ...fire, unrendered, givesUp: givesUpAt(undefined, moment) };
    }
    if (evaluation.outcome !== 'rendered') {
      return { ...event, outcome: evaluation.outcome, error: errorOf(evaluation) };
    }
    return { ...fire, task: evaluation.task, givesUp: givesUpAt(evaluation.deadline, moment) };
  };

  const createSend = (begin: BeginWithCause): SendTicks => {
    /** The last fire of these was not. */
    const notPlain = new WeakSet<Hook>();
    return async (tx, due, now) => {
      if (due.length === 0 || due.some(({ hook }) => notPlain.has(hook))) return undefined;
      const turn = newBudget(TURN);
      const items: Item[] = [];
      for (const { hook, due: first } of due) {
        const { occurrence, missed } = whatPassed(hook, first, now);
        if (missed) return undefined;
        const fire = fireOf(hook, occurrence, now, turn);
        if (!isRendered(fire)) {
          notPlain.add(hook);
          return undefined;
        }
        items.push({ hook, fire });
      }
      const occurrences = due.map(({ hook, due: at }) => ({ hookUid: hook.uid, at }));
      const sent = await begin(items, advanceValues(occurrences), tx);
      if ('answer' in sent) {
        sent.answer.catch(() => {}); // the transaction fails with it
        return async () => (await sent.answer)();
      }
      const { hookUid } = sent.notPlain;
      for (const { hook } of due) if (hook.uid === hookUid) notPlain.add(hook);
      return undefined;
    };
  };

  return {
    record: async (tx, due, now, how) => {
      const passed = due.map(({ hook, due: first }) => ({ hook, ...whatPassed(hook, first, now) }));
      const later = await advance(
        tx,
        passed.map(({ hook, occurrence }) => ({ hookUid: hook.uid, at: occurrence })),
      );
      const turn = newBudget(TURN);
      const fires = passed
        .filter(({ hook }) => later.has(hook.uid))
        .flatMap(({ hook, occurrence, missed }): NewFire[] => [
          ...(missed ? [missedFire(hook, missed, now)] : []),
          fireOf(hook, occurrence, now, turn),
        ]);
      return beginFires.inTransaction(tx, fires, how);
    },
    send: beginFires.wholeWith && createSend(beginFires.wholeWith(advancedPiece)),
  };
};

const eventOf = (hook: Hook, cause: string, arrived: number): FireEvent => ({
  hookUid: hook.uid,
  cause,
  hookGroupId: hook.definition.hookGroupId,
  hookId: hook.definition.hookId,
  hookRevision: hook.revision,
  firedBy: 'schedule',
  clientId: undefined,
  requestId: newUuid(),
  arrived,
});

const whatPassed = (
  { definition: { schedule } }: Hook,
  first: number,
  now: number,
): { readonly occurrence: number; readonly missed: PassedOccurrences | undefined } => {
  const next = nextOccurrence(schedule, first);
  if (next === undefined || next > now) return { occurrence: first, missed: undefined };
  const occurrence = latestOccurrence(schedule, now) ?? next;
  // The one that the timer was set for may not be a date of the schedule any more, but it was one.
  const between = occurrence > next ? passedOccurrences(schedule, next, occurrence - 1) : undefined;
  const count = 1 + (between?.count ?? 0);
  const atLeast = between?.atLeast === true || count > MOST_COUNTED;
  return {
    occurrence,
    missed: { first, last: between?.last ?? first, count: Math.min(count, MOST_COUNTED), atLeast },
  };
};

const missedFire = (hook: Hook, { first, last, count, atLeast }: PassedOccurrences, now: number): EndedFire => {
  const [from, to] = [toIso(first), toIso(last)];
  const message =
    count === 1
      ? `The occurrence of ${from} passed before anything could fire it; the one after it fired.`
      : `${atLeast ? 'At least 1,000' : count} occurrences, from ${from} to ${to}, passed before anything could fire them; the one after them fired.`;
  return {
    ...eventOf(hook, `missed:${from}`, first),
    at: now,
    taskId: null,
    outcome: 'missed',
    attempts: 0,
    error: { message },
    detail: { first: from, last: to, count, ...(atLeast && { atLeast }) },
    events: count,
  };
};
