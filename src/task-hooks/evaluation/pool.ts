// Workers for evaluations of unproved cost: a deadline and a memory limit each, one job at a time,
// started when first needed.
import type { ChildProcess } from 'node:child_process';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { jobTimeIsUp } from './cpu-deadline.ts';
import { cpuMsOf, endEvaluationProcess, startEvaluationProcess } from './process.ts';
import type { WorkerAnswer, WorkerRequest } from './worker.ts';

export type EvaluationLimits = {
  /** For one evaluation, in milliseconds of a processor (cpu-deadline.ts). */
  readonly deadlineMs: number;
  readonly memoryMb: number;
  readonly workers: number;
  /** Jobs that may wait; more are turned away at once. */
  readonly mostWaiting: number;
};

export const DEFAULT_LIMITS: EvaluationLimits = { deadlineMs: 1_000, memoryMb: 256, workers: 2, mostWaiting: 1_000 };

export type PoolAnswer<Result> =
  | { readonly ok: true; readonly result: Result }
  /**
   * A bound was reached; for the caller, with what to change. `mayPass`: the bound was not the
   * job's, so trying again may help.
   */
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
    const worker = startEvaluationProcess(limits.memoryMb);
    try {
      const started = await nextAnswer<unknown>(worker, (signal) => clock.sleep(START_DEADLINE_MS, signal));
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
      await endEvaluationProcess(worker);
    }
  };

  const ask = async (worker: ChildProcess, request: WorkerRequest): Promise<PoolAnswer<never>> => {
    const usedMs = () => cpuMsOf(worker);
    const answer = nextAnswer<never>(worker, (signal) => jobTimeIsUp(clock, usedMs, limits.deadlineMs, signal));
    try {
      worker.send(request, () => {}); // when it is gone, its exit tells
    } catch (error) {
      log.warn({ err: error }, 'an evaluation could not be handed to its worker');
      return { ok: false, message: 'The payload cannot be copied: it nests too deep or is too large.' };
    }
    return answer;
  };

  const nextAnswer = async <Result>(
    worker: ChildProcess,
    untilTimeIsUp: (signal: AbortSignal) => Promise<void>,
  ): Promise<PoolAnswer<Result>> => {
    const answered = new AbortController();
    const { promise, resolve } = Promise.withResolvers<PoolAnswer<Result>>();
    const onMessage = (message: WorkerAnswer) => {
      if (message.kind === 'failed') log.error({ reason: message.reason }, 'an evaluation failed inside');
      resolve(
        message.kind === 'failed'
          ? FAILED_INSIDE
          : { ok: true, result: ('result' in message && message.result) as Result },
      );
    };
    const onExit = (status: number | null, signal: NodeJS.Signals | null) => {
      if (status !== null) log.error({ status }, 'an evaluation ended its process');
      else log.info({ signal }, 'an evaluation was ended for want of memory');
      resolve(status === null ? { ok: false, message: tooLarge } : FAILED_INSIDE);
    };
    worker.once('message', onMessage).once('exit', onExit);
    void untilTimeIsUp(answered.signal).then(() => resolve({ ok: false, message: tooLong }));
    try {
      return await promise;
    } finally {
      worker.off('message', onMessage).off('exit', onExit);
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
