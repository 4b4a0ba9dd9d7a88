import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SCRIPT_ERRORS } from './errors.ts';

test('docs/script-errors.md explains every code, and no other', () => {
  const page = readFileSync(new URL('../../docs/script-errors.md', import.meta.url), 'utf8');
  const explained = [...page.matchAll(/^\| `(HW_\w+)` \|/gm)].map(([, code]) => code);
  assert.deepEqual(explained.sort(), Object.keys(SCRIPT_ERRORS).sort());
});
