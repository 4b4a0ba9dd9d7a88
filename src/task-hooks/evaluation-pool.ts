// Workers for evaluations of unproved cost: a deadline and a memory limit each, one job at a time, started when first needed.
import { Worker } from 'node:worker_threads';
import type { Clock } from '../core/clock.ts';
import { errorCode } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { WorkerRequest } from './evaluation-worker.ts';

export type EvaluationLimits = {
  /** For one evaluation, in milliseconds. */
  readonly deadlineMs: number;
  readonly memoryMb: number;
  readonly workers: number;
  /** Jobs that may wait; more are turned away at once. */
  readonly mostWaiting: number;
};

export const DEFAULT_LIMITS: EvaluationLimits = { deadlineMs: 1_000, memoryMb: 256, workers: 2, mostWaiting: 1_000 };

export type PoolAnswer<Result> =
  | { readonly ok: true; readonly result: Result }
  /** A bound was reached; for the caller, with what to change. `mayPass`: the bound was not the job's, so trying again may help. */
  | { readonly ok: false; readonly message: string; readonly mayPass?: boolean };

export type EvaluationPool = AsyncDisposable & {
  readonly run: <Result>(request: WorkerRequest) => Promise<PoolAnswer<Result>>;
};

type Waiting = { readonly request: WorkerRequest; readonly settle: (answer: PoolAnswer<never>) => void };

const SHUTTING_DOWN = { ok: false, message: 'The server is shutting down; try again.', mayPass: true } as const;
const FAILED_INSIDE = {
  ok: false,
  message: 'The evaluation failed inside; the log of the server says why.',
  mayPass: true,
} as const;
const IDLE_MS = 60_000;
const START_DEADLINE_MS = 30_000;
/** The file that runs beside this one: TypeScript in the source tree, JavaScript in the package. */
const WORKER_FILE = new URL(`./evaluation-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

export const createEvaluationPool = (
  settings: { readonly clock: Clock; readonly log: Log },
  limits: EvaluationLimits = DEFAULT_LIMITS,
): EvaluationPool => {
  const { clock, log } = settings;
  const waiting: Waiting[] = [];
  const running = new Set<Promise<void>>();
  const wakers = new Set<() => void>();
  const ending = new AbortController();
  /** Workers that will look for a job without being told: starting ones and idle ones. */
  let free = 0;

  const tooLong = `The evaluation took longer than ${limits.deadlineMs} ms and was stopped. Simplify the template (loops over large payloads, growing strings) or the trigger schema (nested anyOf, uniqueItems, backtracking patterns).`;
  const tooLarge = `The evaluation needed more than ${limits.memoryMb} MB of memory and was stopped. Simplify the template, or bound the payload in the trigger schema.`;

  /** Serves jobs with one worker until it dies of one or has nothing to do for a while. */
  const serve = async (): Promise<void> => {
    free += 1;
    let isFree = true;
    const worker = new Worker(WORKER_FILE, {
      resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
      env: {},
      execArgv: [],
    });
    // What the worker throws after its answer must not end this process; nextAnswer tells of the rest.
    worker.on('error', () => {});
    try {
      const started = await nextAnswer<unknown>(worker, START_DEADLINE_MS);
      if (!started.ok) throw new Error(`the evaluation worker did not start: ${started.message}`);
      for (let job = await nextJob(); job; job = await nextJob()) {
        isFree = false;
        free -= 1;
        const answer = await ask(worker, job.request);
        job.settle(answer);
        if (!answer.ok) return;
        isFree = true;
        free += 1;
      }
    } finally {
      if (isFree) free -= 1;
      await worker.terminate();
    }
  };

  const ask = async (worker: Worker, request: WorkerRequest): Promise<PoolAnswer<never>> => {
    const answer = nextAnswer<never>(worker, limits.deadlineMs);
    try {
      worker.postMessage(request);
    } catch (error) {
      log.warn({ err: error }, 'an evaluation could not be handed to its worker');
      return { ok: false, message: 'The payload cannot be copied: it nests too deep or is too large.' };
    }
    return answer;
  };

  const nextAnswer = async <Result>(worker: Worker, deadlineMs: number): Promise<PoolAnswer<Result>> => {
    const answered = new AbortController();
    try {
      return await new Promise<PoolAnswer<Result>>((resolve) => {
        const { signal } = answered;
        const on = <Value>(event: string, listener: (value: Value) => void) => {
          worker.once(event as 'message', listener);
          signal.addEventListener('abort', () => worker.off(event as 'message', listener), { once: true });
        };
        on('message', (result: Result) => resolve({ ok: true, result }));
        on('error', (error: Error) => {
          if (errorCode(error) === 'ERR_WORKER_OUT_OF_MEMORY') return resolve({ ok: false, message: tooLarge });
          log.error({ err: error }, 'an evaluation failed inside');
          resolve(FAILED_INSIDE);
        });
        on('exit', () => resolve({ ok: false, message: tooLarge }));
        const cancel = clock.after(deadlineMs, () => resolve({ ok: false, message: tooLong }));
        signal.addEventListener('abort', cancel, { once: true });
      });
    } finally {
      answered.abort();
    }
  };

  const nextJob = async (): Promise<Waiting | undefined> => {
    if (waiting.length === 0 && !ending.signal.aborted) {
      const idle = new AbortController();
      const wake = () => idle.abort();
      wakers.add(wake);
      await clock.sleep(IDLE_MS, idle.signal);
      wakers.delete(wake);
    }
    return ending.signal.aborted ? undefined : waiting.shift();
  };

  const wakeOrStart = () => {
    for (const wake of wakers) wake();
    while (waiting.length > free && running.size < limits.workers) {
      const one: Promise<void> = serve()
        .catch((error: unknown) => {
          log.error({ err: error }, 'an evaluation worker failed');
          waiting.shift()?.settle(FAILED_INSIDE);
        })
        .finally(() => {
          running.delete(one);
          if (waiting.length > 0 && !ending.signal.aborted) wakeOrStart();
        });
      running.add(one);
    }
  };

  return {
    run: (request) =>
      new Promise((resolve) => {
        if (ending.signal.aborted) return resolve(SHUTTING_DOWN);
        if (waiting.length >= limits.mostWaiting) {
          return resolve({
            ok: false,
            message: `${limits.mostWaiting} evaluations are waiting already; try again later.`,
            mayPass: true,
          });
        }
        waiting.push({ request, settle: resolve as Waiting['settle'] });
        wakeOrStart();
      }),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      for (const wake of wakers) wake();
      for (const { settle } of waiting.splice(0)) settle(SHUTTING_DOWN);
      await Promise.all(running);
    },
  };
};
