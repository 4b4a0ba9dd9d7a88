import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

test('scripts as people write them are right: in narrows, ships may be numbers or null', async () => {
  await run(initScript, 'script', 'usual');
  writeFileSync(
    join(folder, 'usual', 'hook.js'),
    `const hooks = require("tlon_hooks");
/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  if ("on-reply" in event) {
    const onReply = event["on-reply"];
    if ("add" in onReply) return { event: { denied: onReply.add.reply.author } };
  } else if ("cron" in event) return { event: { denied: null } };
  if (!("on-post" in event) || !("add" in event["on-post"])) return { event: { allowed: event }, effects: [] };
  const post = event["on-post"].add;
  for (const verse of post.essay.content) if ("inline" in verse) console.table(verse.inline);
  const roles = hooks.get_roles(hooks.ship_normalize(post.essay.author));
  return { event: { allowed: event }, effects: [
    hooks.effects.send_dm(hooks.ship_normalize(post.essay.author), roles.join()),
    { dm: { ship: 1624961343, diff: { id: "~zod/1", delta: { add: { memo: { content: [], author: 0, sent: 1 }, kind: null, time: null } } } } },
    { club: { id: "0v1", diff: { uid: "x", delta: { hive: { by: 0, for: 1n, add: true } } } } },
    { groups: { flag: "~zod/x", update: { time: "1", diff: { cordon: { open: { "add-ships": [0, "~nec"] } } } } } },
    { channels: { channel: { nest: "chat/~zod/x", action: { post: { add: { ...post.essay, author: 5 } } } } } },
  ] };
};
`,
  );
  assert.equal(typeCheck('usual').stdout, '');
  // The declarations by themselves, as a compiler reads them that skips no library.
  writeFileSync(
    join(folder, 'usual', 'jsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        skipLibCheck: false,
        types: [],
        lib: ['es2023'],
        noEmit: true,
        module: 'preserve',
      },
      include: ['*.d.ts'],
    }),
  );
  assert.equal(typeCheck('usual').stdout, '');
});

test('all examples are right in a folder of their own', async () => {
  await run(initScript, 'script', 'examples');
  const scripts = join(root, 'examples/scripts');
  for (const file of readdirSync(scripts).filter((name) => name.endsWith('.js'))) {
    copyFileSync(join(scripts, file), join(folder, 'examples', file));
  }
  assert.equal(typeCheck('examples').stdout, '');
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
