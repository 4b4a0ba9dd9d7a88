// Schedules against cron-parser's own next(), and against a reading of the fields that shares
// nothing with either.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import { roundsOf } from '../../../test/support/test-length.ts';
import { checkSchedule, latestOccurrence, MOST_COUNTED, nextOccurrence, passedOccurrences } from './schedule.ts';

const SECOND = 1000;
const DAY = 86_400_000;

const at = (text: string): number => Date.parse(text);
const shown = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();
const after = at('2026-11-20T15:29:17.603Z');

/** The first `most` occurrences after an instant, by cron-parser's own steps. */
const enumerate = (patterns: readonly string[], start: number, most: number): number[] => {
  const steppers = patterns.map((pattern) => {
    const expression = CronExpressionParser.parse(pattern, { tz: 'UTC', currentDate: new Date(start) });
    return { expression, date: expression.next().getTime() };
  });
  const found: number[] = [];
  while (found.length < most && steppers.length > 0) {
    const next = Math.min(...steppers.map(({ date }) => date));
    found.push(next);
    for (const stepper of steppers) if (stepper.date === next) stepper.date = stepper.expression.next().getTime();
  }
  return found;
};

const WORDS = 'The only words are names of months and weekdays, such as JAN and MON, and @daily or its like alone';

/** undefined where cron-parser takes it. */
const messageOfCronParser = (pattern: string): string | undefined => {
  try {
    CronExpressionParser.parse(pattern, { tz: 'UTC', currentDate: new Date(after) });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

const field = (min: number, max: number): fc.Arbitrary<string> => {
  const value = fc.integer({ min, max });
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.integer({ min: 1, max: max + 1 });
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: value.map(String) },
    range,
    step.map((every) => `*/${every}`),
    fc.tuple(range, step).map(([within, every]) => `${within}/${every}`),
    fc.tuple(value, step).map(([from, every]) => `${from}/${every}`),
    fc.uniqueArray(value, { minLength: 2, maxLength: 12 }).map((values) => values.join()),
  );
};

const weekday = fc.constantFrom('0', '1', '2', '3', '4', '5', '6', '7', 'SUN', 'mon', 'Thu');
const dateField = fc.oneof(
  { weight: 3, arbitrary: field(1, 31) },
  { weight: 2, arbitrary: fc.constantFrom('L', '15,L', '29', '30,31', '?', '31', '1-31', '*/1') },
);
const weekdayField = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('*', '?') },
  { weight: 2, arbitrary: field(0, 7) },
  fc.tuple(weekday, fc.integer({ min: 1, max: 5 })).map(([day, week]) => `${day}#${week}`),
  weekday.map((day) => `${day}L`),
  fc.constantFrom('1L,3', 'MON-FRI', '0-7', '*#5', '6,0L', '5-7'),
);
const monthField = fc.oneof(
  { weight: 3, arbitrary: fc.constant('*') },
  field(1, 12),
  fc.constantFrom('2', 'FEB', 'feb,4'),
);

const pattern = fc
  .oneof(
    {
      weight: 12,
      arbitrary: fc
        .tuple(field(0, 59), field(0, 59), field(0, 23), dateField, monthField, weekdayField)
        .map((fields) => fields.join(' ')),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(field(0, 59), field(0, 23), dateField, monthField, weekdayField)
        .map((fields) => fields.join(' ')),
    },
    fc.constantFrom('@yearly', '@monthly', '@weekly', '@daily', '@hourly', '@minutely', '@weekdays', '@weekends'),
    fc.constantFrom('0 0 29 2 *', '0 0 * 2 1#5', '0 0 L 2 *', '59 59 23 31 12 *'),
  )
  .filter((text) => messageOfCronParser(text) === undefined);

const patterns = fc.array(pattern, { minLength: 1, maxLength: 4 });

