import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { type ObservedProcess, observeThisProcess, returnMemory } from './memory-return.ts';

const MB = 1024 * 1024;

const observe = async (t: TestContext) => {
  const clock = createFakeClock();
  const ending = new AbortController();
  const is = { residentMb: 160, heapMb: 50, busyPart: 0.01 };
  let collections = 0;
  const process: ObservedProcess = {
    residentBytes: () => is.residentMb * MB,
    heapBytes: () => is.heapMb * MB,
    busyPart: () => is.busyPart,
    collect: () => {
      collections += 1;
      is.residentMb = 170;
    },
  };
  const running = returnMemory({ clock, process }, ending.signal);
  t.after(() => {
    ending.abort();
    return running;
  });
  await clock.asleep();
  /** How many there were in the next minute. */
  const inAMinute = async () => {
    collections = 0;
    for (let looks = 0; looks < 4; looks += 1) {
      await clock.advance(15_000);
      await clock.asleep();
    }
    return collections;
  };
  return { is, inAMinute };
};

describe('memory', () => {
  it('is given back once, within a minute after large requests', async (t) => {
    const { is, inAMinute } = await observe(t);
    assert.equal(await inAMinute(), 0);
    is.residentMb = 350;
    assert.equal(await inAMinute(), 1);
    assert.equal(await inAMinute(), 0);
  });

  it('is left alone while the process is busy, and where a collection would hold it for long', async (t) => {
    const { is, inAMinute } = await observe(t);
    Object.assign(is, { residentMb: 350, busyPart: 0.5 });
    assert.equal(await inAMinute(), 0);
    Object.assign(is, { busyPart: 0, heapMb: 200 });
    assert.equal(await inAMinute(), 0);
    is.heapMb = 60;
    assert.equal(await inAMinute(), 1);
  });

  it('of this process is really collected', async (t) => {
    const clock = createFakeClock();
    const ending = new AbortController();
    const running = returnMemory({ clock, process: { ...observeThisProcess(), busyPart: () => 0 } }, ending.signal);
    t.after(() => {
      ending.abort();
      return running;
    });
    const bytes = () => process.memoryUsage().arrayBuffers;
    const holds = (buffer: Buffer) => bytes() >= buffer.length;
    assert.ok(holds(Buffer.alloc(100 * MB, 1)));
    await clock.asleep();
    for (let looks = 0; looks < 10 && bytes() > 50 * MB; looks += 1) {
      await clock.advance(15_000);
      await new Promise((resolve) => setImmediate(resolve));
      await clock.asleep();
    }
    assert.ok(bytes() < 50 * MB, `${bytes()} bytes`);
  });
});
