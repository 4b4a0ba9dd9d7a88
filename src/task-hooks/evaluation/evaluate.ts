// One event against one definition: does the payload fit, and which task comes of it. Pure, and the
// same wherever it runs.
import { hash } from 'node:crypto';
import type { AnySchemaObject } from 'ajv';
import { describeError } from '../../core/errors.ts';
import { SLUG_ID } from '../../core/ids.ts';
import { canonicalJson } from '../../core/json.ts';
import { ApiError, type ApiErrorCode } from '../../http/api-error.ts';
import { parseJsonBody } from '../../http/bodies/body.ts';
import { cut } from '../../http/cut.ts';
import {
  type DeliveredBody,
  prepareDelivery,
  type WebhookContext,
  type WebhookEvent,
} from '../webhooks/prepare-delivery.ts';
import type { SchemaCompilation } from './schemas/trigger-schema.ts';
import { type FiringContext, type Renderer, renderByLibrary, renderTemplate, tryingWith } from './template.ts';

export type EvaluationJob = {
  /** Of the definition: equal keys have equal schemas, so a compiled one can be used again. */
  readonly key: string;
  readonly template: unknown;
  readonly triggerSchema: AnySchemaObject;
  readonly context: FiringContext;
  /** Of the payload, as JSON. */
  readonly payloadBytes: number;
};

/** The same for a payload that was not parsed yet. */
export type UnparsedJob = Omit<EvaluationJob, 'payloadBytes'> & {
  readonly body: Uint8Array;
  /** A property `taskId` of the payload is the task's id, where it can be one. */
  readonly choosesTaskId: boolean;
};

/** The same for what a webhook was sent. */
export type DeliveryJob = Omit<EvaluationJob, 'payloadBytes'> & { readonly delivery: DeliveredBody };

export type DeliveryEvaluation =
  | Exclude<UnparsedEvaluation, { outcome: 'parsed' }>
  | { readonly evaluation: Evaluation; readonly seen?: SeenDelivery };

/** What was read of a delivery, before a check filled anything in. `payload` is JSON. */
export type SeenDelivery = { readonly payload: string; readonly webhook: WebhookContext };

/** What was read in a payload that was parsed elsewhere. */
export type Choice = { readonly chosenTaskId: string; readonly payloadHash: Uint8Array };

export type UnparsedEvaluation =
  | { readonly outcome: 'malformed'; readonly code: ApiErrorCode; readonly message: string }
  | { readonly outcome: 'parsed'; readonly evaluation: Evaluation; readonly choice: Choice | undefined };

/**
 * Where an event ended before its template was rendered: at the webhook by which it came, or at the
 * trigger schema. Absent: at the template.
 */
type Ended = { readonly step?: 'matched' | 'validated' };

export type Evaluation = Outcome & { readonly ranIn?: RanIn };

/** On the main thread of the server, or in the process for what is heavy. */
export type RanIn = 'server' | 'process';

export type TaskValue = Readonly<Record<string, unknown>>;

type Outcome =
  /**
   * `task` is JSON; this text is what every attempt sends. `value`: the same, where it was rendered
   * in this process. It may be a part of the template: nobody changes it.
   */
  | { readonly outcome: 'rendered'; readonly task: string; readonly value?: TaskValue; readonly deadline: unknown }
  /** `reason`: where it was not the template. */
  | ({ readonly outcome: 'declined'; readonly reason?: string } & Ended)
  /** `pointers`: to what the problem in the same place is about, where it is known. */
  | { readonly outcome: 'rejected'; readonly problems: readonly string[]; readonly pointers?: readonly string[] }
  | ({ readonly outcome: 'failed'; readonly message: string } & Ended)
  /** `mayPass`: for want of room here and now, not because of the hook; trying again may help. */
  | ({ readonly outcome: 'limited'; readonly message: string; readonly mayPass?: boolean } & Ended);

/** What the queue takes. */
export const LARGEST_TASK_BYTES = 10 * 1024 * 1024;

/**
 * Scheduled fires have no payload, and nothing to validate. The payload may be changed: defaults
 * are filled in.
 */
export const evaluate = (
  { template, context, payloadBytes }: Omit<EvaluationJob, 'key' | 'triggerSchema'>,
  compilation: SchemaCompilation,
  render: Renderer = renderByLibrary,
): Evaluation => {
  if ('payload' in context) {
    const refused = refuse(context.payload, payloadBytes, compilation);
    if (refused) return refused;
  }
  const rendered = renderTemplate(template, context, render);
  if (rendered.outcome !== 'rendered') return rendered;
  try {
    const task = JSON.stringify(rendered.task);
    // Three bytes a character at most: nearly all need not be counted.
    if (3 * task.length <= LARGEST_TASK_BYTES || Buffer.byteLength(task) <= LARGEST_TASK_BYTES) {
      const { deadline } = rendered.task;
      if (render === renderByLibrary) return { outcome: 'rendered', task, deadline }; // it goes to another process
      return { outcome: 'rendered', task, deadline, value: rendered.task };
    }
    return { outcome: 'limited', message: `The template renders to a task of more than ${LARGEST_TASK_BYTES} bytes.` };
  } catch (error) {
    // Too deep or too long for JSON: `Maximum call stack size exceeded`, `Invalid string length`.
    return { outcome: 'limited', message: `The rendered task cannot be written as JSON: ${describeError(error)}` };
  }
};

