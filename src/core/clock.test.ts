import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { backoff } from './backoff.ts';
import { nextTurn as nextTurnOfSockets, systemClock, toIso, withDeadline } from './clock.ts';

const tooLate = () => new Error('too late');

describe('a deadline', () => {
  it('answers what the work answers, and leaves no timer', async () => {
    const clock = createFakeClock();
    assert.equal(await withDeadline(clock, 100, async () => 'done', tooLate), 'done');
    await nextTurn();
    assert.equal(clock.sleepers(), 0);
  });

  it('passes on the error of the work, and leaves no timer', async () => {
    const clock = createFakeClock();
    const trouble = new Error('no');
    await assert.rejects(
      withDeadline(clock, 100, () => Promise.reject(trouble), tooLate),
      trouble,
    );
    await nextTurn();
    assert.equal(clock.sleepers(), 0);
  });

  it('that passes rejects, tells the work to end, and ignores what the work does later', async () => {
    const clock = createFakeClock();
    for (const late of [async () => 'late', async () => Promise.reject(new Error('late'))]) {
      const work = Promise.withResolvers<void>();
      const seen: AbortSignal[] = [];
      const result = withDeadline(
        clock,
        100,
        async (signal) => {
          seen.push(signal);
          await work.promise;
          return late();
        },
        tooLate,
      );
      const rejected = assert.rejects(result, /too late/);
      await clock.advance(99);
      assert.equal(seen[0]?.aborted, false);
      await clock.advance(1);
      await rejected;
      assert.equal(seen[0]?.aborted, true);
      work.resolve();
      await nextTurn();
    }
  });
});

describe('sleep', () => {
  it('ends at once when it is interrupted, before or while it sleeps', async () => {
    await systemClock.sleep(2 ** 40, AbortSignal.abort());
    const waking = new AbortController();
    const asleep = systemClock.sleep(2 ** 40, waking.signal);
    waking.abort();
    await asleep;
  });

  it('of no or negative length ends', async () => {
    await systemClock.sleep(0);
    await systemClock.sleep(-5);
  });
});

describe('the text of a time', () => {
  it('is ISO 8601 in UTC with milliseconds, whatever was written before', () => {
    const last = 8.64e15;
    const time = fc.oneof(
      fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
      fc.double({ min: -last, max: last, noNaN: true }),
    );
    fc.assert(
      fc.property(time, time, (one, other) => {
        for (const ms of [one, other, one, one]) assert.equal(toIso(ms), new Date(ms).toISOString());
      }),
    );
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, last + 1]) assert.throws(() => toIso(ms), RangeError);
  });
});

describe('the pause before another try', () => {
  it('doubles up to the longest, less a quarter of it at most', () => {
    const settings = fc.record({
      firstMs: fc.integer({ min: 4, max: 1e4 }),
      longestMs: fc.integer({ min: 1e4, max: 1e9 }),
    });
    fc.assert(
      fc.property(fc.nat(5_000), settings, (failures, { firstMs, longestMs }) => {
        const whole = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 30));
        const pause = backoff(failures, { firstMs, longestMs });
        assert.ok(pause >= Math.floor(whole * 0.75) && pause <= Math.ceil(whole));
        assert.equal(
          backoff(failures, { firstMs, longestMs }, () => 0),
          Math.round(whole),
        );
      }),
    );
  });
});

describe('a turn', () => {
  it('is over when what came in meanwhile was looked at, also where it began while a socket was', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const open = async (): Promise<[Socket, Socket]> => {
      const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
      const [far] = (await once(server, 'connection')) as [Socket];
      t.after(() => near.destroy());
      return [near, far];
    };
    const [one, farOne] = await open();
    const [other, farOther] = await open();
    t.after(() => server.close());
    let hasCome = false;
    farOther.on('data', () => {
      hasCome = true;
    });
    const seen = new Promise<boolean>((resolve) => {
      farOne.on('data', async () => {
        other.write('b'); // in the kernel at once
        await nextTurnOfSockets();
        resolve(hasCome);
      });
    });
    one.write('a');
    assert.equal(await seen, true);
  });
});