const instant = fc.oneof(
  fc.integer({ min: at('1890-01-01'), max: at('2110-01-01') }),
  // Month ends, leap days, the century that has none, the hours at which clocks change in many
  // countries.
  fc
    .tuple(
      fc.constantFrom(
        ...['2024-02-29', '2024-03-01', '2025-02-28', '2026-01-01', '2100-02-28', '2000-02-29', '1970-01-01'],
        ...['2026-03-08T07:00Z', '2026-11-01T06:00Z', '2026-03-29T01:00Z', '2026-10-25T01:00Z'],
      ),
      fc.oneof(fc.constantFrom(-1000, -1, 0, 1, 1000), fc.integer({ min: -2 * DAY, max: 2 * DAY })),
    )
    .map(([text, offset]) => at(text) + offset),
);

describe('a schedule', () => {
  it('is refused with its place, the pattern, and what is wrong with it', () => {
    const refusals: [string, RegExp | string][] = [
      ['not a cron', /Too few fields, got 3 expected 5 or 6/],
      ['0 0 31', /Too few fields, got 3/],
      ['0 0 25 * * *', 'Constraint error, got value 25 expected range 0-23'],
      ['0 0 31 2 *', 'Invalid explicit day of month definition'],
      ['0 0 30 2 *', 'Invalid explicit day of month definition'],
      ['0 0 31 4,6 ?', 'Invalid explicit day of month definition'],
      ['1 2 3 4 5 6 7', 'Invalid cron expression, too many fields'],
      ['0 0 * MARCH *', 'Invalid characters, got value: 3CH'],
      ['0 0 1 * 1#2,3', /incompatible$/],
      ['0 0 * * 1#6', /occurrence number/],
      ['0 0 * * L', /unexpected standalone L/],
      ['h * * * *', 'Invalid characters, got value: h'],
      [`${'*/1,'.repeat(59)}*/1 * * * *`, /too many values in Minute field/],
      ['@Daily', /@daily or its like alone/],
      ['every day', /Too few fields, got 2/],
      ['*/5 * * * day', /The only words/],
      ['', 'A blank pattern has no fields: leave it out, or write 5 or 6, such as 0 * * * * for every hour'],
      [' \t', /A blank pattern/],
      ['*', /Too few fields, got 1 expected 5 or 6: /],
      ['* * * *', /Too few fields, got 4 expected 5 or 6/],
    ];
    for (const [text, message] of refusals) {
      const refusal = checkSchedule(['@daily', text, 'nor this'], after);
      const name = `schedule[1] ${JSON.stringify(text)} is not a cron pattern: `;
      assert.ok(refusal?.startsWith(name), refusal);
      if (typeof message === 'string') assert.equal(refusal, `${name}${message}`);
      else assert.match(refusal ?? 'good', message);
    }
  });

  it('is refused with an H, which would be another time whenever it is looked at, and not with a Thursday', () => {
    const hashed = [
      'H * * * *',
      '0 H(0-5) * * *',
      '0 0 H * *',
      '0 0 1,H * *',
      '0 0 * * H',
      '0 0 * * THU,H',
      '*/H * * * *',
    ];
    for (const text of [...hashed, 'H/15 * * * *', '0 H/2 * * * *', '0 0 * 3H *', '0 0 H(1-28)/7 * *', '@H * * * *']) {
      assert.match(checkSchedule([text], after) ?? 'good', /is not a cron pattern: H would mean another time/, text);
    }
    for (const text of ['aH/2 * * * *', '0 0 * MARCH/2 *', 'XH(1-2) * * * *', '0 0 * * HHH']) {
      for (let time = 0; time < 20; time++) assert.notEqual(checkSchedule([text], after), undefined, text);
    }
    for (const text of ['0 0 * * THU', '0 0 * MAR Thu', '0 0 * mar THU#2', '0 0 * * THUL']) {
      assert.equal(checkSchedule([text], after), undefined, text);
    }
  });

  it('has five fields, or six with the seconds first, or a name', () => {
    const good = [
      '0 17 * * *',
      '30 0 17 * * *',
      '@daily',
      '@hourly',
      '@weekly',
      '0 0 L * *',
      '0 0 * * 1#2',
      '0 0 * * 5L',
    ];
    assert.equal(
      checkSchedule([...good, ' 0  0 * * * ', '0 0 31 2 MON', '0 0 29 2 *', '0 0 * 2 1#5'], after),
      undefined,
    );
    assert.equal(checkSchedule([], after), undefined);
  });

  it('is refused when it has no date any more', () => {
    const last = at('9999-12-31T23:59:59Z');
    assert.equal(checkSchedule(['* * * * * *'], last - 1), undefined);
    assert.equal(nextOccurrence(['* * * * * *'], last - 1), last);
    for (const end of [last, Number.POSITIVE_INFINITY]) {
      assert.match(
        checkSchedule(['* * * * * *'], end) ?? 'good',
        /^schedule\[0\] "\* \* \* \* \* \*" has no date to come: /,
      );
      assert.equal(nextOccurrence(['* * * * * *'], end), undefined);
    }
  });

  it('that cron-parser refuses is refused with its message, a word (LLL) with a better one, and no other', () => {
    const text = fc
      .array(fc.string({ unit: fc.constantFrom(...'0123456789*/,-?L#'), minLength: 1, maxLength: 4 }), {
        minLength: 5,
        maxLength: 7,
      })
      .map((fields) => fields.join(' '));
    fc.assert(
      fc.property(fc.oneof(text, pattern), (given) => {
        const message = messageOfCronParser(given)?.replace(/^.*cannot resolve alias.*$/s, WORDS);
        const name = `schedule[0] ${JSON.stringify(given)} is not a cron pattern: `;
        assert.equal(checkSchedule([given], after), message === undefined ? undefined : `${name}${message}`);
      }),
      { examples: [['0 0 0 LLL 0']], numRuns: roundsOf(2_000) },
    );
  });
});

