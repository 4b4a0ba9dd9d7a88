// Firing: an event becomes a stored fire with its rendered task, and the fire a task (DESIGN.md, "A
// task hook fires").
import { createHash } from 'node:crypto';
import { type Clock, toIso } from '../../core/clock.ts';
import { SLUG_ID } from '../../core/ids.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { FireOutcome } from '../../ledger/entry.ts';
import type { Refusal } from '../../queue/queue.ts';
import type { HookName } from '../definition.ts';
import { type Evaluation, reasonOf } from '../evaluation/evaluate.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { FiredBy, FiringContext } from '../evaluation/template.ts';
import type { HookMemory } from '../hooks/hook-cache.ts';
import type { TriggerTokens } from '../hooks/trigger-token.ts';
import type { FireAtOnce } from './fire-at-once.ts';
import { sayEnded } from './fire-log.ts';
import { fireMetricsOf } from './fire-metrics.ts';
import { type Ended, fireKey, LEASE_MS, type Pursuit } from './fire-runner.ts';
import type { Fire, FireStore } from './fire-store.ts';
import { givesUpAt } from './task-times.ts';

/** Something happened that is to fire one hook. */
export type FiringEvent = HookName & {
  readonly firedBy: FiredBy;
  readonly payload: unknown;
  /** Of the payload, as JSON. */
  readonly payloadBytes: number;
  readonly clientId: string | undefined;
  readonly taskId: string;
  /** The taskId that the caller chose, if he did; the same event may then come again. */
  readonly chosenTaskId: string | undefined;
  readonly requestId: string;
  /** The credential of a caller without any other. */
  readonly token?: string;
};

export type FiringResult =
  | { readonly outcome: 'no-such-hook' }
  | { readonly outcome: 'wrong-token' }
  /** `pending`: the fire is stored, and attempts go on. */
  | { readonly outcome: 'created' }
  | { readonly outcome: 'pending' }
  | { readonly outcome: 'declined' }
  | { readonly outcome: 'rejected'; readonly problems: readonly string[] }
  /** The template failed, or a bound was reached. */
  | { readonly outcome: 'not-rendered'; readonly message: string; readonly mayPass: boolean }
  | { readonly outcome: 'refused'; readonly refusal: Refusal }
  | { readonly outcome: 'exhausted' }
  | { readonly outcome: 'conflict' };

export type Firing = { readonly fire: (event: FiringEvent) => Promise<FiringResult> };

