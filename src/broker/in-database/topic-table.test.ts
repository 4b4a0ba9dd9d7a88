import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../../test/support/test-length.ts';
import { createTopicTable, leadsTo } from './topic-table.ts';

const matches = (pattern: string, key: string): boolean => {
  const table = createTopicTable();
  table.add(pattern, 'q');
  const found = new Set<string>();
  table.match(key, found);
  return found.has('q');
};

/**
 * RabbitMQ's rule written another way: what a pattern says of the rest of the key, word by word.
 */
const oracle = (pattern: readonly string[], key: readonly string[]): boolean => {
  const [first, ...rest] = pattern;
  if (first === undefined) return key.length === 0;
  if (first === '#') return oracle(rest, key) || (key.length > 0 && oracle(pattern, key.slice(1)));
  return key.length > 0 && (first === '*' || first === key[0]) && oracle(rest, key.slice(1));
};
const split = (text: string): string[] => (text === '' ? [] : text.split('.'));

const words = (...of: string[]) => fc.array(fc.constantFrom(...of), { maxLength: 6 }).map((list) => list.join('.'));
const keys = words('a', 'b', '', '*', '#');
const patterns = words('a', 'b', '', '*', '#');

describe('a routing key', () => {
  it('leads where RabbitMQ says that it leads', () => {
    const cases: [pattern: string, key: string, isMatch: boolean][] = [
      ['', '', true],
      ['#', '', true],
      ['*', '', false],
      ['#.#', '', true],
      ['a', 'a', true],
      ['a', 'A', false],
      ['a.*', 'a', false],
      ['a.*', 'a.', true],
      ['a.#', 'a', true],
      ['a.#', 'a.b.c', true],
      ['#.c', 'a.b.c', true],
      ['*.*', '.', true],
      ['a.#.c', 'a.c', true],
      ['a.*.c', 'a.c', false],
      ['a.#.b.#.c', 'a.x.b.y.z.c', true],
      ['a#', 'a.b', false],
      ['constructor', '__proto__', false],
    ];
    for (const [pattern, key, isMatch] of cases) assert.equal(matches(pattern, key), isMatch, `${pattern} ← ${key}`);
  });

  it('leads to exactly the queues with a pattern that fits, however many there are, and after some were taken away', () => {
    const bindings = fc.array(fc.tuple(patterns, fc.constantFrom('q1', 'q2', 'q3', 'q4')), { maxLength: 12 });
    // Pattern by pattern at once, after some steps in the tree, and never.
    const steps = fc.constantFrom(0, 5, 1_000);
    const property = fc.property(bindings, fc.array(fc.nat(11)), keys, steps, (all, removed, key, mostSteps) => {
      const table = createTopicTable(mostSteps);
      for (const [pattern, queue] of all) table.add(pattern, queue);
      const gone = removed.flatMap((index) => (all[index] ? [all[index]] : []));
      for (const [pattern, queue] of gone) table.remove(pattern, queue);
      const left = all.filter(([pattern, queue]) => !gone.some(([p, q]) => p === pattern && q === queue));
      const found = new Set<string>();
      table.match(key, found);
      const expected = left.flatMap(([pattern, queue]) => (oracle(split(pattern), split(key)) ? [queue] : []));
      assert.deepEqual([...found].sort(), [...new Set(expected)].sort());
      for (const [pattern] of all) assert.equal(leadsTo(pattern, key), oracle(split(pattern), split(key)));
      assert.equal(table.isEmpty(), left.length === 0);
    });
    fc.assert(property, { numRuns: roundsOf(3_000) });
  });

  it('finds its way through patterns that were made to be slow', () => {
    const hashes = Array.from({ length: 127 }, () => '#').join('.');
    const key = Array.from({ length: 127 }, () => 'a').join('.');
    assert.equal(matches(hashes, key), true);
    assert.equal(matches(`${hashes}.b`, key), false);
    const pairs = Array.from({ length: 60 }, () => '#.a').join('.');
    assert.equal(matches(`${pairs}.b`, key), false);
    assert.equal(matches(`${pairs}.#`, key), true);
    const stars = Array.from({ length: 60 }, () => '#.*').join('.');
    assert.equal(matches(`${stars}.b`, key), false);
  });

  it('finds its way through hundreds of them at once', () => {
    const table = createTopicTable();
    for (let queue = 0; queue < 250; queue += 1) {
      const pairs = Array.from({ length: 62 }, (_, at) => (at < 8 && (queue >> at) % 2 === 1 ? '.*.#' : '.a.#'));
      table.add(`#${pairs.join('')}${queue === 7 ? '.b' : ''}`, `q${queue}`);
    }
    const key = Array.from({ length: 127 }, () => 'a').join('.');
    // Some 10 ms each; in the tree it is more than a second.
    for (let round = 0; round < 20; round += 1) {
      const found = new Set<string>();
      table.match(key, found);
      assert.equal(found.size, 249);
      assert.equal(found.has('q7'), false);
    }
  });
});
