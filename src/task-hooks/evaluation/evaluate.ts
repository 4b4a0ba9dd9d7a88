// One event against one definition: does the payload fit, and which task comes of it. Pure, and the
// same wherever it runs.
import type { AnySchemaObject } from 'ajv';
import { describeError } from '../../core/errors.ts';
import type { QuickTemplate } from './quick-template.ts';
import { type FiringContext, renderTemplate } from './template.ts';
import type { SchemaCompilation } from './trigger-schema.ts';

export type EvaluationJob = {
  /** Of the definition: equal keys have equal schemas, so a compiled one can be used again. */
  readonly key: string;
  readonly template: unknown;
  readonly triggerSchema: AnySchemaObject;
  readonly context: FiringContext;
  /** Of the payload, as JSON. */
  readonly payloadBytes: number;
  /** The payload, when it is not in the context: on its way to another process. */
  readonly payloadJson?: string;
};

export type Evaluation =
  /** `task` is JSON; this text is what every attempt sends. */
  | { readonly outcome: 'rendered'; readonly task: string; readonly deadline: unknown }
  | { readonly outcome: 'declined' }
  | { readonly outcome: 'rejected'; readonly problems: readonly string[] }
  | { readonly outcome: 'failed'; readonly message: string }
  /** `mayPass`: for want of room here and now, not because of the hook; trying again may help. */
  | { readonly outcome: 'limited'; readonly message: string; readonly mayPass?: boolean };

/** What the queue takes. */
export const LARGEST_TASK_BYTES = 10 * 1024 * 1024;

/**
 * Scheduled fires have no payload, and nothing to validate. The payload may be changed: defaults
 * are filled in.
 */
export const evaluate = (
  { template, context: given, payloadBytes, payloadJson }: EvaluationJob,
  compilation: SchemaCompilation,
  quick?: QuickTemplate,
): Evaluation => {
  const context = payloadJson === undefined ? given : { ...given, payload: JSON.parse(payloadJson) as unknown };
  if ('payload' in context) {
    const refused = refuse(context.payload, payloadBytes, compilation);
    if (refused) return refused;
  }
  const rendered = renderTemplate(template, context, quick);
  if (rendered.outcome !== 'rendered') return rendered;
  try {
    const task = JSON.stringify(rendered.task);
    if (Buffer.byteLength(task) <= LARGEST_TASK_BYTES) {
      return { outcome: 'rendered', task, deadline: rendered.task.deadline };
    }
    return { outcome: 'limited', message: `The template renders to a task of more than ${LARGEST_TASK_BYTES} bytes.` };
  } catch (error) {
    // Too deep or too long for JSON: `Maximum call stack size exceeded`, `Invalid string length`.
    return { outcome: 'limited', message: `The rendered task cannot be written as JSON: ${describeError(error)}` };
  }
};

const refuse = (payload: unknown, payloadBytes: number, compilation: SchemaCompilation): Evaluation | undefined => {
  if (!compilation.ok) {
    // Saved by a version that did not see it.
    const message = `The trigger schema of the hook cannot be used; save the hook with another one:\n${compilation.problem}`;
    return { outcome: 'failed', message };
  }
  try {
    const problems = compilation.schema.check(payload, payloadBytes);
    return problems.length > 0 ? { outcome: 'rejected', problems } : undefined;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { outcome: 'limited', message: 'The payload nests too deep to be checked with the trigger schema.' };
  }
};

/** Why an event led to no task, for the ledger. */
export const reasonOf = (evaluation: Exclude<Evaluation, { outcome: 'rendered' }>): string => {
  switch (evaluation.outcome) {
    case 'rejected':
      return evaluation.problems.join('; ').slice(0, LONGEST_REASON);
    case 'declined':
      return 'The template rendered to nothing.';
    case 'failed':
    case 'limited':
      return evaluation.message.slice(0, LONGEST_REASON);
  }
};

const LONGEST_REASON = 128 * 1024;
