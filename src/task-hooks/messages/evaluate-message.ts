// One message at one revision of its hook: a fire with its task, or the reason why there is none.
// Never a loop: whatever a message is, it ends.
import type { Delivery } from '../../broker/broker.ts';
import { backoff } from '../../core/backoff.ts';
import { type Clock, toIso } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { newSlugId, newUuid } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { ApiError } from '../../http/api-error.ts';
import { BODY_LIMIT_BYTES, parseJsonBody, SMALL_BODY_BYTES } from '../../http/bodies/body.ts';
import type { Payloads } from '../../ledger/payloads/payloads.ts';
import { type Evaluation, errorOf } from '../evaluation/evaluate.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { EndedFire, Fire } from '../firing/fire.ts';
import { givesUpAt } from '../firing/task-times.ts';

export type EvaluatedMessage = { readonly delivery: Delivery; readonly fire: Fire | EndedFire };

export type EvaluateMessage = (hook: CompiledHook, delivery: Delivery) => Promise<EvaluatedMessage>;

export type EvaluateMessageSettings = {
  readonly evaluator: Evaluator;
  readonly payloads: Pick<Payloads, 'keep'>;
  readonly clock: Clock;
  readonly log: Log;
};

const LONGEST_SAMPLE = 1_000;
/**
 * For want of room, or of a worker that lives. About ten seconds, during which the messages behind
 * this one wait.
 */
const MOST_TRIES = 8;
const TRY_AGAIN = { firstMs: 100, longestMs: 3_000 };

export const createEvaluateMessage = (settings: EvaluateMessageSettings): EvaluateMessage => {
  const { evaluator, payloads, clock, log } = settings;

  const evaluateOnce = async (
    hook: CompiledHook,
    { body }: Delivery,
    taskId: string,
    now: number,
  ): Promise<Evaluation> => {
    if (body.length > BODY_LIMIT_BYTES) {
      const limit = `${BODY_LIMIT_BYTES / 1024 / 1024} MB`;
      return {
        outcome: 'limited',
        message: `The message has ${body.length} bytes; at most ${limit} are read.`,
        step: 'validated',
      };
    }
    const context = { firedBy: 'pulseMessage', taskId, now: toIso(now) } as const;
    if (body.length > SMALL_BODY_BYTES) {
      const read = await evaluator.evaluateUnparsed(hook, context, { body, choosesTaskId: false });
      return read.outcome === 'malformed' ? { outcome: 'rejected', problems: [read.message] } : read.evaluation;
    }
    let payload: unknown;
    try {
      payload = parseJsonBody(body, 'application/json');
    } catch (error) {
      if (error instanceof ApiError) return { outcome: 'rejected', problems: [error.message] };
      throw error;
    }
    return evaluator.evaluate(hook, { ...context, payload }, body.length);
  };

  /** A bound that has nothing to do with the message is given some time to pass. */
  const evaluatePatiently = async (hook: CompiledHook, delivery: Delivery, taskId: string) => {
    for (let tries = 1; ; tries += 1) {
      const now = clock.now();
      const evaluation = await evaluateOnce(hook, delivery, taskId, now).catch((error: unknown): Evaluation => {
        log.error({ err: error, ...placeOf(hook), delivery: delivery.id }, 'message evaluation failed');
        return { outcome: 'failed', message: `The evaluation failed inside: ${describeError(error)}` };
      });
      if (evaluation.outcome !== 'limited' || !evaluation.mayPass) return { evaluation, now };
      if (tries === MOST_TRIES) {
        const message = `${evaluation.message} (tried ${tries} times)`;
        return { evaluation: { outcome: 'limited', message } satisfies Evaluation, now };
      }
      await clock.sleep(backoff(tries - 1, TRY_AGAIN));
    }
  };

  return async (hook, delivery) => {
    const taskId = newSlugId();
    const { evaluation, now } = await evaluatePatiently(hook, delivery, taskId);
    const { exchange, routingKey, messageId, body } = delivery;
    const context = { firedBy: 'pulseMessage', taskId, now: toIso(now), message: { exchange, routingKey, messageId } };
    const ofHook = eventOf(hook, delivery);
    const payload = payloads.keep(ofHook, { context, body });
    if (evaluation.outcome !== 'rendered') {
      const fire = unfired(hook, delivery, taskId, evaluation.outcome, errorOf(evaluation));
      return { delivery, fire: { ...fire, payload } };
    }
    const { task, deadline } = evaluation;
    const event = { ...ofHook, payload, taskId, attempts: 0, payloadHash: undefined };
    return { delivery, fire: { ...event, task, givesUp: givesUpAt(deadline, now) } };
  };
};

/** In place of a message that cannot be stored, however often it is tried. */
export const unstorableMessage = (hook: CompiledHook, delivery: Delivery, error: unknown): EvaluatedMessage => {
  const message = `What comes of this message cannot be stored: ${describeError(error)}`;
  return { delivery, fire: unfired(hook, delivery, newSlugId(), 'failed', { message }) };
};

const unfired = (
  hook: CompiledHook,
  delivery: Delivery,
  taskId: string,
  outcome: Exclude<Evaluation['outcome'], 'rendered'>,
  error: object,
): EndedFire => {
  const { exchange, routingKey, messageId, body } = delivery;
  const detail = { exchange, routingKey, messageId, message: textOf(body) };
  return { ...eventOf(hook, delivery), taskId, attempts: 0, outcome, error, detail };
};

const eventOf = (hook: CompiledHook, delivery: Delivery) =>
  ({
    hookUid: hook.uid,
    ...placeOf(hook),
    hookRevision: hook.revision,
    cause: `message:${delivery.id}`,
    firedBy: 'pulseMessage',
    clientId: undefined,
    requestId: newUuid(),
    arrived: delivery.accepted,
  }) as const;

const placeOf = ({ definition: { hookGroupId, hookId } }: CompiledHook) => ({ hookGroupId, hookId });

/** The beginning of what came, for the owner of the hook to recognize it. */
const textOf = (body: Buffer): string => body.toString('utf8', 0, LONGEST_SAMPLE).replaceAll('\0', '\u{fffd}');
