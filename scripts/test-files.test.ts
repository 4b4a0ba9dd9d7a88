import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createKindOf, findTestFiles, TEST_KINDS } from './test-files.ts';

const kindsOf = (files: Readonly<Record<string, string>>) => createKindOf((path) => files[path]);

test('a test file is of the kind that its imports say, however many files lie between', () => {
  const kindOf = kindsOf({
    'src/a/pure.test.ts': `import { pure } from './pure.ts';\nimport type { Pool } from 'pg';`,
    'src/a/pure.ts': `import { other } from '../b/other.ts';`,
    'src/b/other.ts': `import { pure } from '../a/pure.ts';`,
    'src/a/store.test.ts': `import { world } from '../test-support/world.ts';`,
    'src/test-support/world.ts': `import { freshDatabase } from '../../test/support/database.ts';`,
    'src/a/pool.test.ts': `import { pool } from './pool.ts';`,
    'src/a/pool.ts': `const { fork } = await import('node:child_process');`,
    'test/whole.test.ts': `import { freshDatabase } from './support/database.ts';`,
    'test/messages.test.ts': `import { openRabbitmq } from './support/rabbitmq.ts';`,
  });
  assert.equal(kindOf('src/a/pure.test.ts'), 'unit');
  assert.equal(kindOf('src/a/store.test.ts'), 'database');
  assert.equal(kindOf('src/a/pool.test.ts'), 'process');
  assert.equal(kindOf('test/whole.test.ts'), 'process');
  assert.equal(kindOf('test/messages.test.ts'), 'process');
});

test('every test file is found once, those that start processes before all others', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const all = findTestFiles(root, TEST_KINDS);
  assert.equal(new Set(all).size, all.length);
  const [first, last] = [findTestFiles(root, ['process']), findTestFiles(root, ['unit'])];
  assert.ok(first.length > 0 && last.length > 0);
  assert.deepEqual(all, [...first, ...findTestFiles(root, ['database']), ...last]);
  assert.ok(last.includes('scripts/test-files.test.ts'), 'this one needs nothing');
});
