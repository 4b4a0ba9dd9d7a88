// What runs in the process for heavy evaluations. pool.ts starts it and, when it takes too long,
// ends it.
import { writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { AnySchemaObject } from 'ajv';
import { describeError } from '../../core/errors.ts';
import {
  type DeliveryJob,
  type EvaluationJob,
  evaluate,
  evaluateDelivery,
  evaluateUnparsed,
  type UnparsedJob,
} from './evaluate.ts';
import { warningsOfEvaluation } from './evaluation-warnings.ts';
import { compileTriggerSchema, type SchemaCompilation } from './schemas/trigger-schema.ts';

export type WorkerRequest =
  | { readonly kind: 'evaluate'; readonly job: EvaluationJob }
  | { readonly kind: 'evaluate-unparsed'; readonly job: UnparsedJob }
  | { readonly kind: 'evaluate-delivery'; readonly job: DeliveryJob }
  | { readonly kind: 'compile'; readonly triggerSchema: AnySchemaObject }
  | { readonly kind: 'warn'; readonly template: unknown; readonly triggerSchema: AnySchemaObject };

export type WorkerAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly result: unknown }
  /** It failed inside: for the log. */
  | { readonly kind: 'failed'; readonly reason: string };

const MOST_COMPILED = 200;
const compiled = new Map<string, SchemaCompilation>();

const schemaOf = ({ key, triggerSchema }: Pick<EvaluationJob, 'key' | 'triggerSchema'>): SchemaCompilation => {
  const known = compiled.get(key);
  if (known) return known;
  const schema = compileTriggerSchema(triggerSchema);
  if (compiled.size >= MOST_COMPILED) compiled.delete(compiled.keys().next().value as string);
  compiled.set(key, schema);
  return schema;
};

const carryOut = (request: WorkerRequest): unknown => {
  if (request.kind === 'evaluate') return evaluate(request.job, schemaOf(request.job));
  if (request.kind === 'evaluate-unparsed') return evaluateUnparsed(request.job, schemaOf(request.job));
  if (request.kind === 'evaluate-delivery') return evaluateDelivery(request.job, schemaOf(request.job));
  if (request.kind === 'warn') return warningsOfEvaluation(request.template, request.triggerSchema);
  const compilation = compileTriggerSchema(request.triggerSchema);
  return compilation.ok ? undefined : compilation.problem;
};

const answer = async (request: WorkerRequest): Promise<WorkerAnswer> => {
  try {
    return { kind: 'result', result: await carryOut(request) };
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : describeError(error) };
  }
};

/**
 * In the middle of an evaluation without end nobody here would notice that the server is gone. A
 * thread beside it does.
 */
const WATCH = `
  const { workerData: server } = require('node:worker_threads');
  setInterval(() => { if (process.ppid !== server) process.kill(process.pid, 'SIGKILL'); }, 1000);`;

const watchServer = (): void => {
  const server = Number(process.argv[2]);
  const resourceLimits = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 };
  new Worker(WATCH, { eval: true, workerData: server, resourceLimits }).unref();
  process.on('disconnect', () => process.exit());
  // Whoever ends the server ends this; a signal to all of a group or a unit is not about an
  // evaluation.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
};

/** What was sent to a hook must not lie about in a file when V8 ends this for want of memory. */
const leaveNoCore = (): void => {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // There is no such thing elsewhere than on Linux.
  }
};

leaveNoCore();
watchServer();
process.on('message', async (request: WorkerRequest) => process.send?.(await answer(request)));
process.send?.({ kind: 'ready' } satisfies WorkerAnswer);
