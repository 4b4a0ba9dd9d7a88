// How many occurrences a schedule has in a span of time, without visiting them: a day's are counted
// once for each set of patterns that share the day, a month's once for each kind of month (there
// are 91).
import type { Cron } from './cron.ts';
import { daysIn, type Month, monthAfter, monthOf } from './cron-days.ts';
import { countTimes, countTimesBetween } from './cron-times.ts';
import { lowestBit } from './number-set.ts';

const DAY = 86_400; // s

/**
 * Seconds that are a date of at least one pattern, from the second `first` to the second `last`,
 * both included.
 */
export const countOccurrences = (crons: readonly Cron[], first: number, last: number): number => {
  const firstDay = Math.floor(first / DAY);
  const lastDay = Math.floor(last / DAY);
  const onDay = (day: number, from: number, to: number): number => countTimesBetween(timesOn(crons, day), from, to);
  if (firstDay === lastDay) return onDay(firstDay, first - firstDay * DAY, last - lastDay * DAY);
  return (
    onDay(firstDay, first - firstDay * DAY, DAY - 1) +
    countDays(crons, firstDay + 1, lastDay - 1) +
    onDay(lastDay, 0, last - lastDay * DAY)
  );
};

const timesOn = (crons: readonly Cron[], day: number): Cron['times'][] => {
  const month = monthOf(day);
  const bit = 1 << (day - month.start + 1);
  return crons.filter(({ days }) => (daysIn(days, month) & bit) !== 0).map(({ times }) => times);
};

const countDays = (crons: readonly Cron[], firstDay: number, lastDay: number): number => {
  const inMonth = createMonthCounter(crons);
  const ofWholeMonths = new Map<number, number>();
  let count = 0;
  for (let month = monthOf(firstDay); month.start <= lastDay; month = monthAfter(month)) {
    const from = Math.max(firstDay - month.start + 1, 1);
    const to = Math.min(lastDay - month.start + 1, month.length);
    const isWhole = from === 1 && to === month.length;
    const kind = (month.month * 7 + month.weekday) * 32 + month.length;
    const counted = (isWhole ? ofWholeMonths.get(kind) : undefined) ?? inMonth(month, from, to);
    if (isWhole) ofWholeMonths.set(kind, counted);
    count += counted;
  }
  return count;
};

/** Counts on the days `from` to `to` of a month. */
const createMonthCounter = (crons: readonly Cron[]): ((month: Month, from: number, to: number) => number) => {
  const known = new Map<string, number>();
  const countDay = (patterns: readonly number[]): number => {
    const key = patterns.join();
    const before = known.get(key);
    if (before !== undefined) return before;
    const count = countTimes(patterns.map((index) => (crons[index] as Cron).times));
    known.set(key, count);
    return count;
  };
  return (month, from, to) => {
    const patternsOf: number[][] = Array.from({ length: 32 }, () => []);
    crons.forEach(({ days }, index) => {
      for (let left = daysIn(days, month); left !== 0; left &= left - 1) {
        (patternsOf[lowestBit(left) as number] as number[]).push(index);
      }
    });
    return patternsOf.slice(from, to + 1).reduce((sum, patterns) => sum + countDay(patterns), 0);
  };
};
