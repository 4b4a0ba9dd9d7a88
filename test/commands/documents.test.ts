// The commands of docs/command-line.md and examples/hooks/README.md, run one after another as they stand there, say what stands there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { EXIT_STATUS } from '../../src/commands/exit-status.ts';
import { type CodeBlock, codeBlocksOf } from '../house/documents.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { cleanEnvironment, follow, LAUNCHER, newWorld, PROJECT, type World } from './command-world.ts';

/** What is another at every run. */
const masked = (text: string, { folder, server }: World): string =>
  text
    .replaceAll(folder, '/home/you/hookwright')
    .replaceAll(server.url, 'http://127.0.0.1:8080')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<a moment>')
    .replace(/(?<![\w-])[\w-]{22}(?![\w-])/g, '<an id>');

const newReader = async (
  context: TestContext,
): Promise<{ world: World; shell: (script: string) => Promise<string> }> => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const world = await newWorld(t);
  const bin = join(world.folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'hookwright'), `#!/bin/sh\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`);
  await chmod(join(bin, 'hookwright'), 0o755);
  await symlink(join(PROJECT, 'examples'), join(world.folder, 'examples'));
  const env = { ...cleanEnvironment(world.folder), PATH: `${bin}:${process.env.PATH}` };
  const shell = async (script: string) => {
    // One stream for both, as on a terminal.
    const child = spawn('bash', ['-euo', 'pipefail', '-c', `exec 2>&1\n${script}`], { cwd: world.folder, env });
    const { status, out } = await follow(child).end;
    assert.equal(status, 0, `${script}\n${out}`);
    return out;
  };
  return { world, shell };
};

const runPage = async (context: TestContext, path: string): Promise<void> => {
  const { world, shell } = await newReader(context);
  const blocks = codeBlocksOf(await readFile(join(PROJECT, path), 'utf8'));
  assert.ok(blocks.filter(({ language }) => language === 'sh').length > 5);
  for (const [at, block] of blocks.entries()) {
    if (block.language === 'yaml') await writeFile(join(world.folder, 'hello.yaml'), block.text);
    if (block.language === 'sh') await runBlock(block, blocks[at + 1], world, shell);
  }
};

/** What only looks is repeated until it shows what it should: messages come when they come. */
const runBlock = async (
  { text }: CodeBlock,
  next: CodeBlock | undefined,
  world: World,
  shell: (script: string) => Promise<string>,
): Promise<void> => {
  const say = async () => masked(await shell(text), world);
  const first = await say();
  if (next?.language !== 'text') return;
  const expected = masked(next.text, world);
  const onlyLooks = text.split('\n').every((line) => /^(hookwright hooks (fires|list|status) .*)?$/.test(line));
  if (!onlyLooks || first === expected) return assert.equal(first, expected, text);
  let last = first;
  const isRight = async () => {
    last = await say();
    return last === expected;
  };
  await eventually(text, isRight).catch(() => assert.equal(last, expected, text));
};

test('docs/command-line.md', (t) => runPage(t, 'docs/command-line.md'));
test('examples/hooks/README.md', (t) => runPage(t, 'examples/hooks/README.md'));

test('docs/command-line.md names each exit status once', async () => {
  const page = await readFile(join(PROJECT, 'docs/command-line.md'), 'utf8');
  const named = [...page.matchAll(/^\| (\d) \|/gm)].map(([, status]) => Number(status));
  assert.deepEqual(named, Object.values(EXIT_STATUS));
});

test('docs/command-line.md names every command, and no other', async () => {
  const page = await readFile(join(PROJECT, 'docs/command-line.md'), 'utf8');
  const { COMMANDS } = await import('../../src/commands/command-table.ts');
  const rows = [...page.matchAll(/^\| (`[a-z].*?) \| .* \|$/gm)].map(([, cell = '']) => cell);
  const named = rows.flatMap((row) => {
    let noun = '';
    return [...row.matchAll(/`([^`]+)`/g)].map(([, words = '']) => {
      const [first = '', second] = words.split(' ');
      const isAlone = second === undefined && COMMANDS.some((entry) => entry.words.join(' ') === words);
      if (isAlone) return words;
      if (second !== undefined) noun = first;
      return second === undefined ? `${noun} ${first}` : words;
    });
  });
  assert.deepEqual(named.toSorted(), COMMANDS.map(({ words }) => words.join(' ')).toSorted());
});