describe('the next occurrence', () => {
  it('is the earliest date of all patterns, strictly later', () => {
    const expected: [string[], string, string | undefined][] = [
      [[], '2026-11-20T15:29:17.603Z', undefined],
      [['0 * * * *'], '2026-11-20T15:29:17.603Z', '2026-11-20T16:00:00.000Z'],
      [['0 * * * *'], '2026-11-20T16:00:00.000Z', '2026-11-20T17:00:00.000Z'],
      [['0 * * * *'], '2026-11-20T15:59:59.999Z', '2026-11-20T16:00:00.000Z'],
      [['* * * * * *'], '2026-11-20T16:00:00.000Z', '2026-11-20T16:00:01.000Z'],
      [['0 0 1 1 *', '0 9 * * 1-5', '@weekly'], '2026-11-20T15:00:00Z', '2026-11-22T00:00:00.000Z'],
      [['0 0 L * *'], '2024-02-01T00:00:00Z', '2024-02-29T00:00:00.000Z'],
      [['0 0 L * *'], '2026-02-01T00:00:00Z', '2026-02-28T00:00:00.000Z'],
      [['0 0 31 * *'], '2026-03-31T00:00:00Z', '2026-05-31T00:00:00.000Z'],
      [['0 0 * * 1#2'], '2026-11-01T00:00:00Z', '2026-11-09T00:00:00.000Z'],
      [['0 0 * * 5L'], '2026-11-01T00:00:00Z', '2026-11-27T00:00:00.000Z'],
      // Both the day of the month and the weekday restricted: either will do.
      [['0 0 13 * 5'], '2026-11-10T00:00:00Z', '2026-11-13T00:00:00.000Z'],
      [['0 0 12 * 5'], '2026-11-10T00:00:00Z', '2026-11-12T00:00:00.000Z'],
      [['0 0 29 2 *'], '2096-03-01T00:00:00Z', '2104-02-29T00:00:00.000Z'],
      // A fifth Monday of February is a Monday the 29th.
      [['0 0 * 2 1#5'], '2016-02-29T00:00:00Z', '2044-02-29T00:00:00.000Z'],
      [['0 0 * 2 1#5'], '2072-02-29T00:00:00Z', '2112-02-29T00:00:00.000Z'],
    ];
    for (const [schedule, from, to] of expected)
      assert.equal(shown(nextOccurrence(schedule, at(from))), to, schedule.join());
  });

  it('is the one that cron-parser finds', () => {
    fc.assert(
      fc.property(patterns, instant, (schedule, from) => {
        assert.equal(shown(nextOccurrence(schedule, from)), shown(enumerate(schedule, from, 1)[0]));
      }),
      { numRuns: roundsOf(1_500) },
    );
  });

  it('goes through the whole calendar as cron-parser does', () => {
    for (const days of [
      'L * *',
      '31 * *',
      '* * 5L',
      '* * 1#5',
      '29 2 *',
      '13 * 5',
      '*/5 2 1L,3',
      '15,L 2,4 0#1',
      '? * *#3',
    ]) {
      const schedule = [`0 12 ${days}`];
      let now = at('2095-06-01');
      for (const date of enumerate(schedule, now, 150)) {
        now = nextOccurrence(schedule, now) ?? Number.NaN;
        assert.equal(shown(now), shown(date), days);
      }
    }
  });

  it('does not depend on what was asked before', () => {
    const schedule = Object.freeze(['0 0 9 * * 1-5', '*/7 * * * * *']);
    const first = nextOccurrence(schedule, after);
    nextOccurrence(schedule, after + 400 * DAY);
    passedOccurrences(schedule, after - DAY, after + DAY);
    assert.equal(nextOccurrence(schedule, after), first);
    // More patterns than are cached.
    for (let n = 0; n < 20_010; n++) {
      const text = `${n % 60} ${Math.floor(n / 60) % 60} ${Math.floor(n / 3600)} * * *`;
      assert.equal(checkSchedule([text], after), undefined);
    }
    assert.equal(nextOccurrence(schedule, after), first);
  });

  it('of a pattern that nobody checked is an error with what is wrong', () => {
    assert.throws(() => nextOccurrence(['0 0 25 * * *'], after), /got value 25 expected range 0-23 in 0 0 25/);
    assert.throws(() => passedOccurrences(['H * * * *'], after, after), /H would mean another time/);
    assert.throws(() => nextOccurrence(['@daily'], Number.NaN), RangeError);
  });
});

