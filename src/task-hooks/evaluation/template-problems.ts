// What keeps parts of a template from ever being rendered, found without rendering: expressions
// that do not parse, operators that JSON-e does not know or that are incomplete.
import { createRequire } from 'node:module';
import { describeError } from '../../core/errors.ts';

/** `place`: `task.payload.env`. */
export type TemplateProblem = { readonly place: string; readonly reason: string };

const MOST_PROBLEMS = 20;

export const findTemplateProblems = (template: unknown, place = 'task'): TemplateProblem[] => {
  const problems: TemplateProblem[] = [];
  const report = (where: string, reason: string) => {
    if (problems.length < MOST_PROBLEMS) problems.push({ place: where, reason });
  };
  try {
    visit(template, place, report);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    report(place, 'it nests too deep');
  }
  return problems;
};

type Report = (place: string, reason: string) => void;
type Values = Readonly<Record<string, unknown>>;

const visit = (template: unknown, place: string, report: Report): void => {
  if (typeof template === 'string') checkText(template, place, report);
  else if (Array.isArray(template)) for (const [at, item] of template.entries()) visit(item, `${place}[${at}]`, report);
  else if (isObject(template)) visitObject(template, place, report);
};

const visitObject = (template: Values, place: string, report: Report): void => {
  const operators = Object.keys(template).filter((key) => Object.hasOwn(OPERATORS, key));
  const [operator] = operators;
  if (operators.length > 1)
    report(place, `${operators.join(' and ')} stand beside each other; only one operator is allowed`);
  else if (operator !== undefined) OPERATORS[operator]?.(template, place, report);
  else {
    for (const [key, value] of Object.entries(template)) {
      if (/^\$[a-zA-Z][a-zA-Z0-9]*$/.test(key)) {
        report(place, `JSON-e has no operator ${key}; write $${key} for a key of that name`);
      } else if (!key.startsWith('$$')) checkText(key, `${place}, in the key ${JSON.stringify(key)}`, report);
      visit(value, `${place}${stepOf(key)}`, report);
    }
  }
};

