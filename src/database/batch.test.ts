import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { createBatch } from './batch.ts';

/** Work that ends when the test says so. */
const createGates = () => {
  const open: (() => void)[] = [];
  return {
    pass: () => new Promise<void>((resolve) => void open.push(resolve)),
    openAll: async () => {
      for (let gate = open.shift(); gate; gate = open.shift()) {
        gate();
        await nextTurn();
        await nextTurn();
      }
    },
  };
};

describe('a batch', () => {
  it('gives each caller the result of his own item', async () => {
    const double = createBatch<number, number>({
      run: async (items) => items.map((item) => item * 2),
      maxItems: 7,
      concurrency: 2,
    });
    const items = Array.from({ length: 50 }, (_, index) => index);
    assert.deepEqual(
      await Promise.all(items.map(double)),
      items.map((item) => item * 2),
    );
  });

  it('puts no more into one statement after some megabyte of items', async () => {
    const sizes: number[] = [];
    const batch = createBatch<number, void>({
      run: async (items) => {
        sizes.push(items.length);
        return items.map(() => undefined);
      },
      maxItems: 3,
      concurrency: 1,
      sizeOf: (kilobytes) => kilobytes * 1024,
    });
    await Promise.all([1, 10_000, 1, 600, 600, 1, 1, 1, 1].map(batch));
    assert.deepEqual(sizes, [2, 3, 3, 1]);
  });

  it('puts what comes in together, and what comes while one is under way, into one statement, up to its size', async () => {
    const sizes: number[] = [];
    const gates = createGates();
    const batch = createBatch<number, void>({
      run: async (items) => {
        sizes.push(items.length);
        await gates.pass();
        return items.map(() => undefined);
      },
      maxItems: 10,
      concurrency: 1,
    });
    const first = [batch(1), batch(2)];
    await nextTurn();
    assert.deepEqual(sizes, [2]);
    const later = Array.from({ length: 25 }, (_, index) => batch(index));
    await gates.openAll();
    await Promise.all([...first, ...later]);
    assert.deepEqual(sizes, [2, 10, 10, 5]);
  });

  it('does not let a lone item wait for company', async () => {
    const batch = createBatch<string, string>({ run: async (items) => items, maxItems: 100, concurrency: 1 });
    assert.equal(await batch('alone'), 'alone');
  });

  it('lets the trouble of one item be its own', async () => {
    const batch = createBatch<number, number>({
      run: async (items) => {
        if (items.includes(3)) throw new Error('3 is bad');
        return items;
      },
      maxItems: 10,
      concurrency: 1,
    });
    const results = await Promise.allSettled([1, 2, 3, 4].map(batch));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(await batch(5), 5);
  });

  it('answers every item once with its own result, whatever fails, and never exceeds its bounds', async () => {
    const job = fc.record({ fails: fc.boolean(), wait: fc.nat(3) });
    const bounds = fc.record({ maxItems: fc.integer({ min: 1, max: 8 }), concurrency: fc.integer({ min: 1, max: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(job, { maxLength: 40 }), bounds, async (jobs, { maxItems, concurrency }) => {
        let underWay = 0;
        let most = 0;
        let largest = 0;
        const done = new Map<number, number>();
        const batch = createBatch<number, string>({
          maxItems,
          concurrency,
          run: async (items) => {
            underWay += 1;
            most = Math.max(most, underWay);
            largest = Math.max(largest, items.length);
            await nextTurn();
            underWay -= 1;
            const bad = items.find((item) => jobs[item]?.fails);
            if (bad !== undefined) throw new Error(`${bad}`);
            for (const item of items) done.set(item, (done.get(item) ?? 0) + 1);
            return items.map((item) => `did ${item}`);
          },
        });
        const results = await Promise.allSettled(
          jobs.map(async ({ wait }, index) => {
            for (let turn = 0; turn < wait; turn += 1) await nextTurn();
            return batch(index);
          }),
        );
        results.forEach((result, index) => {
          if (result.status === 'fulfilled') assert.equal(result.value, `did ${index}`);
          else assert.equal((result.reason as Error).message, `${index}`);
          assert.equal(result.status === 'rejected', jobs[index]?.fails);
          assert.equal(done.get(index) ?? 0, jobs[index]?.fails ? 0 : 1);
        });
        assert.ok(most <= concurrency && largest <= maxItems);
      }),
    );
  });

  it('is empty and usable after all its items failed', async () => {
    let isDown = true;
    const batch = createBatch<number, number>({
      run: async (items) => {
        if (isDown) throw new Error('down');
        return items;
      },
      maxItems: 10,
      concurrency: 2,
    });
    for (const result of await Promise.allSettled([1, 2, 3].map(batch))) assert.equal(result.status, 'rejected');
    isDown = false;
    assert.deepEqual(await Promise.all([1, 2, 3].map(batch)), [1, 2, 3]);
  });
});
