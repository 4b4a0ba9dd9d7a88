// What is shown as YAML is read as the same again, whatever is in it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../../../test/support/test-length.ts';
import { canonicalJson } from '../../../core/json.ts';
import { asYaml, parseDocumentText, readDocument } from './read-document.ts';

const key = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '__proto__',
    '<<',
    '$eval',
    '',
    'yes',
    '1',
    'null',
    '- a',
    'a: b',
    '#',
    '?',
    '&a',
    '*a',
    '!x',
    '%',
    '@',
    '`',
  ),
);
const text = fc.oneof(
  key,
  fc.string({ unit: fc.constantFrom('\n', ' ', 'a', '\t', '\r', '"', "'", '\\', '\x9b', '\x1b', ':', '\u2028') }),
);
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(key, tie('json'), { maxKeys: 4 }),
  ),
}));

test('YAML of any JSON object is read as the same object', () => {
  fc.assert(
    fc.property(fc.dictionary(key, json, { minKeys: 1, maxKeys: 5 }), (value) => {
      // As it came from a server; a string with half a character in it cannot have.
      const original = JSON.parse(JSON.stringify(value).toWellFormed()) as object;
      const yaml = asYaml(original);
      assert.equal(canonicalJson(parseDocumentText(yaml, 'x')), canonicalJson(original), yaml);
      assert.doesNotMatch(yaml, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
    }),
    { numRuns: roundsOf(2_000) },
  );
});

test('JSON of any object is read as that object', () => {
  fc.assert(
    fc.property(
      fc.dictionary(key, json, { minKeys: 1, maxKeys: 5 }),
      fc.constantFrom(undefined, 2),
      (value, indent) => {
        const source = JSON.stringify(value, null, indent);
        assert.equal(canonicalJson(parseDocumentText(source, 'x')), canonicalJson(JSON.parse(source)), source);
      },
    ),
    { numRuns: roundsOf(2_000) },
  );
});

test('merge keys of YAML take over what they name, and what stands beside them goes first', () => {
  const read = (source: string) => parseDocumentText(source, 'x.yaml');
  const base = 'base: &base { x: 1, y: 2 }\nmore: &more { z: 3 }\n';
  const [x, y, z] = [1, 2, 3];
  assert.deepEqual(read(`${base}a:\n  <<: *base\n  y: 3\n`), { base: { x, y }, more: { z }, a: { x, y: 3 } });
  assert.deepEqual(read(`${base}a:\n  <<: [*base, *more]\n`), { base: { x, y }, more: { z }, a: { x, y, z } });
  for (const wrong of ['a: { <<: 3 }', 'a: { <<: *none }', 'a: { <<: [1] }']) {
    assert.throws(() => read(wrong), { code: 'HW_BAD_FILE' }, wrong);
  }
});

test('a key that is << in quotes, as in JSON, is a key, and is written so', () => {
  const value = { '<<': 1, a: { '<<': { b: '<<' } } };
  assert.deepEqual(parseDocumentText(JSON.stringify(value), 'x.json'), value);
  assert.deepEqual(parseDocumentText(asYaml(value), 'x.yaml'), value);
});

test('merge keys that would fill the memory are refused', () => {
  const lines = ['a0: &a0 { k: 1 }'];
  for (let at = 1; at < 30; at++) lines.push(`a${at}: &a${at} { <<: [*a${at - 1}, *a${at - 1}], k${at}: 1 }`);
  assert.throws(() => parseDocumentText(lines.join('\n'), 'bomb.yaml'), { code: 'HW_BAD_FILE' });
});

test('aliases that would fill the memory are refused', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let at = 1; at < 12; at++)
    lines.push(
      `a${at}: &a${at} [${Array(10)
        .fill(`*a${at - 1}`)
        .join(', ')}]`,
    );
  assert.throws(() => parseDocumentText(lines.join('\n'), 'bomb.yaml'), { code: 'HW_BAD_FILE' });
});

test('what nests too deep, or for ever, is refused with that reason', () => {
  const refused = { code: 'HW_BAD_FILE', message: /it nests too deep, or an alias stands within/ };
  for (const source of [
    'a: &a [*a]',
    'a: &a { b: { c: *a } }',
    `{"a": ${'['.repeat(100_000)}`,
    `{"a": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    `{"a": ${'{"b":'.repeat(20_000)}1${'}'.repeat(20_000)}}`,
  ]) {
    assert.throws(() => parseDocumentText(source, 'x'), refused, source.slice(0, 20));
  }
});

test('as deep as the server takes it, it is read', () => {
  const source = `{"a": ${'['.repeat(498)}${']'.repeat(498)}}`;
  assert.deepEqual(parseDocumentText(source, 'x'), JSON.parse(source));
});

test('of a file without end no more is read than a server takes', { skip: !existsSync('/dev/zero') }, async () => {
  const reading = readDocument('/dev/zero', { cwd: '/', stdin: process.stdin });
  await assert.rejects(reading, { code: 'HW_BAD_FILE', message: /it has more than 32 MB/ });
});
