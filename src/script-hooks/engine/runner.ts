// Runs scripts, one at a time, each from a fresh memory image.
import { systemClock } from '../../core/clock.ts';
import { type Limits, PATIENCE_MS } from '../limits.ts';
import { stackFrames } from '../source-place.ts';
import { SLACK_STEPS } from './boot.ts';
import { threadCpuMs } from './cpu-time.ts';
import { createHostCalls, failed, type HostCalls } from './host-calls.ts';
import { type Image, instanceOf, restored, takeImage } from './image.ts';
import { runTopLevel, tellRejections, tellThrown, tooLong } from './load.ts';
import { EngineFault, type Vm } from './vm.ts';
import type { Failure, GivenEvent, PostRange, Program, Question, Run, RunReport, Verdict } from './worker-protocol.ts';

/** Asks the host's thread and waits. `waitedMs` does not count against the script's deadline. */
export type AskHost = (question: Question, range?: PostRange) => { readonly json: string; readonly waitedMs: number };

export type Runner = {
  readonly run: (job: Run & GivenEvent) => RunReport;
  readonly forget: (hook: number) => void;
};

/** What is known of a script that ran here before. */
type KnownScript = Program & {
  /** Index into SLACK_STEPS: grows when a run did not fit. */
  slack: number;
  /** Its own image with more room, and what it takes. */
  roomy: Image | undefined;
  roomyBytes: number;
};

/** All images with more room that are kept for single scripts, in bytes. */
const MOST_ROOMY_BYTES = 64 * 1024 * 1024;

/**
 * Engines that are kept, by the size of their memory: each script needs one of its image's size.
 */
const MOST_INSTANCES = 6;

export const createRunner = (module: WebAssembly.Module, baseImage: Image, limits: Limits, ask: AskHost): Runner => {
  const bases: Image[] = [baseImage];
  const instances = new Map<number, Vm>();
  const scripts = new Map<number, KnownScript>();
  let roomyBytes = 0;

  /** The same state with more room. */
  const widened = (image: Image, slack: number): Image => takeImage(instanceOf(module, image), SLACK_STEPS[slack]);

  const dropRoomy = (script: KnownScript): void => {
    roomyBytes -= script.roomyBytes;
    script.roomy = undefined;
    script.roomyBytes = 0;
  };

  const roomyImage = (script: KnownScript, own: Image): Image => {
    if (script.roomy !== undefined) return script.roomy;
    const image = widened(own, script.slack);
    const size = image.extents.reduce((sum, [, content]) => sum + content.length, 0);
    for (const other of scripts.values()) {
      if (roomyBytes + size <= MOST_ROOMY_BYTES) break;
      if (other.roomy !== undefined) dropRoomy(other);
    }
    if (size > MOST_ROOMY_BYTES) return image;
    script.roomy = image;
    script.roomyBytes = size;
    roomyBytes += size;
    return image;
  };

  const imageFor = (script: KnownScript): Image => {
    const own = script.loaded?.image;
    if (own !== undefined) return script.slack === 0 ? own : roomyImage(script, own);
    bases[script.slack] ??= widened(baseImage, script.slack);
    return bases[script.slack] as Image;
  };

  const instanceFor = (image: Image): Vm => {
    const before = instances.get(image.memoryLength);
    const vm = before === undefined ? instanceOf(module, image) : restored(before, module, image);
    instances.delete(image.memoryLength);
    instances.set(image.memoryLength, vm);
    const [oldest] = instances.keys();
    if (instances.size > MOST_INSTANCES && oldest !== undefined) instances.delete(oldest);
    return vm;
  };

  const scriptOf = (job: Run): KnownScript => {
    const known = scripts.get(job.hook);
    if (known !== undefined) return known;
    if (job.program === undefined) throw new Error(`script ${job.hook} is not here`);
    const script = { ...job.program, slack: 0, roomy: undefined, roomyBytes: 0 };
    scripts.set(job.hook, script);
    return script;
  };

  return {
    run: (job) => {
      const started = systemClock.monotonic();
      const cpuStarted = threadCpuMs();
      const script = scriptOf(job);
      const image = imageFor(script);
      const vm = instanceFor(image);
      const isLoaded = script.loaded !== undefined;
      let budget = script.differs ? limits.loadMs : job.deadlineMs;
      const patience = createDeadline(budget);
      vm.kept.clear();
      vm.run.rejections.clear();
      vm.run.now = job.now;
      vm.run.killed = false;
      vm.run.isOver = patience.isOver;
      const waitFor = (question: Question, range?: PostRange): string => {
        const { json, waitedMs } = ask(question, range);
        patience.wait(waitedMs);
        return json;
      };
      const calls = createHostCalls(job, limits, waitFor, script.loaded?.said);
      vm.run.host = calls.answer;
      // The engine can be told to stop and go on all the same: what comes late does not count.
      const isLate = (): boolean => vm.run.killed || patience.isOver();
      let isLoading = !isLoaded;
      let verdict: Verdict;
      try {
        if (isLoading) {
          runTopLevel(vm, script.bytecode, calls);
          if (!isLate()) {
            isLoading = false;
            if (script.differs) patience.restart(job.deadlineMs);
            budget = job.deadlineMs;
          }
        }
        if (!isLate() && calls.verdict() === undefined) callHook(vm, calls);
        verdict = withRejection(calls.verdict() ?? failed('terminated', 'the script ended without an answer'), calls);
      } catch (error) {
        verdict = calls.failure() ?? failureOf(error);
        // After a trap only a new instance is worth trusting.
        if (!(error instanceof EngineFault)) instances.delete(image.memoryLength);
      }
      if (isLate()) {
        const message = isLoading ? tooLong(limits) : `the script took longer than ${budget} ms`;
        verdict = failed('deadline', message, stackFrames(stackOfStop(vm)));
      }
      vm.run.host = undefined;
      const grown = vm.memory.buffer.byteLength !== image.memoryLength;
      if (grown) {
        instances.delete(image.memoryLength);
        if (script.roomy !== undefined) dropRoomy(script);
        script.slack = Math.min(script.slack + 1, SLACK_STEPS.length - 1);
      }
      return {
        ...calls.report(),
        verdict,
        durationMs: systemClock.monotonic() - started,
        cpuMs: threadCpuMs() - cpuStarted,
        retired: grown,
      };
    },
    forget: (hook) => {
      const script = scripts.get(hook);
      if (script?.roomy !== undefined) dropRoomy(script);
      scripts.delete(hook);
    },
  };
};

