// Evaluations without workers: at once, on this thread, or not at all while the pool is busy.
import { evaluate } from '../evaluation/evaluate.ts';
import type { EvaluationPool, PoolAnswer } from '../evaluation/pool.ts';
import { compileTriggerSchema } from '../evaluation/trigger-schema.ts';
import type { WorkerRequest } from '../evaluation/worker.ts';

export const createInlinePool = (isBusy: () => boolean = () => false): EvaluationPool => ({
  run: async <Result>(request: WorkerRequest): Promise<PoolAnswer<Result>> => {
    if (isBusy()) return { ok: false, message: 'too many evaluations are waiting', mayPass: true };
    if (request.kind === 'compile') return { ok: true, result: undefined as Result };
    if (request.kind === 'warn') return { ok: true, result: [] as Result };
    return { ok: true, result: evaluate(request.job, compileTriggerSchema(request.job.triggerSchema)) as Result };
  },
  [Symbol.asyncDispose]: async () => {},
});
