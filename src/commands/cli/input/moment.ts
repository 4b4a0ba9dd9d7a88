// A moment as people give it: a date, or how long from now.
import { type Clock, LATEST_MS } from '../../../core/clock.ts';
import { OperatorError } from '../../../core/errors.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const UNITS_MS: Readonly<Record<string, number>> = { h: DAY_MS / 24, d: DAY_MS, w: 7 * DAY_MS, y: 365 * DAY_MS };

/** How the option is called, and whether `12h` is a time ago and not one to come. */
type MomentOption = { readonly option: string; readonly isAgo?: true };

/** Milliseconds since the epoch. Throws HW_BAD_OPTION. */
export const momentOf = (text: string, clock: Clock, { option, isAgo }: MomentOption): number => {
  const [, count, unit = ''] = /^(\d{1,6})([hdwy])$/.exec(text) ?? [];
  const isDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const ms =
    count === undefined
      ? isDate
        ? Date.parse(text)
        : Number.NaN
      : clock.now() + (isAgo ? -1 : 1) * Number(count) * (UNITS_MS[unit] ?? 0);
  if (ms >= 0 && ms <= LATEST_MS) return ms;
  throw new OperatorError('HW_BAD_OPTION', {
    problem: `--${option} is "${text}"`,
    cure: `Give a date such as 2030-01-31 or 2030-01-31T12:00:00Z, or how long ${isAgo ? 'ago' : 'from now'}: 12h, 30d, 2w, 1y`,
  });
};
