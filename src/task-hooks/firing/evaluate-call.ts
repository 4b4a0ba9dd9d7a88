// What a call is, what comes of it before anything is stored, and what its caller is told: for a
// fire, for a dry run, and for events that come again.
import { toIso } from '../../core/clock.ts';
import { SLUG_ID } from '../../core/ids.ts';
import type { Refusal } from '../../queue/queue.ts';
import type { HookName, HookRevision } from '../definition.ts';
import type { Choice, Evaluation, SeenDelivery, UnparsedEvaluation } from '../evaluation/evaluate.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { FiredBy, FiringContext } from '../evaluation/template.ts';
import type { DeliveredBody } from '../webhooks/prepare-delivery.ts';
import type { AttemptsEnd, KnownEvent } from './fire.ts';

/** Somebody calls for one hook to fire. */
export type HookCall = HookName & {
  readonly firedBy: FiredBy;
  readonly payload?: unknown;
  /** The payload where it was not parsed, because it is large. */
  readonly body?: Uint8Array | undefined;
  /** The payload as it came, where it was parsed; absent: it came as a value. */
  readonly raw?: Uint8Array | undefined;
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

type Malformed = Extract<UnparsedEvaluation, { outcome: 'malformed' }>;

/** The event as it is known after its evaluation, and what came of it. */
type EvaluatedCall = {
  readonly event: HookCall;
  readonly evaluation: Evaluation;
  readonly choice: Choice | undefined;
  /** Of a delivery. */
  readonly seen?: SeenDelivery | undefined;
};

export const evaluateCall = async (
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
    const evaluated = evaluateEvent(evaluator, hook, { context, payloadBytes, chosenTaskId });
    const evaluation = evaluated instanceof Promise ? await evaluated : evaluated;
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

export const evaluateEvent = (
  evaluator: Pick<Evaluator, 'evaluate'>,
  hook: CompiledHook,
  { context, payloadBytes, chosenTaskId, mayBeHere = true }: EventToEvaluate,
): Evaluation | Promise<Evaluation> => {
  const evaluated = evaluator.evaluate(hook, context, payloadBytes, mayBeHere);
  if (!(evaluated instanceof Promise)) return checkChoice(evaluated, chosenTaskId);
  return evaluated.then((evaluation) => checkChoice(evaluation, chosenTaskId));
};

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

/** What the template of a call sees. */
export const contextOf = (
  event: Pick<HookCall, 'firedBy' | 'taskId' | 'payload' | 'body' | 'delivery' | 'clientId'>,
  nowMs: number,
): FiringContext => {
  const { firedBy, payload, body, delivery } = event;
  const always = namesOf(event, nowMs);
  return firedBy === 'schedule' || body || delivery ? always : { ...always, payload };
};

/** The same without the payload. */
export const namesOf = (
  { firedBy, taskId, clientId }: Pick<HookCall, 'firedBy' | 'taskId' | 'clientId'>,
  nowMs: number,
): FiringContext => {
  const now = toIso(nowMs);
  return clientId === undefined ? { firedBy, taskId, now } : { firedBy, taskId, now, clientId };
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
