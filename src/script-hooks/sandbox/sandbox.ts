// The sandbox: a few threads that compile and run scripts. Those that do not end by themselves are
// ended.
import { availableParallelism } from 'node:os';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { Image } from '../engine/image.ts';
import { imageBytes } from '../engine/load.ts';
import { loadWasm } from '../engine/wasm.ts';
import type {
  CompileReport,
  GivenEvent,
  LoadReport,
  Program,
  Run,
  RunReports,
  ToWorker,
} from '../engine/worker-protocol.ts';
import { ScriptHookError } from '../errors.ts';
import { DEFAULT_LIMITS, type Limits, PATIENCE_MS } from '../limits.ts';
import { type AnswerQuestion, type JobResult, type SandboxWorker, type Step, startWorker } from './sandbox-worker.ts';

export type SandboxOptions = {
  /**
   * Threads that run scripts. Default: the number of processors less one, at least two: one alone
   * waits for its next run while we hand out what came of the last one.
   */
  readonly workers?: number;
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
};

/**
 * Threads that any number of hooks share. Disposing it ends them; runs that are under way end as
 * `terminated`.
 */
export type Sandbox = AsyncDisposable & {
  readonly limits: Limits;
  /** For buildHook: compiles a source, and runs its top level. */
  readonly compile: (source: string) => Promise<CompileReport | Ended>;
  readonly load: (bytecode: Uint8Array) => Promise<LoadReport | Ended>;
  /**
   * For hooks: runs compiled scripts on events, when their turn comes; at least the first, and the
   * others as run-in-order.ts has it. When the thread ends, it takes all reports along.
   */
  readonly run: (events: readonly ScriptRuns[]) => Promise<RunReports | Ended>;
  readonly statistics: () => SandboxStatistics;
  readonly addScript: (program: Program) => Script;
  readonly forgetScript: (script: Script) => void;
};

/** Counted since the sandbox was made. */
export type SandboxStatistics = {
  readonly runs: number;
  /** To threads, each with one run or several. */
  readonly messages: number;
  /** Instances of the engine that were replaced because their memory had grown. */
  readonly retirements: number;
  /** Threads that had to be ended. */
  readonly terminations: number;
};

export type Script = { readonly number: number; readonly program: Program };

/** The thread was ended, or ended itself. */
export type Ended = { readonly kind: 'ended'; readonly why: string };

export type ScriptRun = {
  readonly script: Script;
  readonly input: Omit<Run, 'hook' | 'program'>;
  readonly answer: AnswerQuestion;
};

export type ScriptRuns = { readonly event: GivenEvent; readonly runs: readonly ScriptRun[] };

type Waiting = {
  readonly events: readonly ScriptRuns[];
  readonly done: (result: RunReports | Ended) => void;
};

/** How often busy threads are looked at. */
const MONITOR_MS = 20;

/** How long the thread that compiles stays when there is nothing to compile. */
const COMPILER_IDLE_MS = 1000;

/** How much longer than its CPU time loading may take, on a machine that is busy. */
const LOAD_PATIENCE_MS = 8000;

/** How long a thread may take to get an engine ready for a script that it has not run before. */
const FIRST_RUN_MS = 500;

/** How long putting an image into a new engine may take on a busy machine, for each MiB of it. */
const IMAGE_MS_PER_MIB = 30;