export const evaluateUnparsed = (job: UnparsedJob, compilation: SchemaCompilation): UnparsedEvaluation => {
  const { body, choosesTaskId, ...rest } = job;
  let payload: unknown;
  try {
    payload = parseJsonBody(Buffer.from(body.buffer, body.byteOffset, body.length), 'application/json');
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { outcome: 'malformed', code: error.code, message: error.message };
  }
  const chosenTaskId = choosesTaskId ? taskIdIn(payload) : undefined;
  const choice = chosenTaskId === undefined ? undefined : { chosenTaskId, payloadHash: hashOfPayload(payload) };
  const taskId = chosenTaskId !== undefined && SLUG_ID.test(chosenTaskId) ? chosenTaskId : job.context.taskId;
  const context = { ...job.context, taskId, payload };
  return {
    outcome: 'parsed',
    evaluation: evaluate({ ...rest, context, payloadBytes: body.length }, compilation),
    choice,
  };
};

export const evaluateDelivery = async (
  { delivery, context, ...rest }: DeliveryJob,
  compilation: SchemaCompilation,
): Promise<DeliveryEvaluation> => {
  const prepared = await prepareDelivery(delivery, context, tryingWith(renderByLibrary));
  if (prepared.outcome === 'malformed') return prepared;
  const seen = seenDelivery(prepared);
  if (prepared.outcome !== 'prepared') return { evaluation: prepared.evaluation, seen };
  const { payload, webhook } = prepared;
  const job = { ...rest, context: { ...context, payload, webhook }, payloadBytes: bytesOfSeen(seen) };
  return { evaluation: evaluate(job, compilation), seen };
};

export const seenDelivery = ({ payload, webhook }: Pick<WebhookEvent, 'payload' | 'webhook'>): SeenDelivery => ({
  payload: JSON.stringify(payload),
  webhook,
});

/** Headers included. */
export const bytesOfSeen = ({ payload, webhook }: SeenDelivery): number =>
  Buffer.byteLength(payload) + JSON.stringify(webhook).length;

/** The id that a caller chose for the task, whether it can be one or not. */
export const taskIdIn = (payload: unknown): string | undefined => {
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, 'taskId')) return undefined;
  const { taskId } = payload as { readonly taskId: unknown };
  return typeof taskId === 'string' ? taskId.slice(0, LONGEST_TASK_ID) : undefined;
};
/** What is longer is none, and is cut where it is told. */
const LONGEST_TASK_ID = 100;

/** Equal for equal payloads. */
export const hashOfPayload = (payload: unknown): Buffer => hash('sha256', canonicalJson(payload), 'buffer');

const refuse = (payload: unknown, payloadBytes: number, compilation: SchemaCompilation): Evaluation | undefined => {
  if (!compilation.ok) {
    // Saved by a version that did not see it.
    const message = `The trigger schema of the hook cannot be used; save the hook with another one:\n${compilation.problem}`;
    return { outcome: 'failed', message, step: 'validated' };
  }
  try {
    const problems = compilation.schema.check(payload, payloadBytes);
    if (problems.length === 0) return undefined;
    const pointers = problems.flatMap(({ pointer }) => pointer ?? []); // the last one may have none
    return { outcome: 'rejected', problems: problems.map(({ text }) => text), pointers };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = 'The payload nests too deep to be checked with the trigger schema.';
    return { outcome: 'limited', message, step: 'validated' };
  }
};

/** Why an event led to no task, for the ledger. */
export const reasonOf = (evaluation: Exclude<Evaluation, { outcome: 'rendered' }>): string => {
  switch (evaluation.outcome) {
    case 'rejected':
      return cut(evaluation.problems.join('; '), LONGEST_REASON);
    case 'declined':
      return evaluation.reason ?? 'The template rendered to nothing.';
    case 'failed':
    case 'limited':
      return cut(evaluation.message, LONGEST_REASON);
  }
};

/** Characters, which an event or a template made up. A page of the ledger has up to 1,000. */
const LONGEST_REASON = 8_000;

/** The same as rows of the ledger have it. */
export const errorOf = (evaluation: Exclude<Evaluation, { outcome: 'rendered' }>): object => ({
  message: reasonOf(evaluation),
  ...('step' in evaluation && { step: evaluation.step }),
});
