import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { eventually } from '../../../test/support/wait.ts';
import { createSplitBudget } from './split-budget.ts';

const start = () => {
  const clock = createFakeClock();
  const budget = createSplitBudget(clock, 100, 40);
  const open = (place: string, bytes: number) => {
    const share = budget.of(place).open();
    const room = share.take(bytes);
    let state = room ? 'waits' : 'has room';
    room?.then(
      () => {
        state = 'has room';
      },
      ({ code }) => {
        state = code;
      },
    );
    return { ...share, state: () => state };
  };
  return { clock, open };
};

describe('a split budget', () => {
  it('leaves room to others when those of one place hold all of theirs', async () => {
    const { open } = start();
    const held = [20, 20, 20].map((bytes) => open('a', bytes));
    assert.deepEqual(
      held.map(({ state }) => state()),
      ['has room', 'has room', 'waits'],
    );
    assert.equal(open('b', 40).state(), 'has room');
    const another = open('c', 30);
    assert.equal(another.state(), 'waits'); // 80 of all are held
    held[0]?.release();
    await eventually('the next one has room', () => another.state() === 'has room');
    assert.equal(held[2]?.state(), 'waits'); // 90
    another.release();
    await eventually('the last one has room', () => held[2]?.state() === 'has room');
  });

  it('lets the first of a place have what it needs, and has all of it back in the end', async () => {
    const { clock, open } = start();
    for (let round = 0; round < 20; round += 1) {
      const large = open('a', 90);
      assert.equal(large.state(), 'has room');
      const second = open('a', 20);
      second.release(); // while it waits
      second.release();
      large.release();
      await clock.advance(1);
    }
    assert.deepEqual([open('x', 1).state(), open('b', 40).state(), open('c', 40).state()], Array(3).fill('has room'));
  });

  it('says so to who waits too long', async () => {
    const { clock, open } = start();
    open('a', 40);
    const second = open('a', 1);
    await clock.advance(30_000);
    assert.equal(second.state(), 'ServiceUnavailable');
  });
});
