// JSON-e of our own: a template is compiled once, and rendered within a budget. What it answers is
// what the library answers; what it cannot answer within the budget is handed over to that.
import { copyJson } from '../../../core/json.ts';
import { BUILTINS } from './builtins.ts';
import { type CompiledTemplate, compileTemplate } from './compile.ts';
import { HandOver, JsonEError, ODD, templateError } from './errors.ts';
import { NOTHING } from './operator.ts';
import { holdsFunction, type Run, type Values } from './run.ts';

/** What one event may cost on the main thread, all its templates together. */
export type Budget = { steps: number; characters: number };

export type Answer =
  | { readonly outcome: 'value'; readonly value: unknown }
  | { readonly outcome: 'error'; readonly error: JsonEError }
  /** To the library, in another process: for want of budget, or because it is too odd. */
  | { readonly outcome: 'handed-over'; readonly why: 'budget' | 'odd' };

export const newBudget = (): Budget => ({ steps: 100_000, characters: 1024 * 1024 });

/** @param context names to JSON values; it is not changed. */
export const renderWithin = (template: unknown, context: object, budget: Budget): Answer => {
  const run: Run = { ...budget, takesAnyStep: false };
  try {
    const { part, inPlace } = compiledOf(template);
    if (inPlace) holdsFunction(context, run); // spends what the copy takes
    const values = (inPlace ? copyJson(context) : context) as Values;
    const value = part({ values, outer: { values: BUILTINS, outer: undefined } }, run);
    if (value === NOTHING) return { outcome: 'value', value: null };
    if (holdsFunction(value, run)) throw templateError('evaluated template contained uncalled functions');
    return { outcome: 'value', value };
  } catch (error) {
    if (error instanceof JsonEError) return { outcome: 'error', error };
    if (error instanceof HandOver) return { outcome: 'handed-over', why: error.why };
    throw error;
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
