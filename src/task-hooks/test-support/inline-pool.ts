// Evaluations without workers: at once, on this thread, or not at all while the pool is busy.
import { evaluate, evaluateDelivery, evaluateUnparsed } from '../evaluation/evaluate.ts';
import type { EvaluationPool, PoolAnswer } from '../evaluation/pool.ts';
import { compileTriggerSchema, type SchemaCompilation } from '../evaluation/schemas/trigger-schema.ts';
import type { WorkerRequest } from '../evaluation/worker.ts';

export const createInlinePool = (isBusy: () => boolean = () => false): EvaluationPool => ({
  run: async <Result>(request: WorkerRequest): Promise<PoolAnswer<Result>> => {
    if (isBusy()) return { ok: false, message: 'too many evaluations are waiting', mayPass: true };
    if (request.kind === 'compile') return { ok: true, result: undefined as Result };
    if (request.kind === 'warn') return { ok: true, result: [] as Result };
    const schema = compileTriggerSchema(request.job.triggerSchema);
    return { ok: true, result: (await carryOut(request, schema)) as Result };
  },
  [Symbol.asyncDispose]: async () => {},
});

type Evaluating = Extract<WorkerRequest, { readonly job: unknown }>;

const carryOut = (request: Evaluating, schema: SchemaCompilation): unknown => {
  if (request.kind === 'evaluate') return evaluate(request.job, schema);
  return request.kind === 'evaluate-unparsed'
    ? evaluateUnparsed(request.job, schema)
    : evaluateDelivery(request.job, schema);
};
