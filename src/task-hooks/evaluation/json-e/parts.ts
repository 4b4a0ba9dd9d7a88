// What the operators of JSON-e's expressions do.
import { accessed } from './access.ts';
import { interpreterError, odd } from './errors.ts';
import { deepEquals, isObject, isTruthy, type Part, type Run, type Scope, spend, spendText } from './run.ts';

export const constant =
  (value: unknown): Part =>
  (_scope, run) => {
    spend(run, 1);
    return value;
  };

/** Where an operand is missing, the library crashes, but only when it comes there. */
export const hole: Part = odd;

export const contextValue =
  (name: string): Part =>
  (scope, run) => {
    for (let at: Scope | undefined = scope; at; at = at.outer) {
      spend(run, 1);
      if (Object.hasOwn(at.values, name)) return at.values[name] ?? nullOf(at.values[name]);
    }
    throw interpreterError(`unknown context value ${name}`);
  };

/** JSON has no undefined; over one the library stumbles sooner or later. */
const nullOf = (value: unknown): null => (value === null ? value : odd());

export const unary = (operator: string, operand: Part): Part => {
  if (operator === '!') return (scope, run) => !isTruthy(operand(scope, run), run);
  return (scope, run) => {
    spend(run, 1);
    const value = operand(scope, run);
    if (typeof value !== 'number') throw interpreterError(`unary ${operator} expects number`);
    return operator === '-' ? -value : value;
  };
};

export const member =
  (object: Part, key: string): Part =>
  (scope, run) => {
    spend(run, 1);
    const value = object(scope, run);
    if (!isObject(value)) throw interpreterError('infix: . expects objects');
    if (!Object.hasOwn(value, key)) throw interpreterError(`object has no property "${key}"`);
    return value[key];
  };

export const access =
  (object: Part, isInterval: boolean, left: Part | undefined, right: Part | undefined): Part =>
  (scope, run) => {
    spend(run, 1);
    const value = object(scope, run);
    const from = left ? left(scope, run) : 0;
    return accessed(value, isInterval, from, right ? right(scope, run) : null, run);
  };

export const list =
  (items: readonly Part[]): Part =>
  (scope, run) => {
    spend(run, 1 + items.length);
    return items.map((item) => item(scope, run));
  };

export const call =
  (callee: Part, parameters: readonly Part[]): Part =>
  (scope, run) => {
    spend(run, 2);
    const called = callee(scope, run);
    if (typeof called !== 'function') {
      if (typeof called === 'object' && called !== null) return odd(); // the library writes all of it
      throw interpreterError(`${called} is not callable`);
    }
    return called(
      parameters.map((parameter) => parameter(scope, run)),
      scope,
      run,
    );
  };

/** `left` is evaluated first; for `**` that is the exponent. */
export const binary = (operator: string, left: Part, right: Part): Part => {
  if (operator === '||') {
    return (scope, run) => isTruthy(left(scope, run), run) || isTruthy(right(scope, run), run);
  }
  if (operator === '&&') {
    return (scope, run) => isTruthy(left(scope, run), run) && isTruthy(right(scope, run), run);
  }
  const combine = BINARY[operator] as Combine;
  return (scope, run) => {
    spend(run, 1);
    const first = left(scope, run);
    return combine(first, right(scope, run), run);
  };
};

type Combine = (left: unknown, right: unknown, run: Run) => unknown;

const arithmetic =
  (operator: string, calculate: (left: number, right: number) => number): Combine =>
  (left, right) => {
    if (typeof left !== 'number' || typeof right !== 'number') {
      throw interpreterError(`infix: ${operator} expects number ${operator} number`);
    }
    return calculate(left, right);
  };

const comparison =
  (operator: string, compare: (left: string | number, right: string | number) => boolean): Combine =>
  (left, right, run) => {
    if (typeof left === 'number' && typeof right === 'number') return compare(left, right);
    if (typeof left !== 'string' || typeof right !== 'string') {
      throw interpreterError(`infix: ${operator} expects numbers/strings ${operator} numbers/strings`);
    }
    spend(run, Math.min(left.length, right.length) >> 5);
    return compare(left, right);
  };

const add: Combine = (left, right, run) => {
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  if (typeof left !== 'string' || typeof right !== 'string') {
    throw interpreterError('infix: + expects numbers/strings + numbers/strings');
  }
  spendText(run, left.length + right.length);
  return left + right;
};

const divide = arithmetic('/', (left, right) => {
  if (right === 0) throw interpreterError('division by zero');
  return left / right;
});

/** Searching takes up to the product of both lengths: 64 comparisons take as long as a step. */
export const spendSearch = (text: string, wanted: string, run: Run): void =>
  spend(run, 1 + Math.ceil((text.length * Math.max(1, Math.min(wanted.length, text.length - wanted.length))) / 64));

const isIn: Combine = (left, right, run) => {
  if (Array.isArray(right)) return right.some((item) => deepEquals(left, item, run));
  if (isObject(right)) {
    if (typeof left !== 'string') throw interpreterError('Infix: in-object expects string on left side');
    return Object.hasOwn(right, left);
  }
  if (typeof right !== 'string') {
    throw interpreterError('Infix: in expects Array, string, or object on right side');
  }
  if (typeof left !== 'string') throw interpreterError('Infix: in-string expects string on left side');
  spendSearch(right, left, run);
  return right.includes(left);
};

const BINARY: Readonly<Record<string, Combine>> = {
  '+': add,
  '-': arithmetic('-', (left, right) => left - right),
  '*': arithmetic('*', (left, right) => left * right),
  '/': divide,
  '**': arithmetic('**', (exponent, base) => base ** exponent),
  '<': comparison('<', (left, right) => left < right),
  '>': comparison('>', (left, right) => left > right),
  '<=': comparison('<=', (left, right) => left <= right),
  '>=': comparison('>=', (left, right) => left >= right),
  '==': deepEquals,
  '!=': (left, right, run) => !deepEquals(left, right, run),
  in: isIn,
};
