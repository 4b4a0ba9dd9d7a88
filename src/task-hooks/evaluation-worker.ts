// The worker in which evaluations run whose cost nobody can prove. evaluation-pool.ts starts it and, when it takes too long, ends it.
import { parentPort } from 'node:worker_threads';
import type { AnySchemaObject } from 'ajv';
import { compileOrThrow, type EvaluationJob, evaluate } from './evaluation.ts';
import { type CompiledSchema, compileTriggerSchema } from './trigger-schema.ts';

export type WorkerRequest =
  | { readonly kind: 'evaluate'; readonly job: EvaluationJob }
  | { readonly kind: 'compile'; readonly triggerSchema: AnySchemaObject };

const MOST_COMPILED = 200;
const compiled = new Map<string, CompiledSchema>();

const schemaOf = ({ key, triggerSchema }: EvaluationJob): CompiledSchema => {
  const known = compiled.get(key);
  if (known) return known;
  const schema = compileOrThrow(triggerSchema);
  if (compiled.size >= MOST_COMPILED) compiled.delete(compiled.keys().next().value as string);
  compiled.set(key, schema);
  return schema;
};

parentPort?.on('message', (request: WorkerRequest) => {
  if (request.kind === 'evaluate') return parentPort?.postMessage(evaluate(request.job, schemaOf(request.job)));
  const compilation = compileTriggerSchema(request.triggerSchema);
  parentPort?.postMessage(compilation.ok ? undefined : compilation.problem);
});
parentPort?.postMessage('ready');
