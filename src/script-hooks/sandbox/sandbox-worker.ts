// One worker thread, as its owner sees it: it takes one job at a time, answers, and can be ended at
// any moment.
import { extname } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { Image } from '../engine/image.ts';
import {
  type Answer,
  type CompileReport,
  type FromWorker,
  type LoadReport,
  type PostRange,
  type Question,
  type RunReports,
  SHARED,
  type ToWorker,
  type WorkerSetup,
} from '../engine/worker-protocol.ts';
import type { Limits } from '../limits.ts';

/** Answers what the running script asks for, as JSON. */
export type AnswerQuestion = (question: Question, range: PostRange | undefined) => Promise<string>;

/** What is to be done within `ms`: a run, or a whole job of another kind. */
export type Step = { readonly ms: number; readonly answer: AnswerQuestion };

/** What a job came to. `ended`: the worker is gone. */
export type JobResult = RunReports | CompileReport | LoadReport | { readonly kind: 'ended'; readonly why: string };

export type SandboxWorker = {
  /** Scripts whose bytecode it has. */
  readonly scripts: Set<number>;
  readonly isBusy: () => boolean;
  /**
   * Resolves when it can take jobs, to the image that it made, or undefined when it is gone before.
   */
  readonly ready: Promise<Image | undefined>;
  /** Takes a job, with one step for each of its runs. */
  readonly submit: (job: ToWorker, steps: readonly Step[]) => Promise<JobResult>;
  /** For jobs that have no result. */
  readonly tell: (job: ToWorker) => void;
  /**
   * Whether the present step has taken longer than it was given, not counting what it waited for
   * us. It counts from when we first see it.
   */
  readonly isOverdue: (now: number) => boolean;
  readonly end: (why: string) => Promise<void>;
};

/**
 * With this native stack every overflow inside the engine becomes an error of the script.
 */
const NATIVE_STACK_MB = 4;

/** The worker beside this file: TypeScript in the source tree, JavaScript in the package. */
const WORKER = new URL(`./worker${extname(new URL(import.meta.url).pathname)}`, import.meta.url);

export const startWorker = (options: {
  readonly wasm: WebAssembly.Module;
  readonly limits: Limits;
  readonly image: Image | undefined;
  readonly monotonic: () => number;
}): SandboxWorker => {
  const { limits, monotonic } = options;
  const { port1: ours, port2: theirs } = new MessageChannel();
  const buffer = new SharedArrayBuffer(SHARED.bytes);
  const shared = new Int32Array(buffer);
  const setup: WorkerSetup = { wasm: options.wasm, limits, image: options.image, answers: theirs, shared: buffer };
  const worker = new Worker(WORKER, {
    workerData: setup,
    transferList: [theirs],
    env: {},
    execArgv: [],
    resourceLimits: { stackSizeMb: NATIVE_STACK_MB, maxOldGenerationSizeMb: 256 },
  });
  const scripts = new Set<number>();
  let finish: ((result: JobResult) => void) | undefined;
  let steps: readonly Step[] = [];
  /** The step that was seen last. */
  let seen = 0;
  let dueAt = 0;
  let waiting = 0;
  let isGone: string | undefined;
  let becomeReady: (image: Image | undefined) => void = () => {};
  const ready = new Promise<Image | undefined>((resolve) => {
    becomeReady = resolve;
  });

  const stepNow = (): number => Atomics.load(shared, SHARED.run);

  const isLate = (now: number): boolean => {
    const step = stepNow();
    if (step !== seen) {
      seen = step;
      dueAt = now + (steps[step]?.ms ?? 0);
    }
    return now > dueAt;
  };

  const complete = (result: JobResult): void => {
    const done = finish;
    finish = undefined;
    worker.unref();
    done?.(result);
  };

  const reply = async (question: Question, range: PostRange | undefined): Promise<void> => {
    const since = monotonic();
    waiting++;
    const json = await steps[stepNow()]?.answer(question, range).catch(() => null);
    waiting--;
    dueAt += monotonic() - since;
    const message: Answer = { json: json ?? null, sequence: Atomics.load(shared, SHARED.answered) };
    ours.postMessage(message);
    Atomics.add(shared, SHARED.answered, 1);
    Atomics.notify(shared, SHARED.answered);
  };

  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'ready') {
      // At rest it does not keep the process alive.
      worker.unref();
      becomeReady(message.image);
    } else if (message.kind === 'ask') void reply(message.question, message.range);
    else complete(message);
  });
  const gone = (why: string): void => {
    isGone ??= why;
    becomeReady(undefined);
    ours.close();
    complete({ kind: 'ended', why });
  };
  worker.on('error', (error) => gone(error instanceof Error ? error.message : 'unknown error'));
  worker.on('exit', () => gone('its thread ended'));

  return {
    scripts,
    ready,
    isBusy: () => finish !== undefined,
    submit: (job, given) => {
      if (isGone !== undefined) return Promise.resolve({ kind: 'ended', why: isGone });
      // Nothing runs there yet.
      Atomics.store(shared, SHARED.run, 0);
      steps = given;
      seen = 0;
      dueAt = monotonic() + (steps[0]?.ms ?? 0);
      worker.ref();
      return new Promise((resolve) => {
        finish = resolve;
        worker.postMessage(job);
      });
    },
    tell: (job) => worker.postMessage(job),
    isOverdue: (now) => finish !== undefined && waiting === 0 && isLate(now),
    end: async (why) => {
      isGone ??= why;
      complete({ kind: 'ended', why });
      await worker.terminate();
    },
  };
};
