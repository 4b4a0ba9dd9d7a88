// docs/client.md: its example does what it says, and it names what there is.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { HOOKS_SERVICE } from '../../client/hooks-api.ts';
import { paramsOf, type Service } from '../../client/service.ts';
import { codeBlocksOf } from '../house/documents.ts';
import { newFolder } from '../support/server.ts';
import { startServerProcess } from '../support/server-process.ts';
import { lastFirst } from '../support/wait.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = readFileSync(join(ROOT, 'docs/client.md'), 'utf8');

const block = (language: string, beginning: RegExp): string => {
  const found = codeBlocksOf(PAGE).filter((one) => one.language === language && beginning.test(one.text));
  assert.equal(found.length, 1, `one ${language} block matches ${beginning}`);
  return found[0]?.text ?? '';
};

test('the example of the page says what the page says', async (context) => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const cwd = await newFolder(t);
  await startServerProcess(t, { cwd });
  const run = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, args, { cwd })).stdout;

  const [, ...granting] = block('sh', /^hookwright /)
    .trim()
    .split(' ');
  await run(join(ROOT, 'bin/hookwright.js'), ...granting);
  const example = block('js', /hookwright\/client/);
  assert.match(example, /from 'hookwright\/client'/);
  await writeFile(
    join(cwd, 'hello.mjs'),
    example.replace("'hookwright/client'", JSON.stringify(join(ROOT, 'client/index.ts'))),
  );
  assert.equal(await run('hello.mjs'), block('text', /^22/));
});

test('the page names every method, with its arguments', () => {
  const { methods } = HOOKS_SERVICE as Service;
  const rows = [...PAGE.matchAll(/^\| `(\w+)` \| (.*?) ?\|$/gm)].filter(([, name = '']) => name in methods);
  const expected = Object.entries(methods).map(([name, method]) => {
    const query = method.query ? [`{ ${method.query.join(', ')} }`] : [];
    return [name, [...paramsOf(method), ...(method.input ? ['payload'] : []), ...query].join(', ')];
  });
  assert.deepEqual(
    rows.map(([, name, args]) => [name, args]),
    expected,
  );
});
