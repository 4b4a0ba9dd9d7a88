// docs/task-hooks.md lists all exchanges on which a standalone server publishes, and no other.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ownExchangesIn } from '../../src/assembly/broker.ts';

test('docs/task-hooks.md lists every exchange on which a standalone server publishes', () => {
  const page = readFileSync(new URL('../../docs/task-hooks.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| `(exchange\/taskcluster-[^`]+)` \|/gm)].map(([, exchange]) => exchange);
  assert.deepEqual(listed.toSorted(), ownExchangesIn('standalone').toSorted());
});
