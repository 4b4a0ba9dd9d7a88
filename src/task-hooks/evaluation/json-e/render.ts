// JSON-e of our own: a template is compiled once, and rendered within a budget. What it answers is
// what the library answers; what it cannot answer within the budget is handed over to that.
import { copyJson } from '../../../core/json.ts';
import { BUILTINS } from './builtins.ts';
import { type CompiledTemplate, compileTemplate } from './compile.ts';
import { HandOver, ODD, templateError } from './errors.ts';
import { isName, NOTHING } from './operator.ts';
import { holdsFunction, type Run, type Values } from './run.ts';

/** What one event may cost on the main thread, all its templates together. */
export type Budget = { steps: number; characters: number };

/** Some 5 ms, and twice that in a process that has rendered little yet. */
const MOST_STEPS = 100_000;
const MOST_CHARACTERS = 1024 * 1024;

export const newBudget = (times = 1): Budget => ({ steps: times * MOST_STEPS, characters: MOST_CHARACTERS });

/**
 * Throws JsonEError where the library throws an error of its own, and HandOver where the library is
 * to be asked.
 * @param context names to JSON values; it is not changed.
 */
export const renderWithin =
  (budget: Budget) =>
  (template: unknown, context: object): unknown => {
    const run: Run = { steps: budget.steps, characters: budget.characters, takesAnyStep: false };
    try {
      for (const key in context) {
        if (!isName(key)) throw templateError('top level keys of context must follow /[a-zA-Z_][a-zA-Z0-9_]*/');
      }
      const { part, inPlace } = compiledOf(template);
      if (inPlace) holdsFunction(context, run); // spends what the copy takes
      const values = (inPlace ? copyJson(context) : context) as Values;
      const value = part({ values, outer: { values: BUILTINS, outer: undefined } }, run);
      if (value === NOTHING) return null;
      if (holdsFunction(value, run)) throw templateError('evaluated template contained uncalled functions');
      return value;
    } catch (error) {
      throw error instanceof RangeError ? ODD : error; // the stack, if the bounds of depth do not hold
    } finally {
      budget.steps = run.steps;
      budget.characters = run.characters;
    }
  };

/** Templates live as long as the definitions that they are in. */
const compiled = new WeakMap<object, CompiledTemplate | HandOver>();

const compiledOf = (template: unknown): CompiledTemplate => {
  const isKept = typeof template === 'object' && template !== null;
  const known = isKept ? compiled.get(template) : undefined;
  const one = known ?? compileOnce(template);
  if (isKept && !known) compiled.set(template, one);
  if (one instanceof HandOver) throw one;
  return one;
};

const compileOnce = (template: unknown): CompiledTemplate | HandOver => {
  try {
    return compileTemplate(template);
  } catch (error) {
    if (error instanceof HandOver) return ODD;
    throw error;
  }
};
