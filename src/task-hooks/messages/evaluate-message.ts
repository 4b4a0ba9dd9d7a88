// One message at one revision of its hook: a fire with its task, or the reason why there is none.
// Never a loop: whatever a message is, it ends.
import type { Delivery } from '../../broker/broker.ts';
import { backoff } from '../../core/backoff.ts';
import { type Clock, toIso } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { newSlugId, newUuid } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { ApiError } from '../../http/api-error.ts';
import { BODY_LIMIT_BYTES, parseJsonBody } from '../../http/body.ts';
import { type Evaluation, reasonOf } from '../evaluation/evaluate.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { FireEntry } from '../firing/fire-at-once.ts';
import type { Fire } from '../firing/fire-store.ts';
import { givesUpAt } from '../firing/task-times.ts';

/** What becomes of one message. */
export type Reading = { readonly delivery: Delivery } & (
  | { readonly kind: 'fire'; readonly fire: Fire }
  | { readonly kind: 'unfired'; readonly entry: UnfiredEntry }
);
export type UnfiredEntry = FireEntry & { readonly taskId: string };

export type MessageEvaluation = {
  readonly read: (hook: CompiledHook, delivery: Delivery) => Promise<Reading>;
  /** Of a reading that cannot be stored, however often it is tried. */
  readonly unstorable: (hook: CompiledHook, reading: Reading, error: unknown) => Reading;
};

export type MessageEvaluationSettings = { readonly evaluator: Evaluator; readonly clock: Clock; readonly log: Log };

const LONGEST_SAMPLE = 1_000;
/**
 * For want of room, or of a worker that lives. About ten seconds, during which the messages behind
 * this one wait.
 */
const MOST_TRIES = 8;
const TRY_AGAIN = { firstMs: 100, longestMs: 3_000 };

export const createMessageEvaluation = ({ evaluator, clock, log }: MessageEvaluationSettings): MessageEvaluation => {
  const evaluate = async (hook: CompiledHook, { body }: Delivery, taskId: string, now: number): Promise<Evaluation> => {
    if (body.length > BODY_LIMIT_BYTES) {
      const limit = `${BODY_LIMIT_BYTES / 1024 / 1024} MB`;
      return { outcome: 'limited', message: `The message has ${body.length} bytes; at most ${limit} are read.` };
    }
    let payload: unknown;
    try {
      payload = parseJsonBody(body, 'application/json');
    } catch (error) {
      if (error instanceof ApiError) return { outcome: 'rejected', problems: [error.message] };
      throw error;
    }
    return evaluator.evaluate(hook, { firedBy: 'pulseMessage', taskId, now: toIso(now), payload }, body.length);
  };

  /** A bound that has nothing to do with the message is given some time to pass. */
  const evaluatePatiently = async (hook: CompiledHook, delivery: Delivery, taskId: string) => {
    for (let tries = 1; ; tries += 1) {
      const now = clock.now();
      const evaluation = await evaluate(hook, delivery, taskId, now).catch((error: unknown): Evaluation => {
        log.error({ err: error, ...placeOf(hook), delivery: delivery.id }, 'a message could not be evaluated');
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

  const unfired = (
    { delivery, ...event }: Event,
    outcome: Exclude<Evaluation['outcome'], 'rendered'>,
    message: string,
  ): Reading => {
    const { exchange, routingKey, messageId, body } = delivery;
    const entry: UnfiredEntry = {
      kind: 'fire',
      outcome,
      at: clock.now(),
      ...event,
      payloadHash: null,
      clientId: null,
      error: { message },
      detail: { exchange, routingKey, messageId, message: textOf(body) },
    };
    return { kind: 'unfired', delivery, entry };
  };

  return {
    read: async (hook, delivery) => {
      const taskId = newSlugId();
      const { evaluation, now } = await evaluatePatiently(hook, delivery, taskId);
      const event = eventOf(hook, delivery, taskId);
      if (evaluation.outcome !== 'rendered') return unfired(event, evaluation.outcome, reasonOf(evaluation));
      const { task, deadline } = evaluation;
      const none = { payloadHash: undefined, clientId: undefined };
      return { kind: 'fire', delivery, fire: { ...event, ...none, task, givesUp: givesUpAt(deadline, now) } };
    },
    unstorable: (hook, { delivery }, error) =>
      unfired(
        eventOf(hook, delivery, newSlugId()),
        'failed',
        `What comes of this message cannot be stored: ${describeError(error)}`,
      ),
  };
};

type Event = ReturnType<typeof eventOf>;

const eventOf = (hook: CompiledHook, delivery: Delivery, taskId: string) =>
  ({
    delivery,
    hookUid: hook.uid,
    ...placeOf(hook),
    cause: `message:${delivery.id}`,
    firedBy: 'pulseMessage',
    taskId,
    arrived: delivery.accepted,
    attempts: 0,
    requestId: newUuid(),
  }) as const;

const placeOf = ({ definition: { hookGroupId, hookId } }: CompiledHook) => ({ hookGroupId, hookId });

/** The beginning of what came, for the owner of the hook to recognize it. */
const textOf = (body: Buffer): string => body.toString('utf8', 0, LONGEST_SAMPLE).replaceAll('\0', '\u{fffd}');
