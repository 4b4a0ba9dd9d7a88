// Advisory locks of the database are told apart by numbers: two places that use one number would
// wait for each other.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url));

it('every advisory lock has a number of its own', () => {
  const keys = globSync('**/*.ts', { cwd: SOURCE }).flatMap((path) => {
    const text = readFileSync(join(SOURCE, path), 'utf8');
    return [...text.matchAll(/^const LOCK_(?:KEY|SPACE) = (\w+);/gm)].map(([, key = '']) => key.replaceAll('_', ''));
  });
  assert.ok(keys.length >= 5, 'the numbers were found');
  assert.equal(new Set(keys).size, keys.length, keys.join(', '));
});
