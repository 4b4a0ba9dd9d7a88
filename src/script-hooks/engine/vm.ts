// One QuickJS in one WebAssembly instance, behind the few operations that a run needs.
//
// The exports of quickjs-wasi with the prefix qjs_ take and give boxes: addresses of a JSValue in
// the engine's memory. We use them raw, because between restores of a memory image only fixed
// addresses survive. Nothing here ever looks into a guest object: only texts
// cross, and the guest makes them.
import { jsonOfBinaryForm } from './binary-form.ts';

/** The address of a JSValue in the engine's memory. */
export type Box = number;

/**
 * Why the engine gave no value. `trapped` means that its memory cannot be trusted until it is
 * restored.
 */
export type FaultKind = 'deadline' | 'memory' | 'exception' | 'trapped';

export class EngineFault extends Error {
  override readonly name = 'EngineFault';
  readonly kind: FaultKind;
  constructor(kind: FaultKind, message: string = kind) {
    super(message);
    this.kind = kind;
  }
}

/**
 * Answers a call of the guest: a text is given as a string, `{json}` is parsed inside, undefined
 * stays.
 */
export type HostCall = (op: number, text: string, value?: GuestValue) => HostAnswer;

/** A value of the guest that came along with a call. */
export type GuestValue = {
  /**
   * Its JSON, if it is plain enough to be read without the guest's help. Keys with undefined are
   * left out, or null.
   */
  readonly json: (dropsUndefined: boolean) => string | undefined;
  /** Whether it looks as it did when it was kept under this name. */
  readonly looksAsKept: (name: number) => boolean;
};

/** `keepAs`: remember how the value looks now, to be asked later whether it still does. */
export type HostAnswer = string | true | { readonly json: string; readonly keepAs?: number } | undefined;

type Exports = {
  readonly memory: WebAssembly.Memory;
  readonly __stack_pointer: WebAssembly.Global<'i32'>;
  readonly JS_ParseJSON: (context: number, text: number, length: number, name: number) => bigint;
  readonly JS_WriteObject: (context: number, sizeOut: number, value: bigint, flags: number) => number;
} & Readonly<Record<Exclude<(typeof FUNCTIONS)[number], `JS_${string}`>, (...args: number[]) => number>>;

/**
 * What we use of quickjs-wasi 3.6.2; checked when an instance is made, for these are no documented
 * interface.
 */
const FUNCTIONS = [
  '_initialize',
  'qjs_init2',
  'qjs_set_memory_limit',
  'qjs_set_max_stack_size',
  'qjs_set_interrupt_handler',
  'qjs_set_promise_rejection_handler',
  'qjs_is_job_pending',
  'qjs_is_error',
  'qjs_get_undefined',
  'qjs_get_true',
  'JS_WriteObject',
  'JS_ParseJSON',
  'qjs_new_number',
  'qjs_new_string',
  'qjs_is_exception',
  'qjs_is_string',
  'qjs_get_float64',
  'qjs_get_string_len',
  'qjs_free_cstring',
  'qjs_get_prop_string',
  'qjs_new_host_function',
  'qjs_get_exception',
  'qjs_throw',
  'qjs_call',
  'qjs_compile',
  'qjs_eval_bytecode',
  'qjs_run_gc',
  'qjs_get_runtime_ptr',
  'qjs_get_context_ptr',
  'qjs_set_runtime_and_context',
  'wasm_malloc',
  'wasm_free',
] as const;

/**
 * DATE, EVAL, REGEXP, JSON, PROXY, MAP_SET, TYPED_ARRAYS, PROMISE, BIG_INT, WEAK_REF; not
 * performance, DOMException, atob.
 */
const INTRINSICS = 0x3ff;

/**
 * Bytes of stack for the engine. In a worker with a 4 MB native stack every overflow becomes a
 * RangeError of the guest.
 */
const STACK = 256 * 1024;

const MOST_ARGUMENTS = 4;

/** Rejected promises of one run that are remembered. */
const MOST_REJECTIONS = 3;

/** Tags of texts in the upper half of a JSValue, and the value undefined. */
const TEXT_TAGS: ReadonlySet<bigint> = new Set([-7n, -6n].map((tag) => BigInt.asUintN(32, tag)));
const UNDEFINED_VALUE = 3n << 32n;

/** The value that JS_ParseJSON gives for an error: the tag 6 in the upper half. */
const EXCEPTION_TAG = 6n;

export type Vm = ReturnType<typeof createVm>;

