import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unwrapHoon } from './hoon-source.ts';

const SCRIPT = "module.exports = (event) => {\n  // it's fine\n  return {event: {allowed: event}};\n}";
const TEXT = `'''\n${SCRIPT}\n'''\n`;

test('every way to apply the builder to a text is unwrapped, and lines keep their numbers', () => {
  for (const before of [
    '/+  hook-builder-js\n::\n%-  hook-builder-js\n',
    '/+  b=hook-builder-js\n::\n%-  b\n',
    '/+  *hook-builder-js\n%-  hook-builder-js\n',
    '/-  h=hooks\n/+  c=channel-utils, my-builder=hook-builder-js\n%-  my-builder\n',
    '/+  lib,\n    b=hook-builder-js\n%-  b\n',
    '::  what it does\n::\n/+  b=hook-builder-js\n%-  b\n::  the script\n::\n',
    '%-  hook-builder-js\n\n',
    '/+  b=hook-builder-js\n%-  b  ',
    '/+  b=hook-builder-js\n(b ',
  ]) {
    const indent = /[^\n]*$/.exec(before)?.[0].length ?? 0;
    const text = TEXT.split('\n').map((line, index) => (index === 0 || line === '' ? line : ' '.repeat(indent) + line));
    const source = `${before}${text.join('\n')}`;
    const found = unwrapHoon(before.includes('(') ? source.replace(/'''\n$/, "''')\n") : source);
    assert.equal(found.trimStart(), SCRIPT, before);
    const line = source.split('\n').findIndex((one) => one.includes('module.exports'));
    assert.equal(
      found.split('\n').findIndex((one) => one.includes('module.exports')),
      line,
      before,
    );
  }
});

test('indented texts lose their indent, and Windows line ends are none of the script', () => {
  const source = "/+  b=hook-builder-js\n%-  b\n  '''\n  let a;\n    a = 1;\n  '''\n";
  assert.equal(unwrapHoon(source).trimStart(), 'let a;\n  a = 1;');
  assert.equal(unwrapHoon(source.replaceAll('\n', '\r\n')).trimStart(), 'let a;\n  a = 1;');
  assert.equal(unwrapHoon(`\ufeff${source}`).trimStart(), 'let a;\n  a = 1;');
});

test('a text on one line is unwrapped, with its escapes', () => {
  const one = (text: string) => unwrapHoon(`/+  b=hook-builder-js\n%-  b\n'${text}'\n`).trimStart();
  assert.equal(one('module.exports = 1'), 'module.exports = 1');
  assert.equal(one('say(\\\'x\\\', "\\\\n")'), 'say(\'x\', "\\n")');
  assert.equal(one('a\\0ab\\c3\\a4'), 'a\nbä');
  assert.equal(one('a\\\n/b'), 'ab');
  assert.equal(unwrapHoon("(hook-builder-js 'let a;')").trimStart(), 'let a;');
});

test('Hoon without a script is refused in words', () => {
  for (const source of [
    '/-  h=hooks\n|=  [=event:h =bowl:h]\n[%allowed event]\n',
    "/+  b=hook-builder-js\n%-  c\n'''\nlet a;\n'''\n",
    "/+  b=hook-builder-js\n%-  b\n'''\nlet a;\n",
    '/+  b=hook-builder-js\n%-  b\nscript\n',
    "%-  hook-builder-js\n'let a;\n",
    '::  only a comment\n/+  hook-builder-js\n',
    '|=  a=@\na\n',
    '^-  outcome\n~\n',
    ':-  %say\n~\n',
  ]) {
    assert.throws(() => unwrapHoon(source), { code: 'HW_SCRIPT_HOON', message: /This is Hoon/ }, source);
  }
});

test('Hoon of very many lines is refused before they are read', () => {
  const source = `:: a comment\n\n%-  hook-builder-js\n${'\n'.repeat(60_000)}'let a;'\n`;
  assert.throws(() => unwrapHoon(source), { code: 'HW_SCRIPT_TOO_LARGE', message: /more than 50,000 lines/ });
  assert.equal(unwrapHoon(source.replace('\n'.repeat(50_000), '')).trimStart(), 'let a;');
});

test('Hoon may have long words and much blank space, each of which is read once', () => {
  const begin = '/+  b=hook-builder-js\n';
  for (const source of [
    `/+  ${'a'.repeat(1_000_000)}`,
    `${begin}(b '''\n'''${' '.repeat(1_000_000)}x\n`,
    `${begin}${'\n'.repeat(49_000)}`,
    `${begin}(${' '.repeat(1_000_000)}c 'x')`,
  ]) {
    assert.throws(() => unwrapHoon(source), { code: 'HW_SCRIPT_HOON' });
  }
  const blank = ' '.repeat(300_000);
  assert.equal(unwrapHoon(`${begin}(b${blank}'''\nx\n'''${blank})${blank}\n`).trim(), 'x');
});

test('JavaScript stays as it is', () => {
  for (const source of [
    SCRIPT,
    '',
    '/* hook-builder-js */ module.exports = 1',
    "// %-  hook-builder-js\n// '''\nmodule.exports = 1",
    '/+\\d/.test("x")',
    "const how = `%-  hook-builder-js\n'''\nx\n'''`;",
    '/-/.test("a")',
    '!function () {}()',
    '(hook => 1)',
    '::'.slice(2),
    '\n'.repeat(60_000),
    `${':: no Hoon \n'.repeat(60_000)}module.exports = 1`,
  ]) {
    assert.equal(unwrapHoon(source), source);
  }
});
