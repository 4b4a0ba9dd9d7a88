// A template, compiled once into parts. What has no expression in it is a constant, made once.
import { ARRAY_OPERATORS } from './array-operators.ts';
import { JsonEError, templateError } from './errors.ts';
import { LOOP_OPERATORS } from './loop-operators.ts';
import { type Compiling, NOTHING, type Operator } from './operator.ts';
import { compileExpression, type Room, TooLarge, takeRoom } from './parser.ts';
import { isObject, type Part, setProperty, spend, spendKeys, spendText, type Values } from './run.ts';
import { compileText } from './text.ts';
import { VALUE_OPERATORS } from './value-operators.ts';

const OPERATORS: Readonly<Record<string, Operator>> = { ...VALUE_OPERATORS, ...LOOP_OPERATORS, ...ARRAY_OPERATORS };

/** A constant needs no part: it is used as it stands. */
type Compiled = { readonly constant: unknown } | { readonly part: Part };

export type CompiledTemplate = {
  readonly part: Part;
  /** The template changes arrays that come from the context, so it is to have one of its own. */
  readonly inPlace: boolean;
};

/** Some ms to compile, at most. */
const MOST_TOKENS = 5_000;
const DEEPEST_TEMPLATE = 100;

/** Throws TooLarge where compiling would take too long, or rendering too much of the stack. */
export const compileTemplate = (template: unknown): CompiledTemplate => {
  const room: Room = { tokens: MOST_TOKENS };
  const inPlace = changesInPlace(template, { tokens: MOST_TOKENS });
  let depth = 0;

  const compile = (one: unknown): Compiled => {
    takeRoom(room, 1);
    depth += 1;
    if (depth > DEEPEST_TEMPLATE) throw new TooLarge();
    const compiled = compileAny(one);
    depth -= 1;
    return compiled;
  };
  const compileAny = (one: unknown): Compiled => {
    if (typeof one === 'string') return compiledText(one);
    if (Array.isArray(one)) return compileArray(one);
    return isObject(one) ? compileObject(one) : { constant: one };
  };
  const compiledText = (source: string): Compiled => {
    const text = compileText(source, room);
    return typeof text === 'string' ? { constant: text } : { part: text };
  };

  const compiling: Compiling = {
    template: (one) => asPart(compile(one)),
    expression: (source) => compileExpression(source, room),
    text: (source) => asPart(compiledText(source)),
    inPlace,
  };

  const compileArray = (items: readonly unknown[]): Compiled => {
    const compiled = items.map(compile);
    if (!inPlace && compiled.every(isConstant)) return { constant: compiled.map(({ constant }) => constant) };
    return { part: arrayOf(compiled.map(asPart)) };
  };

  const compileObject = (one: Values): Compiled => {
    const operators = Object.keys(OPERATORS).filter((key) => Object.hasOwn(one, key));
    const [operator] = operators;
    if (operators.length > 1) return { part: onlyOneOperator };
    if (operator !== undefined) return { part: (OPERATORS[operator] as Operator)(one, compiling) };
    const entries = Object.keys(one).map((key): Entry => {
      const value = compile(one[key]);
      return { key, value, name: nameOf(key) };
    });
    if (!inPlace && entries.every(isConstantEntry)) {
      const constant: Record<string, unknown> = {};
      for (const { name, value } of entries) setProperty(constant, name, value.constant);
      return { constant };
    }
    return { part: objectOf(entries.map(({ key, value, name }) => ({ key, name, part: asPart(value) }))) };
  };
  const nameOf = (key: string): string | Part => {
    if (key.startsWith('$$')) return key.slice(1);
    return /^\$[a-zA-Z][a-zA-Z0-9]*$/.test(key) ? reserved : compileText(key, room);
  };

  return { part: compiling.template(template), inPlace };
};

type Entry = { readonly key: string; readonly name: string | Part; readonly value: Compiled };

const isConstant = (compiled: Compiled): compiled is { readonly constant: unknown } => 'constant' in compiled;
const isConstantEntry = (entry: Entry): entry is Entry & { name: string; value: { readonly constant: unknown } } =>
  typeof entry.name === 'string' && isConstant(entry.value);

const asPart = (compiled: Compiled): Part => {
  if (!isConstant(compiled)) return compiled.part;
  const { constant } = compiled;
  return (_scope, run) => {
    spend(run, 1);
    return constant;
  };
};

const onlyOneOperator: Part = () => {
  throw templateError('only one operator allowed');
};
const reserved: Part = () => {
  throw templateError('$<identifier> is reserved; use $$<identifier>');
};

const arrayOf =
  (parts: readonly Part[]): Part =>
  (scope, run) => {
    spend(run, 1 + parts.length);
    const values: unknown[] = [];
    let at = 0;
    try {
      for (const part of parts) {
        const value = part(scope, run);
        if (value !== NOTHING) values.push(value);
        at += 1;
      }
    } catch (error) {
      if (error instanceof JsonEError) error.location.unshift(`[${at}]`);
      throw error;
    }
    return values;
  };

type EntryPart = { readonly key: string; readonly name: string | Part; readonly part: Part };

const objectOf =
  (entries: readonly EntryPart[]): Part =>
  (scope, run) => {
    spend(run, 1 + entries.length);
    const values: Record<string, unknown> = {};
    let at: string | undefined;
    try {
      for (const { key, name, part } of entries) {
        at = key;
        const value = part(scope, run);
        if (value === NOTHING) continue;
        if (typeof name === 'string') setProperty(values, name, value);
        else {
          at = undefined; // an error in the value names the key; one in the key itself does not
          const text = name(scope, run) as string;
          spendText(run, text.length);
          spendKeys(run, 1);
          setProperty(values, text, value);
        }
      }
    } catch (error) {
      if (error instanceof JsonEError && at !== undefined) {
        error.location.unshift(/^[a-zA-Z][a-zA-Z0-9]*$/.test(at) ? `.${at}` : `[${JSON.stringify(at)}]`);
      }
      throw error;
    }
    return values;
  };

/** These two change the array that they are given, which only matters where others see it, too. */
const changesInPlace = (template: unknown, room: Room, depth = 0): boolean => {
  takeRoom(room, 1);
  if (typeof template !== 'object' || template === null) return false;
  if (depth > DEEPEST_TEMPLATE) throw new TooLarge();
  const isOneOfThem = ['$reverse', '$mergeDeep'].some(
    (name) => Object.hasOwn(template, name) && !Array.isArray((template as Values)[name]),
  );
  return isOneOfThem || Object.values(template).some((inner) => changesInPlace(inner, room, depth + 1));
};
