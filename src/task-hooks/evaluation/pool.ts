// Workers for heavy evaluations: a deadline and a memory limit each, one job at a time, started
// when first needed.
import type { ChildProcess } from 'node:child_process';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { jobTimeIsUp } from './cpu-deadline.ts';
import { createFairQueue } from './fair-queue.ts';
import { cpuMsOf, endEvaluationProcess, startEvaluationProcess } from './process.ts';
import type { WorkerAnswer, WorkerRequest } from './worker.ts';

export type EvaluationLimits = {
  /** For one evaluation, in milliseconds of a processor (cpu-deadline.ts). */
  readonly deadlineMs: number;
  readonly memoryMb: number;
  readonly workers: number;
  /** Jobs that may wait, and of one hook; more are turned away at once. */
  readonly mostWaiting: number;
  readonly mostOfAHook: number;
};

export const DEFAULT_LIMITS: EvaluationLimits = {
  ...{ deadlineMs: 1_000, memoryMb: 256, workers: 2, mostWaiting: 1_000, mostOfAHook: 500 },
};

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

type Waiting = { readonly request: WorkerRequest; readonly end: (answer: PoolAnswer<never>) => void };
/** `isSpent`: the worker is gone, or still busy with what it was stopped at. */
type Answered<Result> = { readonly answer: PoolAnswer<Result>; readonly isSpent: boolean };

const SHUTTING_DOWN = { ok: false, message: 'The server is shutting down; try again.', mayPass: true } as const;
const FAILED_INSIDE = {
  ok: false,
  message: 'The evaluation failed inside; the log of the server says why.',
  mayPass: true,
} as const;
const spent = (message: string): Answered<never> => ({ answer: { ok: false, message }, isSpent: true });

/** Of a hook, whatever its revision; and of definitions that are saved. */
const ownerOf = (request: WorkerRequest): string =>
  'job' in request ? `hook ${request.job.key.split(':')[0]}` : request.kind;

