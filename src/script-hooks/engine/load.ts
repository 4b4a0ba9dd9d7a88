// Runs a script's top level: once for all its runs, when the hook is built, or before each of them.
import type { Limits } from '../limits.ts';
import { stackFrames } from '../source-place.ts';
import { SLACK_STEPS } from './boot.ts';
import { threadCpuMs } from './cpu-time.ts';
import { createHostCalls, DiffersByRun, failed, type HostCalls } from './host-calls.ts';
import { type Image, instanceOf, takeImage } from './image.ts';
import { EngineFault, type Vm } from './vm.ts';
import type { LoadedProgram, LoadReport } from './worker-protocol.ts';

/**
 * A top level that needs less CPU time runs before each run: its bytecode is smaller than an image.
 */
const CHEAP_MS = 0.5;

/**
 * Loads a script once, with the budget `limits.loadMs` of CPU time. What asks for something that
 * differs from run to run (state, clock, randomness, …) is stopped there: it loads in each run.
 */
export const loadOnce = (module: WebAssembly.Module, base: Image, limits: Limits, bytecode: Uint8Array): LoadReport => {
  const vm = instanceOf(module, base);
  const started = threadCpuMs();
  let differs = false;
  const calls = createHostCalls(undefined, limits, () => {
    throw new DiffersByRun('nobody answers');
  });
  vm.run.isOver = () => differs || vm.run.clockReads > 0 || threadCpuMs() - started > limits.loadMs;
  vm.run.host = (op, text, value) => {
    try {
      return calls.answer(op, text, value);
    } catch (error) {
      if (error instanceof DiffersByRun) {
        differs = true;
        vm.run.killed = true;
      }
      throw error;
    }
  };
  try {
    runTopLevel(vm, bytecode, calls);
    if (!vm.run.killed) tellRejections(vm);
  } catch (error) {
    if (differs || vm.run.clockReads > 0) return { kind: 'eachRun', differs: true };
    return { kind: 'loadFailed', failure: calls.failure() ?? loadFailure(vm, error, limits), said: calls.said() };
  }
  if (differs || vm.run.clockReads > 0) return { kind: 'eachRun', differs: true };
  const failure = calls.failure();
  if (failure !== undefined) return { kind: 'loadFailed', failure, said: calls.said() };
  if (vm.run.killed) {
    return { kind: 'loadFailed', failure: failed('deadline', tooLong(limits)), said: calls.said() };
  }
  if (threadCpuMs() - started < CHEAP_MS) return { kind: 'eachRun', differs: false };
  vm.run.rejections.clear();
  vm.exports.qjs_run_gc();
  const hasGrown = vm.memory.buffer.byteLength !== base.memoryLength;
  const image = shared(takeImage(vm, hasGrown ? SLACK_STEPS[0] : 0));
  return { kind: 'loaded', program: { image, said: calls.said() } };
};

/** Bytes that an image keeps. */
export const imageBytes = ({ image }: LoadedProgram): number =>
  image.extents.reduce((sum, [, content]) => sum + content.length, 0);

/** Runs the top level. What it throws is described inside, under the same deadline. */
export const runTopLevel = (vm: Vm, bytecode: Uint8Array, calls: HostCalls): void => {
  try {
    vm.evaluateBytecode(bytecode);
  } catch (error) {
    tellThrown(vm, error, calls);
  }
};

/** Lets the script's side say what it threw. Throws what is no exception of the script. */
export const tellThrown = (vm: Vm, error: unknown, calls: HostCalls): void => {
  if (!(error instanceof EngineFault) || error.kind !== 'exception') throw error;
  const exception = vm.exports.qjs_get_exception();
  calls.thrownAt(vm.backtrace());
  vm.call(vm.roots.failFunction, [exception]);
};

/** Tells of promises that were rejected and not handled: what waits for them never runs. */
export const tellRejections = (vm: Vm): void => {
  for (const reason of vm.run.rejections.values()) vm.call(vm.roots.rejectFunction, [reason]);
};

const loadFailure = (vm: Vm, error: unknown, limits: Limits) => {
  if (error instanceof RangeError) return failed('load', 'RangeError: Maximum call stack size exceeded');
  if (!(error instanceof EngineFault)) return failed('terminated', 'the engine stopped');
  if (error.kind === 'deadline') return failed('deadline', tooLong(limits), stackFrames(vm.stackOfStop()));
  if (error.kind === 'memory') return failed('memory', 'the script ran out of memory while it was loaded');
  return failed('load', 'the script threw something that cannot be described');
};

export const tooLong = ({ loadMs }: Limits): string =>
  `loading took longer than ${loadMs} ms: the top level of a script must be done by then`;

/** The same image in memory that all threads share. */
const shared = (image: Image): Image => ({
  ...image,
  extents: image.extents.map(([address, content]) => {
    const copy = new Uint8Array(new SharedArrayBuffer(content.length));
    copy.set(content);
    return [address, copy] as const;
  }),
});
