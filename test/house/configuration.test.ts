// docs/configuration.md has every option of options.ts, with its variable and its default, and no other; the README shows no other either.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { withOptions } from '../../scripts/options-page.ts';
import { OPTIONS, type Option } from '../../src/options.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const cellsOf = (row: string): string[] =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** Rows of the tables of options: those that begin with a flag. */
const optionRows = (page: string): string[][] => (page.match(/^\| `--.*$/gm) ?? []).map(cellsOf);

const known: readonly Option[] = Object.values(OPTIONS);

describe('docs/configuration.md', () => {
  const path = 'docs/configuration.md';

  it('has the options that the program has; otherwise: node scripts/run.js scripts/generate-configuration.ts', () => {
    assert.equal(read(path), withOptions(read(path)));
    assert.equal(optionRows(read(path)).length, known.length);
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

describe('README.md', () => {
  it('shows options that exist, with their defaults', () => {
    const rows = optionRows(read('README.md'));
    assert.ok(rows.length > 3);
    for (const [flag, shown = ''] of rows) {
      const option = known.find((one) => `\`--${one.flag}\`` === flag);
      assert.ok(option, `there is no ${flag}`);
      if (option.fallback !== undefined) assert.equal(shown, `\`${option.fallback}\``, flag);
    }
  });
});
