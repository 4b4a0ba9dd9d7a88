// A call or a webhook fires a hook: the event is evaluated, and begins a fire or ends without one.
import type { Clock } from '../../core/clock.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { Payloads } from '../../ledger/payloads/payloads.ts';
import { errorOf, hashOfPayload } from '../evaluation/evaluate.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { HookCache } from '../hooks/hook-cache.ts';
import type { TriggerTokens } from '../hooks/trigger-token.ts';
import type { BeginFires } from './begin-fires.ts';
import {
  type CallResult,
  evaluateCall,
  type HookCall,
  namesOf,
  repeated,
  resultOf,
  resultOfUnfired,
} from './evaluate-call.ts';
import { type Fire, type FireEvent, type KnownEvent, keyOf } from './fire.ts';
import type { FireRunner } from './fire-runner.ts';
import type { FireStore } from './fire-store.ts';
import type { KnownEvents } from './repeats/known-events.ts';
import { givesUpAt } from './task-times.ts';

export type FireCall = (event: HookCall) => Promise<CallResult>;

export type FireCallSettings = {
  readonly cache: HookCache;
  readonly evaluator: Evaluator;
  readonly store: Pick<FireStore, 'findUnfinished'>;
  readonly ledger: Pick<Ledger, 'findFireByTask'>;
  readonly beginFires: BeginFires;
  readonly payloads: Pick<Payloads, 'keep'>;
  readonly runner: FireRunner;
  readonly tokens: Pick<TriggerTokens, 'matches'>;
  readonly knownEvents: KnownEvents;
  readonly clock: Clock;
};

/** How long a caller waits for the queue before they are answered with the stored taskId. */
const PATIENCE_MS = 10_000;
/** A hook that is edited faster than an event can be stored is edited by a program gone wild. */
const MOST_RELOADS = 5;

