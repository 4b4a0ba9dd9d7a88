// Runs scripts, one at a time, each from a fresh memory image.
import { systemClock } from '../../core/clock.ts';
import type { Limits } from '../limits.ts';
import type { Question, RunJob, RunReport, Verdict } from '../sandbox/worker-protocol.ts';
import { SLACK_STEPS } from './boot.ts';
import { createHostCalls } from './host-calls.ts';
import { type Image, instanceOf, restored, takeImage } from './image.ts';
import { EngineFault, type Vm } from './vm.ts';

/** Asks the host's thread and waits. `waitedMs` does not count against the script's deadline. */
export type AskHost = (question: Question, argument: number) => { readonly json: string; readonly waitedMs: number };

export type Runner = {
  readonly run: (job: RunJob) => RunReport;
  readonly forget: (hook: number) => void;
};

/** What is known of a script that ran here before. */
type Experience = {
  readonly bytecode: Uint8Array;
  /** Index into SLACK_STEPS: grows when a run did not fit. */
  slack: number;
  /** Its memory after loading, if loading is dear and does not depend on the run. */
  image: Image | undefined;
  imageBytes: number;
  imageTried: boolean;
};

/** A script whose loading takes longer than this may get an image of its own. */
const DEAR_LOADING_MS = 0.5;

/** All such images of a worker together, in bytes. */
const MOST_IMAGE_BYTES = 64 * 1024 * 1024;

export const createRunner = (module: WebAssembly.Module, baseImage: Image, limits: Limits, ask: AskHost): Runner => {
  const images: Image[] = [baseImage];
  const instances: Vm[] = [];
  const scripts = new Map<number, Experience>();
  let imageBytes = 0;

  /** The base image with more room. */
  const imageFor = (slack: number): Image => {
    images[slack] ??= takeImage(instanceOf(module, baseImage), SLACK_STEPS[slack]);
    return images[slack];
  };

  const dropImage = (script: Experience): void => {
    imageBytes -= script.imageBytes;
    script.image = undefined;
    script.imageBytes = 0;
  };

  const keepImage = (script: Experience, vm: Vm): void => {
    script.imageTried = true;
    const image = takeImage(vm);
    const size = image.extents.reduce((sum, [, content]) => sum + content.length, 0);
    if (size > MOST_IMAGE_BYTES) return;
    for (const other of scripts.values()) {
      if (imageBytes + size <= MOST_IMAGE_BYTES) break;
      if (other.image !== undefined) dropImage(other);
    }
    script.image = image;
    script.imageBytes = size;
    imageBytes += size;
  };

  const experienceOf = (job: RunJob): Experience => {
    const known = scripts.get(job.hook);
    if (known !== undefined) return known;
    if (job.bytecode === undefined) throw new Error(`script ${job.hook} is not here`);
    const script = { bytecode: job.bytecode, slack: 0, image: undefined, imageBytes: 0, imageTried: false };
    scripts.set(job.hook, script);
    return script;
  };

  return {
    run: (job) => {
      const started = systemClock.monotonic();
      const script = experienceOf(job);
      const { slack } = script;
      const image = script.image ?? imageFor(slack);
      const before = instances[slack];
      const vm = before === undefined ? instanceOf(module, image) : restored(before, module, image);
      instances[slack] = vm;
      vm.kept.clear();
      vm.run.now = job.now;
      vm.run.clockReads = 0;
      vm.run.killed = false;
      vm.run.deadline = started + job.deadlineMs;
      const conversation = createHostCalls(job, limits, ask, vm);
      vm.run.host = conversation.answer;
      let verdict: Verdict;
      try {
        if (script.image === undefined) {
          const loadingSince = systemClock.monotonic();
          load(vm, script.bytecode);
          const dear = systemClock.monotonic() - loadingSince > DEAR_LOADING_MS;
          const pure = conversation.calls() === 0 && vm.run.clockReads === 0;
          const fits = vm.memory.buffer.byteLength === image.memoryLength;
          if (dear && pure && fits && !script.imageTried && conversation.verdict() === undefined) keepImage(script, vm);
        }
        if (conversation.verdict() === undefined) {
          conversation.loaded();
          vm.call(vm.roots.runFunction, []);
        }
        verdict = conversation.verdict() ?? failed('terminated', 'the script ended without an answer');
      } catch (error) {
        verdict = conversation.failure() ?? verdictOf(error);
        // After a trap only a new instance is worth trusting.
        if (!(error instanceof EngineFault)) delete instances[slack];
      }
      vm.run.host = undefined;
      const grown = vm.memory.buffer.byteLength !== image.memoryLength;
      if (grown && slack < SLACK_STEPS.length - 1) {
        script.slack = slack + 1;
        script.imageTried = false;
        if (script.image !== undefined) dropImage(script);
      }
      if (grown) delete instances[slack];
      // The engine can be told to stop and go on all the same: what comes late does not count.
      const late = vm.run.killed || systemClock.monotonic() > vm.run.deadline;
      if (late) verdict = failed('deadline', `the script took longer than ${job.deadlineMs} ms`);
      return { ...conversation.report(), verdict, durationMs: systemClock.monotonic() - started, retired: grown };
    },
    forget: (hook) => {
      const script = scripts.get(hook);
      if (script?.image !== undefined) dropImage(script);
      scripts.delete(hook);
    },
  };
};

/** Runs the script's top level. What it throws is described inside, under the same deadline. */
const load = (vm: Vm, bytecode: Uint8Array): void => {
  try {
    vm.evaluateBytecode(bytecode);
  } catch (error) {
    if (!(error instanceof EngineFault) || error.kind !== 'exception') throw error;
    vm.call(vm.roots.describeFunction, [vm.exports.qjs_get_exception()]);
  }
};

const failed = (failure: 'deadline' | 'memory' | 'terminated' | 'threw', message: string): Verdict => ({
  kind: 'failed',
  failure,
  message,
});

const verdictOf = (error: unknown): Verdict => {
  if (error instanceof EngineFault) {
    if (error.kind === 'memory') return failed('memory', 'the script ran out of memory');
    return failed('threw', 'the script threw something that cannot be described');
  }
  if (error instanceof RangeError) return failed('threw', 'RangeError: Maximum call stack size exceeded');
  return failed('terminated', 'the engine stopped');
};
