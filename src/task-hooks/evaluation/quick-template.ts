// Templates made of constants, paths, plain conditions and dates, compiled once into functions:
// some 20 times as fast as json-e, which parses every expression anew. It only ever answers what
// json-e would: whatever is out of the ordinary (a missing property, a comparison of objects, a
// type that does not fit) is left to json-e, and so are its error messages.
import type { FiringContext } from './template.ts';

/** Answers what json-e renders, or LEFT_TO_JSON_E. */
export type QuickTemplate = (context: FiringContext) => unknown;

export const LEFT_TO_JSON_E = Symbol('left to json-e');

type Values = Readonly<Record<string, unknown>>;
type Part = (values: Values) => unknown;
/** A constant needs no function; it is answered as it stands. */
type Compiled = { readonly constant: unknown } | { readonly part: Part };

/** What `$if` without the branch that applies leaves: nothing, not even a null. */
const NOTHING = Symbol('nothing');

class Leave extends Error {}
const LEAVE = new Leave(); // one for all: making a stack each time would cost more than it saves

/** undefined: this template has something that only json-e knows. */
export const compileQuickTemplate = (template: unknown): QuickTemplate | undefined => {
  try {
    const part = asPart(compile(template));
    return (context) => {
      try {
        const value = part(context as Values);
        return value === NOTHING ? undefined : value;
      } catch (error) {
        if (error === LEAVE) return LEFT_TO_JSON_E;
        throw error;
      }
    };
  } catch (error) {
    if (error === LEAVE) return undefined;
    throw error;
  }
};

const leave = (): never => {
  throw LEAVE;
};

const asPart = (compiled: Compiled): Part => ('part' in compiled ? compiled.part : () => compiled.constant);

const compile = (template: unknown): Compiled => {
  if (typeof template === 'string') return compileText(template);
  if (typeof template !== 'object' || template === null) return { constant: template };
  if (Array.isArray(template)) return compileArray(template);
  const keys = Object.keys(template);
  const operators = keys.filter((key) => key.startsWith('$') && !key.startsWith('$$'));
  if (operators.length === 0) return compileObject(template as Values, keys);
  return operators.length === 1 ? compileOperator(operators[0] as string, template as Values, keys) : leave();
};

const compileArray = (template: readonly unknown[]): Compiled => {
  const items = template.map(compile);
  if (items.every((item) => 'constant' in item)) return { constant: items.map(({ constant }) => constant) };
  const parts = items.map(asPart);
  return { part: (values) => parts.map((part) => part(values)).filter((value) => value !== NOTHING) };
};

const compileObject = (template: Values, keys: readonly string[]): Compiled => {
  const entries = keys.map((key): [string, Compiled] => {
    if (key.includes('${') || key === '__proto__') leave();
    return [key.startsWith('$$') ? key.slice(1) : key, compile(template[key])];
  });
  if (entries.some(([key]) => key === '__proto__')) leave();
  if (entries.every(([, value]) => 'constant' in value)) {
    return {
      constant: Object.fromEntries(entries.map(([key, value]) => [key, (value as { constant: unknown }).constant])),
    };
  }
  const parts = entries.map(([key, value]): [string, Part] => [key, asPart(value)]);
  return {
    part: (values) => {
      const result: Record<string, unknown> = {};
      for (const [key, part] of parts) {
        const value = part(values);
        if (value !== NOTHING) result[key] = value;
      }
      return result;
    },
  };
};

const compileOperator = (operator: string, template: Values, keys: readonly string[]): Compiled => {
  const argument = template[operator];
  if (typeof argument !== 'string') return leave();
  if (operator === '$eval' && keys.length === 1) return { part: compileExpression(argument) };
  if (operator === '$fromNow' && keys.length === 1) return compileFromNow(argument);
  if (operator !== '$if' || keys.some((key) => key !== '$if' && key !== 'then' && key !== 'else')) return leave();
  const condition = compileExpression(argument);
  const branch = (key: 'then' | 'else'): Part =>
    Object.hasOwn(template, key) ? asPart(compile(template[key])) : () => NOTHING;
  const then = branch('then');
  const otherwise = branch('else');
  return { part: (values) => (isTruthy(condition(values)) ? then(values) : otherwise(values)) };
};

