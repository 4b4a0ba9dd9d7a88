// Time spans and the moments that they lead to, as JSON-e counts them.
import { LAST_DATE_MS, toIso } from '../../../core/clock.ts';
import { odd } from './errors.ts';
import { type Run, spend } from './run.ts';

const UNITS = [
  ['y|year|years|yr', 365 * 86_400_000],
  ['months|month|mo', 30 * 86_400_000],
  ['weeks|week|wk|w', 7 * 86_400_000],
  ['days|day|d', 86_400_000],
  ['hours|hour|hr|h', 3_600_000],
  ['minutes|minute|min|m', 60_000],
  ['seconds|second|sec|s', 1_000],
] as const;
const TIMESPAN = new RegExp(
  `^(?:\\s*([-+]))?${UNITS.map(([names]) => `(?:\\s*(\\d+)\\s*(?:${names}))?`).join('')}\\s*$`,
  'i',
);
const LONGEST_TIMESPAN = 200;
const LONGEST_DATE = 100;

/** For reading a moment and writing another, and for reading the span if that is not known yet. */
export const spendDate = (run: Run, timespan = ''): void =>
  spend(run, 30 + 2 * Math.min(timespan.length, LONGEST_TIMESPAN));

/** ms. What is no time span is left to the library: its error names no place. */
export const readTimespan = (text: string): number => {
  const match = text.length > LONGEST_TIMESPAN ? null : TIMESPAN.exec(text);
  if (!match) return odd();
  const [, sign, ...counts] = match;
  let offset = 0;
  for (const [at, [, ms]] of UNITS.entries()) offset += Number(counts[at] ?? 0) * ms;
  return sign === '-' ? -offset : offset;
};

/** null where it is no date. A reference that says nothing means the present, which others know. */
export const fromNow = (offset: number, reference: unknown): string | null => {
  if (typeof reference === 'string' && reference !== '' && reference.length <= LONGEST_DATE) {
    return reference === lastReference ? dateAfter(offset) : dateAfterAnother(offset, reference);
  }
  if (typeof reference !== 'number' || !reference) return odd();
  return new Date(new Date(reference).getTime() + offset).toJSON();
};

/** Templates ask for the same few dates over and over, and many fires share their millisecond. */
const MOST_DATES = 100;
const dates = new Map<number, string | null>();
let lastReference = '';
let lastMs = 0;

const dateAfterAnother = (offset: number, reference: string): string | null => {
  dates.clear();
  lastReference = reference;
  lastMs = Date.parse(reference);
  return dateAfter(offset);
};

const dateAfter = (offset: number): string | null => {
  const known = dates.get(offset);
  if (known !== undefined) return known;
  const ms = lastMs + offset;
  const date = Math.abs(ms) <= LAST_DATE_MS ? toIso(ms) : null;
  if (dates.size < MOST_DATES) dates.set(offset, date);
  return date;
};
