// A page of the documentation, done word by word as a reader would: files are saved, commands run
// one after another on a server that has just been started, and what they print is compared with
// what the page shows. Moments, ids and addresses are another at every run.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type CodeBlock, codeBlocksOf } from '../house/documents.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { cleanEnvironment, follow, LAUNCHER, newWorld, PROJECT, type World } from './command-world.ts';

type Shell = (script: string) => Promise<string>;
export type Reader = { readonly world: World; readonly shell: Shell };

const maskedFor =
  ({ folder, server }: World) =>
  (text: string): string =>
    text
      .replaceAll(folder, '/home/you/hookwright')
      .replaceAll(join(PROJECT, 'docs/'), 'docs/')
      .replaceAll(server.url, 'http://127.0.0.1:8080')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<a moment>')
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<a uuid>')
      .replace(/(?<![\w-])[\w-]{22}(?![\w-])/g, '<an id>');

/** Somebody with a fresh server, in its folder, who can type `hookwright` and `node`. */
export const newReader = async (
  context: TestContext,
  more: NodeJS.ProcessEnv = {},
  serverEnv: NodeJS.ProcessEnv = {},
): Promise<Reader> => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const world = await newWorld(t, serverEnv);
  const bin = join(world.folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'hookwright'), `#!/bin/sh\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`);
  await chmod(join(bin, 'hookwright'), 0o755);
  await symlink(process.execPath, join(bin, 'node'));
  for (const name of ['examples', 'node_modules']) await symlink(join(PROJECT, name), join(world.folder, name));
  const env = { ...cleanEnvironment(world.folder), ...more, PATH: `${bin}:${process.env.PATH}` };
  const shell: Shell = async (script) => {
    // One stream for both, as on a terminal.
    const child = spawn('bash', ['-euo', 'pipefail', '-c', `exec 2>&1\n${script}`], { cwd: world.folder, env });
    const { status, out } = await follow(child).end;
    assert.equal(status, 0, `${script}\n${out}`);
    return out;
  };
  return { world, shell };
};

export type PageOptions = {
  /**
   * Whether a block of commands is run; all of them unless it is given. The server was started
   * before, so `npm start` never is.
   */
  readonly isTyped?: (commands: string) => boolean;
  /** Who has done other pages before, on the same server; somebody new unless given. */
  readonly reader?: Reader;
  /** What else the reader has set. */
  readonly env?: NodeJS.ProcessEnv;
  /** What whoever started the server has set. */
  readonly serverEnv?: NodeJS.ProcessEnv;
  /** Commands as they have to be typed here, where numbers are others than those of the page. */
  readonly asTyped?: (commands: string) => string;
  /** What commands print, as the page has it. */
  readonly asShown?: (printed: string) => string;
};

/** Code blocks with the language `sh` are commands; other shells' words (`console`) are not run. */
export const runPage = async (context: TestContext, path: string, options: PageOptions = {}): Promise<Reader> => {
  const { isTyped = () => true, env, serverEnv, asTyped = (typed) => typed, asShown = (printed) => printed } = options;
  const { world, shell } = options.reader ?? (await newReader(context, env, serverEnv));
  const reader: Reader = { world, shell: async (script) => asShown(await shell(asTyped(script))) };
  const blocks = codeBlocksOf(await readFile(join(PROJECT, path), 'utf8'));
  let ran = 0;
  const there = (text: string) => text.replaceAll('http://127.0.0.1:8080', world.server.url);
  for (const [at, block] of blocks.entries()) {
    if (block.file !== undefined) await writeFile(join(world.folder, block.file), block.text);
    if (block.language !== 'sh') continue;
    if (block.text === 'npm start\n') {
      const shown = blocks[at + 1]?.text ?? '';
      assert.equal(maskedFor(world)(world.server.said()), maskedFor(world)(shown));
    } else if (isTyped(block.text)) {
      await runBlock({ ...block, text: there(block.text) }, blocks[at + 1], reader);
      ran += 1;
    }
  }
  assert.ok(ran > 0, `${path} has commands`);
  return { world, shell };
};

/**
 * What only looks is repeated until it shows what it should: messages and schedules come when they
 * come.
 */
const runBlock = async ({ text }: CodeBlock, next: CodeBlock | undefined, { world, shell }: Reader): Promise<void> => {
  const mask = maskedFor(world);
  const masked = (shown: string) => mask(shown).trimEnd(); // not all that programs print ends with its line
  const say = async () => masked(await shell(text));
  const first = await say();
  if (next?.language !== 'text') return;
  const expected = masked(next.text);
  const onlyLooks = text.split('\n').every((line) => /^(hookwright hooks (fires|list|status) .*)?$/.test(line));
  if (!onlyLooks || first === expected) return assert.equal(first, expected, text);
  let last = first;
  const isRight = async () => {
    last = await say();
    return last === expected;
  };
  await eventually(text, isRight).catch(() => assert.equal(last, expected, text));
};