/** What is to be known of all these. */
const counted = (dates: readonly number[]) => ({
  first: dates[0],
  last: dates.at(-1),
  count: Math.min(dates.length, MOST_COUNTED),
  atLeast: dates.length > MOST_COUNTED,
});

describe('the occurrences that passed', () => {
  it('are counted up to a thousand; of more it is known that there are more, and which was the last', () => {
    const second = at('2025-01-01');
    const passed = (count: number) => passedOccurrences(['* * * * * *'], second, second + (count - 1) * SECOND);
    for (const count of [1, 2, 999, 1_000])
      assert.deepEqual([passed(count)?.count, passed(count)?.atLeast], [count, false]);
    const last = second + 1_000 * SECOND;
    assert.deepEqual(passed(1_001), { first: second, last, count: 1_000, atLeast: true });
    const year = passedOccurrences(['* * * * * *'], at('2025-01-01'), at('2026-01-01') - 1);
    assert.deepEqual(year, { first: second, last: at('2025-12-31T23:59:59Z'), count: 1_000, atLeast: true });
    const gregorian = passedOccurrences(['0 0 29 2 *'], at('1970-01-01'), at('2370-01-01') - 1);
    assert.deepEqual([gregorian?.count, gregorian?.atLeast], [97, false]);
  });

  it('of a year cost about as much as those of an hour', () => {
    const from = at('2025-01-01');
    const took = (until: number) => {
      const began = performance.now();
      for (let time = 0; time < 20; time += 1) passedOccurrences(['* * * * * *'], from, until);
      return performance.now() - began;
    };
    took(from + DAY); // compiled
    const hour = took(from + DAY / 24);
    assert.ok(took(from + 365 * DAY) < 100 * hour + 50, 'a visit of each would take 8,760 times as long');
  });

  it('begin with the first instant and end with the last', () => {
    const noon = at('2026-11-20T12:00:00Z');
    const one = { first: noon, last: noon, count: 1, atLeast: false };
    assert.deepEqual(passedOccurrences(['0 12 * * *'], noon, noon), one);
    assert.deepEqual(passedOccurrences(['0 12 * * *'], noon - DAY + 1, noon + DAY - 1), one);
    assert.equal(passedOccurrences(['0 12 * * *'], noon + 1, noon + DAY - 1), undefined);
    assert.equal(passedOccurrences(['0 12 * * *'], noon, noon - 1), undefined);
    assert.equal(passedOccurrences(['0 12 * * *'], noon + 5 * DAY, noon), undefined);
    assert.equal(passedOccurrences([], noon, noon + DAY), undefined);
  });

  it('count once where patterns meet', () => {
    const from = at('2026-11-20');
    assert.equal(passedOccurrences(['0 * * * *', '@hourly', '*/30 * * * *'], from, from + 3 * DAY - 1)?.count, 3 * 48);
    assert.equal(
      passedOccurrences(['*/2 * * * * *', '@daily', '*/6 * * * * *'], from, from + 1_000 * SECOND - 1)?.count,
      500,
    );
  });

  it('are those that cron-parser visits, up to any of them', () => {
    const scenario = fc.record({
      schedule: patterns,
      from: instant,
      most: fc.integer({ min: 1, max: 60 }),
      offset: fc.oneof(fc.constantFrom(-1000, -1, 0, 1, 999), fc.integer({ min: -DAY, max: 0 })),
    });
    fc.assert(
      fc.property(scenario, ({ schedule, from, most, offset }) => {
        const dates = enumerate(schedule, from - 1, most + 1);
        const until = Math.min((dates[most - 1] as number) + offset, (dates[most] as number) - 1);
        const passed = dates.filter((date) => date <= until);
        const found = passedOccurrences(schedule, from, until);
        assert.deepEqual(found, passed.length === 0 ? undefined : counted(passed));
        if (found !== undefined) {
          assert.equal(found.first, nextOccurrence(schedule, from - 1));
          assert.ok((nextOccurrence(schedule, found.last) ?? Number.POSITIVE_INFINITY) > until);
        }
      }),
      { numRuns: roundsOf(400) },
    );
  });

  it('of two spans are together those of the whole', () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 1, maxLength: 8 }),
        fc.uniqueArray(instant, { minLength: 3, maxLength: 3 }),
        (schedule, instants) => {
          const [from, between, until] = instants.sort((a, b) => a - b) as [number, number, number];
          const whole = passedOccurrences(schedule, from, until);
          const before = passedOccurrences(schedule, from, between);
          const rest = passedOccurrences(schedule, between + 1, until);
          const sum = (before?.count ?? 0) + (rest?.count ?? 0);
          assert.equal(whole?.count ?? 0, Math.min(sum, MOST_COUNTED));
          assert.equal(whole?.first, before?.first ?? rest?.first);
          assert.equal(whole?.last, rest?.last ?? before?.last);
          assert.equal(latestOccurrence(schedule, until), whole?.last ?? latestOccurrence(schedule, from));
        },
      ),
      { numRuns: roundsOf(500) },
    );
  });

  it('are those of a reading of the fields by hand, second by second', () => {
    const simple = fc.tuple(field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6));
    const span = fc.integer({ min: 0, max: 3 * 86_400 });
    fc.assert(
      fc.property(fc.array(simple, { minLength: 1, maxLength: 4 }), instant, span, (read, start, seconds) => {
        const schedule = read.map((fields) => fields.join(' '));
        fc.pre(checkSchedule(schedule, start) === undefined);
        const from = Math.floor(start / SECOND) * SECOND;
        const matchers = read.map(matcherByHand);
        const found: number[] = [];
        for (let now = from; now <= from + seconds * SECOND; now += SECOND) {
          if (matchers.some((matches) => matches(now))) found.push(now);
        }
        assert.deepEqual(
          passedOccurrences(schedule, from, from + seconds * SECOND),
          found.length === 0 ? undefined : counted(found),
        );
      }),
      { numRuns: roundsOf(40) },
    );
  });

  it('of a thousand patterns of 255 characters are exact', () => {
    // A generator of Lehmer's: the same patterns in each run.
    let state = 7;
    const random = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    const some = (count: number, min: number, max: number): string => {
      const values = new Set<number>();
      while (values.size < count) values.add(min + random(max - min + 1));
      return [...values].join();
    };
    const schedule = Array.from({ length: 1_000 }, () => {
      const [minutes, hours] = [some(25, 0, 59), some(2 + random(10), 0, 23)];
      return [some(random(25) + 1, 0, 59), minutes, hours, some(15, 1, 31), some(6, 1, 12), some(3, 0, 6)].join(' ');
    });
    assert.ok(schedule.every(({ length }) => length <= 255));
    assert.equal(checkSchedule(schedule, after), undefined);
    const from = at('2026-11-19T13:14:15Z');
    const every20th = schedule.filter((_text, index) => index % 20 === 0);
    const matchers = every20th.map((text) => matcherByHand(text.split(' ') as Fields));
    const found: number[] = [];
    let now = from;
    for (; found.length < 1_200; now += SECOND) if (matchers.some((matches) => matches(now))) found.push(now);
    for (const count of [1, 700, 1_000, 1_001, 1_200]) {
      const dates = found.slice(0, count);
      assert.deepEqual(passedOccurrences(every20th, from, dates.at(-1) as number), counted(dates));
    }
    assert.equal(passedOccurrences(schedule, from, from + 3_000 * DAY)?.atLeast, true);
  });
});