/**
 * The deadline of a run: a budget of CPU time, so that a busy machine does not change what a script
 * comes to, and some patience beyond it with a machine that gives none.
 */
const createDeadline = (first: number) => {
  let [budget, until, cpuUntil] = [0, 0, 0];
  const restart = (budgetMs: number): void => {
    budget = budgetMs;
    until = systemClock.monotonic() + budget;
    cpuUntil = threadCpuMs() + budget;
  };
  restart(first);
  return {
    restart,
    /** The host was asked, and its answer took so long. */
    wait: (ms: number): void => {
      until += ms;
    },
    isOver: (): boolean => {
      const late = systemClock.monotonic() - until;
      return late > 0 && (late > PATIENCE_MS || threadCpuMs() > cpuUntil);
    },
  };
};

/** Calls the hook, and tells of what it left to wait for. */
const callHook = (vm: Vm, calls: HostCalls): void => {
  calls.loaded();
  vm.clearBacktrace();
  try {
    vm.call(vm.roots.runFunction, []);
  } catch (error) {
    tellThrown(vm, error, calls);
  }
  tellRejections(vm);
  if (vm.exports.qjs_is_job_pending() !== 0) {
    calls.remark('/promises', 'a hook answers at once: what stands in .then or after an await never runs');
  }
};

/** A promise that came instead of an answer leads to where it was rejected. */
const withRejection = (verdict: Verdict, calls: HostCalls): Verdict =>
  verdict.kind === 'failed' && verdict.failure === 'malformed' && verdict.stack.length === 0
    ? { ...verdict, stack: calls.rejection()?.stack ?? [] }
    : verdict;

const stackOfStop = (vm: Vm): string => {
  try {
    return vm.stackOfStop();
  } catch {
    return '';
  }
};

const failureOf = (error: unknown): Failure => {
  if (error instanceof EngineFault) {
    if (error.kind === 'memory') return failed('memory', 'the script ran out of memory');
    return failed('threw', 'the script threw something that cannot be described');
  }
  if (error instanceof RangeError) return failed('threw', 'RangeError: Maximum call stack size exceeded');
  return failed('terminated', 'the engine stopped');
};
