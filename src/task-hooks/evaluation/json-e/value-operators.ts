// Operators that make one value: expressions, conditions, names, dates, JSON.
import { nowIn } from './builtins.ts';
import { templateError } from './errors.ts';
import { fromNow, readTimespan, spendDate } from './from-now.ts';
import { type Compiling, failing, isName, NOTHING, type Operator, withOnly } from './operator.ts';
import {
  holdsFunction,
  isObject,
  isTruthy,
  keysOf,
  type Part,
  type Run,
  type Scope,
  spend,
  spendText,
  type Values,
} from './run.ts';

const evaluate: Operator = (template, { expression }) =>
  typeof template.$eval === 'string' ? expression(template.$eval) : failing('$eval must be given a string expression');

const condition: Operator = (template, compiling) => {
  if (typeof template.$if !== 'string') return failing('$if can evaluate string expressions only');
  const holds = compiling.expression(template.$if);
  const otherwise = branch(template, 'else', compiling);
  const then = Object.hasOwn(template, '$then')
    ? failing('$if Syntax error: $then: should be spelled then: (no $)')
    : branch(template, 'then', compiling);
  return (scope, run) => (isTruthy(holds(scope, run), run) ? then(scope, run) : otherwise(scope, run));
};

const branch = (template: Values, key: string, { template: compile }: Compiling): Part =>
  Object.hasOwn(template, key) ? compile(template[key]) : () => NOTHING;

const date: Operator = (template, compiling) => {
  const { $fromNow: timespan, from } = template;
  const isConstant = typeof timespan === 'string' && !timespan.includes('${');
  const span = isConstant ? constantSpan(timespan) : computedSpan(compiling.template(timespan));
  const reference = from ? compiling.template(from) : undefined;
  return (scope, run) => {
    spendDate(run);
    const read = span(scope, run);
    const moment = reference ? reference(scope, run) : nowIn(scope);
    return fromNow(read(), moment);
  };
};

/** A span is read after the moment that it counts from: which error is thrown hangs on it. */
type Span = (scope: Scope, run: Run) => () => number;

const constantSpan = (text: string): Span => {
  let offset: number | undefined;
  const read = () => {
    offset ??= readTimespan(text);
    return offset;
  };
  return () => read;
};

const computedSpan =
  (part: Part): Span =>
  (scope, run) => {
    const text = part(scope, run);
    return () => {
      if (typeof text !== 'string') throw templateError('$fromNow expects a string');
      spendDate(run, text);
      return readTimespan(text);
    };
  };

const json: Operator = (template, { template: compile }) => {
  const argument = compile(template.$json);
  return (scope, run) => {
    const value = argument(scope, run);
    if (holdsFunction(value, run)) throw templateError('evaluated template contained uncalled functions');
    const text = stableJson(value, run);
    spendText(run, text.length);
    return text;
  };
};

/** With sorted keys. Of a value whose cost as JSON has been spent (`holdsFunction`). */
const stableJson = (value: unknown, run: Run): string => {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => stableJson(item, run)).join(',')}]`;
  const keys = keysOf(value, run).sort();
  spend(run, 3 * keys.length);
  const entries = keys.map((key) => `${JSON.stringify(key)}:${stableJson((value as Values)[key], run)}`);
  return `{${entries.join(',')}}`;
};

const names: Operator = (template, compiling) => {
  if (!isObject(template.$let)) return failing('$let value must be an object');
  const values = compiling.template(template.$let);
  const hasBody = template.in !== undefined && template.in !== null;
  const body = hasBody ? compiling.template(template.in) : failing('$let operator requires an `in` clause');
  return (outer, run) => {
    const named = values(outer, run);
    if (!isObject(named)) throw templateError('$let value must be an object');
    if (!keysOf(named, run).every(isName)) {
      throw templateError('top level keys of $let must follow /[a-zA-Z_][a-zA-Z0-9_]*/');
    }
    return body({ values: named, outer }, run);
  };
};

/** Conditions in their order, and what each leads to. */
const casesOf = (conditions: Values, compiling: Compiling): readonly (readonly [Part, Part])[] =>
  Object.keys(conditions)
    .sort()
    .map((source) => [compiling.expression(source), compiling.template(conditions[source])]);

const matching = (cases: readonly (readonly [Part, Part])[], scope: Scope, run: Run): unknown[] => {
  const results: unknown[] = [];
  for (const [holds, result] of cases) {
    spend(run, 1);
    if (isTruthy(holds(scope, run), run)) results.push(result(scope, run));
  }
  return results;
};

const allMatching: Operator = ({ $match: conditions }, compiling) => {
  if (!isObject(conditions)) return failing('$match can evaluate objects only');
  const cases = casesOf(conditions, compiling);
  return (scope, run) => matching(cases, scope, run);
};

const onlyMatching: Operator = ({ $switch: conditions }, compiling) => {
  if (!isObject(conditions)) return failing('$switch can evaluate objects only');
  const { $default: _default, ...others } = conditions;
  const cases = casesOf(others, compiling);
  const otherwise = branch(conditions, '$default', compiling);
  return (scope, run) => {
    const results = matching(cases, scope, run);
    if (results.length > 1) throw templateError('$switch can only have one truthy condition');
    return results.length === 1 ? results[0] : otherwise(scope, run);
  };
};

export const VALUE_OPERATORS: Readonly<Record<string, Operator>> = {
  $eval: withOnly(['\\$eval'], evaluate),
  $if: withOnly(['\\$if', 'then', 'else'], condition),
  $fromNow: withOnly(['\\$fromNow', 'from'], date),
  $json: withOnly(['\\$json'], json),
  $let: withOnly(['\\$let', 'in'], names),
  $match: withOnly(['\\$match'], allMatching),
  $switch: withOnly(['\\$switch'], onlyMatching),
};
