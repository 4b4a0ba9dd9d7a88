// The times of day of cron patterns, in seconds since midnight UTC.
import { atOrAfter, atOrBefore, countBits, type NumberSet, numbersOf, upTo } from './number-set.ts';

/** All combinations of the three. None of the sets is empty. */
export type CronTimes = { readonly hours: NumberSet; readonly minutes: NumberSet; readonly seconds: NumberSet };

export const timeAtOrAfter = ({ hours, minutes, seconds }: CronTimes, time: number): number | undefined => {
  const [hour, minute, second] = split(time);
  const nextHour = atOrAfter(hours, hour);
  if (nextHour === undefined) return undefined;
  if (nextHour > hour) return join(nextHour, first(minutes), first(seconds));
  const nextMinute = atOrAfter(minutes, minute);
  const nextSecond = nextMinute === minute ? atOrAfter(seconds, second) : undefined;
  if (nextSecond !== undefined) return join(hour, minute, nextSecond);
  const laterMinute = nextMinute === minute ? atOrAfter(minutes, minute + 1) : nextMinute;
  if (laterMinute !== undefined) return join(hour, laterMinute, first(seconds));
  const laterHour = atOrAfter(hours, hour + 1);
  return laterHour === undefined ? undefined : join(laterHour, first(minutes), first(seconds));
};

export const timeAtOrBefore = ({ hours, minutes, seconds }: CronTimes, time: number): number | undefined => {
  const [hour, minute, second] = split(time);
  const lastHour = atOrBefore(hours, hour);
  if (lastHour === undefined) return undefined;
  if (lastHour < hour) return join(lastHour, last(minutes), last(seconds));
  const lastMinute = atOrBefore(minutes, minute);
  const lastSecond = lastMinute === minute ? atOrBefore(seconds, second) : undefined;
  if (lastSecond !== undefined) return join(hour, minute, lastSecond);
  const earlierMinute = lastMinute === minute ? atOrBefore(minutes, minute - 1) : lastMinute;
  if (earlierMinute !== undefined) return join(hour, earlierMinute, last(seconds));
  const earlierHour = atOrBefore(hours, hour - 1);
  return earlierHour === undefined ? undefined : join(earlierHour, last(minutes), last(seconds));
};

export const firstTime = (times: CronTimes): number =>
  join(first(times.hours), first(times.minutes), first(times.seconds));

export const lastTime = (times: CronTimes): number => join(last(times.hours), last(times.minutes), last(times.seconds));

const split = (time: number): [hour: number, minute: number, second: number] => [
  Math.floor(time / 3600),
  Math.floor(time / 60) % 60,
  time % 60,
];

const join = (hour: number, minute: number, second: number): number => (hour * 60 + minute) * 60 + second;

const first = (set: NumberSet): number => atOrAfter(set, 0) as number;
const last = (set: NumberSet): number => atOrBefore(set, 63) as number;

/** How many times of day are in at least one of them. */
export const countTimes = (all: readonly CronTimes[]): number => {
  const [only] = all;
  if (all.length === 1 && only) return size(only.hours) * size(only.minutes) * size(only.seconds);
  // Two ways to the same count, one four times as long as the other where patterns list much of one
  // field and little of another.
  let bySeconds = 0;
  let byHours = 0;
  for (const { hours, minutes, seconds } of all) {
    bySeconds += size(minutes) * size(hours) * 2;
    byHours += size(minutes) * size(seconds);
  }
  return (byHours < bySeconds ? uniteHours(all) : uniteSeconds(all)).reduce((sum, word) => sum + countBits(word), 0);
};

/** How many times of day from `from` to `to`, both included, are in at least one of them. */
export const countTimesBetween = (all: readonly CronTimes[], from: number, to: number): number => {
  const union = uniteSeconds(all);
  let count = 0;
  for (let minute = Math.floor(from / 60); minute * 60 <= to; minute++) {
    const { low, high } = secondsBetween(Math.max(from - minute * 60, 0), Math.min(to - minute * 60, 59));
    count += countBits((union[2 * minute] as number) & low) + countBits((union[2 * minute + 1] as number) & high);
  }
  return count;
};

/** Both included. */
const secondsBetween = (from: number, to: number): NumberSet => ({
  low: from < 32 ? (-1 << from) & upTo(Math.min(to, 31)) : 0,
  high: to >= 32 ? (-1 << Math.max(from - 32, 0)) & upTo(to - 32) : 0,
});

const size = (set: NumberSet): number => countBits(set.low) + countBits(set.high);

/** Two words for each minute of the day: the seconds in it. */
const uniteSeconds = (all: readonly CronTimes[]): Int32Array => {
  const union = new Int32Array(2 * 24 * 60);
  for (const { hours, minutes, seconds } of all) {
    const minutesOfHour = numbersOf(minutes);
    for (const hour of numbersOf(hours)) {
      for (const minute of minutesOfHour) {
        const at = 2 * (hour * 60 + minute);
        union[at] = (union[at] as number) | seconds.low;
        union[at + 1] = (union[at + 1] as number) | seconds.high;
      }
    }
  }
  return union;
};

/** A word for each second of an hour: the hours with it. */
const uniteHours = (all: readonly CronTimes[]): Int32Array => {
  const union = new Int32Array(60 * 60);
  for (const { hours, minutes, seconds } of all) {
    const secondsOfMinute = numbersOf(seconds);
    for (const minute of numbersOf(minutes)) {
      for (const second of secondsOfMinute) {
        const at = minute * 60 + second;
        union[at] = (union[at] as number) | hours.low;
      }
    }
  }
  return union;
};
