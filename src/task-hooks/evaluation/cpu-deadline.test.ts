import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { jobTimeIsUp } from './cpu-deadline.ts';

const DEADLINE = 1_000;

/** A worker that has used so much of a processor whenever it is asked; ms. */
const createJob = (used: (passed: number) => number | undefined | Promise<never>) => {
  const clock = createFakeClock();
  const usedMs = async () => used(clock.monotonic());
  const ending = new AbortController();
  let isUp = false;
  void jobTimeIsUp(clock, usedMs, DEADLINE, ending.signal).then(() => {
    isUp = true;
  });
  const pass = async (ms: number) => {
    await nextTurn();
    for (let passed = 0; passed < ms; passed += 10) {
      await clock.advance(10);
      await nextTurn();
    }
    return isUp;
  };
  return { pass, end: () => ending.abort() };
};

describe('the time of a job', () => {
  it('is up when it has used as much of a processor, whatever earlier jobs have used', async () => {
    let used = 700;
    const { pass } = createJob(() => used);
    used += 400;
    assert.equal(await pass(DEADLINE), false, 'the machine was busy with others');
    used += 590;
    assert.equal(await pass(600), false);
    used += 20;
    assert.equal(await pass(20), true);
  });

  it('is up at its deadline when it had a processor all the time', async () => {
    const { pass } = createJob((passed) => passed);
    assert.equal(await pass(DEADLINE - 10), false);
    assert.equal(await pass(20), true);
  });

  it('is up after ten deadlines by the clock, however little it has used', async () => {
    const { pass } = createJob(() => 0);
    assert.equal(await pass(10 * DEADLINE - 100), false);
    assert.equal(await pass(200), true);
  });

  it('is up when the worker does not say what it has used', async () => {
    const silent = createJob(() => new Promise(() => {}));
    assert.equal(await silent.pass(DEADLINE + 600), true);
    const gone = createJob(() => undefined);
    assert.equal(await gone.pass(DEADLINE + 10), true);
  });

  it('is never up when its answer came before', async () => {
    const { pass, end } = createJob(() => 0);
    await pass(DEADLINE / 2);
    end();
    assert.equal(await pass(20 * DEADLINE), false);
  });
});
