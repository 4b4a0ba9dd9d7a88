import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearest } from './nearest.ts';

const WORDS = ['create', 'list', 'port', 'json', 'trigger', 'status', 'hooks', 'remove', 'show', 'update'];

test('a letter that is missing, added, wrong or swapped is found', () => {
  for (const [word, meant] of [
    ['crate', 'create'],
    ['creaet', 'create'],
    ['prot', 'port'],
    ['jsn', 'json'],
    ['tirgger', 'trigger'],
    ['hook', 'hooks'],
    ['JSON', 'json'],
    ['triggerr', 'trigger'],
    ['trig', 'trigger'],
    ['sohw', 'show'],
  ] as const) {
    assert.equal(nearest(word, WORDS), meant, word);
  }
});

test('what is not like any word is none of them, however long it is', () => {
  for (const word of ['', 'x', 'nonsense', 'ls', 'a'.repeat(100_000)]) assert.equal(nearest(word, WORDS), undefined);
});

test('one swap, one letter more or less in any longer word is found', () => {
  const word = fc.constantFrom(...WORDS.filter(({ length }) => length > 4));
  fc.assert(
    fc.property(word, fc.nat(), fc.constantFrom('swap', 'drop', 'double'), (meant, place, how) => {
      const at = place % (meant.length - 1);
      const [a = '', b = ''] = meant.slice(at);
      const typed = meant.slice(0, at) + { swap: b + a, drop: b, double: a + a + b }[how] + meant.slice(at + 2);
      assert.equal(nearest(typed, WORDS), meant);
    }),
  );
});
