// docs/configuration.md has every option of config.ts, with its variable and its default, and no other; the README shows no other either.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { OPTIONS } from '../../src/config.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const cellsOf = (row: string): string[] =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** Rows of the tables of options: those that begin with a flag. */
const optionRows = (page: string): string[][] => (page.match(/^\| `--.*$/gm) ?? []).map(cellsOf);

const known = Object.values(OPTIONS).map(({ flag, env, fallback }) => ({
  flag,
  env,
  fallback: fallback as string | undefined,
}));
const page = optionRows(read('docs/configuration.md'));

describe('docs/configuration.md', () => {
  it('has every option and its variable, once, in the order of the help', () => {
    const documented = page.map(([flag, variable]) => [flag, variable]);
    assert.deepEqual(
      documented,
      known.map(({ flag, env }) => [`\`--${flag}\``, `\`${env}\``]),
    );
  });

  it('has the defaults that the program has', () => {
    for (const [index, { flag, fallback }] of known.entries()) {
      if (fallback !== undefined) assert.equal(page[index]?.[2], `\`${fallback}\``, flag);
      else assert.doesNotMatch(page[index]?.[2] ?? '', /^`[^`<]*`$/, `${flag} has no fixed default`);
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