const stepOf = (key: string): string => (/^[a-zA-Z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);

type Check = (template: Values, place: string, report: Report) => void;

/** The argument is a template. */
const rendered =
  (operator: string, ...more: readonly string[]): Check =>
  (template, place, report) => {
    for (const key of [operator, ...more]) visit(template[key], `${place}${stepOf(key)}`, report);
  };

/** The argument is an expression. */
const expression =
  (operator: string, ...more: readonly string[]): Check =>
  (template, place, report) => {
    const source = template[operator];
    if (typeof source !== 'string') report(place, `${operator} must be given a string expression`);
    else checkExpression(source, place, report);
    for (const key of more) visit(template[key], `${place}${stepOf(key)}`, report);
  };

/** The keys of the argument are expressions. */
const cases =
  (operator: string): Check =>
  (template, place, report) => {
    const conditions = template[operator];
    if (!isObject(conditions)) report(place, `${operator} must be given an object`);
    else
      for (const [condition, value] of Object.entries(conditions)) {
        if (operator !== '$switch' || condition !== '$default') checkExpression(condition, place, report);
        visit(value, `${place}${stepOf(condition)}`, report);
      }
  };

const loop =
  (operator: string, names: RegExp, form: string, size: number): Check =>
  (template, place, report) => {
    visit(template[operator], `${place}${stepOf(operator)}`, report);
    const each = Object.keys(template).find((key) => key !== operator && key !== 'initial');
    if (each === undefined || !names.test(each) || Object.keys(template).length !== size) {
      report(place, `${operator} needs ${form}, and nothing else beside it`);
    } else if (operator === '$find') expression(each)(template, place, report);
    else visit(template[each], `${place}${stepOf(each)}`, report);
  };

const NAME = '[a-zA-Z_][a-zA-Z0-9_]*';
const EACH = new RegExp(`^each\\(${NAME}(,\\s*${NAME})?\\)$`);

/** All operators of JSON-e. */
const OPERATORS: Readonly<Record<string, Check>> = {
  $eval: expression('$eval'),
  $if: expression('$if', 'then', 'else'),
  $fromNow: (template, place, report) => {
    const timespan = template.$fromNow;
    if (typeof timespan !== 'string') visit(timespan, place, report);
    else if (timespan.includes('${')) checkText(timespan, place, report);
    else if (!TIMESPAN.test(timespan.slice(0, LONGEST_TIMESPAN))) {
      report(place, `${JSON.stringify(timespan.slice(0, LONGEST_TIMESPAN))} is no time span such as "2 days 3 hours"`);
    }
    visit(template.from, `${place}.from`, report);
  },
  $let: (template, place, report) => {
    if (!isObject(template.$let)) report(place, '$let must be given an object');
    else visit(template.$let, place, report);
    if (template.in === undefined || template.in === null) report(place, '$let needs `in` beside it');
    else visit(template.in, `${place}.in`, report);
  },
  $map: loop('$map', EACH, '`each(x)` beside it', 2),
  $find: loop('$find', EACH, '`each(x)` beside it', 2),
  $reduce: loop(
    '$reduce',
    new RegExp(`^each\\(${NAME},\\s*${NAME}(,\\s*${NAME})?\\)$`),
    '`initial` and `each(sum, x)` beside it',
    3,
  ),
  $sort: (template, place, report) => {
    visit(template.$sort, place, report);
    const by = Object.keys(template).find((key) => key.startsWith('by('));
    if (by !== undefined) expression(by)(template, place, report);
  },
  $match: cases('$match'),
  $switch: cases('$switch'),
  $json: rendered('$json'),
  $merge: rendered('$merge'),
  $mergeDeep: rendered('$mergeDeep'),
  $flatten: rendered('$flatten'),
  $flattenDeep: rendered('$flattenDeep'),
  $reverse: rendered('$reverse'),
};

const LONGEST_TIMESPAN = 100;
/** As json-e reads it. */
const TIMESPAN = new RegExp(
  `^\\s*[-+]?${[
    'y|years?|yr',
    'months?|mo',
    'weeks?|wk|w',
    'days?|d',
    'hours?|hr|h',
    'minutes?|min|m',
    'seconds?|sec|s',
  ]
    .map((unit) => `(?:\\s*\\d+\\s*(?:${unit}))?`)
    .join('')}\\s*$`,
  'i',
);

type Token = { readonly kind: string; readonly value: string; readonly start: number };
type Parser = { parse: () => unknown; readonly current_token: Token | null };

// json-e exports no parser of its own. This one only parses; rendering would also evaluate.
const require = createRequire(import.meta.url);
const Parser = require('json-e/src/parser.js').Parser as new (tokenizer: unknown, source: string) => Parser;
const Tokenizer = require('json-e/src/tokenizer.js') as new (options: object) => unknown;
const tokenizer = new Tokenizer({
  ignore: '\\s+',
  patterns: {
    number: '[0-9]+(?:\\.[0-9]+)?',
    identifier: NAME,
    string: `'[^']*'|"[^"]*"`,
    ...Object.fromEntries(['true', 'false', 'in', 'null'].map((word) => [word, `${word}(?![a-zA-Z_0-9])`])),
  },
  tokens: [
    ...['**', ...'+-*/[].(){}:,', '>=', '<=', '<', '>', '==', '!=', '!', '&&', '||'],
    ...['true', 'false', 'in', 'null', 'number', 'identifier', 'string'],
  ],
});

/** What is wrong with the source up to `end`, or to its own end; else where it ends. */
const parse = (source: string, end: string | undefined): { readonly end: number } | { readonly reason: string } => {
  try {
    const parser = new Parser(tokenizer, source);
    if (parser.current_token === null) return { reason: 'an expression is missing' };
    const tree = parser.parse();
    const next = parser.current_token;
    if (hasHole(tree) || (next !== null && next.kind !== end)) {
      return { reason: `${JSON.stringify(next?.value ?? source.slice(0, 80))} is not expected there` };
    }
    if (next === null) return end === undefined ? { end: source.length } : { reason: 'an expression has no closing }' };
    return { end: next.start + 1 };
  } catch (error) {
    if (error instanceof RangeError) throw error;
    // json-e stumbles over the end of an expression that is unfinished.
    return { reason: error instanceof TypeError ? 'an expression is unfinished' : describeError(error).slice(0, 300) };
  }
};

/**
 * Where an operand is missing, the parser leaves undefined, and evaluating would stumble over it.
 */
const hasHole = (node: unknown): boolean =>
  node === undefined || (typeof node === 'object' && node !== null && Object.values(node).some(hasHole));

const checkExpression = (source: string, place: string, report: Report): void => {
  const parsed = parse(source, undefined);
  if ('reason' in parsed) report(place, `${parsed.reason}, in ${JSON.stringify(source.slice(0, 200))}`);
};

/** The expressions in a text. */
const checkText = (text: string, place: string, report: Report): void => {
  for (let rest = text, at = rest.search(/\$?\$\{/); at !== -1; at = rest.search(/\$?\$\{/)) {
    const isEscaped = rest[at + 1] === '$';
    rest = rest.slice(at + (isEscaped ? 3 : 2));
    if (isEscaped) continue;
    const parsed = parse(rest, '}');
    if ('reason' in parsed) {
      report(place, `${parsed.reason}, in ${JSON.stringify(text.slice(0, 200))}`);
      return;
    }
    rest = rest.slice(parsed.end);
  }
};

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
