// The rules of the house hold in src/, and the check that says so can fail.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Files, findFullFolders, findViolations, isTest, LONGEST_FILE_LINES, linesOf } from './house-rules.ts';
import { importsOf, onlyCode } from './source-text.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCE = join(ROOT, 'src');
const COMFORTABLE_LINES = 300;

const source: Files = new Map(
  globSync('**/*.ts', { cwd: SOURCE }).map((path) => [path, readFileSync(join(SOURCE, path), 'utf8')]),
);

test('src/ keeps the rules of the house', (t) => {
  assert.ok(source.size > 20, 'src/ was read');
  for (const [path, text] of source) {
    if (!isTest(path) && linesOf(text) > COMFORTABLE_LINES) t.diagnostic(`src/${path} has ${linesOf(text)} lines`);
  }
  assert.deepEqual(findViolations(source), []);
});

test('no folder beside src/ is too full; tests and generated files do not count', () => {
  const paths = globSync('{bench,bin,client,scripts}/**/*.{ts,js}', { cwd: ROOT });
  assert.ok(paths.length > 50, 'the folders were read');
  const written = paths.filter((path) => !isTest(path) && !/^client\/[\w-]+-api\.ts$/.test(path));
  assert.deepEqual(findFullFolders(written), []);
});

const house = (files: Record<string, string>): string[] => findViolations(new Map(Object.entries(files)));

