// A call or a webhook fires a hook: the event is evaluated, and begins a fire or ends without one.
import { type Clock, toIso } from '../../core/clock.ts';
import { SLUG_ID } from '../../core/ids.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { Payloads } from '../../ledger/payloads/payloads.ts';
import type { Refusal } from '../../queue/queue.ts';
import type { HookName, HookRevision } from '../definition.ts';
import {
  type Choice,
  type Evaluation,
  hashOfPayload,
  reasonOf,
  type SeenDelivery,
  type UnparsedEvaluation,
} from '../evaluation/evaluate.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { FiredBy, FiringContext } from '../evaluation/template.ts';
import type { HookCache } from '../hooks/hook-cache.ts';
import type { TriggerTokens } from '../hooks/trigger-token.ts';
import type { DeliveredBody } from '../webhooks/prepare-delivery.ts';
import type { BeginFires } from './begin-fires.ts';
import { type AttemptsEnd, type Fire, type FireEvent, type KnownEvent, keyOf } from './fire.ts';
import type { FireRunner } from './fire-runner.ts';
import type { FireStore } from './fire-store.ts';
import type { KnownEvents } from './repeats/known-events.ts';
import { givesUpAt } from './task-times.ts';

/** Somebody calls for one hook to fire. */
export type HookCall = HookName & {
  readonly firedBy: FiredBy;
  readonly payload?: unknown;
  /** The payload where it was not parsed, because it is large. */
  readonly body?: Uint8Array;
  /** The payload as it came, where it was parsed; absent: it came as a value. */
  readonly raw?: Uint8Array;
  /** The size of the payload as JSON. */
  readonly payloadBytes: number;
  readonly clientId: string | undefined;
  readonly taskId: string;
  /**
   * The taskId that the caller chose, if they did; the same event may then come again. Of a payload
   * that was not parsed it is not known yet.
   */
  readonly chosenTaskId: string | undefined;
  readonly requestId: string;
  /** The credential of a caller without any other. */
  readonly token?: string;
  /** By what the sender was verified is of this revision of the hook, and of no other. */
  readonly revision?: HookRevision;
  /** In place of the payload: what a webhook was sent, and what it makes of it. */
  readonly delivery?: DeliveredBody;
  /** What tells the event from others, where it may come again. */
  readonly known?: KnownEvent | undefined;
  /** Whoever sends a copy while the first one is under way is told so, and does not wait. */
  readonly isImpatient?: boolean;
  /** Default: 10 s. */
  readonly patienceMs?: number;
  /** For the row of the ledger. JSON. */
  readonly detail?: object;
};

export type CallResult = CallOutcome & {
  /** Present where it was found in a payload that was not parsed, or is that of the first copy. */
  readonly taskId?: string;
  /** The event came before, and this is what was answered then. */
  readonly isCopy?: true;
};

export type CallOutcome =
  | { readonly outcome: 'no-such-hook' }
  /** Or it was verified by what is not in force any more. */
  | { readonly outcome: 'wrong-token' }
  /** It is a copy of an event whose outcome is not known yet. */
  | { readonly outcome: 'under-way' }
  /** What tells it from other events belongs to one with another body. */
  | { readonly outcome: 'other-body' }
  /** The payload is no JSON, or not of the shape that is taken. */
  | Extract<UnparsedEvaluation, { outcome: 'malformed' }>
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
    const { payload: _, ...context } = contextOf(event, arrived);
    const ofHook = eventOf(hook, event, arrived);
    const payload = payloads.keep(ofHook, {
      context: seen ? { ...context, webhook: seen.webhook } : context,
      body: seen?.payload ?? came,
    });
    if (evaluation.outcome !== 'rendered') {
      // Nothing was stored that would have checked the revision, so it is checked here.
      if ((await cache.reload(event)) !== hook) return 'stale';
      const error = { message: reasonOf(evaluation) };
      const { taskId, detail } = event;
      const unfired = { ...ofHook, payload, taskId, attempts: 0, error, detail };
      await beginFires.ended({ ...unfired, outcome: evaluation.outcome });
      return resultOfUnfired(evaluation);
    }
    const fire = { ...fireOf(hook, event, { evaluation, arrived, payloadHash: choice?.payloadHash }), payload };
    const begin = event.chosenTaskId === undefined ? beginFires.alone : beginFires.once;
    const { known, patienceMs = PATIENCE_MS } = event;
    const end = await begin(hook, fire, patienceMs);
    const named = choice && { taskId: event.taskId };
    if (end.outcome === 'pending') return { outcome: 'pending', ...named };
    if (end.outcome !== 'changed') return { ...resultOf(end), ...named };
    if ((await cache.reload(event)) !== hook) return 'stale';
    if (known) {
      const copy = await answerCopy(hook, event, known, isFirstTry);
      if (copy || event.chosenTaskId === undefined) return copy ?? 'stale';
    }
    const sameAs = (hash: Buffer | null | undefined) => hash != null && fire.payloadHash?.equals(hash) === true;
    return { ...(await answerRepeat(fire, sameAs, PATIENCE_MS)), ...named };
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

