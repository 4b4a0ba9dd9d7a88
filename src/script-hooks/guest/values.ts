// The guest's part that turns values into texts. Evaluated inside the engine: see source.ts.
import type { Host } from './host.ts';
import type { GuestSettings } from './ops.ts';

type Dictionary = Record<string, unknown>;

export type GuestValues = {
  /**
   * JSON of any value. Throws for what is cyclic or too deep. What JSON cannot hold is told, with a
   * pointer that begins with `where`.
   */
  readonly toJson: (value: unknown, where: string, dropsUndefined?: boolean) => string;
  /** Hands a value to the host: as it is if the host can read it, else as its JSON. */
  readonly tell: (op: number, value: unknown, where: string) => void;
  readonly cut: (text: string, start: number, end: number) => string;
  /** What `String(error)` says, whatever was thrown. */
  readonly describe: (error: unknown) => string;
};

export const guestValues = (host: Host, settings: GuestSettings, inspect: (value: unknown) => string): GuestValues => {
  const { ops, deepest, longestMessage, mostNotes } = settings;
  const { stringify } = JSON;
  const { isArray } = Array;
  const { create, defineProperty, getPrototypeOf, keys } = Object;
  const objectPrototype = Object.prototype;
  const objectTag = objectPrototype.toString;
  const finite = Number.isFinite;
  const { apply } = Reflect;
  const text = String;
  const TypeErrorOf = TypeError;
  const RangeErrorOf = RangeError;
  const { slice, replaceAll } = String.prototype;
  const cut = (self: string, start: number, end: number): string => apply(slice, self, [start, end]);

  // Values to JSON: undefined, functions and symbols are null and keep their key (in what a hook
  // returns, a key with undefined is no key), toJSON is not called, a bigint is its digits, and
  // only real arrays are arrays.

  /**
   * Whether JSON.stringify alone gives exactly that for an object. Written for speed: it sees every
   * value that leaves.
   */
  const isPlainObject = (value: object, depth: number): boolean => {
    if (depth > deepest) throw new RangeErrorOf('the value is cyclic or nested too deeply');
    if ((value as Dictionary).toJSON !== undefined) return false;
    if (isArray(value)) {
      for (let index = 0; index < value.length; index++) if (!isPlain(value[index], depth + 1)) return false;
      return true;
    }
    const prototype = getPrototypeOf(value);
    if (prototype !== objectPrototype && prototype !== null) return false;
    // What a prototype adds is looked at too; at worst the slow way is taken for nothing.
    for (const key in value) if (!isPlain((value as Dictionary)[key], depth + 1)) return false;
    return true;
  };

  const isPlain = (value: unknown, depth: number): boolean => {
    const type = typeof value;
    if (type === 'object') return value === null || isPlainObject(value as object, depth);
    return type === 'string' || type === 'boolean' || (type === 'number' && finite(value));
  };

  let notes = 0;
  /** Where we are in the value, from the outside in: keys. */
  const path: string[] = [];
  const note = (where: string, what: string, became: string): void => {
    if (where === '' || ++notes > mostNotes) return;
    let pointer = where;
    for (let index = 0; index < path.length; index++) {
      const key = apply(replaceAll, path[index] as string, ['~', '~0']);
      pointer += `/${apply(replaceAll, key, ['/', '~1'])}`;
    }
    host(ops.note, pointer);
    host(ops.note, `is ${what}, which JSON cannot hold: it became ${became}`);
  };

  const unlikeJson = (value: object): string | undefined => {
    const tag = cut(apply(objectTag, value, []), 8, -1);
    switch (tag) {
      case 'Map':
      case 'Set':
      case 'WeakMap':
      case 'WeakSet':
      case 'WeakRef':
      case 'Date':
      case 'RegExp':
      case 'Promise':
      case 'ArrayBuffer':
      case 'DataView':
      case 'Number':
      case 'String':
      case 'Boolean':
        return `a ${tag}`;
      case 'Error':
        return 'an Error';
      default:
        return undefined;
    }
  };

  const plainCopy = (value: unknown, where: string, dropsUndefined: boolean): unknown => {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        if (!finite(value)) note(where, text(value), 'null');
        return value;
      case 'bigint':
        return text(value);
      case 'object':
        break;
      case 'undefined':
        return null;
      default:
        note(where, `a ${typeof value}`, 'null');
        return null;
    }
    if (value === null) return null;
    const depth = path.length;
    if (depth > deepest) throw new RangeErrorOf('the value is cyclic or nested too deeply');
    if (isArray(value)) {
      const copy: unknown[] = [];
      for (let index = 0; index < value.length; index++) {
        path[depth] = text(index);
        defineProperty(copy, index, {
          value: plainCopy(value[index], where, dropsUndefined),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      path.length = depth;
      return copy;
    }
    const copy = create(null);
    const names = keys(value as Dictionary);
    const unlike = unlikeJson(value);
    if (unlike !== undefined) note(where, unlike, names.length === 0 ? '{}' : 'an object of its own keys');
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      const inner = (value as Dictionary)[name];
      if (name === '__proto__' || (dropsUndefined && inner === undefined)) continue;
      path[depth] = name;
      copy[name] = plainCopy(inner, where, dropsUndefined);
    }
    path.length = depth;
    return copy;
  };

  const toJson: GuestValues['toJson'] = (value, where, dropsUndefined = false) => {
    path.length = 0;
    const json = stringify(isPlain(value, 0) ? value : plainCopy(value, where, dropsUndefined));
    if (typeof json !== 'string') throw new TypeErrorOf('the value cannot be written as JSON');
    return json;
  };

  const describe = (error: unknown): string => {
    try {
      const message = text(error);
      if (typeof message !== 'string') return 'an error that cannot be printed';
      const says = cut(message, 0, 8) === '[object ' ? inspect(error) : message;
      return cut(says, 0, longestMessage);
    } catch {
      return 'an error that cannot be printed';
    }
  };

  const tell: GuestValues['tell'] = (op, value, where) => {
    if (typeof value === 'object' && value !== null && host(op, '', value) === true) return;
    host(op, toJson(value, where, op !== ops.setState));
  };

  return { toJson, tell, cut, describe };
};