describe('the check', () => {
  it('lets a good house pass', () => {
    const files = {
      'main.ts': `import { serve } from './commands/serve.ts';`,
      'commands/serve.ts': `import { app } from '../app.ts';\nimport type { Config } from '../config.ts';`,
      'app.ts': `import { fire } from './task-hooks/fire.ts';\nimport type { Config } from './config.ts';`,
      'config.ts': `import { log } from './core/log.ts';`,
      'task-hooks/fire.ts': `import { timers } from '../timers/timers.ts';\nimport { other } from './other.ts';`,
      'task-hooks/other.ts': `import type { Fire } from './fire.ts';`,
      'task-hooks/fire.test.ts': `import '../app.ts';\nimport '../../test/support/database.ts';\nnew Date();`,
      'timers/timers.ts': `import { ledger } from '../ledger/ledger.ts';`,
      'ledger/ledger.ts': `import { clock } from '../core/clock.ts';\nconst at = new Date(clock.now());`,
      'core/clock.ts': 'export const now = () => Date.now() + Math.random();',
      'core/log.ts': '',
    };
    assert.deepEqual(house(files), []);
  });

  it('finds an import that points up, in whatever form it comes', () => {
    const forms = [
      `import { app } from '../app.ts';`,
      `import type { App } from '../app.ts';`,
      `import {\n  type App,\n  other,\n} from '../app.ts';`,
      `import * as app from "../app.ts";`,
      `import '../app.ts';`,
      `export { app } from '../app.ts';`,
      `export * from '../app.ts';`,
      `export type { App } from '../app.ts';`,
      `const app = await import('../app.ts');`,
      `const app = await import(\n  /* later */ '../app.ts'\n);`,
      `type App = import('../app.ts').App;`,
      `const x = \`\${await import('../app.ts')}\`;`,
    ];
    for (const form of forms) {
      const found = house({ 'http/server.ts': `// first line\n${form}`, 'app.ts': '' });
      assert.equal(found.length, 1, form);
      assert.match(found[0] ?? '', /^src\/http\/server\.ts:2: http imports app\.ts, which is above it$/, form);
    }
  });

  it('finds rooms that must not know each other', () => {
    const files = {
      'task-hooks/a.ts': `import type { B } from '../script-hooks/b.ts';`,
      'script-hooks/b.ts': `import { c } from '../community/c.ts';`,
      'community/c.ts': `import { d } from '../script-hooks/d.ts';`,
      'script-hooks/d.ts': `import '../task-hooks/e.ts';`,
      'task-hooks/e.ts': '',
    };
    const found = house(files).filter((problem) => problem.includes('never imports'));
    assert.deepEqual(found, [
      'src/community/c.ts:1: community never imports script-hooks',
      'src/script-hooks/d.ts:1: script-hooks never imports task-hooks',
      'src/task-hooks/a.ts:1: task-hooks never imports script-hooks',
    ]);
  });

  it('finds circles of rooms on one floor, also of types, and circles of files', () => {
    const rooms = {
      'ledger/a.ts': `import type { B } from '../timers/b.ts';`,
      'timers/b.ts': `import { c } from '../auth/c.ts';`,
      'auth/c.ts': `import { d } from '../ledger/d.ts';`,
      'ledger/d.ts': '',
    };
    assert.deepEqual(house(rooms), ['rooms import in a circle: auth → ledger → timers → auth']);
    const files = { 'core/b.ts': `import { a } from './a.ts';`, 'core/a.ts': `import { b } from './b.ts';` };
    assert.deepEqual(house(files), ['files import in a circle: core/a.ts → core/b.ts → core/a.ts']);
  });

  it('finds imports that point up inside a room, also of types, and folders without a floor', () => {
    const up = { 'task-hooks/firing/a.ts': `import type { B } from '../api/b.ts';`, 'task-hooks/api/b.ts': '' };
    assert.deepEqual(house(up), [
      'src/task-hooks/firing/a.ts:1: imports src/task-hooks/api/b.ts, but in task-hooks/ api is above firing',
    ]);
    const toEntry = {
      'queue/standalone/tasks/a.ts': `import type { Q } from '../standalone-queue.ts';`,
      'queue/standalone/standalone-queue.ts': '',
    };
    assert.deepEqual(house(toEntry), [
      'src/queue/standalone/tasks/a.ts:1: imports src/queue/standalone/standalone-queue.ts, ' +
        'but in queue/standalone/ standalone-queue.ts is above tasks',
    ]);
    const down = { 'task-hooks/api/b.ts': `import { a } from '../firing/a.ts';`, 'task-hooks/firing/a.ts': '' };
    assert.deepEqual(house(down), []);
    assert.deepEqual(house({ 'task-hooks/cellar/a.ts': '' }), [
      'src/task-hooks/cellar: has no floor in task-hooks/; see INNER_FLOORS in house-rules.ts',
    ]);
  });

  it('finds circles of folders, also of types and by way of a file beside them', () => {
    const files = {
      'broker/rabbitmq/consuming/a.ts': `import type { B } from '../publishing/b.ts';`,
      'broker/rabbitmq/publishing/b.ts': `import { c } from '../c.ts';`,
      'broker/rabbitmq/c.ts': `import type { D } from './consuming/d.ts';`,
      'broker/rabbitmq/consuming/d.ts': '',
    };
    assert.deepEqual(house(files), [
      'folders import in a circle: ' +
        'broker/rabbitmq/c.ts → broker/rabbitmq/consuming → broker/rabbitmq/publishing → broker/rabbitmq/c.ts',
    ]);
  });

  it('finds folders that are too full; tests do not count', () => {
    const full = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`timers/a${n}.ts`, ''] as const));
    assert.deepEqual(house({ ...full(15), 'timers/a.test.ts': '' }), []);
    assert.deepEqual(house(full(16)), ['src/timers: has 16 files beside each other, at most 15 are allowed']);
  });

  it('finds time and chance outside core/', () => {
    const uses = [
      'Date.now()',
      'const { now } = { now: Date.now };',
      'new Date()',
      'new Date',
      'Date()',
      'setTimeout(f, 1)',
      'globalThis.setTimeout(f, 1)',
      'setInterval(f, 1)',
      'Math.random()',
      'performance.now()',
      'process.hrtime.bigint()',
      `\`\${Date.now()}\``,
      `import { setTimeout as sleep } from 'node:timers/promises';`,
    ];
    for (const use of uses) assert.notDeepEqual(house({ 'queue/a.ts': use }), [], use);
    const harmless = [
      'new Date(clock.now())',
      'x instanceof Date',
      'server.setTimeout(5)',
      `'Date.now()'`,
      '// Date.now()',
      '/Date.now()/',
      'const date: Date = f();',
      'clearTimeout(t)',
      'toDate(x)',
      `f(\`Math.random() \${1} Date.now()\`)`,
    ];
    for (const use of harmless) assert.deepEqual(house({ 'queue/a.ts': use }), [], use);
  });

  it('finds default exports, files that are too long, and imports that lead nowhere', () => {
    assert.deepEqual(house({ 'core/a.ts': '\nexport default 1;' }), ['src/core/a.ts:2: has a default export']);
    assert.deepEqual(house({ 'core/a.ts': 'const a = 1;\nexport {\n  a as default };' }), [
      'src/core/a.ts:2: has a default export',
    ]);
    assert.equal(house({ 'core/a.ts': '\n'.repeat(LONGEST_FILE_LINES) }).length, 0);
    assert.equal(house({ 'core/a.ts': '\n'.repeat(LONGEST_FILE_LINES + 1) }).length, 1);
    assert.equal(house({ 'core/a.ts': `import './b.ts';` }).length, 1);
    assert.equal(house({ 'core/a.ts': `import '../../test/x.ts';` }).length, 1);
    assert.equal(house({ 'core/a.ts': `import './b.test.ts';`, 'core/b.test.ts': '' }).length, 1);
    assert.equal(house({ 'core/a.ts': 'const name = "x"; await import(name);' }).length, 1);
    assert.equal(house({ 'cellar/a.ts': '' }).length, 1);
  });
});

describe('reading a file', () => {
  it('takes no text for code', () => {
    const text = `
      // import 'a';
      /* import 'b'; */
      const s = "import 'c'"; const t = \`import 'd' \${f(\`x\${1}y\`)} import 'e'\`;
      const r = /import 'f'[/'"]/; const n = 4 / 2; const m = a / b; // '
      const says = it is('an import from', "x"); import.meta.url;
      import g from 'g';
    `;
    assert.deepEqual(
      importsOf(text).map(({ specifier }) => specifier),
      ['g'],
    );
    assert.equal(onlyCode(text).length, text.length);
    assert.equal(onlyCode('a / b / c'), 'a / b / c');
    assert.equal(onlyCode('return /b/.test(c)').trimEnd(), 'return    .test(c)');
  });
});
