import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { authorDeclarations, typesPage } from '../../script-hooks/declarations.ts';
import type { Command } from '../cli/command.ts';
import { initScript } from './init-script.ts';
import { simulate } from './simulate.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookwright-init-'));
});
after(() => rmSync(folder, { recursive: true }));

const run = async (command: Command, ...args: string[]) => {
  const said: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      said.push(String(chunk));
      done();
    },
  });
  return {
    status: await command.run(args, { stdout: stream, stderr: stream, env: {}, cwd: folder }),
    said: said.join(''),
  };
};

const typeCheck = (name: string) =>
  spawnSync(process.execPath, [join(root, 'node_modules/.bin/tsc'), '-p', join(folder, name, 'jsconfig.json')], {
    encoding: 'utf8',
  });

test('the starter runs, and its types are right', async () => {
  const made = await run(initScript, 'script', 'greeter');
  assert.equal(made.status, 0);
  assert.match(made.said, /hookwright simulate greeter\/hook\.js --event greeter\/event\.json/);
  const tried = await run(simulate, 'greeter/hook.js', '--event', 'greeter/event.json');
  assert.equal(tried.status, 0);
  assert.match(tried.said, /Welcome, ~sampel-palnet!/);
  assert.equal(typeCheck('greeter').stdout, '');
});

test('the types know the library and the event', async () => {
  await run(initScript, 'script', 'wrong');
  writeFileSync(
    join(folder, 'wrong', 'hook.js'),
    `const hooks = require("tlon_hooks");
/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  hooks.no_such_function();
  void event["on-post"]?.add?.essay.title;
  return { event: { allowed: event }, effects: [{ dm: 5 }] };
};
`,
  );
  const said = typeCheck('wrong').stdout;
  assert.match(said, /no_such_function/);
  assert.match(said, /'title' does not exist/);
  assert.match(said, /'\{ dm: number; \}' is not assignable to type 'Effect/);
});

test('a folder that is there is not touched, and names are names', async () => {
  assert.equal((await run(initScript, 'script', 'greeter')).status, 1);
  for (const args of [['script'], [], ['script', '../x'], ['script', '.x'], ['script', 'a', 'b']]) {
    assert.equal((await run(initScript, ...args)).status, 2, args.join(' '));
  }
});

test('the generated files are those of the schemas (node scripts/run.js scripts/generate-script-types.ts)', () => {
  assert.equal(readFileSync(join(root, 'types/tlon_hooks.d.ts'), 'utf8'), authorDeclarations());
  assert.equal(readFileSync(join(root, 'docs/script-types.md'), 'utf8'), typesPage());
});
