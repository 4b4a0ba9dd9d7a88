// Reads the engine's binary form of a plain value, as JSON: several times faster than the engine's
// own JSON.stringify.
//
// The form is that of quickjs-wasi 3.6.2 (version byte 28): version, checksum, the texts that keys
// are made of, the value. By its own rules it is the JSON that scripts' values become: enumerable
// own keys, undefined as null or left out, no toJSON. Whatever is not plain (a Date, a bigint, a
// Map, …) is not read here: undefined, and the slow way is taken.

const VERSION = 28;
const CHECKSUM_BYTES = 4;
const TEXT_ATOM = 1;

const NULL = 1;
const UNDEFINED = 2;
const FALSE = 3;
const TRUE = 4;
const INTEGER = 5;
const FLOAT = 6;
const TEXT = 7;
const OBJECT = 8;
const ARRAY = 9;

/** Deeper values take the slow way, which refuses them with an error. */
const DEEPEST = 200;

/**
 * The JSON of a binary form; undefined when it is none that can be read here. A key with undefined
 * is left out with `dropsUndefined`, else its value is null.
 */
export const jsonOfBinaryForm = (form: Uint8Array, dropsUndefined = false): string | undefined => {
  const bytes = Buffer.from(form.buffer, form.byteOffset, form.byteLength);
  let at = 1 + CHECKSUM_BYTES;
  if (bytes[0] !== VERSION) return undefined;

  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 28) throw UNREADABLE;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };

  /**
   * The whole form as characters: cutting pieces from one string is much cheaper than making many.
   */
  const characters = bytes.toString('latin1');
  const quotedText = (): string => {
    const header = number();
    const isWide = (header & 1) === 1;
    const start = at;
    at += (header >>> 1) * (isWide ? 2 : 1);
    if (at > bytes.length) throw UNREADABLE;
    if (isWide) return JSON.stringify(bytes.toString('utf16le', start, at));
    const piece = characters.slice(start, at);
    return NEEDS_ESCAPE.test(piece) ? JSON.stringify(piece) : `"${piece}"`;
  };

  const keys: string[] = [''];
  const key = (): string => {
    const reference = number();
    if ((reference & 1) === 1) return `"${reference >>> 1}":`;
    const found = keys[reference >>> 1];
    if (found === undefined) throw UNREADABLE;
    return found;
  };

  const value = (depth: number): string => {
    if (depth > DEEPEST) throw UNREADABLE;
    switch (bytes[at++]) {
      case NULL:
      case UNDEFINED:
        return 'null';
      case FALSE:
        return 'false';
      case TRUE:
        return 'true';
      case INTEGER: {
        const coded = number();
        return String((coded >>> 1) ^ -(coded & 1));
      }
      case FLOAT: {
        const float = bytes.readDoubleLE(at);
        at += 8;
        // JSON has no such number, and whoever wrote it should hear of it.
        if (!Number.isFinite(float)) throw UNREADABLE;
        return JSON.stringify(float);
      }
      case TEXT:
        return quotedText();
      case OBJECT: {
        const count = number();
        if (count === 0) return '{}';
        let json = '';
        for (let index = 0; index < count; index++) {
          const name = key();
          if (dropsUndefined && bytes[at] === UNDEFINED) at++;
          else json += (json === '' ? '' : ',') + name + value(depth + 1);
        }
        return `{${json}}`;
      }
      case ARRAY: {
        const count = number();
        if (count === 0) return '[]';
        let json = '[';
        for (let index = 0; index < count; index++) json += (index === 0 ? '' : ',') + value(depth + 1);
        return `${json}]`;
      }
      default:
        throw UNREADABLE;
    }
  };

  try {
    const count = number();
    for (let index = 0; index < count; index++) {
      if (bytes[at++] !== TEXT_ATOM) return undefined;
      keys.push(`${quotedText()}:`);
    }
    const json = value(0);
    return at === bytes.length ? json : undefined;
  } catch (error) {
    if (error === UNREADABLE || error instanceof RangeError) return undefined;
    throw error;
  }
};

const NEEDS_ESCAPE = /["\\\u0000-\u001f]/;
const UNREADABLE = Symbol('unreadable');