type Malformed = Extract<UnparsedEvaluation, { outcome: 'malformed' }>;

/** The event as it is known after its evaluation, and what came of it. */
type EvaluatedCall = {
  readonly event: HookCall;
  readonly evaluation: Evaluation;
  readonly choice: Choice | undefined;
  /** Of a delivery. */
  readonly seen?: SeenDelivery | undefined;
};

const evaluateCall = async (
  evaluator: Evaluator,
  hook: CompiledHook,
  event: HookCall,
  arrived: number,
): Promise<EvaluatedCall | Malformed> => {
  const context = contextOf(event, arrived);
  const { body, payloadBytes, chosenTaskId, delivery } = event;
  if (delivery) {
    const read = await evaluator.evaluateDelivery(hook, context, delivery);
    return 'outcome' in read ? read : { ...read, event, choice: undefined };
  }
  if (!body) {
    const evaluation = await evaluateEvent(evaluator, hook, { context, payloadBytes, chosenTaskId });
    return { event, evaluation, choice: undefined };
  }
  const read = await evaluator.evaluateUnparsed(hook, context, { body, choosesTaskId: true });
  if (read.outcome === 'malformed') return read;
  const { evaluation, choice } = read;
  if (!choice) return { event, evaluation, choice };
  return { event: withChoice(event, choice), evaluation: checkChoice(evaluation, choice.chosenTaskId), choice };
};

/** An event that is evaluated: by a call, by a dry run, or again. */
export type EventToEvaluate = {
  readonly context: FiringContext;
  readonly payloadBytes: number;
  /** As in a call. */
  readonly chosenTaskId: string | undefined;
  /** false: in another process, however cheap it is. */
  readonly mayBeHere?: boolean;
};

export const evaluateEvent = async (
  evaluator: Pick<Evaluator, 'evaluate'>,
  hook: CompiledHook,
  { context, payloadBytes, chosenTaskId, mayBeHere = true }: EventToEvaluate,
): Promise<Evaluation> => checkChoice(await evaluator.evaluate(hook, context, payloadBytes, mayBeHere), chosenTaskId);

/** A taskId that the caller chose must be one. */
const checkChoice = (evaluation: Evaluation, chosenTaskId: string | undefined): Evaluation => {
  if (evaluation.outcome === 'rejected' || chosenTaskId === undefined || SLUG_ID.test(chosenTaskId)) return evaluation;
  return { outcome: 'rejected', problems: [`Invalid taskId format: ${chosenTaskId.slice(0, 100)}`] };
};

/** As if the payload had been parsed before. */
const withChoice = (event: HookCall, { chosenTaskId }: Choice): HookCall => ({
  ...event,
  chosenTaskId,
  taskId: SLUG_ID.test(chosenTaskId) ? chosenTaskId : event.taskId,
});

export const resultOf = (end: AttemptsEnd): CallResult =>
  end.outcome === 'failed' ? { outcome: 'refused', refusal: end.refusal } : { outcome: end.outcome };

export const resultOfUnfired = (evaluation: Exclude<Evaluation, { outcome: 'rendered' }>): CallResult => {
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

/** How a fire ended, from what the ledger kept of it. */
export const repeated = (outcome: string | null, error: unknown): CallResult => {
  if (outcome === 'created') return { outcome: 'created' };
  if (outcome === 'exhausted') return { outcome: 'exhausted' };
  const { statusCode = 400, code = 'InputError', message = '', missing } = (error ?? {}) as Partial<Refusal>;
  const refusal: Refusal = { kind: 'refused', statusCode, code, message };
  return { outcome: 'refused', refusal: missing === undefined ? refusal : { ...refusal, missing } };
};

/** What the template of a call sees. */
export const contextOf = (
  event: Pick<HookCall, 'firedBy' | 'taskId' | 'payload' | 'body' | 'delivery' | 'clientId'>,
  nowMs: number,
): FiringContext => {
  const { firedBy, taskId, payload, body, delivery, clientId } = event;
  const always = { firedBy, taskId, now: toIso(nowMs), ...(clientId !== undefined && { clientId }) };
  return firedBy === 'schedule' || body || delivery ? always : { ...always, payload };
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

type Rendered = {
  readonly evaluation: Extract<Evaluation, { outcome: 'rendered' }>;
  readonly arrived: number;
  /** Where the payload was parsed elsewhere. */
  readonly payloadHash: Uint8Array | undefined;
};

const fireOf = (hook: CompiledHook, event: HookCall, { evaluation, arrived, payloadHash }: Rendered): Fire => ({
  ...eventOf(hook, event, arrived),
  taskId: event.taskId,
  task: evaluation.task,
  payloadHash:
    event.chosenTaskId === undefined ? event.known?.bodyHash : Buffer.from(payloadHash ?? hashOfPayload(event.payload)),
  givesUp: givesUpAt(evaluation.deadline, arrived),
  attempts: 0,
  known: event.known,
  detail: event.detail,
});
