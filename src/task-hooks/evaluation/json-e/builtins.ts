// JSON-e's own functions. Each tests its arguments as the library does, and spends what it takes
// before it does it.
import { BEYOND_BUDGET, JsonEError, odd } from './errors.ts';
import { fromNow, readTimespan, spendDate } from './from-now.ts';
import { spendSearch } from './parts.ts';
import { isObject, type Run, type Scope, spend, spendText, type Values } from './run.ts';

type Builtin = (given: readonly unknown[], scope: Scope, run: Run) => unknown;

const TESTS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  array: Array.isArray,
  object: isObject,
  function: (value) => typeof value === 'function',
  null: (value) => value === null,
};

const invalid = (name: string): JsonEError => new JsonEError('BuiltinError', `invalid arguments to builtin: ${name}`);

/** `kinds`: of each argument. */
const define = (name: string, kinds: readonly string[], invoke: (...given: never[]) => unknown): Builtin => {
  const tests = kinds.map((kind) => kind.split('|').map((one) => TESTS[one] as (value: unknown) => boolean));
  return (given, scope, run) => {
    spend(run, 2);
    if (given.length < kinds.length) throw invalid(name);
    for (const [at, value] of given.entries()) {
      const test = tests[at] ?? odd(); // the library crashes over what is too much
      if (!test.some((passes) => passes(value))) throw invalid(name);
    }
    return invoke(...([...given, scope, run] as never[]));
  };
};

/** Any number of arguments, at least one. */
const defineVariadic =
  (name: string, kind: 'number' | 'string', invoke: (given: never[], scope: Scope, run: Run) => unknown): Builtin =>
  (given, scope, run) => {
    spend(run, 2 + given.length);
    if (given.length < 1) throw invalid(`${name}: expected at least 1 arguments`);
    if (given.some((value) => typeof value !== kind)) throw invalid(name);
    return invoke(given as never[], scope, run);
  };

/** Its tests change with its first call that has two arguments, as they do in the library. */
const range: Builtin = (given, _scope, run) => {
  spend(run, 2);
  if (given.length < 2) throw invalid('range: expected at least 2 arguments');
  if (given.length === 2) run.takesAnyStep = true;
  for (const [at, value] of given.entries()) {
    const isAny = at > 2 || (at === 2 && run.takesAnyStep);
    if (isAny ? typeof value !== 'number' : !Number.isInteger(value)) throw invalid('range');
  }
  const [start, stop, step = 1] = given as [number, number, number?];
  const length = Math.ceil((stop - start) / step);
  if (!(length > 0)) return [];
  if (length === Number.POSITIVE_INFINITY) throw BEYOND_BUDGET; // which is left to the event's other templates
  spend(run, length);
  return Array.from({ length }, (_, at) => start + at * step);
};

/** A text that is read as a whole, and made anew. */
const ofText =
  (change: (text: string) => unknown) =>
  (text: string, _scope: Scope, run: Run): unknown => {
    spendText(run, text.length);
    spend(run, text.length >> 3);
    return change(text);
  };

const NUMBER_LENGTH = 25;

const split = (text: string, delimiter: string | number, _scope: Scope, run: Run): string[] => {
  const separator = String(delimiter);
  spendText(run, text.length);
  spendSearch(text, separator, run);
  spend(run, separator === '' ? text.length : Math.ceil(text.length / separator.length));
  return text.split(separator);
};

const join = (items: readonly unknown[], separator: string | number, _scope: Scope, run: Run): string => {
  const between = String(separator);
  spend(run, items.length);
  for (const item of items) {
    if ((typeof item === 'object' && item !== null) || typeof item === 'function') return odd();
    if (typeof item === 'number') spend(run, 5);
    spendText(run, between.length + (typeof item === 'string' ? item.length : NUMBER_LENGTH));
  }
  return items.join(between);
};

const lengthOf = (value: string | readonly unknown[], _scope: Scope, run: Run): number => {
  if (typeof value !== 'string') return value.length;
  spend(run, 1 + (value.length >> 1));
  let length = 0;
  for (const _character of value) length += 1; // code points
  return length;
};

const typeOf = (value: unknown): string => {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
};

/** The moment that time spans count from, unless they say another. */
export const nowIn = (scope: Scope): unknown => {
  for (let at: Scope | undefined = scope; at; at = at.outer) if (Object.hasOwn(at.values, 'now')) return at.values.now;
  return odd();
};

const isDefined = (name: string, scope: Scope, run: Run): boolean => {
  for (let at: Scope | undefined = scope; at; at = at.outer) {
    spend(run, 1);
    if (Object.hasOwn(at.values, name)) return true;
  }
  return false;
};

const ANYTHING = 'string|number|boolean|array|object|null|function';

export const BUILTINS: Values = {
  max: defineVariadic('max', 'number', (given) => Math.max(...given)),
  min: defineVariadic('min', 'number', (given) => Math.min(...given)),
  sqrt: define('sqrt', ['number'], (value: number) => Math.sqrt(value)),
  ceil: define('ceil', ['number'], (value: number) => Math.ceil(value)),
  floor: define('floor', ['number'], (value: number) => Math.floor(value)),
  abs: define('abs', ['number'], (value: number) => Math.abs(value)),
  range,
  lowercase: define(
    'lowercase',
    ['string'],
    ofText((text) => text.toLowerCase()),
  ),
  uppercase: define(
    'uppercase',
    ['string'],
    ofText((text) => text.toUpperCase()),
  ),
  str: define('str', ['string|number|boolean|null'], (value: unknown, _scope: Scope, run: Run) => {
    spend(run, 5);
    return String(value);
  }),
  number: define('number', ['string'], ofText(Number)),
  len: define('len', ['string|array'], lengthOf),
  strip: define(
    'strip',
    ['string'],
    ofText((text) => text.trim()),
  ),
  rstrip: define(
    'rstrip',
    ['string'],
    ofText((text) => text.trimEnd()),
  ),
  lstrip: define(
    'lstrip',
    ['string'],
    ofText((text) => text.trimStart()),
  ),
  split: define('split', ['string', 'string|number'], split),
  join: define('join', ['array', 'string|number'], join),
  fromNow: defineVariadic('fromNow', 'string', ([timespan = '', reference]: string[], scope, run) => {
    spendDate(run, timespan);
    return fromNow(readTimespan(timespan), reference || nowIn(scope));
  }),
  typeof: define('typeof', [ANYTHING], typeOf),
  defined: define('defined', ['string'], isDefined),
};
