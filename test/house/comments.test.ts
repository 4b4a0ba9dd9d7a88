// Comments cite only what a reader of this repository, or of the public web, can open, and wrap at
// 100 columns.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { commentsOf, lineAt } from './source-text.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['{src,client,test,scripts,bench}/**/*.{ts,js}', 'bin/*.js'];
const WIDEST = 100;

/**
 * Instructions to tools, which must stand on one line, addresses, which cannot be broken, and code,
 * which is as wide as code elsewhere.
 */
const MAY_BE_WIDE = /biome-ignore|@ts-expect-error|@example|https?:\/\/\S+$|^\s*(?:\/\/|\*) {3,}.*[;({]/;

/** Pages that those who wrote the code had before them, and nobody else has. */
const NOT_HERE = [
  /\bspec\/[\w-]+/g,
  /\b(?:DESIGN|LAYOUT|STYLE|BRIEF)\.md/g,
  /(?<!RFC \d{3,5}, )\b[Ss]ections? \d[\d.]*\b(?![\d.]* of RFC)/g,
  /\bdecisions? \d+/gi,
  /\bissues? #?\d+/gi,
];
/** A path of this repository; one that is only an example has a name in capitals. */
const PATH =
  /(?<![\w./-])(?:src\/[\w-]+|client|test|scripts|bench|docs|bin|examples|types)\/(?![\w./-]*[A-Z]{4})[\w./-]*\.(?:ts|js|md|sql|json)\b/g;

const isGenerated = (text: string): boolean => /^\/\/ .*generated\b/m.test(text.slice(0, 500));

/** One line for each fault: `FILE:LINE: what`. */
const findFaults = (file: string, text: string): string[] =>
  commentsOf(text).flatMap((comment) => {
    const at = (index: number) => `${file}:${comment.line + lineAt(comment.text, index) - 1}`;
    const cited = NOT_HERE.flatMap((pattern) => [...comment.text.matchAll(pattern)]);
    const paths = [...comment.text.matchAll(PATH)].filter(([path]) => !existsSync(join(ROOT, path)));
    return [...cited, ...paths].map(({ index, 0: found }) => `${at(index)}: cites "${found}", which is not here`);
  });

/** Lines that are nothing but a comment, and too wide. */
const findWide = (file: string, text: string): string[] =>
  text.split('\n').flatMap((line, index) => {
    const isComment = /^\s*(?:\/\/|\/?\*)/.test(line);
    if (!isComment || line.length <= WIDEST || MAY_BE_WIDE.test(line)) return [];
    return [`${file}:${index + 1}: a comment of ${line.length} columns, at most ${WIDEST} are allowed`];
  });

test('comments cite what is there, and wrap at 100 columns', () => {
  const files = globSync(SOURCES, { cwd: ROOT, exclude: ['**/node_modules/**'] }).sort();
  assert.ok(files.length > 100, 'the sources were read');
  const faults = files.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return isGenerated(text) ? [] : [...findFaults(file, text), ...findWide(file, text)];
  });
  assert.deepEqual(faults, []);
});

describe('the check of comments', () => {
  it('finds what is not here', () => {
    for (const bad of [
      '// as spec/some-page.md says',
      '/** See DESIGN.md. */',
      'f(); // section 5.2',
      '/*\n * (decision 7)\n */',
      '// src/core/none.ts',
      '// docs/none.md#part',
    ]) {
      assert.equal(findFaults('a.ts', bad).length, 1, bad);
    }
    for (const good of [
      '// RFC 9110, section 5.2',
      '// section 4.1 of RFC 7518',
      'const text = "spec/page.md";',
      '// src/core/clock.ts and docs/errors.md',
      '// in this section',
    ]) {
      assert.deepEqual(findFaults('a.ts', good), [], good);
    }
  });

  it('finds lines that are too wide', () => {
    assert.equal(findWide('a.ts', `// ${'x '.repeat(60)}`).length, 1);
    assert.equal(findWide('a.ts', `  /** x */\n   * ${'x '.repeat(60)}`).length, 1);
    assert.deepEqual(findWide('a.ts', `// https://example.com/${'x'.repeat(100)}`), []);
    assert.deepEqual(findWide('a.ts', `const x = '${'x'.repeat(100)}'; // y`), []);
  });
});
