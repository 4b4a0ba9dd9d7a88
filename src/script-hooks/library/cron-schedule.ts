// When the cron of a script hook is due: an interval on a grid, or cron patterns as task hooks have
// them.
import aura from '@urbit/aura';
import { idFromMillis, millisFromId } from '../../community/schema/id.ts';
import { LATEST_MS } from '../../core/clock.ts';
import { checkSchedule, nextOccurrence as nextDate } from '../../timers/schedule/schedule.ts';

/**
 * As it is stored. Of an interval `next` is the first date, and never changes: the others are a
 * whole number of `repeat` after it. Both in ms.
 */
export type CronSchedule = { readonly next: number; readonly repeat: number } | { readonly cron: readonly string[] };

/** As it is said: `~2025.4.1..12.00.00`, `~h1`. */
export type SaidSchedule =
  | { readonly next: string; readonly repeat: string }
  | { readonly next: string | null; readonly cron: readonly string[] };

export type ReadSchedule =
  | { readonly ok: true; readonly schedule: CronSchedule }
  | { readonly ok: false; readonly reason: string };

const SHORTEST_MS = 1000;
const LONGEST_MS = 100 * 365 * 86_400_000;
const MOST_PATTERNS = 20;
const LONGEST_PATTERN = 255;

const refuse = (reason: string): ReadSchedule => ({ ok: false, reason });

const FORMS =
  'a schedule is an interval such as "~h1", {"next": "~2025.4.1..12.00.00", "repeat": "~d1"}, or a cron pattern';

/**
 * `"~h1"`, `{next, repeat}`, `"0 * * * *"`, or `{cron: […]}`. An interval begins at once.
 *
 * @example readSchedule('~m5', now) → {ok: true, schedule: {next: now, repeat: 300000}}
 */
export const readSchedule = (asked: unknown, now: number): ReadSchedule => {
  if (typeof asked === 'string' && asked.startsWith('~')) return readInterval(now, asked);
  if (typeof asked === 'string') return readPatterns([asked], now);
  if (typeof asked !== 'object' || asked === null) return refuse(FORMS);
  const { next, repeat, cron } = asked as Record<string, unknown>;
  if (cron !== undefined) return readPatterns(Array.isArray(cron) ? cron : [cron], now);
  const first = typeof next === 'string' ? millisOf('da', next) : next;
  if (typeof first !== 'number' || !(first >= 0 && first <= LATEST_MS)) {
    return refuse(`"next" must be a time such as ~2025.4.1..12.00.00: ${FORMS}`);
  }
  return readInterval(Math.floor(first), repeat);
};

const readInterval = (next: number, text: unknown): ReadSchedule => {
  const repeat = typeof text === 'string' ? millisOf('dr', text) : undefined;
  if (repeat === undefined)
    return refuse(`${JSON.stringify(text)} is no interval: write it as ~s30, ~m5, ~h1.m30 or ~d1`);
  if (repeat < SHORTEST_MS) return refuse(`${text} is too short an interval: the shortest is ~s1`);
  if (repeat > LONGEST_MS) return refuse(`${text} is too long an interval: the longest is 100 years`);
  return { ok: true, schedule: { next, repeat } };
};

const readPatterns = (patterns: readonly unknown[], now: number): ReadSchedule => {
  const texts = patterns.filter((pattern) => typeof pattern === 'string' && pattern.length <= LONGEST_PATTERN);
  if (texts.length < patterns.length || texts.length === 0 || texts.length > MOST_PATTERNS) {
    return refuse(`cron patterns are 1 to ${MOST_PATTERNS} texts of at most ${LONGEST_PATTERN} characters`);
  }
  const cron = texts as string[];
  const wrong = checkSchedule(cron, now);
  return wrong === undefined ? { ok: true, schedule: { cron } } : refuse(wrong);
};

const SECOND = 2n ** 64n;

/** In ms; undefined for what is none. */
const millisOf = (kind: 'da' | 'dr', text: string): number | undefined => {
  if (text.length > 100) return undefined;
  const number = aura.tryParse(kind, text);
  if (number === null) return undefined;
  return kind === 'da' ? millisFromId(number) : Number((number * 1000n) / SECOND);
};

/** When a new schedule is due for the first time; undefined: never. */
export const firstOccurrence = (schedule: CronSchedule, now: number): number | undefined =>
  'cron' in schedule ? nextDate(schedule.cron, now) : Math.max(schedule.next, now);

/**
 * When it is due again, after the occurrence of `after` was done at `now`: later than both, so that
 * what was missed counts as one. undefined: never.
 */
export const nextOccurrence = (schedule: CronSchedule, after: number, now: number): number | undefined => {
  const from = Math.max(after, now);
  if ('cron' in schedule) return nextDate(schedule.cron, from);
  const { next, repeat } = schedule;
  return next > from ? next : next + (Math.floor((from - next) / repeat) + 1) * repeat;
};

/** With the date that comes next at `now`. */
export const saySchedule = (schedule: CronSchedule, now: number): SaidSchedule => {
  const isToCome = 'next' in schedule && schedule.next >= now;
  const next = isToCome ? schedule.next : nextOccurrence(schedule, now, now);
  const said = next === undefined ? null : aura.render('da', idFromMillis(next));
  if ('cron' in schedule) return { next: said, cron: schedule.cron };
  return { next: said as string, repeat: aura.render('dr', (BigInt(schedule.repeat) * SECOND) / 1000n) };
};
