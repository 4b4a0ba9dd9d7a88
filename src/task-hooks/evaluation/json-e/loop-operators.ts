// Operators that render a part for each of many values.
import { odd, templateError } from './errors.ts';
import { NOTHING, type Operator, withOnly } from './operator.ts';
import { constant } from './parts.ts';
import { isObject, isTruthy, keysOf, type Run, type Scope, setProperty, spend, spendKeys, type Values } from './run.ts';

const NAME = '[a-zA-Z_][a-zA-Z0-9_]*';
const EACH = `each\\(${NAME}(,\\s*${NAME})?\\)`;
const EACH_NAMES = new RegExp(`^each\\((${NAME})(?:,\\s*(${NAME}))?\\)$`);
const EACH_OF_SUM = `each\\(${NAME},\\s*${NAME}(,\\s*${NAME})?\\)`;
const EACH_OF_SUM_NAMES = new RegExp(`^each\\((${NAME}),\\s*(${NAME})(?:,\\s*(${NAME}))?\\)$`);

/** Of computed keys the last one counts, as in the library. */
const named = (outer: Scope, run: Run, name: string, value: unknown, second?: string, other?: unknown): Scope => {
  spend(run, 3);
  return { values: second === undefined ? { [name]: value } : { [name]: value, [second]: other }, outer };
};

const map: Operator = (template, compiling) => {
  const values = compiling.template(template.$map);
  const key = Object.keys(template).find((other) => other !== '$map');
  const [, name, second] = EACH_NAMES.exec(key ?? '') ?? [];
  const each = compiling.template(key === undefined ? null : template[key]);
  const hasTwo = Object.keys(template).length === 2;
  return (scope, run) => {
    const value = values(scope, run);
    if (!Array.isArray(value) && !isObject(value)) {
      throw templateError('$map value must evaluate to an array or object');
    }
    if (!hasTwo) throw templateError('$map must have exactly two properties');
    if (name === undefined) throw templateError('$map requires each(identifier) syntax');
    if (Array.isArray(value)) {
      const results: unknown[] = [];
      let at = 0;
      for (const item of value) {
        const result = each(named(scope, run, name, item, second, at), run);
        if (result !== NOTHING) results.push(result);
        at += 1;
      }
      return results;
    }
    const results: Values[] = [];
    for (const at of keysOf(value, run)) {
      const item = value[at];
      const inner =
        second === undefined
          ? named(scope, run, name, { key: at, val: item })
          : named(scope, run, name, item, second, at);
      const result = each(inner, run);
      if (!isObject(result)) {
        throw templateError(`$map on objects expects each(${name}) to evaluate to an object`);
      }
      results.push(result);
    }
    return merged(results, run);
  };
};

export const merged = (sources: readonly Values[], run: Run): Record<string, unknown> => {
  const result: Record<string, unknown> = {};
  for (const source of sources) {
    const keys = keysOf(source, run);
    spendKeys(run, 1 + keys.length);
    for (const key of keys) setProperty(result, key, source[key]);
  }
  return result;
};

const reduce: Operator = (template, compiling) => {
  const values = compiling.template(template.$reduce);
  const key = Object.keys(template).find((other) => other !== '$reduce' && other !== 'initial');
  const [, sum, name, index] = EACH_OF_SUM_NAMES.exec(key ?? '') ?? [];
  const each = compiling.template(key === undefined ? null : template[key]);
  const hasThree = Object.keys(template).length === 3;
  const { initial } = template;
  // Not rendered, and the template's own: what changes it in place changes the next rendering.
  const isUsable =
    Object.hasOwn(template, 'initial') && !(compiling.inPlace && typeof initial === 'object' && initial !== null);
  return (scope, run) => {
    const value = values(scope, run);
    if (!Array.isArray(value)) throw templateError('$reduce value must evaluate to an array');
    if (!hasThree) throw templateError('$reduce must have exactly three properties');
    if (sum === undefined || name === undefined) throw templateError('$reduce requires each(identifier) syntax');
    if (!isUsable) return odd();
    let result = initial;
    for (const [at, item] of value.entries()) {
      spend(run, 3);
      const own = { [sum]: result, [name]: item, ...(index !== undefined && { [index]: at }) };
      const next = each({ values: own, outer: scope }, run);
      if (next !== NOTHING) result = next;
    }
    return result;
  };
};

const find: Operator = (template, compiling) => {
  const values = compiling.template(template.$find);
  const key = Object.keys(template).find((other) => other !== '$find');
  const [, name, second] = EACH_NAMES.exec(key ?? '') ?? [];
  const each = key === undefined ? null : template[key];
  const holds = typeof each === 'string' ? compiling.expression(each) : undefined;
  // The library renders the condition as a text, too, which is never empty but may fail.
  const text = typeof each === 'string' ? compiling.text(each) : constant(null);
  const hasTwo = Object.keys(template).length === 2;
  return (scope, run) => {
    const value = values(scope, run);
    if (!Array.isArray(value)) throw templateError('$find value must evaluate to an array');
    if (!hasTwo) throw templateError('$find must have exactly two properties');
    if (name === undefined) throw templateError('$find requires each(identifier) syntax');
    if (!holds) throw templateError('each can evaluate string expressions only');
    for (const [at, item] of value.entries()) {
      const inner = named(scope, run, name, item, second, at);
      if (isTruthy(holds(inner, run), run) && isTruthy(text(inner, run), run)) return item;
    }
    return NOTHING;
  };
};

export const LOOP_OPERATORS: Readonly<Record<string, Operator>> = {
  $map: withOnly(['\\$map', EACH], map),
  $reduce: withOnly(['\\$reduce', 'initial', EACH_OF_SUM], reduce),
  $find: withOnly(['\\$find', EACH], find),
};
