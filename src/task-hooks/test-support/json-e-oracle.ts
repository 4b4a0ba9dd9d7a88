// The library says what JSON-e of our own is to answer: the same JSON, or the same error.
import assert from 'node:assert/strict';
import jsone from 'json-e';
import { newBudget, renderWithin } from '../evaluation/json-e/render.ts';

/** `crash`: handed over where the library crashes; `odd`: handed over, though it does not. */
export type Verdict = 'value' | 'error' | 'budget' | 'crash' | 'odd';

/** Copies: the library changes arrays of the context in place. */
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const byLibrary = (template: unknown, context: object): string => {
  try {
    return JSON.stringify(jsone(copy(template) as object, copy(context) as Record<string, unknown>)) ?? 'nothing';
  } catch (error) {
    return error instanceof Error && 'location' in error ? `error: ${error}` : 'crash';
  }
};

/** Fails where they differ. What was handed over agrees with anything. */
export const compareWithLibrary = (template: unknown, context: object): Verdict => {
  const answer = renderWithin(template, context, newBudget());
  if (answer.outcome === 'handed-over' && answer.why === 'budget') return 'budget';
  const library = byLibrary(template, context);
  if (answer.outcome === 'handed-over') return library === 'crash' ? 'crash' : 'odd';
  const ours = answer.outcome === 'value' ? JSON.stringify(answer.value) : `error: ${answer.error}`;
  assert.equal(ours, library, `${JSON.stringify(template)} of ${JSON.stringify(context)}`);
  return answer.outcome;
};