export const createVm = (module: WebAssembly.Module) => {
  /**
   * Set before a run. `isOver` says whether the engine must stop; `killed`, that it was told to. It
   * can go on for a while even so.
   */
  const run = {
    now: 0,
    isOver: (): boolean => false,
    killed: false,
    clockReads: 0,
    host: undefined as HostCall | undefined,
    /** Promises that were rejected and not handled, with their reasons. */
    rejections: new Map<bigint, Box>(),
  };
  /** Addresses that are part of a memory image: see image.ts. */
  const roots = {
    undefinedBox: 0,
    arguments: 0,
    jsonName: 0,
    runFunction: 0,
    failFunction: 0,
    rejectFunction: 0,
    /**
     * Where the context keeps the stack of what was thrown last, from its beginning; 0: unknown.
     */
    backtraceOffset: 0,
  };

  /** How values looked when they went in, in the engine's own binary form. */
  const kept = new Map<number, Uint8Array>();

  const interrupted = (): number => {
    if (!run.killed && run.isOver()) run.killed = true;
    return run.killed ? 1 : 0;
  };

  const hostCall = (_name: number, _length: number, _self: Box, count: number, args: number): Box => {
    try {
      if (count < 2 || run.host === undefined) return throwText('bad call of the host');
      const view = new DataView(memory.buffer);
      const op = exports.qjs_get_float64(view.getUint32(args, true));
      const text = readString(view.getUint32(args + 4, true));
      const value = count < 3 ? undefined : guestValue(view.getUint32(args + 8, true));
      const answer = run.host(op, text, value);
      if (answer === undefined) return exports.qjs_get_undefined();
      if (answer === true) return exports.qjs_get_true();
      if (typeof answer === 'string') return newString(answer);
      const box = parseJson(answer.json);
      if (answer.keepAs !== undefined) keep(answer.keepAs, box);
      return box;
    } catch (error) {
      // A GuestError is meant for the script; anything else says nothing about us.
      const isMemory = error instanceof EngineFault && error.kind === 'memory';
      return throwText(isMemory || error instanceof GuestError ? error.message : 'the host could not answer');
    }
  };

  const throwText = (text: string): Box => {
    exports.qjs_throw(newString(text));
    return 0;
  };

  const instance = new WebAssembly.Instance(module, {
    env: {
      host_call: hostCall,
      host_interrupt: interrupted,
      host_get_timezone_offset: () => 0,
      host_promise_rejection: (promise: Box, reason: Box, isHandled: number) => {
        const name = valueAt(promise);
        if (isHandled !== 0) run.rejections.delete(name);
        else if (run.rejections.size < MOST_REJECTIONS) run.rejections.set(name, reason);
      },
      host_module_normalize: () => 0,
      host_module_load: () => 0,
    },
    wasi_snapshot_preview1: {
      clock_time_get: (_clock: number, _precision: bigint, out: number) => {
        run.clockReads++;
        new DataView(memory.buffer).setBigUint64(out, BigInt(run.now) * 1_000_000n, true);
        return 0;
      },
      random_get: (address: number, length: number) => {
        new Uint8Array(memory.buffer, address, length).fill(7);
        return 0;
      },
      fd_write: () => 8,
      fd_close: () => 8,
      fd_seek: () => 8,
      fd_fdstat_get: () => 8,
    },
  });
  const exports = instance.exports as unknown as Exports;
  const memory = exports.memory;
  for (const name of FUNCTIONS) {
    if (typeof exports[name] !== 'function') throw new Error(`the engine is not the one that was expected: no ${name}`);
  }

  let bytesView = new Uint8Array(memory.buffer);
  /** The engine's memory; the view is made anew when it has grown. */
  const bytes = (): Uint8Array => {
    if (bytesView.buffer !== memory.buffer) bytesView = new Uint8Array(memory.buffer);
    return bytesView;
  };

  const place = (data: Uint8Array): number => {
    const address = exports.wasm_malloc(data.length + 1);
    if (address === 0) throw new EngineFault('memory', 'out of memory');
    const target = bytes();
    target.set(data, address);
    target[address + data.length] = 0;
    return address;
  };

  const checked = (box: Box): Box => {
    if (run.killed) throw new EngineFault('deadline');
    if (box === 0) throw new EngineFault('memory', 'out of memory');
    if (exports.qjs_is_exception(box) !== 0) throw new EngineFault('exception');
    return box;
  };

  const newString = (text: string): Box => {
    const data = Buffer.from(text, 'utf8');
    const address = place(data);
    const box = exports.qjs_new_string(address, data.length);
    exports.wasm_free(address);
    return checked(box);
  };

  const parseJson = (json: string): Box => {
    const data = Buffer.from(json, 'utf8');
    const address = place(data);
    const value = exports.JS_ParseJSON(exports.qjs_get_context_ptr(), address, data.length, roots.jsonName);
    exports.wasm_free(address);
    if (BigInt.asUintN(64, value) >> 32n === EXCEPTION_TAG) throw new EngineFault('memory', 'out of memory');
    const box = checked(exports.qjs_new_number(0));
    new DataView(memory.buffer).setBigInt64(box, value, true);
    return box;
  };

  /**
   * The engine's binary form of a plain value, still in its memory; undefined for one that has none
   * (a function or a getter in it, a cycle). Equal forms are equal values: the form can be read
   * back. No code of the guest runs for objects; an array's elements are read.
   */
  const binaryForm = (box: Box): Uint8Array | undefined => {
    const value = new DataView(memory.buffer).getBigInt64(box, true);
    const address = exports.JS_WriteObject(exports.qjs_get_context_ptr(), lengthOut(), value, 0);
    if (address === 0) {
      exports.qjs_get_exception();
      return undefined;
    }
    return bytes().subarray(address, address + new DataView(memory.buffer).getUint32(lengthOut(), true));
  };

  const keep = (name: number, box: Box): void => {
    const form = binaryForm(box);
    if (form === undefined) kept.delete(name);
    else kept.set(name, form.slice());
  };

  const guestValue = (box: Box): GuestValue => ({
    json: (dropsUndefined) => {
      const form = binaryForm(box);
      return form === undefined ? undefined : jsonOfBinaryForm(form, dropsUndefined);
    },
    looksAsKept: (name) => {
      const before = kept.get(name);
      const now = before === undefined ? undefined : binaryForm(box);
      return before !== undefined && now !== undefined && Buffer.compare(before, now) === 0;
    },
  });

  const valueAt = (address: number): bigint =>
    BigInt.asUintN(64, new DataView(memory.buffer).getBigInt64(address, true));

  /**
   * The stack of what was thrown last and not caught, whatever it was: the engine keeps it beside
   * the value, so that it is there for values that are no errors.
   */
  const backtrace = (offset = roots.backtraceOffset): string => {
    if (offset === 0) return '';
    const value = valueAt(exports.qjs_get_context_ptr() + offset);
    if (!TEXT_TAGS.has(value >> 32n)) return '';
    const box = exports.qjs_new_number(0);
    if (box === 0) return '';
    new DataView(memory.buffer).setBigUint64(box, value, true);
    return exports.qjs_is_string(box) === 0 ? '' : readString(box);
  };

  const clearBacktrace = (): void => {
    if (roots.backtraceOffset === 0) return;
    const address = exports.qjs_get_context_ptr() + roots.backtraceOffset;
    new DataView(memory.buffer).setBigUint64(address, UNDEFINED_VALUE, true);
  };

  /** The own text of the error that stopped the engine, which is none of the script's. */
  const stackOfStop = (): string => {
    const error = exports.qjs_get_exception();
    if (error === 0 || exports.qjs_is_error(error) === 0) return '';
    const name = exports.wasm_malloc(6);
    if (name === 0) return '';
    bytes().set(Buffer.from('stack\0'), name);
    const stack = exports.qjs_get_prop_string(error, name);
    return stack === 0 || exports.qjs_is_string(stack) === 0 ? '' : readString(stack);
  };

  const lengthOut = () => roots.arguments + 4 * MOST_ARGUMENTS;

  const readString = (box: Box): string => {
    if (exports.qjs_is_string(box) === 0) throw new EngineFault('exception', 'not a text');
    const address = exports.qjs_get_string_len(box, lengthOut());
    if (address === 0) throw new EngineFault('memory', 'out of memory');
    const length = new DataView(memory.buffer).getUint32(lengthOut(), true);
    const text = Buffer.from(memory.buffer, address, length).toString('utf8');
    exports.qjs_free_cstring(address);
    return text;
  };

  const call = (target: Box, args: readonly Box[]): Box => {
    const view = new DataView(memory.buffer);
    for (const [index, box] of args.entries()) view.setUint32(roots.arguments + 4 * index, box, true);
    return checked(exports.qjs_call(target, roots.undefinedBox, args.length, roots.arguments));
  };

  const evaluateBytecode = (bytecode: Uint8Array): Box => {
    const address = place(bytecode);
    const box = exports.qjs_eval_bytecode(address, bytecode.length);
    exports.wasm_free(address);
    return checked(box);
  };

  const property = (box: Box, key: string): Box => {
    const address = place(Buffer.from(key));
    const value = exports.qjs_get_prop_string(box, address);
    exports.wasm_free(address);
    return checked(value);
  };

  /** Makes a new engine in an empty instance. Not needed where a memory image is put in. */
  const boot = (memoryLimit: number): void => {
    exports._initialize();
    if (exports.qjs_init2(INTRINSICS) !== 0) throw new Error('the engine did not start');
    exports.qjs_set_memory_limit(memoryLimit);
    exports.qjs_set_max_stack_size(STACK);
    exports.qjs_set_interrupt_handler(1);
    exports.qjs_set_promise_rejection_handler(1);
    roots.undefinedBox = exports.qjs_get_undefined();
    roots.arguments = exports.wasm_malloc(4 * MOST_ARGUMENTS + 8);
    roots.jsonName = place(Buffer.from('json'));
  };

  return {
    run,
    roots,
    kept,
    exports,
    memory,
    bytes,
    boot,
    place,
    newString,
    readString,
    parseJson,
    binaryForm,
    call,
    evaluateBytecode,
    property,
    lengthOut,
    backtrace,
    clearBacktrace,
    stackOfStop,
  };
};

/** An error that a host function wants the script to see. */
export class GuestError extends Error {
  override readonly name = 'GuestError';
}
