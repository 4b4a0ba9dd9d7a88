import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { firstOccurrence, nextOccurrence, readSchedule, saySchedule } from './cron-schedule.ts';

const NOON = Date.UTC(2025, 3, 1, 12);
const HOUR = 3_600_000;

const read = (asked: unknown) => {
  const result = readSchedule(asked, NOON);
  return result.ok ? result.schedule : assert.fail(result.reason);
};

describe('a schedule', () => {
  it('is an interval that begins now, or then; or cron patterns', () => {
    assert.deepEqual(read('~h1.m30'), { next: NOON, repeat: 1.5 * HOUR });
    assert.deepEqual(read({ next: '~2025.4.2', repeat: '~d1' }), { next: NOON + 12 * HOUR, repeat: 24 * HOUR });
    assert.deepEqual(read({ next: NOON, repeat: '~s1..8000' }), { next: NOON, repeat: 1500 });
    assert.deepEqual(read('0 * * * *'), { cron: ['0 * * * *'] });
    assert.deepEqual(read({ cron: ['@daily', '0 12 * * 5'] }), { cron: ['@daily', '0 12 * * 5'] });
  });

  it('is said with the date that comes next', () => {
    assert.deepEqual(saySchedule(read('~h1'), NOON), { next: '~2025.4.1..12.00.00', repeat: '~h1' });
    assert.deepEqual(saySchedule(read('~h1'), NOON + 1), { next: '~2025.4.1..13.00.00', repeat: '~h1' });
    assert.deepEqual(saySchedule(read('@daily'), NOON), { next: '~2025.4.2', cron: ['@daily'] });
  });

  it('that cannot be is refused, and the reason says what can', () => {
    const wrong: readonly [unknown, RegExp][] = [
      ['~s0', /too short/],
      ['~s0..8000', /too short/],
      [{ next: '~2025.4.1', repeat: '~s0' }, /too short/],
      [`~d${10 ** 9}`, /too long/],
      ['~zod', /no interval/],
      [{ next: 'soon', repeat: '~h1' }, /"next" must be a time/],
      [{ next: NOON }, /no interval/],
      ['every hour', /not a cron pattern/],
      [{ cron: [] }, /1 to 20/],
      [{ cron: [5] }, /1 to 20/],
      [7, /a schedule is/],
      [null, /a schedule is/],
    ];
    for (const [asked, reason] of wrong) {
      const result = readSchedule(asked, NOON);
      assert.match(result.ok ? 'taken' : result.reason, reason, JSON.stringify(asked));
    }
  });

  it('is due at once, or at its date if that is to come', () => {
    assert.equal(firstOccurrence(read('~h1'), NOON), NOON);
    assert.equal(firstOccurrence(read({ next: '~2025.4.2', repeat: '~d1' }), NOON), NOON + 12 * HOUR);
    assert.equal(firstOccurrence(read({ next: '~2025.3.1', repeat: '~d1' }), NOON), NOON);
    assert.equal(firstOccurrence(read('0 * * * *'), NOON), NOON + HOUR);
  });

  it('stays on its grid, and what was missed counts as one', () => {
    const hourly = read('~h1');
    assert.equal(nextOccurrence(hourly, NOON, NOON + 20), NOON + HOUR);
    assert.equal(nextOccurrence(hourly, NOON, NOON + 5 * HOUR), NOON + 6 * HOUR);
    assert.equal(nextOccurrence(read('0 * * * *'), NOON, NOON + 5.5 * HOUR), NOON + 6 * HOUR);
    const some = fc.integer({ min: -(10 ** 10), max: 10 ** 10 });
    fc.assert(
      fc.property(some, some, fc.integer({ min: 1000, max: 10 ** 9 }), (after, now, repeat) => {
        const next = nextOccurrence({ next: 0, repeat }, after, now) ?? assert.fail();
        assert.ok(next > Math.max(after, now) && next % repeat === 0);
        assert.ok(next === 0 || next - repeat <= Math.max(after, now));
      }),
    );
  });
});
