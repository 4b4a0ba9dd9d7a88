// docs/configuration.md has every option of options.ts, with its variable and its default, and no
// other; no document calls with others.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withOptions } from '../../scripts/generating/options-page.ts';
import { OPTIONS, type Option } from '../../src/options.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const known: readonly Option[] = Object.values(OPTIONS);

describe('docs/configuration.md', () => {
  const path = 'docs/configuration.md';

  it('has the options that the program has; otherwise: node scripts/run.js scripts/generate-configuration.ts', () => {
    assert.equal(read(path), withOptions(read(path)));
    assert.equal(read(path).match(/^\| `--/gm)?.length, known.length);
  });

  it('says in words what the default is where there is no fixed one', () => {
    for (const { flag, fallback, without } of known) {
      assert.ok((fallback === undefined) !== (without === undefined), flag);
    }
  });

  it('has plain text for help, in whole sentences, and headings that there are', () => {
    const headings = [...read(path).matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    for (const { flag, help, see } of known) {
      assert.match(help, /^[^`\n]+\.$/, flag);
      if (see !== undefined) assert.ok(headings.includes(see), `${flag}: there is no "${see}"`);
    }
  });
});

describe('the documents', () => {
  it('call the server with options that exist', () => {
    const flags = new Set(['config', ...known.map(({ flag }) => flag)]);
    const calls = globSync(['*.md', 'docs/*.md', 'examples/**/*.md'], { cwd: ROOT }).flatMap((path) =>
      [...read(path).matchAll(/(?:hookwright serve|npm start --) ([^\n`|&;]*)/g)].flatMap(([call, rest = '']) =>
        [...rest.matchAll(/(?<!\S)--([\w-]+)/g)].map(([, flag = '']) => ({ path, call, flag })),
      ),
    );
    assert.ok(calls.length > 3);
    assert.deepEqual(
      calls.filter(({ flag }) => !flags.has(flag)),
      [],
    );
  });
});
