// The memory image that every run starts from: an engine with tlon_hooks in it, at rest.
import { guestSource } from '../guest/source.ts';
import type { Limits } from '../limits.ts';
import { SCRIPT_NAME } from '../source-place.ts';
import { type Image, takeImage } from './image.ts';
import { createVm, type Vm } from './vm.ts';

/**
 * Bytes that a run may use before its instance has to grow, in the order in which they are tried.
 */
export const SLACK_STEPS = [512 * 1024, 4 * 1024 * 1024, 16 * 1024 * 1024] as const;

/**
 * Boots an engine and takes its image (25 to 55 ms). Two boots give the same image, bit for bit.
 * The guest's part is compiled in an engine of its own, so that what compiling leaves behind is not
 * in the image.
 */
export const bootImage = (module: WebAssembly.Module, limits: Pick<Limits, 'memory' | 'effects'>): Image => {
  const bytecode = compileGuest(createVm(module), limits);
  const vm = createVm(module);
  vm.boot(limits.memory);
  const name = vm.place(Buffer.from('tlon_hooks'));
  const host = vm.exports.qjs_new_host_function(name, 'tlon_hooks'.length, 2);
  vm.exports.wasm_free(name);
  const guest = vm.call(vm.evaluateBytecode(bytecode), [host]);
  vm.roots.runFunction = vm.property(guest, 'run');
  vm.roots.failFunction = vm.property(guest, 'fail');
  vm.roots.rejectFunction = vm.property(guest, 'reject');
  vm.roots.backtraceOffset = findBacktrace(createVm(module), limits);
  vm.clearBacktrace();
  vm.exports.qjs_run_gc();
  return takeImage(vm, SLACK_STEPS[0]);
};

/** How far into the context it may be, in bytes. */
const CONTEXT_BYTES = 1024;

/**
 * Where a context keeps the stack of what was thrown: found by throwing something in an engine of
 * its own. 0 when it is not found; what is no error has no place then.
 */
const findBacktrace = (vm: Vm, limits: Pick<Limits, 'memory'>): number => {
  vm.boot(limits.memory);
  const source = Buffer.from('throw 0');
  const name = vm.place(Buffer.from(SCRIPT_NAME));
  const address = vm.exports.qjs_compile(vm.place(source), source.length, name, 0, 0, vm.lengthOut());
  if (address === 0) return 0;
  const bytecode = vm.bytes().slice(address, address + new DataView(vm.memory.buffer).getUint32(vm.lengthOut(), true));
  try {
    vm.evaluateBytecode(bytecode);
  } catch {
    for (let offset = 8; offset < CONTEXT_BYTES; offset += 8) {
      if (vm.backtrace(offset).includes(SCRIPT_NAME)) return offset;
    }
  }
  return 0;
};

/**
 * Leaves source text, names and line numbers of our own part out: 16 is STRIP_SOURCE, 32
 * STRIP_DEBUG.
 */
const STRIP = 16 | 32;

const compileGuest = (vm: Vm, limits: Pick<Limits, 'memory' | 'effects'>): Uint8Array => {
  vm.boot(limits.memory);
  const source = Buffer.from(guestSource(limits), 'utf8');
  const name = vm.place(Buffer.from('tlon_hooks'));
  const address = vm.exports.qjs_compile(vm.place(source), source.length, name, 0, STRIP, vm.lengthOut());
  if (address === 0) throw new Error("the guest's part does not compile");
  return vm.bytes().slice(address, address + new DataView(vm.memory.buffer).getUint32(vm.lengthOut(), true));
};
