// Memory images: the whole state of an engine, taken once and put back before every run, bit for
// bit.
//
// State = linear memory + stack pointer; that is the only mutable global of the module. Three
// things make it correct: growth retires the instance, the stack pointer is put back, the slack is
// zeroed.
import { createVm, type Vm } from './vm.ts';

export type Image = {
  readonly stackPointer: number;
  readonly memoryLength: number;
  /** The pages that are not zero, as runs: [address, content]. */
  readonly extents: readonly (readonly [number, Uint8Array])[];
  readonly runtime: number;
  readonly context: number;
  readonly roots: Vm['roots'];
};

const PAGE = 4096;
const WASM_PAGE = 65_536;

/**
 * How far below the stack pointer a run may have written: the engine's stack limit and what native
 * code adds to it.
 */
const STACK_REACH = 320 * 1024;

/**
 * The state of an engine at rest, with `slack` bytes that a run can use before memory has to grow.
 */
export const takeImage = (vm: Vm, slack = 0): Image => {
  if (slack > 0) vm.exports.wasm_free(vm.exports.wasm_malloc(slack));
  const memory = vm.bytes();
  const words = new BigUint64Array(memory.buffer);
  const pages = memory.length / PAGE;
  const wordsPerPage = PAGE / 8;
  const hasContent = (page: number): boolean => {
    const end = (page + 1) * wordsPerPage;
    for (let word = page * wordsPerPage; word < end; word++) if (words[word] !== 0n) return true;
    return false;
  };
  const stackPointer = vm.exports.__stack_pointer.value;
  const extents: [number, Uint8Array][] = [];
  // What lies below the stack pointer is what calls left behind: it is no part of the state.
  for (let page = Math.floor(stackPointer / PAGE); page < pages; page++) {
    if (!hasContent(page)) continue;
    const first = page;
    while (page + 1 < pages && hasContent(page + 1)) page++;
    extents.push([first * PAGE, memory.slice(first * PAGE, (page + 1) * PAGE)]);
  }
  return {
    stackPointer,
    memoryLength: memory.length,
    extents,
    runtime: vm.exports.qjs_get_runtime_ptr(),
    context: vm.exports.qjs_get_context_ptr(),
    roots: { ...vm.roots },
  };
};

/**
 * Puts an image into the instance that it, or another of the same size, came from; a grown instance
 * is replaced.
 */
export const restored = (vm: Vm, module: WebAssembly.Module, image: Image): Vm =>
  putBack(vm, image) ? vm : instanceOf(module, image);

/** A new instance with the state of an image. */
export const instanceOf = (module: WebAssembly.Module, image: Image): Vm => {
  const vm = createVm(module);
  const missing = (image.memoryLength - vm.memory.buffer.byteLength) / WASM_PAGE;
  if (missing > 0) vm.memory.grow(missing);
  vm.exports.qjs_set_runtime_and_context(image.runtime, image.context);
  vm.bytes().fill(0);
  if (!putBack(vm, image)) throw new Error('an image does not fit a new instance of its own engine');
  return vm;
};

const putBack = (vm: Vm, image: Image): boolean => {
  const memory = vm.bytes();
  // The allocator of the image does not know of pages that came later: they would leak with every
  // run.
  if (memory.length !== image.memoryLength) return false;
  let at = image.stackPointer - STACK_REACH;
  for (const [address, content] of image.extents) {
    if (address > at) memory.fill(0, at, address);
    memory.set(content, address);
    at = address + content.length;
  }
  memory.fill(0, at);
  vm.exports.__stack_pointer.value = image.stackPointer;
  Object.assign(vm.roots, image.roots);
  return true;
};
