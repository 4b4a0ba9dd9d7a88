// The library says what JSON-e of our own is to answer: the same JSON, or the same error.
import assert from 'node:assert/strict';
import jsone from 'json-e';
import { HandOver, JsonEError } from '../evaluation/json-e/errors.ts';
import { type Budget, newBudget, renderWithin } from '../evaluation/json-e/render.ts';

/** Names that templates of tests have: values of every kind. */
export const CONTEXT = {
  now: '2017-01-19T16:27:20.974Z',
  yes: true,
  no: false,
  n: 2,
  text: 'hello',
  list: [3, 1, 2],
  words: ['b', 'a', 'c'],
  people: [
    { name: 'b', age: 2 },
    { name: 'a', age: 1 },
    { name: 'c', age: 2 },
  ],
  deep: [[1, [2, [3]]], [], [[4]]],
  object: { a: 1, b: { c: [1] } },
};

/** `crash`: handed over where the library crashes; `odd`: handed over, though it does not. */
export type Verdict = 'value' | 'error' | 'budget' | 'crash' | 'odd';

/** Copies: the library changes arrays of the context in place. */
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const byLibrary = (template: unknown, context: object): string => {
  try {
    return JSON.stringify(jsone(copy(template) as object, copy(context) as Record<string, unknown>));
  } catch (error) {
    return error instanceof Error && 'location' in error ? `error: ${error}` : 'crash';
  }
};

type Answer = { readonly verdict: Verdict; readonly text: string };

export const renderHere = (template: unknown, context: object, budget: Budget = newBudget()): Answer => {
  try {
    return { verdict: 'value', text: JSON.stringify(renderWithin(budget)(template, context)) };
  } catch (error) {
    if (error instanceof JsonEError) return { verdict: 'error', text: `error: ${error}` };
    if (error instanceof HandOver) return { verdict: error.why, text: '' };
    throw error;
  }
};

/** Fails where they differ. What was handed over agrees with anything. */
export const compareWithLibrary = (template: unknown, context: object): Verdict => {
  const { verdict, text } = renderHere(template, context);
  if (verdict === 'budget') return verdict;
  const library = byLibrary(template, context);
  if (verdict === 'odd') return library === 'crash' ? 'crash' : 'odd';
  assert.equal(text, library, `${JSON.stringify(template)} of ${JSON.stringify(context)}`);
  return verdict;
};