export const createSandbox = (options: SandboxOptions = {}): Sandbox => {
  const clock = options.clock ?? systemClock;
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const size = options.workers ?? Math.max(2, availableParallelism() - 1);
  const runners = new Set<SandboxWorker>();
  const idle: SandboxWorker[] = [];
  /**
   * By the script that runs first, so that one that runs often does not keep the others waiting:
   * they take turns.
   */
  const queue = new Map<number, Waiting[]>();
  const closed = new AbortController();
  let scripts = 0;
  let image: Image | undefined;
  let wasm: WebAssembly.Module | undefined;
  let compiler: SandboxWorker | undefined;
  let compilerUsedAt = 0;
  let preparing: Promise<unknown> = Promise.resolve();
  let usedBytes = 0;
  let monitoring = false;
  const counted = { runs: 0, messages: 0, retirements: 0, terminations: 0 };

  const start = (): SandboxWorker => {
    wasm ??= loadWasm();
    const worker = startWorker({ wasm, limits, image, monotonic: clock.monotonic });
    void worker.ready.then((made) => {
      image ??= made;
    });
    return worker;
  };

  const startRunner = async (): Promise<void> => {
    const worker = start();
    runners.add(worker);
    await worker.ready;
    if (closed.signal.aborted) return;
    idle.push(worker);
    dispatch();
  };

  const dispatch = (): void => {
    while (queue.size > 0 && idle.length > 0) {
      const worker = idle.pop() as SandboxWorker;
      const [number, waiting] = queue.entries().next().value as [number, Waiting[]];
      const next = waiting.shift() as Waiting;
      queue.delete(number);
      if (waiting.length > 0) queue.set(number, waiting);
      void runOn(worker, next);
    }
    if (queue.size > 0 && runners.size < size) void startRunner();
  };

  const runOn = async (worker: SandboxWorker, { events, done }: Waiting): Promise<void> => {
    const steps: Step[] = [];
    const given = ({ script, input, answer }: ScriptRun): Run => {
      const program = worker.scripts.has(script.number) ? undefined : script.program;
      worker.scripts.add(script.number);
      const before = startMs(script.program) + (program === undefined ? 0 : FIRST_RUN_MS);
      steps.push({ ms: before + input.deadlineMs + PATIENCE_MS + limits.graceMs, answer });
      return { hook: script.number, program, ...input };
    };
    const job = events.map(({ event, runs }) => ({ event, runs: runs.map(given) }));
    const running = worker.submit({ kind: 'run', events: job }, steps);
    // Not before: monitoring ends as soon as nobody is busy.
    monitor();
    const result = await running;
    count(result);
    done(asRuns(result));
    if (result.kind === 'ended') {
      runners.delete(worker);
      if (!closed.signal.aborted && (queue.size > 0 || runners.size === 0)) void startRunner();
    } else {
      idle.push(worker);
      dispatch();
    }
  };

  const count = (result: JobResult): void => {
    counted.messages++;
    if (result.kind === 'ended') counted.terminations++;
    if (result.kind !== 'ran') return;
    const reports = result.reports.flat();
    counted.runs += reports.length;
    counted.retirements += reports.filter(({ retired }) => retired).length;
  };

  /** What may pass before the hook itself begins. */
  const startMs = ({ differs, loaded }: Program): number =>
    (differs ? limits.loadMs : 0) + (loaded === undefined ? 0 : (imageBytes(loaded) / 2 ** 20) * IMAGE_MS_PER_MIB);

  const monitor = (): void => {
    if (!monitoring) void keepMonitoring();
  };

  /** Runs while there is something to look at: a sandbox at rest keeps no timer. */
  const keepMonitoring = async (): Promise<void> => {
    monitoring = true;
    while (!closed.signal.aborted && (compiler !== undefined || [...runners].some((worker) => worker.isBusy()))) {
      await clock.sleep(MONITOR_MS, closed.signal);
      const now = clock.monotonic();
      for (const worker of runners) {
        if (worker.isOverdue(now)) void worker.end('it did not stop when its time was up');
      }
      if (compiler === undefined) continue;
      if (compiler.isOverdue(now)) void endCompiler('it did not stop when its time was up');
      else if (!compiler.isBusy() && now - compilerUsedAt > COMPILER_IDLE_MS) void endCompiler('nothing to compile');
    }
    // At once, and not in a later turn: a job that begins in between would go unwatched.
    monitoring = false;
  };

  const endCompiler = async (why: string): Promise<void> => {
    const ending = compiler;
    compiler = undefined;
    await ending?.end(why);
  };

  /** On the thread that compiles, one after the other. */
  const prepare = async (job: ToWorker, ms: number): Promise<JobResult> => {
    // In use from now on, also while it starts.
    compilerUsedAt = Number.POSITIVE_INFINITY;
    compiler ??= start();
    const worker = compiler;
    await worker.ready;
    const running = worker.submit(job, [{ ms, answer: async () => 'null' }]);
    monitor();
    const result = await running;
    compilerUsedAt = clock.monotonic();
    if (result.kind === 'ended' && compiler === worker) compiler = undefined;
    return result;
  };

  const inTurn = async (job: ToWorker, ms: number): Promise<JobResult> => {
    if (closed.signal.aborted) throw disposed();
    const result = preparing.then(() => prepare(job, ms));
    preparing = result.catch(() => {});
    return result;
  };

  return {
    limits,
    compile: async (source) => {
      const result = await inTurn({ kind: 'compile', source }, limits.compileMs);
      if (result.kind === 'compiled' || result.kind === 'invalid' || result.kind === 'ended') return result;
      throw new Error(`compiling was answered with ${result.kind}`);
    },
    load: async (bytecode) => {
      const result = await inTurn({ kind: 'load', bytecode }, limits.loadMs + LOAD_PATIENCE_MS);
      if (result.kind !== 'loaded') {
        if (result.kind === 'eachRun' || result.kind === 'loadFailed' || result.kind === 'ended') return result;
        throw new Error(`loading was answered with ${result.kind}`);
      }
      const size = imageBytes(result.program);
      return usedBytes + size > limits.images ? { kind: 'eachRun', differs: true } : result;
    },
    statistics: () => ({ ...counted }),
    addScript: (program) => {
      if (program.loaded !== undefined) usedBytes += imageBytes(program.loaded);
      return { number: ++scripts, program };
    },
    forgetScript: (script) => {
      if (script.program.loaded !== undefined) usedBytes -= imageBytes(script.program.loaded);
      for (const worker of runners) {
        if (worker.scripts.delete(script.number)) worker.tell({ kind: 'forget', hook: script.number });
      }
    },
    run: (events) => {
      if (closed.signal.aborted) throw disposed();
      const first = events[0]?.runs[0]?.script.number ?? 0;
      return new Promise((done) => {
        const waiting = queue.get(first);
        const next = { events, done };
        if (waiting === undefined) queue.set(first, [next]);
        else waiting.push(next);
        dispatch();
      });
    },
    [Symbol.asyncDispose]: async () => {
      closed.abort();
      for (const waiting of queue.values())
        for (const { done } of waiting) done({ kind: 'ended', why: 'the sandbox was disposed' });
      queue.clear();
      await Promise.all(
        [...runners, ...(compiler === undefined ? [] : [compiler])].map((worker) =>
          worker.end('the sandbox was disposed'),
        ),
      );
    },
  };
};

const disposed = (): ScriptHookError => new ScriptHookError('HW_SCRIPT_CLOSED', 'The sandbox has been disposed');

const asRuns = (result: JobResult): RunReports | Ended => {
  if (result.kind === 'ran' || result.kind === 'ended') return result;
  throw new Error('a runner answered with a compilation');
};
