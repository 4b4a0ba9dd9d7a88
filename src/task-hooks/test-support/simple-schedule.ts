// Simple schedules by brute force: each second of a week is asked whether it matches. Shares no
// code with schedule.ts.

const DAY = 86_400; // s
const WEEK = 7 * DAY;
/** 1970-01-01 was a Thursday. */
const FIRST_SUNDAY = -4 * DAY;

/** All in ms. */
export type SimpleSchedule = {
  readonly isDate: (at: number) => boolean;
  /** The first date after `after`; undefined when there is none. */
  readonly next: (after: number) => number | undefined;
  /** How many dates there are from `first` to `last`, both included. */
  readonly count: (first: number, last: number) => number;
};

/**
 * Knows `*`, steps (`*` and a number to divide by), numbers and lists of them; the day of the month
 * and the month are always `*`.
 */
export const simpleSchedule = (patterns: readonly string[]): SimpleSchedule => {
  const key = patterns.join(';');
  const schedule = known.get(key) ?? bruteForce(patterns);
  known.set(key, schedule);
  return schedule;
};

const known = new Map<string, SimpleSchedule>();

const bruteForce = (patterns: readonly string[]): SimpleSchedule => {
  const matches = patterns.map(matcherOf);
  const isMatch = Uint8Array.from({ length: WEEK }, (_, second) => Number(matches.some((match) => match(second))));
  const before = new Uint32Array(WEEK + 1);
  for (let second = 0; second < WEEK; second += 1) before[second + 1] = (before[second] ?? 0) + (isMatch[second] ?? 0);
  const inAWeek = before[WEEK] ?? 0;
  const sinceSunday = (second: number) => (((second - FIRST_SUNDAY) % WEEK) + WEEK) % WEEK;
  /** How many dates there were before this second, since the Sunday of the first week. */
  const countBefore = (second: number) =>
    Math.floor((second - FIRST_SUNDAY) / WEEK) * inAWeek + (before[sinceSunday(second)] ?? 0);
  return {
    isDate: (at) => at % 1_000 === 0 && isMatch[sinceSunday(at / 1_000)] === 1,
    next: (after) => {
      if (inAWeek === 0) return undefined;
      let second = Math.floor(after / 1_000) + 1;
      while (isMatch[sinceSunday(second)] === 0) second += 1;
      return second * 1_000;
    },
    count: (first, last) => countBefore(Math.floor(last / 1_000) + 1) - countBefore(Math.ceil(first / 1_000)),
  };
};

const matcherOf = (pattern: string): ((secondOfWeek: number) => boolean) => {
  const fields = pattern.split(' ');
  const [seconds, minutes, hours, day, month, weekday] = (fields.length === 5 ? ['0', ...fields] : fields).map(fieldOf);
  if (!seconds || !minutes || !hours || !weekday || !day?.isAny || !month?.isAny)
    throw new Error(`too hard: ${pattern}`);
  return (second) =>
    weekday.has(Math.floor(second / DAY)) &&
    hours.has(Math.floor(second / 3_600) % 24) &&
    minutes.has(Math.floor(second / 60) % 60) &&
    seconds.has(second % 60);
};

const fieldOf = (text: string): { readonly isAny: boolean; readonly has: (value: number) => boolean } => {
  if (text === '*') return { isAny: true, has: () => true };
  if (text.startsWith('*/')) return { isAny: false, has: (value) => value % Number(text.slice(2)) === 0 };
  const values = text.split(',').map(Number);
  return { isAny: false, has: (value) => values.includes(value) };
};
