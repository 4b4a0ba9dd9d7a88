import assert from 'node:assert/strict';
import { it } from 'node:test';
import { diffLines } from './diff-lines.ts';

it('what was changed, added and left out has a line each, with its place', () => {
  const before = { a: 1, b: { c: [1, 2], d: 'x' }, e: {}, same: { n: [null] } };
  const after = { a: '1', b: { c: [1, 3, 4] }, e: [], same: { n: [null] }, f: { g: 1 } };
  assert.deepEqual(diffLines(before, after), [
    ...['~ /a: 1 → "1"', '~ /b/c/1: 2 → 3', '+ /b/c/2: 4', '- /b/d: "x"', '~ /e: {} → []', '+ /f: {"g":1}'],
  ]);
});

it('equal values have no lines, whatever the order of their keys', () => {
  assert.deepEqual(diffLines({ a: 1, b: [{}] }, { b: [{}], a: 1 }), []);
  assert.deepEqual(diffLines('x', 'x'), []);
  assert.deepEqual(diffLines(1, null), ['~ /: 1 → null']);
});

it('it ends at as many lines as are asked for, and long values are cut', () => {
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`k${at}`, at]));
  assert.deepEqual(diffLines({}, many, 2), ['+ /k0: 0', '+ /k1: 1']);
  assert.equal(diffLines({ a: many }, { a: {}, b: many }, 3).length, 3);
  const [line = ''] = diffLines({}, { a: 'x'.repeat(1_000) });
  assert.match(line, /^\+ \/a: "x{199}… \(1002 characters\)$/);
});

it('lines are short, however long the names are on the way to what was changed', () => {
  const name = 'k'.repeat(100_000);
  const deep = (leaf: number) => ({ [name]: { [name]: { [name]: { [name]: { [name]: { [name]: leaf } } } } } });
  const lines = diffLines({ [name]: { a: 1, b: [1] }, deep: deep(1) }, { [name]: { a: 2, b: [2] }, deep: deep(2) });
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? '', /^~ \/k{200}…\/a: 1 → 2$/);
  for (const line of lines) assert.ok(line.length < 1_500, `${line.length}`);
});
