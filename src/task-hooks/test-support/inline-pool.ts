// Evaluations without workers: at once, on this thread, or not at all while the pool is busy.
import { evaluate, evaluateUnparsed } from '../evaluation/evaluate.ts';
import type { EvaluationPool, PoolAnswer } from '../evaluation/pool.ts';
import { compileTriggerSchema } from '../evaluation/trigger-schema.ts';
import type { WorkerRequest } from '../evaluation/worker.ts';

export const createInlinePool = (isBusy: () => boolean = () => false): EvaluationPool => ({
  run: async <Result>(request: WorkerRequest): Promise<PoolAnswer<Result>> => {
    if (isBusy()) return { ok: false, message: 'too many evaluations are waiting', mayPass: true };
    if (request.kind === 'compile') return { ok: true, result: undefined as Result };
    if (request.kind === 'warn') return { ok: true, result: [] as Result };
    const schema = compileTriggerSchema(request.job.triggerSchema);
    const isParsed = request.kind === 'evaluate';
    const result = isParsed ? evaluate(request.job, schema) : evaluateUnparsed(request.job, schema);
    return { ok: true, result: result as Result };
  },
  [Symbol.asyncDispose]: async () => {},
});
