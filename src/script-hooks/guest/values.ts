// The guest's part that turns values into texts. Evaluated inside the engine: see source.ts.
import type { Host } from './host.ts';
import type { GuestSettings } from './ops.ts';

type Dictionary = Record<string, unknown>;

export type GuestValues = {
  /** JSON of any value. Throws for what is cyclic or too deep. */
  readonly toJson: (value: unknown) => string;
  /** Hands a value to the host: as it is if the host can read it, else as its JSON. */
  readonly tell: (op: number, value: unknown) => void;
  readonly cut: (text: string, start: number, end: number) => string;
  /** What `String(error)` says, whatever was thrown. */
  readonly describe: (error: unknown) => string;
};

export const guestValues = (host: Host, settings: GuestSettings): GuestValues => {
  const { deepest, longestMessage } = settings;
  const { stringify } = JSON;
  const { isArray } = Array;
  const { create, defineProperty, keys } = Object;
  const { apply } = Reflect;
  const text = String;
  const TypeErrorOf = TypeError;
  const RangeErrorOf = RangeError;
  const { slice } = String.prototype;
  const cut = (self: string, start: number, end: number): string => apply(slice, self, [start, end]);

  // Values to JSON, by the rules of 5.5: undefined, functions and symbols are null and keep their
  // key, toJSON is not called, a bigint is its digits, and only real arrays are arrays.

  /**
   * Whether JSON.stringify alone gives exactly that for an object. Written for speed: it sees every
   * value that leaves.
   */
  const isPlainObject = (value: object, depth: number): boolean => {
    if (depth > deepest) throw new RangeErrorOf('the value is cyclic or nested too deeply');
    if ((value as Dictionary).toJSON !== undefined) return false;
    if (isArray(value)) {
      for (let index = 0; index < value.length; index++) {
        const element: unknown = value[index];
        const type = typeof element;
        if (type === 'string' || type === 'number' || type === 'boolean' || element === null) continue;
        if (type !== 'object' || !isPlainObject(element as object, depth + 1)) return false;
      }
      return true;
    }
    // What a prototype adds is looked at too; at worst the slow way is taken for nothing.
    for (const key in value) {
      const element = (value as Dictionary)[key];
      const type = typeof element;
      if (type === 'string' || type === 'number' || type === 'boolean' || element === null) continue;
      if (type !== 'object' || !isPlainObject(element as object, depth + 1)) return false;
    }
    return true;
  };

  const isPlain = (value: unknown): boolean => {
    const type = typeof value;
    if (type === 'object') return value === null || isPlainObject(value as object, 0);
    return type === 'string' || type === 'number' || type === 'boolean';
  };

  const plainCopy = (value: unknown, depth: number): unknown => {
    switch (typeof value) {
      case 'string':
      case 'number':
      case 'boolean':
        return value;
      case 'bigint':
        return text(value);
      case 'object':
        break;
      default:
        return null;
    }
    if (value === null) return null;
    if (depth > deepest) throw new RangeErrorOf('the value is cyclic or nested too deeply');
    if (isArray(value)) {
      const copy: unknown[] = [];
      for (let index = 0; index < value.length; index++) {
        defineProperty(copy, index, {
          value: plainCopy(value[index], depth + 1),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      return copy;
    }
    const copy = create(null);
    const names = keys(value as Dictionary);
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      if (name !== '__proto__') copy[name] = plainCopy((value as Dictionary)[name], depth + 1);
    }
    return copy;
  };

  const toJson = (value: unknown): string => {
    const json = stringify(isPlain(value) ? value : plainCopy(value, 0));
    if (typeof json !== 'string') throw new TypeErrorOf('the value cannot be written as JSON');
    return json;
  };

  const describe = (error: unknown): string => {
    try {
      const message = text(error);
      return typeof message === 'string' ? cut(message, 0, longestMessage) : 'an error that cannot be printed';
    } catch {
      return 'an error that cannot be printed';
    }
  };

  const tell = (op: number, value: unknown): void => {
    if (typeof value === 'object' && value !== null && host(op, '', value) === true) return;
    host(op, toJson(value));
  };

  return { toJson, tell, cut, describe };
};
