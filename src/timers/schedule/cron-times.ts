// The times of day of cron patterns, in seconds since midnight UTC.
import { atOrAfter, atOrBefore, type NumberSet } from './number-set.ts';

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
