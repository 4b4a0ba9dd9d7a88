// When a hook's schedule fires. Pure: instants in, instants out, in ms since 1970, all in UTC.
//
// A schedule is any number of cron patterns; an instant at which at least one has a date is one
// occurrence, however many have.
import { LATEST_MS } from '../../core/clock.ts';
import { type Cron, parseCron } from './cron.ts';
import { dayAtOrAfter, dayAtOrBefore } from './cron-days.ts';
import { firstTime, lastTime, timeAtOrAfter, timeAtOrBefore } from './cron-times.ts';

const DAY = 86_400; // s

/**
 * What is wrong with the first bad pattern; undefined when all are good.
 *
 *     checkSchedule(['0 0 25 * * *'], now)
 *     // 'schedule[0] "0 0 25 * * *" is not a cron pattern: Constraint error, got value 25 …'
 */
export const checkSchedule = (patterns: readonly string[], after: number): string | undefined => {
  for (const [index, pattern] of patterns.entries()) {
    const name = `schedule[${index}] ${JSON.stringify(pattern)}`;
    const parsed = parseCron(pattern);
    if ('refusal' in parsed) return `${name} is not a cron pattern: ${parsed.refusal}`;
    const refusal = refuseWithoutDate(parsed.cron, after);
    if (refusal !== undefined) return `${name} has ${refusal}`;
  }
  return undefined;
};

const refuseWithoutDate = (cron: Cron, after: number): string | undefined =>
  earliest([cron], secondAfter(after)) === undefined
    ? 'no date to come: choose a day that the calendar still has'
    : undefined;

/**
 * The earliest date of all patterns strictly after `after`; undefined when there is none. The
 * patterns have been checked.
 */
export const nextOccurrence = (patterns: readonly string[], after: number): number | undefined =>
  inMs(earliest(patterns.map(cronOf), secondAfter(after)));

/** The last date of any pattern that is `until` or earlier. The patterns have been checked. */
export const latestOccurrence = (patterns: readonly string[], until: number): number | undefined =>
  inMs(latest(patterns.map(cronOf), Math.floor(Math.min(instant(until), LATEST_MS) / 1000)));

export type PassedOccurrences = {
  readonly first: number;
  readonly last: number;
  /** At most MOST_COUNTED. */
  readonly count: number;
  /** There are more than `count`. */
  readonly atLeast: boolean;
};

/** More than anybody wants to know exactly; each is found one by one. */
export const MOST_COUNTED = 1_000;

/**
 * All occurrences from `from` to `until`, both included; undefined when there is none. The patterns
 * have been checked.
 */
export const passedOccurrences = (
  patterns: readonly string[],
  from: number,
  until: number,
): PassedOccurrences | undefined => {
  const crons = patterns.map(cronOf);
  const end = Math.floor(Math.min(instant(until), LATEST_MS) / 1000);
  const first = earliest(crons, secondFrom(from));
  if (first === undefined || first > end) return undefined;
  const last = latest(crons, end) as number; // the first one is one
  const count = countUpTo(MOST_COUNTED + 1, crons, first, end);
  const atLeast = count > MOST_COUNTED;
  return { first: first * 1000, last: last * 1000, count: atLeast ? MOST_COUNTED : count, atLeast };
};

/** Both included. Each date of a pattern is looked for once. */
const countUpTo = (most: number, crons: readonly Cron[], from: number, to: number): number => {
  const dates = crons.map((cron) => earliestOf(cron, from) ?? Number.POSITIVE_INFINITY);
  for (let count = 0; count < most; count += 1) {
    let date = Number.POSITIVE_INFINITY;
    for (const one of dates) if (one < date) date = one;
    if (date > to) return count;
    for (let index = 0; index < dates.length; index += 1) {
      if (dates[index] === date) dates[index] = earliestOf(crons[index] as Cron, date + 1) ?? Number.POSITIVE_INFINITY;
    }
  }
  return most;
};

const cronOf = (pattern: string): Cron => {
  const parsed = parseCron(pattern);
  if ('refusal' in parsed) throw new Error(`${parsed.refusal} in ${pattern}`);
  return parsed.cron;
};

/** In s: no pattern has a finer date. */
const secondAfter = (ms: number): number => Math.floor(Math.max(instant(ms), -LATEST_MS) / 1000) + 1;
const secondFrom = (ms: number): number => Math.ceil(Math.max(instant(ms), -LATEST_MS) / 1000);
const inMs = (second: number | undefined): number | undefined => (second === undefined ? undefined : second * 1000);

const instant = (ms: number): number => {
  if (Number.isNaN(ms)) throw new RangeError('an instant is a number of ms since 1970, got NaN');
  return ms;
};

/** The first second that is `second` or later and a date of one of them. */
const earliest = (crons: readonly Cron[], second: number): number | undefined => {
  if (second > LATEST_MS / 1000) return undefined;
  let found: number | undefined;
  for (const cron of crons) {
    const date = earliestOf(cron, second);
    if (date !== undefined && date <= LATEST_MS / 1000 && (found === undefined || date < found)) found = date;
  }
  return found;
};

const earliestOf = ({ days, times }: Cron, second: number): number | undefined => {
  const today = Math.floor(second / DAY);
  const day = dayAtOrAfter(days, today);
  const time = day === today ? timeAtOrAfter(times, second - today * DAY) : undefined;
  if (time !== undefined) return today * DAY + time;
  const later = day === today ? dayAtOrAfter(days, today + 1) : day;
  return later === undefined ? undefined : later * DAY + firstTime(times);
};

/** The last second that is `second` or earlier and a date of one of them. */
const latest = (crons: readonly Cron[], second: number): number | undefined => {
  let found: number | undefined;
  for (const cron of crons) {
    const date = latestOf(cron, second);
    if (date !== undefined && (found === undefined || date > found)) found = date;
  }
  return found;
};

const latestOf = ({ days, times }: Cron, second: number): number | undefined => {
  const today = Math.floor(second / DAY);
  const day = dayAtOrBefore(days, today);
  const time = day === today ? timeAtOrBefore(times, second - today * DAY) : undefined;
  if (time !== undefined) return today * DAY + time;
  const earlier = day === today ? dayAtOrBefore(days, today - 1) : day;
  return earlier === undefined ? undefined : earlier * DAY + lastTime(times);
};