const INTERPOLATION = /\$\{([^{}'"]*)\}/g;

const compileText = (text: string): Compiled => {
  if (!text.includes('${')) return { constant: text };
  if (text.includes('$${')) return leave();
  const pieces: (string | Part)[] = [];
  let end = 0;
  for (const match of text.matchAll(INTERPOLATION)) {
    pieces.push(constantPiece(text.slice(end, match.index)), compileExpression(match[1] as string));
    end = match.index + match[0].length;
  }
  pieces.push(constantPiece(text.slice(end)));
  return {
    part: (values) => {
      let result = '';
      for (const piece of pieces) result += typeof piece === 'string' ? piece : textOf(piece(values));
      return result;
    },
  };
};

/**
 * A beginning in it is an expression that the pattern above did not see whole, such as one with
 * quotes.
 */
const constantPiece = (text: string): string => (text.includes('${') ? leave() : text);

const textOf = (value: unknown): string => {
  if (value === null) return '';
  return typeof value === 'object' ? leave() : String(value);
};

const UNITS_MS: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000, // as json-e counts
  year: 365 * 86_400_000,
};
const TIMESPAN = /^(\d{1,6}) (second|minute|hour|day|week|month|year)s?$/;

const compileFromNow = (timespan: string): Compiled => {
  const [, count, unit] = TIMESPAN.exec(timespan) ?? [];
  const offset = timespan === '' ? 0 : Number(count) * (UNITS_MS[unit ?? ''] ?? Number.NaN);
  if (Number.isNaN(offset)) return leave();
  return { part: ({ now }) => dateFrom(now as string, offset) };
};

let datesNow = '';
const dates = new Map<number, string>();

/** Templates ask for the same few dates over and over, and many fires share their millisecond. */
const dateFrom = (now: string, offset: number): string => {
  if (now !== datesNow) {
    dates.clear();
    datesNow = now;
  }
  const known = dates.get(offset);
  if (known !== undefined) return known;
  const date = new Date(Date.parse(now) + offset).toJSON();
  dates.set(offset, date);
  return date;
};

const TOKEN =
  /\s*(?:([A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\['[^'\\]*'\]|\["[^"\\]*"\])*)|('[^'\\]*'|"[^"\\]*")|(\d{1,15})|(==|!=|<=|>=|<|>|&&|\|\|))\s*/y;

type Token = { readonly operand: Part } | { readonly operator: string };

/**
 * Paths and literals, at most one comparison between `&&` and `||`. No parentheses, no `!`, no
 * arithmetic.
 */
const compileExpression = (source: string): Part => {
  const tokens = tokenize(source);
  const alternatives = splitAt(tokens, '||').map((alternative) => {
    const conditions = splitAt(alternative, '&&').map(compileComparison);
    const [first] = conditions;
    return conditions.length === 1 && first ? first : all(conditions);
  });
  const [first] = alternatives;
  return alternatives.length === 1 && first ? first : any(alternatives);
};

const all =
  (parts: readonly Part[]): Part =>
  (values) =>
    parts.every((part) => isTruthy(part(values)));
const any =
  (parts: readonly Part[]): Part =>
  (values) =>
    parts.some((part) => isTruthy(part(values)));

const tokenize = (source: string): Token[] => {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const [, path, text, number, operator] = TOKEN.exec(source) ?? leave();
    if (path !== undefined) tokens.push({ operand: compilePath(path) });
    else if (operator !== undefined) tokens.push({ operator });
    else {
      const literal = text === undefined ? Number(number) : text.slice(1, -1);
      tokens.push({ operand: () => literal });
    }
  }
  return tokens;
};

const splitAt = (tokens: readonly Token[], operator: string): Token[][] => {
  const groups: Token[][] = [[]];
  for (const token of tokens) {
    if ('operator' in token && token.operator === operator) groups.push([]);
    else groups.at(-1)?.push(token);
  }
  return groups;
};

const compileComparison = (tokens: readonly Token[]): Part => {
  const [left, operator, right] = tokens;
  if (!left || !('operand' in left)) return leave();
  if (tokens.length === 1) return left.operand;
  if (tokens.length !== 3 || !operator || !('operator' in operator) || !right || !('operand' in right)) return leave();
  const compare = COMPARISONS[operator.operator] ?? leave();
  return (values) => {
    const a = left.operand(values);
    const b = right.operand(values);
    if (typeof a === 'object' && a !== null) leave();
    if (typeof b === 'object' && b !== null) leave();
    return compare(a, b);
  };
};

const ordered = (a: unknown, b: unknown): void => {
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) leave();
};
const COMPARISONS: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => {
    ordered(a, b);
    return (a as number) < (b as number);
  },
  '>': (a, b) => {
    ordered(a, b);
    return (a as number) > (b as number);
  },
  '<=': (a, b) => {
    ordered(a, b);
    return (a as number) <= (b as number);
  },
  '>=': (a, b) => {
    ordered(a, b);
    return (a as number) >= (b as number);
  },
};

const STEP = /\.([A-Za-z_]\w*)|\[(?:'([^']*)'|"([^"]*)")\]/g;
const WORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

type Step = { readonly key: string; readonly mayBeMissing: boolean };

/** `payload.a['b']`: a property that is missing is an error after a dot, and null in brackets. */
const compilePath = (path: string): Part => {
  const name = /^\w+/.exec(path)?.[0] as string;
  const steps = [...path.slice(name.length).matchAll(STEP)].map(
    ([, key, single, double]): Step => ({ key: key ?? single ?? double ?? '', mayBeMissing: key === undefined }),
  );
  if (Object.hasOwn(WORDS, name)) {
    const word = WORDS[name];
    return steps.length === 0 ? () => word : leave();
  }
  if (name === 'in' || /\.(?:in|true|false|null)\b/.test(path)) return leave();
  return (values) => {
    let value: unknown = Object.hasOwn(values, name) ? values[name] : leave(); // else one of json-e's own functions
    for (const { key, mayBeMissing } of steps) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return leave();
      if (Object.hasOwn(value, key)) value = (value as Values)[key];
      else if (mayBeMissing) value = null;
      else return leave();
    }
    return value;
  };
};

const isTruthy = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return Boolean(value);
  return Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0;
};