type Fields = [string, string, string, string, string, string];

/** The values of a field of numbers, ranges and steps. */
const readByHand = (text: string, min: number, max: number): Set<number> => {
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const [range = '', step] = item.split('/');
    const [begin = '', end] = range === '*' ? [`${min}`, `${max}`] : range.split('-');
    const to = end === undefined ? (step === undefined ? Number(begin) : max) : Number(end);
    for (let value = Number(begin); value <= to; value += Number(step ?? 1)) values.add(value);
  }
  return values;
};

const matcherByHand = ([second, minute, hour, date, month, weekday]: Fields): ((ms: number) => boolean) => {
  const [seconds, minutes, hours] = [readByHand(second, 0, 59), readByHand(minute, 0, 59), readByHand(hour, 0, 23)];
  const [dates, months, weekdays] = [readByHand(date, 1, 31), readByHand(month, 1, 12), readByHand(weekday, 0, 7)];
  return (ms) => {
    const now = new Date(ms);
    if (!seconds.has(now.getUTCSeconds()) || !minutes.has(now.getUTCMinutes())) return false;
    if (!hours.has(now.getUTCHours()) || !months.has(now.getUTCMonth() + 1)) return false;
    const onDate = dates.has(now.getUTCDate());
    const day = now.getUTCDay();
    const onWeekday = weekdays.has(day) || (day === 0 && weekdays.has(7));
    if (weekday === '*') return onDate;
    return date === '*' ? onWeekday : onDate || onWeekday;
  };
};
