// Operators that make one value of an array: flattened, merged, reversed, sorted.
import { BEYOND_BUDGET, odd, templateError } from './errors.ts';
import { merged } from './loop-operators.ts';
import { isArrayOfObjects, type Operator, withOnly } from './operator.ts';
import { DEEPEST_VALUE, isObject, keysOf, type Part, type Run, setProperty, spend, type Values } from './run.ts';

/** The argument is a template; its value is an array, or the rendering fails. */
const ofArray = (name: string, change: (value: unknown[], run: Run, inPlace: boolean) => unknown, what = 'an array') =>
  withOnly([`\\${name}`], (template, { template: compile, inPlace }) => {
    const argument = compile(template[name]);
    return (scope, run) => {
      const value = argument(scope, run);
      if (!Array.isArray(value)) throw templateError(`${name} value must evaluate to ${what}`);
      spend(run, value.length);
      return change(value, run, inPlace);
    };
  });

const flatten = (value: readonly unknown[], run: Run): unknown[] => {
  for (const item of value) if (Array.isArray(item)) spend(run, item.length);
  return value.flat();
};

const flattenDeep = (value: readonly unknown[], run: Run, depth = 0): unknown[] => {
  if (depth > DEEPEST_VALUE) throw BEYOND_BUDGET;
  const result: unknown[] = [];
  for (const item of value) {
    spend(run, 1);
    if (!Array.isArray(item)) result.push(item);
    else for (const inner of flattenDeep(item, run, depth + 1)) result.push(inner);
    spend(run, Array.isArray(item) ? item.length : 0);
  }
  return result;
};

const merge = (value: readonly unknown[], run: Run): unknown => {
  if (!isArrayOfObjects(value)) throw templateError('$merge value must evaluate to an array of objects');
  return merged(value, run);
};

const mergeDeep = (value: unknown[], run: Run, inPlace: boolean): unknown => {
  if (!isArrayOfObjects(value)) throw templateError('$mergeDeep value must evaluate to an array of objects');
  if (value.length === 0) return {};
  const [first, ...others] = value;
  if (inPlace) (value as Values[]).shift();
  return others.reduce<unknown>((result, other) => joined(result, other, run, 0), first);
};

const joined = (left: unknown, right: unknown, run: Run, depth: number): unknown => {
  spend(run, 1);
  if (depth > DEEPEST_VALUE) throw BEYOND_BUDGET;
  if (Array.isArray(left) && Array.isArray(right)) {
    spend(run, left.length + right.length);
    return left.concat(right);
  }
  if (!isObject(left) || !isObject(right)) return right;
  const result = merged([left], run);
  for (const key of keysOf(right, run)) {
    const value = Object.hasOwn(left, key) ? joined(left[key], right[key], run, depth + 1) : right[key];
    setProperty(result, key, value);
  }
  return result;
};

const reverse = (value: unknown[], _run: Run, inPlace: boolean): unknown[] =>
  inPlace ? value.reverse() : value.toReversed();

const UNSORTABLE = '$sorted values to be sorted must have the same type';
const BY = 'by\\([a-zA-Z_][a-zA-Z0-9_]*\\)';
const BY_NAME = /^by\(([a-zA-Z_][a-zA-Z0-9_]*)\)$/;

const sort: Operator = (template, compiling) => {
  const argument = compiling.template(template.$sort);
  const key = Object.keys(template).find((other) => other !== '$sort') ?? '';
  const name = BY_NAME.exec(key)?.[1];
  const source = template[key];
  const by: Part = typeof source === 'string' ? compiling.expression(source) : odd;
  return (outer, run) => {
    const value = argument(outer, run);
    if (!Array.isArray(value)) throw templateError(UNSORTABLE);
    spend(run, value.length);
    if (name === undefined) {
      if (value.some((item) => typeof item === 'object' && item !== null)) throw templateError(UNSORTABLE);
      return sorted(
        value.map((item) => [item, item]),
        run,
      );
    }
    const keyed = value.map((item): Keyed => {
      spend(run, 3);
      return [by({ values: { [name]: item }, outer }, run), item];
    });
    return sorted(keyed, run);
  };
};

type Keyed = readonly [key: unknown, item: unknown];

const sorted = (keyed: Keyed[], run: Run): unknown[] => {
  const type = typeof keyed[0]?.[0];
  if (keyed.length > 0 && type !== 'number' && type !== 'string') throw templateError(UNSORTABLE);
  let longest = 0;
  for (const [key] of keyed) {
    if (typeof key !== type) throw templateError(UNSORTABLE);
    if (typeof key === 'string') longest = Math.max(longest, key.length);
  }
  spend(run, keyed.length * Math.ceil(Math.log2(keyed.length + 1)) * (2 + (longest >> 5)));
  return keyed.sort(([left], [right]) => compare(left as string, right as string)).map(([, item]) => item);
};

const compare = (left: string | number, right: string | number): number => {
  if (left < right) return -1;
  return left > right ? 1 : 0;
};

export const ARRAY_OPERATORS: Readonly<Record<string, Operator>> = {
  $flatten: ofArray('$flatten', flatten),
  $flattenDeep: ofArray('$flattenDeep', (value, run) => flattenDeep(value, run)),
  $merge: ofArray('$merge', merge, 'an array of objects'),
  $mergeDeep: ofArray('$mergeDeep', mergeDeep, 'an array of objects'),
  $reverse: ofArray('$reverse', reverse, 'an array of objects'),
  $sort: withOnly(['\\$sort', BY], sort),
};
