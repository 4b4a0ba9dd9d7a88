import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { walkBounded } from './bounded-walk.ts';

/** Of the numbers from 99 down, ten at a step that takes 20 ms, those that are multiples. */
const walk = (wanted: number, multiplesOf: number, msAStep = 0) => {
  const base = createFakeClock();
  let passed = 0;
  const clock = { ...base, monotonic: () => passed };
  const looked: number[] = [];
  const walked = walkBounded(clock, wanted, 100, async (from, most) => {
    passed += msAStep;
    const numbers = Array.from({ length: Math.min(10, from) }, (_, n) => from - 1 - n);
    looked.push(...numbers);
    const found = numbers.filter((number) => number % multiplesOf === 0).slice(0, most);
    return { found, last: from > 10 ? numbers.at(-1) : undefined };
  });
  return walked.then((all) => ({ ...all, looked: looked.length }));
};

describe('a bounded walk', () => {
  it('goes on until the page is full, and one more is there', async () => {
    assert.deepEqual(await walk(2, 10), { found: [90, 80, 70], looked: 30 });
  });

  it('goes to the end where there is less', async () => {
    assert.deepEqual(await walk(5, 40), { found: [80, 40, 0], looked: 100 });
  });

  it('stops when the time is up, and says where', async () => {
    assert.deepEqual(await walk(5, 1_000, 20), { found: [], stoppedAt: 70, looked: 30 });
  });
});
