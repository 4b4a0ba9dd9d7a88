// docs/metrics.md names every metric that the sources register, and no other.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('docs/metrics.md has a row for each metric, and none for what does not exist', () => {
  const files = globSync('src/**/*.ts', { cwd: root, exclude: ['**/*.test.ts', '**/test-support/**'] });
  const registered = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/'(hookwright_[a-z_]+)'/g)].map(([, name]) => name ?? ''),
  );
  // The prefix of Node's own.
  const ours = new Set(registered.filter((name) => name !== 'hookwright_'));
  const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(hookwright_[a-z_]+)` \| (?:counter|gauge|histogram) \|/gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual(rows.toSorted(), [...ours].sort());
});
