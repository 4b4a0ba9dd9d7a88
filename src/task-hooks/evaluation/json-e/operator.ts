// What operators are compiled with, and what many of them test.
import { templateError } from './errors.ts';
import { isObject, type Part, type Values } from './run.ts';

/** What `$if` without the branch that applies leaves. Where nothing takes it out it is `{}`. */
export const NOTHING: object = Object.freeze({});

export type Compiling = {
  readonly template: (template: unknown) => Part;
  readonly expression: (source: string) => Part;
  readonly text: (source: string) => Part;
  /** Arrays are changed in place, because another place may see it. */
  readonly inPlace: boolean;
};

export type Operator = (template: Values, compiling: Compiling) => Part;

/** An error of the template itself, which is thrown when its rendering comes there. */
export const failing =
  (message: string): Part =>
  () => {
    throw templateError(message);
  };

/**
 * Where something stands beside the operator that does not belong there, rendering fails before
 * anything else. The library puts `words` together to a pattern of which only the last one is bound
 * to the end.
 */
export const withOnly =
  (words: readonly [string, ...string[]], operator: Operator): Operator =>
  (template, compiling) => {
    const allowed = new RegExp(`${words.join('|')}$`);
    const unknown = Object.keys(template)
      .sort()
      .filter((key) => !allowed.test(key));
    if (unknown.length === 0) return operator(template, compiling);
    return failing(`${words[0].replace('\\', '')} has undefined properties: ${unknown.join(' ')}`);
  };

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
export const isName = (key: string): boolean => NAME.test(key);

export const isArrayOfObjects = (value: unknown): value is readonly Values[] =>
  Array.isArray(value) && value.every(isObject);
