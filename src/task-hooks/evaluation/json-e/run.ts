// What a rendering may still cost, and what its parts are.
import { BEYOND_BUDGET } from './errors.ts';

/** One rendering under way. */
export type Run = {
  /** Each takes up to some 40 ns. */
  steps: number;
  /** Of texts that are still to be made. */
  characters: number;
  /** `range` was called with two arguments: from then on its third one is any number. */
  takesAnyStep: boolean;
};

/** Names and what they stand for, innermost first. */
export type Scope = {
  readonly values: Readonly<Record<string, unknown>>;
  readonly outer: Scope | undefined;
};

/** A template or an expression, compiled. */
export type Part = (scope: Scope, run: Run) => unknown;

export type Values = Readonly<Record<string, unknown>>;

/** To be called before the work. */
export const spend = (run: Run, steps: number): void => {
  run.steps -= steps;
  if (run.steps < 0) throw BEYOND_BUDGET;
};

/** A text of this length is about to be made: 32 characters take as long as a step. */
export const spendText = (run: Run, length: number): void => {
  run.characters -= length;
  if (run.characters < 0) throw BEYOND_BUDGET;
  spend(run, 1 + (length >> 5));
};

export const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object has been paid for, or came with the event: counting its keys afterwards will do. */
export const keysOf = (value: object, run: Run): string[] => {
  const keys = Object.keys(value);
  spend(run, 3 * keys.length);
  return keys;
};

/** For putting this many keys into an object that may become large. */
export const spendKeys = (run: Run, count: number): void => spend(run, 5 * count);

/** Also where the key is `__proto__`. */
export const setProperty = (target: Record<string, unknown>, key: string, value: unknown): void => {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else target[key] = value;
};

/** NaN is true, as in the library. */
export const isTruthy = (value: unknown, run: Run): boolean => {
  if (typeof value !== 'object' || value === null) return Boolean(value) || Number.isNaN(value);
  return Array.isArray(value) ? value.length > 0 : keysOf(value, run).length > 0;
};

/** Values nest at most so deep here; JSON.stringify and the walks below stand that. */
export const DEEPEST_VALUE = 1_000;

export const deepEquals = (left: unknown, right: unknown, run: Run, depth = 0): boolean => {
  spend(run, 1);
  if (typeof left === 'string' && typeof right === 'string' && left.length === right.length) {
    spend(run, left.length >> 5);
    return left === right;
  }
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return left === right;
  if (depth > DEEPEST_VALUE) throw BEYOND_BUDGET;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return left === right;
    return left.every((item, at) => deepEquals(item, right[at], run, depth + 1));
  }
  const keys = keysOf(left, run);
  if (keys.length !== keysOf(right, run).length) return false;
  return keys.every(
    (key) => Object.hasOwn(right, key) && deepEquals((left as Values)[key], (right as Values)[key], run, depth + 1),
  );
};

/** Whether a function is in it. Spends what writing it as JSON takes. */
export const holdsFunction = (value: unknown, run: Run, depth = 0): boolean => {
  if (typeof value === 'string') {
    spendText(run, value.length);
    return false;
  }
  spend(run, 1);
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  if (depth > DEEPEST_VALUE) throw BEYOND_BUDGET;
  if (Array.isArray(value)) {
    for (const item of value) if (holdsFunction(item, run, depth + 1)) return true;
    return false;
  }
  for (const key in value) {
    spend(run, 3);
    spendText(run, key.length);
    if (holdsFunction((value as Values)[key], run, depth + 1)) return true;
  }
  return false;
};
