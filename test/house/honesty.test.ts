// What the repository says of itself is so: its links lead somewhere, the scripts it names exist,
// and its tests are all run.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { anchorsOf, linksOf, npmScriptsOf } from './documents.ts';
import { lineAt, onlyCode } from './source-text.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const find = (...patterns: string[]): string[] =>
  patterns.flatMap((pattern) => globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules/**', 'dist/**'] })).sort();
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const documents = find('*.md', 'docs/**/*.md', 'bench/*.md', 'examples/**/*.md');

describe('the documents', () => {
  it('are there', () => {
    for (const name of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'docs/errors.md']) {
      assert.ok(documents.includes(name), `${name} is missing`);
    }
  });

  it('link to files and headings that exist', () => {
    const broken = documents.flatMap((document) =>
      linksOf(read(document))
        .filter((link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(document, link))
        .map((link) => `${document}: ${link}`),
    );
    assert.deepEqual(broken, []);
  });

  it('name only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const document of documents) {
      for (const name of npmScriptsOf(read(document))) assert.ok(name in scripts, `${document}: npm run ${name}`);
    }
  });

  it('begin with how to start and how to test', () => {
    assert.deepEqual(npmScriptsOf(read('README.md')).slice(0, 2), ['start', 'test']);
  });
});

const leadsSomewhere = (document: string, link: string): boolean => {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? document : join(dirname(document), path);
  if (!resolve(ROOT, target).startsWith(resolve(ROOT)) || !existsSync(join(ROOT, target))) return false;
  return anchor === undefined || anchorsOf(read(target)).includes(anchor);
};

describe('the code', () => {
  it('opens nothing that lies beside this repository', () => {
    const FROM_HERE = /(?:new URL\(|import\.meta\.dirname, )'((?:\.\.\/)+[^']*)'/g;
    const outside = find('{src,client,test,bench,scripts,bin}/**/*.{ts,js}').flatMap((path) =>
      [...read(path).matchAll(FROM_HERE)]
        .filter(([, to = '']) => !`${join('/root', dirname(path), to)}/`.startsWith('/root/'))
        .map(([, to = '']) => `${path}: ${to}`),
    );
    assert.deepEqual(outside, []);
  });
});

describe('the tests', () => {
  it('are none of them left out for ever, and none is run alone', () => {
    const files = find('src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/*.test.ts');
    assert.ok(files.length > 10);
    assert.deepEqual(
      files.flatMap((path) => findLeftOut(read(path)).map((what) => `${path}:${what}`)),
      [],
    );
  });

  it('are found when they are', () => {
    for (const bad of [
      `it.skip('x', () => {});`,
      `test.only('x', () => {});`,
      `describe.todo('x');`,
      `test('x', { skip: true }, () => {});`,
      `test('x', { skip: 'later' }, () => {});`,
      `test('x', { timeout: 1, todo: true }, () => {});`,
      `test('x', (t) => t.skip());`,
      `test('x', (t) => { t.todo('later'); });`,
    ]) {
      assert.equal(findLeftOut(bad).length, 1, bad);
    }
    for (const good of [
      `test('x', { skip: process.platform !== 'linux' }, () => {});`,
      `test('x', { skip: isRoot && 'initdb cannot' }, () => {});`,
      `test('it.skip(', () => {});`,
      `test('x', async (t) => { if (!there) return t.skip('not there'); });`,
      `const { skip } = options;`,
    ]) {
      assert.deepEqual(findLeftOut(good), [], good);
    }
  });
});

/** A test may be skipped where something about the machine says so; a constant says nothing. */
const findLeftOut = (text: string): string[] => {
  const code = onlyCode(text);
  const patterns = [
    /\b(?:it|test|describe|suite)\s*\.\s*(?:skip|only|todo)\b/g,
    /\b(?:skip|only|todo)\s*:\s*(?:true\b|["'`]\s*["'`]\s*[,}])/g,
    /\bt\s*\.\s*skip\s*\(\s*\)/g,
    /\bt\s*\.\s*todo\s*\(/g,
  ];
  return patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(({ index, 0: found }) => `${lineAt(code, index)}: ${found}`),
  );
};

describe('the lockfile', () => {
  const text = read('package-lock.json');

  it('names no host that packages come from: each clone asks the registry that its user has chosen', () => {
    assert.deepEqual(text.match(/"resolved":.*|\b(?:https?|git\+\w+|ssh):\/\/registry[^"]*/g) ?? [], []);
  });

  it('has a checksum for every package', () => {
    const { packages } = JSON.parse(text) as { packages: Record<string, { integrity?: string }> };
    const without = Object.entries(packages).filter(([path, { integrity }]) => path !== '' && integrity === undefined);
    assert.deepEqual(
      without.map(([path]) => path),
      [],
    );
  });
});
