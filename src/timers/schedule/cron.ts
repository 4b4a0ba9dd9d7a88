// A cron pattern as cron-parser reads it, but in numbers that never change: its own expressions are
// iterators with a position, and take some 30 µs for a date. Everything is in UTC,
// so no hour is ever missing or twice.
import { type CronExpression, CronExpressionParser } from 'cron-parser';
import { LRUCache } from 'lru-cache';
import type { CronDays } from './cron-days.ts';
import type { CronTimes } from './cron-times.ts';
import { numberSet } from './number-set.ts';

export type Cron = { readonly days: CronDays; readonly times: CronTimes };

export type ParsedCron = { readonly cron: Cron } | { readonly refusal: string };

/**
 * One of 255 characters takes about 1 KB. Twice the hooks that are to be due in the same second.
 */
const KNOWN_AT_MOST = 20_000;
const known = new LRUCache<string, Cron>({ max: KNOWN_AT_MOST });

/**
 * A refusal says what is wrong and, where cron-parser would take the pattern, what to write
 * instead.
 */
export const parseCron = (pattern: string): ParsedCron => {
  const before = known.get(pattern);
  if (before !== undefined) return { cron: before };
  const refusal = refuseFirst(pattern);
  if (refusal !== undefined) return { refusal };
  let expression: CronExpression;
  try {
    expression = CronExpressionParser.parse(pattern, { tz: 'UTC', currentDate: 0 });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { refusal: message.includes('cannot resolve alias') ? NO_WORD : message };
  }
  if (hashes(pattern).some((field) => field.includes('H'))) return { refusal: NO_HASH };
  const cron = { days: daysOf(expression), times: timesOf(expression) };
  known.set(pattern, cron);
  return { cron };
};

const fieldsOf = (pattern: string): string[] => (/^@[a-z]+$/.test(pattern) ? [] : pattern.trim().split(/\s+/));

const NO_HASH = 'H would mean another time whenever it is looked at: write the values themselves, such as 17 or */15';
/** cron-parser shows the first three letters of the word, which nobody has written. */
const NO_WORD = 'The only words are names of months and weekdays, such as JAN and MON, and @daily or its like alone';

/** What cron-parser would take, and mean something else each time, or every minute. */
const refuseFirst = (pattern: string): string | undefined => {
  if (pattern.trim() === '') {
    return 'A blank pattern has no fields: leave it out, or write 5 or 6, such as 0 * * * * for every hour';
  }
  if (hashes(pattern).some((field) => /(?<![A-Za-z])H(?![A-Za-z])/.test(field))) return NO_HASH;
  const { length } = fieldsOf(pattern);
  if (length === 0 || length >= 5 || pattern.trim().startsWith('@')) return undefined;
  const names = '[second] minute hour day-of-month month day-of-week';
  return `Too few fields, got ${length} expected 5 or 6: ${names}; write * for every value`;
};

/**
 * The fields with their names of months and weekdays (THU, MARCH) replaced, as cron-parser does; an
 * H that is left is one.
 */
const hashes = (pattern: string): string[] =>
  fieldsOf(pattern).map((field, index, { length }) => (index >= length - 2 ? field.replace(/[a-z]{3}/gi, '0') : field));

const timesOf = ({ fields }: CronExpression): CronTimes => ({
  hours: numberSet(fields.hour.values),
  minutes: numberSet(fields.minute.values),
  seconds: numberSet(fields.second.values),
});

const daysOf = ({ fields }: CronExpression): CronDays => {
  const { month, dayOfMonth, dayOfWeek } = fields;
  return {
    months: bits(month.values),
    dates: bits(dayOfMonth.values),
    lastDate: dayOfMonth.hasLastChar,
    weekdays: bits(dayOfWeek.values.map((day) => (typeof day === 'number' ? day % 7 : day))),
    week: dayOfWeek.nthDay > 0 ? dayOfWeek.nthDay : undefined,
    lastWeekdays: dayOfWeek.hasLastChar ? bits(dayOfWeek.values.map((day) => Number.parseInt(`${day}`, 10) % 7)) : 0,
    restricted: dayOfWeek.isWildcard ? 'date' : dayOfMonth.isWildcard ? 'weekday' : 'either',
  };
};

/** What is no number (`L`, `5L`) has no bit. */
const bits = (values: readonly (number | string)[]): number =>
  values.reduce<number>((word, value) => (typeof value === 'number' ? word | (1 << value) : word), 0);
