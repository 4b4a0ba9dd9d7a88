// Source text to bytecode. The engine does not check bytecode, so none may come from anywhere else.

import type { Limits } from '../limits.ts';
import { SCRIPT_NAME, type SourcePlace, stackFrames } from '../source-place.ts';
import { type Image, instanceOf, restored } from './image.ts';
import type { Vm } from './vm.ts';
import type { CompileReport } from './worker-protocol.ts';

/** Leaves the source out of the bytecode, and keeps the line numbers. */
const STRIP_SOURCE = 16;

export type Compiler = (source: string) => CompileReport;

/**
 * A compiler on an engine of its own, put back before every source: the parser reads what anybody
 * wrote.
 */
export const createCompiler = (module: WebAssembly.Module, image: Image, limits: Limits): Compiler => {
  let vm = instanceOf(module, image);
  return (source) => {
    vm = restored(vm, module, image);
    vm.run.killed = false;
    vm.run.isOver = () => false;
    try {
      return compile(vm, source, limits);
    } catch {
      // A trap: the parser ran out of stack or memory. Its instance is not worth keeping.
      vm = instanceOf(module, image);
      return {
        kind: 'invalid',
        message: 'the source is too large or too deeply nested to be compiled',
        line: 1,
        column: 1,
      };
    }
  };
};

const compile = (vm: Vm, source: string, limits: Limits): CompileReport => {
  const data = Buffer.from(source, 'utf8');
  const code = vm.place(data);
  const name = vm.place(Buffer.from(SCRIPT_NAME));
  const address = vm.exports.qjs_compile(code, data.length, name, 0, STRIP_SOURCE, vm.lengthOut());
  if (address === 0) return { kind: 'invalid', ...readError(vm) };
  const length = new DataView(vm.memory.buffer).getUint32(vm.lengthOut(), true);
  if (length > limits.bytecode) {
    return {
      kind: 'invalid',
      message: `the program is ${length} bytes; ${limits.bytecode} are allowed`,
      line: 1,
      column: 1,
    };
  }
  return { kind: 'compiled', bytecode: vm.bytes().slice(address, address + length) };
};

const readError = (vm: Vm): { message: string } & SourcePlace => {
  const error = vm.exports.qjs_get_exception();
  const message = textOf(vm, error, 'message');
  const { line, column } = stackFrames(textOf(vm, error, 'stack'))[0] ?? { line: 1, column: 1 };
  return { message: `SyntaxError: ${message}`, line, column };
};

const textOf = (vm: Vm, error: number, key: string): string => {
  const box = vm.property(error, key);
  return vm.exports.qjs_is_string(box) === 0 ? '' : vm.readString(box).slice(0, 1000);
};