export const createFireCall = (settings: FireCallSettings): FireCall => {
  const { cache, evaluator, store, ledger, beginFires, payloads, runner, tokens, knownEvents, clock } = settings;

  const isAdmitted = (hook: CompiledHook, { token, revision }: HookCall): boolean =>
    (token === undefined || tokens.matches(hook, token)) &&
    (revision === undefined || (revision.uid === hook.uid && revision.revision === hook.revision));

  const fireOnce = async (hook: CompiledHook, given: HookCall, isFirstTry: boolean): Promise<CallResult | 'stale'> => {
    if (!isAdmitted(hook, given)) {
      return (await cache.reload(given)) === hook ? { outcome: 'wrong-token' } : 'stale'; // it may have been reset since
    }
    const arrived = clock.now();
    // Before: a check may fill in defaults.
    const came = given.delivery?.body ?? given.body ?? given.raw ?? JSON.stringify(given.payload);
    const evaluated = await evaluateCall(evaluator, hook, given, arrived);
    if ('outcome' in evaluated) return evaluated;
    const { evaluation, event, choice, seen } = evaluated;
    const context = namesOf(event, arrived);
    const ofHook = eventOf(hook, event, arrived);
    const payload = payloads.keep(ofHook, {
      context: seen ? { ...context, webhook: seen.webhook } : context,
      body: seen?.payload ?? came,
    });
    const { taskId, chosenTaskId, known, detail, patienceMs = PATIENCE_MS } = event;
    if (evaluation.outcome !== 'rendered') {
      // Nothing was stored that would have checked the revision, so it is checked here.
      if ((await cache.reload(event)) !== hook) return 'stale';
      const error = errorOf(evaluation);
      const unfired = { ...ofHook, payload, taskId, attempts: 0, error, detail };
      await beginFires.ended({ ...unfired, outcome: evaluation.outcome });
      return resultOfUnfired(evaluation);
    }
    const fire: Fire = {
      ...ofHook,
      taskId,
      task: evaluation.task,
      payloadHash:
        chosenTaskId === undefined ? known?.bodyHash : Buffer.from(choice?.payloadHash ?? hashOfPayload(event.payload)),
      givesUp: givesUpAt(evaluation.deadline, arrived),
      attempts: 0,
      known,
      detail,
      payload,
    };
    const begin = chosenTaskId === undefined ? beginFires.alone : beginFires.once;
    const end = await begin(hook, fire, patienceMs, evaluation.value);
    const named = (result: CallResult): CallResult => (choice ? { ...result, taskId } : result);
    if (end.outcome === 'pending') return named({ outcome: 'pending' });
    if (end.outcome !== 'changed') return named(resultOf(end));
    if ((await cache.reload(event)) !== hook) return 'stale';
    if (known) {
      const copy = await answerCopy(hook, event, known, isFirstTry);
      if (copy || chosenTaskId === undefined) return copy ?? 'stale';
    }
    const sameAs = (hash: Buffer | null | undefined) => hash != null && fire.payloadHash?.equals(hash) === true;
    return named(await answerRepeat(fire, sameAs, PATIENCE_MS));
  };

  /** The same fire again: as the first time when the payload is equal, else a conflict. */
  const answerRepeat = async (
    fire: Pick<Fire, 'hookUid' | 'cause' | 'taskId'>,
    sameAs: (hash: Buffer | null | undefined) => boolean,
    patienceMs: number,
  ): Promise<CallResult> => {
    await runner.whenRecorded(fire.hookUid);
    const ended = patienceMs > 0 ? runner.whenEnded(keyOf(fire), patienceMs) : undefined; // before the look, so that no end falls between the two
    const known = await store.findUnfinished(fire);
    if (known && !sameAs(known.payloadHash)) return { outcome: 'conflict' };
    if (known && ended) await Promise.race([ended, runner.takeOver(fire.taskId).then(() => ended)]);
    await runner.whenRecorded(fire.hookUid);
    const finished = await ledger.findFireByTask(fire.hookUid, fire.taskId);
    if (finished)
      return sameAs(finished.payloadHash) ? repeated(finished.outcome, finished.error) : { outcome: 'conflict' };
    return { outcome: 'pending' };
  };

  /** undefined: the event is not known, or not any more, and may fire. */
  const answerCopy = async (
    hook: CompiledHook,
    event: HookCall,
    known: KnownEvent,
    mayForget: boolean,
  ): Promise<CallResult | undefined> => {
    const first = await knownEvents.meet(hook.uid, known);
    if (!first) return undefined;
    if (!first.bodyHash.equals(known.bodyHash)) return { outcome: 'other-body' };
    const { isImpatient, patienceMs = PATIENCE_MS } = event;
    const result = await answerRepeat(first, () => true, isImpatient ? 0 : patienceMs);
    if (mayForget && (result.outcome === 'refused' || result.outcome === 'exhausted')) {
      // What has made no task may be sent again, when its cause is mended. Once a call: of many
      // copies at once, each would forget what another one has begun.
      await knownEvents.forget(first, known);
      return undefined;
    }
    await knownEvents.skip(eventOf(hook, event, clock.now()), first, event.detail);
    if (isImpatient && result.outcome === 'pending') return { outcome: 'under-way' };
    return { ...result, taskId: first.taskId, isCopy: true };
  };

  return async (event) => {
    let hook = await cache.get(event);
    for (let reloads = 0; hook; reloads += 1) {
      const result = await fireOnce(hook, event, reloads === 0);
      if (result !== 'stale') return result;
      if (reloads === MOST_RELOADS)
        throw new Error(`the hook ${event.hookGroupId}/${event.hookId} changes all the time`);
      hook = await cache.reload(event);
    }
    // Who comes with a token and nothing else does not learn by it whether there is such a hook.
    const isSigned = event.token === undefined && event.revision === undefined;
    return { outcome: isSigned ? 'no-such-hook' : 'wrong-token' };
  };
};

/**
 * A taskId that a caller chose is another cause than the same one made by us: only the former may
 * come again.
 */
export const causeOf = ({ taskId, chosenTaskId }: Pick<HookCall, 'taskId' | 'chosenTaskId'>): string =>
  chosenTaskId === undefined ? taskId : `chosen:${taskId}`;

const eventOf = (hook: CompiledHook, event: HookCall, arrived: number): FireEvent => ({
  hookUid: hook.uid,
  cause: causeOf(event),
  hookGroupId: event.hookGroupId,
  hookId: event.hookId,
  hookRevision: hook.revision,
  firedBy: event.firedBy,
  clientId: event.clientId,
  requestId: event.requestId,
  arrived,
});
