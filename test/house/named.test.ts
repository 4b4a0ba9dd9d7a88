// What documents name exists: options, error codes, metrics, commands, files. And each page can be
// found.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { COMMANDS } from '../../src/commands/command-table.ts';
import { OPERATOR_ERRORS } from '../../src/core/errors.ts';
import { FIRE_OUTCOMES } from '../../src/ledger/entry.ts';
import { OPTIONS } from '../../src/options.ts';
import { SCRIPT_ERRORS } from '../../src/script-hooks/errors.ts';
import { linksOf } from './documents.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const find = (...patterns: string[]): string[] =>
  patterns.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).sort();
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const documents = find('*.md', 'docs/*.md', 'examples/*.md', 'examples/*/*.md').map((path) => ({
  path,
  text: read(path),
}));
const sources = find('src/**/*.ts', 'bin/*.js', 'scripts/**/*.{ts,js}', 'test/support/*.ts').map(read).join('\n');

/** Those that match somewhere in a document, with the document, and are not known. */
const unknown = (pattern: RegExp, isKnown: (name: string) => boolean): string[] =>
  documents.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)]
      .map(([, name = '']) => name)
      .filter((name) => !isKnown(name))
      .map((name) => `${path}: ${name}`),
  );

describe('documents name', () => {
  it('variables that something reads', () => {
    const isRead = (name: string) => new RegExp(`\\b${name}\\b`).test(sources);
    assert.deepEqual(unknown(/\b(HOOKWRIGHT_[A-Z_]+)\b/g, isRead), []);
  });

  it('error codes that there are', () => {
    assert.deepEqual(
      unknown(/\b(HW_[A-Z_]+)\b/g, (code) => code === 'HW_' || code in OPERATOR_ERRORS || code in SCRIPT_ERRORS),
      [],
    );
  });

  it('metrics that there are', () => {
    const isOurs = (name: string) => sources.includes(name) || /^hookwright_(?:process|nodejs)_/.test(name);
    assert.deepEqual(unknown(/\b(hookwright_[a-z_]+)\b/g, isOurs), []);
  });

  it('files of this repository, in what is written for those who change it', () => {
    const pages = ['docs/architecture.md', ...find('docs/decisions/*.md'), 'CONTRIBUTING.md', 'bench/README.md'];
    const files = find('{src,client,types,test,bench,scripts,bin}/**/*.*').map((path) => `/${path}`);
    const paths = pages.flatMap((page) =>
      [...read(page).matchAll(/`(?:node [\w/.]+ )?([\w-]+\/[\w/.-]+\.(?:ts|js|json|sql))\b/g)].map(
        ([, path = '']) => path,
      ),
    );
    assert.ok(paths.length > 100);
    assert.deepEqual(
      paths.filter((path) => !path.includes('NNNN') && !files.some((file) => file.endsWith(`/${path}`))),
      [],
    );
  });

  it('options of the server, of a command, or of a program in this repository', () => {
    const known = new Set<string>([...Object.values(OPTIONS).map(({ flag }) => flag), 'config']);
    const programs = `${sources}\n${find('examples/**/*.mjs', 'bench/**/*.ts', 'test/*/main.ts').map(read).join('\n')}`;
    const isRead = (flag: string) => new RegExp(`[\\s{']${flag}(?:'|: ?[{\\w])`).test(programs);
    assert.deepEqual(
      unknown(/`--([a-z][a-z-]+)[ =`]/g, (flag) => known.has(flag) || isRead(flag)),
      [],
    );
  });

  it('commands that there are', () => {
    const commands = COMMANDS.map(({ words }) => words.join(' '));
    const nouns = new Set(commands.map((words) => words.split(' ')[0]));
    const isCommand = (words: string) => {
      const [noun = '', verb = ''] = words.trim().split(/\s+/);
      return (
        noun === 'help' ||
        commands.includes(noun) ||
        commands.includes(`${noun} ${verb}`) ||
        (verb === '' && nouns.has(noun))
      );
    };
    assert.deepEqual(unknown(/(?:^|`|&& |\| )hookwright ((?:[a-z][a-z-]*\b ?){1,2})/gm, isCommand), []);
  });

  it('files that there are', () => {
    const isThere = (path: string) => existsSync(join(ROOT, path)) || path.includes('*') || path.includes('NNNN');
    assert.deepEqual(unknown(/`((?:src|test|examples|scripts|bench|bin|types|client)\/[\w./*-]+)`/g, isThere), []);
  });
});

it('the pages that explain outcomes explain each of them', () => {
  for (const page of ['docs/concepts.md', 'docs/task-hooks.md']) {
    const [, rows = ''] = /^## Outcomes\n(.*?)^## /ms.exec(read(page)) ?? [];
    const explained = [...rows.matchAll(/^\| `(\w+)` \|/gm)].map(([, outcome]) => outcome);
    assert.deepEqual(explained.toSorted(), FIRE_OUTCOMES.toSorted(), page);
  }
});

it('every page is found from the README, link by link', () => {
  const found = new Set(['README.md']);
  for (const path of found) {
    const { text } = documents.find((one) => one.path === path) ?? { text: '' };
    const linked = linksOf(text).map((link) => join(dirname(path), link.split('#')[0] ?? ''));
    for (const one of linked) if (documents.some((document) => document.path === one)) found.add(one);
  }
  assert.deepEqual(
    documents.map(({ path }) => path).filter((path) => !found.has(path)),
    [],
  );
});