const IDLE_MS = 60_000;
const START_DEADLINE_MS = 30_000;
export const createEvaluationPool = (
  settings: { readonly clock: Clock; readonly log: Log },
  limits: EvaluationLimits = DEFAULT_LIMITS,
): EvaluationPool => {
  const { clock, log } = settings;
  const waiting = createFairQueue<Waiting>();
  const running = new Set<Promise<void>>();
  const wakers = new Set<() => void>();
  const ending = new AbortController();
  /** Workers that will look for a job without being told: starting ones and idle ones. */
  let free = 0;
  let starts = 0;

  const tooLong = `The evaluation took longer than ${limits.deadlineMs} ms and was stopped. Simplify the template (loops over large payloads, growing strings) or the trigger schema (nested anyOf, uniqueItems, backtracking patterns).`;
  const tooLarge = `The evaluation needed more than ${limits.memoryMb} MB of memory and was stopped. Simplify the template, or bound the payload in the trigger schema.`;

  /** Serves jobs with one worker until one of them ends it, or it has nothing to do for a while. */
  const serve = async (): Promise<void> => {
    free += 1;
    let isFree = true;
    starts += 1;
    if (starts > limits.workers) log.info({ starts }, 'evaluation process started again');
    const worker = startEvaluationProcess(limits.memoryMb);
    try {
      const started = await nextAnswer<unknown>(worker, (signal) => clock.sleep(START_DEADLINE_MS, signal));
      if (!started.answer.ok) throw new Error(`the evaluation process did not start: ${started.answer.message}`);
      for (let job = await nextJob(); job; job = await nextJob()) {
        if (!worker.connected) {
          waiting.put(ownerOf(job.request), job); // it died while it was idle; the next one takes the job
          return;
        }
        isFree = false;
        free -= 1;
        const { answer, isSpent } = await ask(worker, job.request);
        job.end(answer);
        if (isSpent) return;
        isFree = true;
        free += 1;
      }
    } finally {
      if (isFree) free -= 1;
      await endEvaluationProcess(worker);
    }
  };

  const ask = async (worker: ChildProcess, request: WorkerRequest): Promise<Answered<never>> => {
    const usedMs = () => cpuMsOf(worker);
    const answer = nextAnswer<never>(worker, (signal) => jobTimeIsUp(clock, usedMs, limits.deadlineMs, signal));
    try {
      worker.send(request, () => {}); // when it is gone, its exit tells
    } catch (error) {
      log.warn({ err: error }, 'evaluation not sent');
      return spent('The payload cannot be copied: it nests too deep or is too large.');
    }
    return answer;
  };

  const nextAnswer = async <Result>(
    worker: ChildProcess,
    untilTimeIsUp: (signal: AbortSignal) => Promise<void>,
  ): Promise<Answered<Result>> => {
    const answered = new AbortController();
    const { promise, resolve } = Promise.withResolvers<Answered<Result>>();
    const onMessage = (message: WorkerAnswer) => {
      if (message.kind === 'failed') log.error({ reason: message.reason }, 'evaluation failed inside');
      const result = ('result' in message && message.result) as Result;
      resolve({ answer: message.kind === 'failed' ? FAILED_INSIDE : { ok: true, result }, isSpent: false });
    };
    const onExit = (status: number | null, signal: NodeJS.Signals | null) => {
      if (status !== null) log.error({ status }, 'evaluation process ended');
      else log.info({ signal }, 'evaluation process out of memory');
      resolve(status === null ? spent(tooLarge) : { answer: FAILED_INSIDE, isSpent: true });
    };
    worker.once('message', onMessage).once('exit', onExit);
    void untilTimeIsUp(answered.signal).then(() => resolve(spent(tooLong)));
    try {
      return await promise;
    } finally {
      worker.off('message', onMessage).off('exit', onExit);
      answered.abort();
    }
  };

  /** undefined: there was none for a while, or the pool ends. */
  const nextJob = async (): Promise<Waiting | undefined> => {
    while (waiting.size() === 0 && !ending.signal.aborted) {
      const idle = new AbortController();
      const wake = () => idle.abort();
      wakers.add(wake);
      await clock.sleep(IDLE_MS, idle.signal);
      wakers.delete(wake);
      if (!idle.signal.aborted) return waiting.take();
    }
    return ending.signal.aborted ? undefined : waiting.take();
  };

  /** Whoever is woken takes all that waits, one after another; so one is enough for one job. */
  const wakeOne = () => {
    const [wake] = wakers;
    if (!wake) return;
    wakers.delete(wake);
    wake();
  };

  const wakeOrStart = () => {
    wakeOne();
    while (waiting.size() > free && running.size < limits.workers) {
      const one: Promise<void> = serve()
        .catch((error: unknown) => {
          log.error({ err: error }, 'evaluation process failed');
          waiting.take()?.end(FAILED_INSIDE);
        })
        .finally(() => {
          running.delete(one);
          if (waiting.size() > 0 && !ending.signal.aborted) wakeOrStart();
        });
      running.add(one);
    }
  };

  return {
    run: (request) =>
      new Promise((resolve) => {
        if (ending.signal.aborted) return resolve(SHUTTING_DOWN);
        const owner = ownerOf(request);
        const tooMany = (message: string) => resolve({ ok: false, message, mayPass: true });
        if (waiting.size() >= limits.mostWaiting) {
          return tooMany(`${limits.mostWaiting} evaluations are waiting already; try again later.`);
        }
        if (waiting.sizeOf(owner) >= limits.mostOfAHook) {
          return tooMany(`${limits.mostOfAHook} evaluations of this kind are waiting already; try again later.`);
        }
        waiting.put(owner, { request, end: resolve as Waiting['end'] });
        wakeOrStart();
      }),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      for (const wake of wakers) wake();
      for (let job = waiting.take(); job; job = waiting.take()) job.end(SHUTTING_DOWN);
      await Promise.all(running);
    },
  };
};
