// The engine's WebAssembly, with a ceiling on its memory.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/**
 * Pages of 64 KiB. The engine counts only what it allocates for scripts; regular expressions and
 * reallocations go beyond.
 */
const MOST_PAGES = 1536;

/** Compiles the engine (about 5 ms; the result can be sent to workers). */
export const loadWasm = (): WebAssembly.Module => {
  const path = createRequire(import.meta.url).resolve('quickjs-wasi/quickjs.wasm');
  return new WebAssembly.Module(withMemoryCeiling(readFileSync(path), MOST_PAGES));
};

const MEMORY_SECTION = 5;
const HEADER_BYTES = 8;

/** Rewrites the memory section so that it has a maximum: a module without one may grow to 4 GiB. */
export const withMemoryCeiling = (wasm: Uint8Array, mostPages: number): Uint8Array<ArrayBuffer> => {
  let at = HEADER_BYTES;
  const readNumber = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };
  while (at < wasm.length) {
    const sectionStart = at;
    const id = wasm[at++];
    const length = readNumber();
    const body = at;
    if (id === MEMORY_SECTION) {
      const memories = readNumber();
      const flags = wasm[at++];
      if (memories !== 1 || flags !== 0)
        throw new Error('the engine is not the one that was expected: its memory differs');
      const section = [1, 1, ...encodeNumber(readNumber()), ...encodeNumber(mostPages)];
      const before = wasm.subarray(0, sectionStart);
      const after = wasm.subarray(body + length);
      return new Uint8Array(
        Buffer.concat([before, Uint8Array.of(id, ...encodeNumber(section.length), ...section), after]),
      );
    }
    at = body + length;
  }
  throw new Error('the engine is not the one that was expected: it has no memory section');
};

const encodeNumber = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
};
