// The days of a cron pattern. Days are counted from 1970-01-01, which is 0; a set of days of one
// month is a word, day d its bit d.
import { highestBit, lowestBit } from './number-set.ts';

/** The day fields of a pattern, as cron-parser read them. */
export type CronDays = {
  /** Bits 1 to 12. */
  readonly months: number;
  /** Bits 1 to 31. */
  readonly dates: number;
  /** `L` in the day of month. */
  readonly lastDate: boolean;
  /** Bits 0 (Sunday) to 6. */
  readonly weekdays: number;
  /** `1#2`: only the second such day of its month. */
  readonly week: number | undefined;
  /** `5L`: the last such days of their months. Bits 0 to 6. */
  readonly lastWeekdays: number;
  /** With both fields restricted, a day that matches one of them matches. */
  readonly restricted: 'date' | 'weekday' | 'either';
};

type Month = {
  /** Its first day. */
  readonly start: number;
  /** 1 to 12. */
  readonly month: number;
  readonly year: number;
  /** In days. */
  readonly length: number;
  /** That of its first day; 0 is Sunday. */
  readonly weekday: number;
};

const DAY_MS = 86_400_000;
const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * After 400 years the calendar repeats, weekdays included: what has no day in them has none ever.
 */
const MOST_MONTHS = 400 * 12;

const monthOf = (day: number): Month => {
  const date = new Date(day * DAY_MS);
  return createMonth(day - date.getUTCDate() + 1, date.getUTCFullYear(), date.getUTCMonth() + 1);
};

const monthAfter = ({ start, length, year, month }: Month): Month =>
  month === 12 ? createMonth(start + length, year + 1, 1) : createMonth(start + length, year, month + 1);

const monthBefore = ({ start, year, month }: Month): Month =>
  month === 1 ? createMonth(start - 31, year - 1, 12) : createMonth(start - lengthOf(year, month - 1), year, month - 1);

const createMonth = (start: number, year: number, month: number): Month => ({
  start,
  month,
  year,
  length: lengthOf(year, month),
  weekday: (((start + 4) % 7) + 7) % 7, // 1970 began on a Thursday
});

const lengthOf = (year: number, month: number): number =>
  month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : (LENGTHS[month - 1] as number);

/**
 * The pattern's days in that month: what cron-parser's own `next()` finds, without asking it for
 * each day (2.6 µs).
 */
const daysIn = (days: CronDays, { month, length, weekday }: Month): number => {
  if ((days.months & (1 << month)) === 0) return 0;
  const all = (2 << length) - 2;
  const byDate = days.dates | (days.lastDate ? 1 << length : 0);
  if (days.restricted === 'date') return byDate & all;
  const weeks = everyWeek(days.weekdays, weekday);
  const lastWeek = -1 << (length - 6);
  const byWeekday =
    (days.week === undefined ? weeks : weeks & (0x7f << (7 * days.week - 6))) |
    (everyWeek(days.lastWeekdays, weekday) & lastWeek);
  return (days.restricted === 'weekday' ? byWeekday : byDate | byWeekday) & all;
};

/** Those weekdays in a month that begins on the weekday `first`. */
const everyWeek = (weekdays: number, first: number): number => {
  const week = ((weekdays >>> first) | (weekdays << (7 - first))) & 0x7f;
  return (week << 1) | (week << 8) | (week << 15) | (week << 22) | (week << 29);
};

/** The pattern's first day that is `day` or later. */
export const dayAtOrAfter = (days: CronDays, day: number): number | undefined => {
  let month = monthOf(day);
  let found = lowestBit(daysIn(days, month) & (-1 << (day - month.start + 1)));
  for (let months = 0; found === undefined && months < MOST_MONTHS; months++) {
    month = monthAfter(month);
    found = lowestBit(daysIn(days, month));
  }
  return found === undefined ? undefined : month.start + found - 1;
};

/** The pattern's last day that is `day` or earlier. */
export const dayAtOrBefore = (days: CronDays, day: number): number | undefined => {
  let month = monthOf(day);
  let found = highestBit(daysIn(days, month) & ((2 << (day - month.start + 1)) - 1));
  for (let months = 0; found === undefined && months < MOST_MONTHS; months++) {
    month = monthBefore(month);
    found = highestBit(daysIn(days, month));
  }
  return found === undefined ? undefined : month.start + found - 1;
};
