import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { createNumberSet } from './number-set.ts';
import { CLOCK_SKEW_MS, createReplays, type Replays } from './replays.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const MINUTE = 60_000;
const world = (most?: number) => {
  const clock = createFakeClock(NOW);
  return { clock, replays: createReplays(clock, most) };
};
const use = ({ use: record }: Replays, id: string, nonce: string, at = NOW, request: object = {}) =>
  record(request, { id, nonce, ts: `${at / 1000}` }) ?? 'fresh';

describe('used signatures', () => {
  it('are known by client, nonce and time together', () => {
    const { replays } = world();
    const signatures = [
      ['c', 'n', NOW],
      ['c', 'n', NOW + 1000],
      ['c', 'm', NOW],
      ['d', 'n', NOW],
    ] as const;
    for (const [id, nonce, at] of signatures) assert.equal(use(replays, id, nonce, at), 'fresh');
    for (const [id, nonce, at] of signatures) assert.equal(use(replays, id, nonce, at), 'Invalid nonce');
  });

  it('are known as long as they are good, at 300 a second', async () => {
    const { clock, replays } = world();
    const until = NOW + 2 * CLOCK_SKEW_MS;
    const early = [NOW - CLOCK_SKEW_MS, NOW, NOW + CLOCK_SKEW_MS];
    for (const at of early) assert.equal(use(replays, 'overheard', 'n', at), 'fresh');
    for (let n = 0; clock.now() < until; n += 1) {
      if (n % 300 === 0) await clock.advance(1_000);
      use(replays, 'other', `${n}`, clock.now());
      if (n % 10_000 === 0) for (const at of early) assert.notEqual(use(replays, 'overheard', 'n', at), 'fresh');
    }
  });

  it('are not forgotten when there are very many: what could come again is refused by its time', async () => {
    const { clock, replays } = world(1_000);
    const ages = Array.from({ length: 15 }, (_, minutes) => NOW - minutes * MINUTE);
    for (const at of ages) assert.equal(use(replays, 'overheard', 'n', at), 'fresh');
    assert.equal(use(replays, 'overheard', 'ahead', NOW + 14 * MINUTE), 'fresh');
    for (let n = 0; n < 1_000; n += 1) assert.equal(use(replays, 'other', `${n}`), 'fresh');
    assert.equal(use(replays, 'late', 'n', NOW - 2 * MINUTE), 'Stale timestamp');
    for (let minutes = 0; minutes < 40; minutes += 1) {
      for (const at of ages) assert.notEqual(use(replays, 'overheard', 'n', at), 'fresh', `after ${minutes}`);
      assert.notEqual(use(replays, 'overheard', 'ahead', NOW + 14 * MINUTE), 'fresh');
      assert.equal(use(replays, 'other', 'n', clock.now()), 'fresh');
      await clock.advance(MINUTE);
    }
    assert.equal(use(replays, 'late', 'n', clock.now() - 14 * MINUTE), 'fresh');
  });

  it('may be used again when the request that used them was not answered, and not because of another one that bore them', () => {
    const { replays } = world();
    const [good, overheard] = [{}, {}];
    assert.equal(use(replays, 'c', 'n', NOW, good), 'fresh');
    replays.forgive(overheard);
    assert.equal(use(replays, 'c', 'n', NOW, overheard), 'Invalid nonce');
    replays.forgive(overheard);
    assert.equal(use(replays, 'c', 'n'), 'Invalid nonce');
    replays.forgive(good);
    assert.equal(use(replays, 'c', 'n'), 'fresh');
    replays.forgive(good);
    assert.equal(use(replays, 'c', 'n'), 'Invalid nonce', 'once');
  });
});

describe('a set of numbers', () => {
  it('is as a Set is', () => {
    const number = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), number), { maxLength: 500 }), (steps) => {
        const [set, model] = [createNumberSet(), new Set<number>()];
        for (const [isAdded, one] of steps) {
          if (isAdded) assert.equal(set.add(one), !model.has(one));
          else set.delete(one);
          if (isAdded) model.add(one);
          else model.delete(one);
        }
        for (const one of model) assert.equal(set.add(one), false);
      }),
    );
  });
});
