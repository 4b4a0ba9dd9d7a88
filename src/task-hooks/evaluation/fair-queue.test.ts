import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFairQueue } from './fair-queue.ts';

test('each owner has its turn, and what is of one comes in its order', () => {
  const queue = createFairQueue<string>();
  const taken = (count: number) => Array.from({ length: count }, () => queue.take());
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) queue.put(item.slice(0, 1), item);
  assert.deepEqual([queue.size(), queue.sizeOf('a'), queue.sizeOf('nobody')], [6, 3, 0]);
  assert.deepEqual(taken(2), ['a1', 'b1']);
  queue.put('d', 'd1');
  assert.deepEqual(taken(6), ['c1', 'a2', 'b2', 'd1', 'a3', undefined]);
  assert.deepEqual([queue.size(), queue.sizeOf('a')], [0, 0]);
});