export type FiringSettings = {
  readonly memory: HookMemory;
  readonly evaluator: Evaluator;
  readonly fires: FireStore;
  readonly ledger: Ledger;
  readonly pursuit: Pursuit;
  /** Where the queue lives in our database. */
  readonly fireAtOnce?: FireAtOnce | undefined;
  readonly tokens: Pick<TriggerTokens, 'matches'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

/**
 * How long a caller waits for the queue before he is answered with the stored taskId
 * (spec/task-hooks.md, section 3).
 */
const PATIENCE_MS = 10_000;
/** A hook that is edited faster than an event can be stored is edited by a program gone wild. */
const MOST_RELOADS = 5;

export const createFiring = (settings: FiringSettings): Firing => {
  const { memory, evaluator, fires, ledger, pursuit, fireAtOnce, tokens, clock, log } = settings;
  const metrics = fireMetricsOf(settings.metrics);

  const fireOnce = async (hook: CompiledHook, event: FiringEvent): Promise<FiringResult | 'stale'> => {
    if (event.token !== undefined && !tokens.matches(hook, event.token)) {
      return (await memory.reload(event)) === hook ? { outcome: 'wrong-token' } : 'stale'; // it may have been reset since
    }
    const arrived = clock.now();
    const context = contextOf(event, arrived);
    let evaluation = await evaluator.evaluate(hook, context, event.payloadBytes);
    if (evaluation.outcome !== 'rejected' && event.chosenTaskId !== undefined && !SLUG_ID.test(event.chosenTaskId)) {
      evaluation = { outcome: 'rejected', problems: [`Invalid taskId format: ${event.chosenTaskId.slice(0, 100)}`] };
    }
    if (evaluation.outcome !== 'rendered') {
      // Nothing was stored that would have checked the revision, so it is checked here.
      const current = await memory.reload(event);
      if (current !== hook) return 'stale';
      return recordUnfired(hook, event, evaluation, arrived);
    }
    const fire = fireOf(hook, event, evaluation, arrived);
    if (fireAtOnce && event.chosenTaskId === undefined) {
      const ended = await fireAtOnce(hook, fire);
      return ended ? resultOf(ended) : 'stale';
    }
    const store = event.chosenTaskId !== undefined ? fires.storeOnce : fires.store;
    if (!(await store(hook, fire, arrived + LEASE_MS))) {
      const current = await memory.reload(event);
      return current === hook ? answerRepeat(hook, event, fire) : 'stale';
    }
    const ended = await pursuit.pursue(fire, PATIENCE_MS);
    if (!ended) return { outcome: 'pending' };
    return resultOf(ended);
  };

  /** The outcome of an event that makes no fire, with its reason, in the ledger. */
  const recordUnfired = async (
    hook: CompiledHook,
    event: FiringEvent,
    evaluation: Exclude<Evaluation, { outcome: 'rendered' }>,
    arrived: number,
  ): Promise<FiringResult> => {
    const record = (outcome: FireOutcome, error: unknown) =>
      ledger.write([
        {
          at: clock.now(),
          kind: 'fire',
          outcome,
          hookUid: hook.uid,
          hookGroupId: event.hookGroupId,
          hookId: event.hookId,
          cause: causeOf(event),
          firedBy: event.firedBy,
          taskId: event.taskId,
          arrived,
          attempts: 0,
          clientId: event.clientId ?? null,
          requestId: event.requestId,
          payloadHash: null,
          error: error ?? null,
          detail: null,
        },
      ]);
    await record(evaluation.outcome, { message: reasonOf(evaluation) });
    metrics.ended({ firedBy: event.firedBy, arrived }, evaluation.outcome, clock.now());
    sayEnded(log, event, evaluation.outcome, { message: reasonOf(evaluation) });
    switch (evaluation.outcome) {
      case 'declined':
        return { outcome: 'declined' };
      case 'rejected':
        return { outcome: 'rejected', problems: evaluation.problems };
      case 'failed':
        return { outcome: 'not-rendered', message: evaluation.message, mayPass: false };
      case 'limited':
        return { outcome: 'not-rendered', message: evaluation.message, mayPass: evaluation.mayPass === true };
    }
  };

  /** The same taskId again: as the first time when the payload is equal, else a conflict. */
  const answerRepeat = async (hook: CompiledHook, event: FiringEvent, fire: Fire): Promise<FiringResult> => {
    const sameAs = (hash: Buffer | null | undefined) => hash != null && fire.payloadHash?.equals(hash) === true;
    await pursuit.settled(hook.uid);
    const ended = pursuit.whenEnded(fireKey(fire), PATIENCE_MS); // before the look, so that no end falls between the two
    const known = await fires.findUnfinished(fire);
    if (known && !sameAs(known.payloadHash)) return { outcome: 'conflict' };
    if (known) await ended;
    await pursuit.settled(hook.uid);
    const finished = await ledger.findFireByTask(hook.uid, event.taskId);
    if (finished)
      return sameAs(finished.payloadHash) ? repeated(finished.outcome, finished.error) : { outcome: 'conflict' };
    return { outcome: 'pending' };
  };

  return {
    fire: async (event) => {
      let hook = await memory.get(event);
      for (let reloads = 0; hook; reloads += 1) {
        const result = await fireOnce(hook, event);
        if (result !== 'stale') return result;
        if (reloads === MOST_RELOADS)
          throw new Error(`the hook ${event.hookGroupId}/${event.hookId} changes all the time`);
        hook = await memory.reload(event);
      }
      // Whoever comes with a token and nothing else does not learn by it whether there is such a hook.
      return { outcome: event.token === undefined ? 'no-such-hook' : 'wrong-token' };
    },
  };
};

const resultOf = (ended: Ended): FiringResult =>
  ended.outcome === 'failed' ? { outcome: 'refused', refusal: ended.refusal } : { outcome: ended.outcome };

/** How a fire ended, from what the ledger kept of it. */
const repeated = (outcome: string | null, error: unknown): FiringResult => {
  if (outcome === 'created') return { outcome: 'created' };
  if (outcome === 'exhausted') return { outcome: 'exhausted' };
  const { statusCode = 400, code = 'InputError', message = '', missing } = (error ?? {}) as Partial<Refusal>;
  const refusal: Refusal = { kind: 'refused', statusCode, code, message };
  return { outcome: 'refused', refusal: missing === undefined ? refusal : { ...refusal, missing } };
};

const contextOf = (event: FiringEvent, nowMs: number): FiringContext => {
  const { firedBy, taskId, payload, clientId } = event;
  const always = { firedBy, taskId, now: toIso(nowMs) };
  if (firedBy === 'schedule') return always;
  return clientId === undefined ? { ...always, payload } : { ...always, payload, clientId };
};

/**
 * A taskId that a caller chose is another cause than the same one made by us: only the former may
 * come again.
 */
const causeOf = ({ taskId, chosenTaskId }: FiringEvent): string =>
  chosenTaskId === undefined ? taskId : `chosen:${taskId}`;

const fireOf = (
  hook: CompiledHook,
  event: FiringEvent,
  { task, deadline }: Extract<Evaluation, { outcome: 'rendered' }>,
  arrived: number,
): Fire => ({
  hookUid: hook.uid,
  cause: causeOf(event),
  hookGroupId: event.hookGroupId,
  hookId: event.hookId,
  firedBy: event.firedBy,
  taskId: event.taskId,
  task,
  payloadHash:
    event.chosenTaskId === undefined ? undefined : createHash('sha256').update(canonicalJson(event.payload)).digest(),
  clientId: event.clientId,
  requestId: event.requestId,
  arrived,
  givesUp: givesUpAt(deadline, arrived),
  attempts: 0,
});
