// `hookwright hooks edit`: the definition in an editor, as YAML. What was written is never lost: a
// file that was refused is kept.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { ApiCallError, type HookDefinition, type Hooks } from '#client';
import { errorCode, OperatorError } from '../../core/errors.ts';
import { sameJson } from '../../core/json.ts';
import type { Call, Run } from '../cli/command.ts';
import { describeExplained, explainError } from '../cli/explain-error.ts';
import { asYaml, parseDocumentText } from '../cli/input/read-document.ts';
import { type HookArguments, hookOf } from './hook-name.ts';
import { sayHookSaved } from './say-hook-saved.ts';

export const editHook: Run = async (call) => {
  const name = hookOf(call);
  requireEditor(call, name);
  const { hooks } = await call.connect();
  const before = await hooks.hook(...name);
  const { hookGroupId, hookId, ...content } = before;
  const original = asYaml(content);
  // Readable by its owner only, as the folder is.
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-edit-'));
  const file = join(folder, `${hookId.replaceAll('/', '-').slice(0, 100)}.yaml`);
  const text = `# The hook ${name.join('/')}. It is saved when you leave the editor; unchanged, nothing is done.\n${original}`;
  await writeFile(file, text);
  const discard = () => rm(folder, { recursive: true, force: true });
  for (;;) {
    try {
      await openEditor(call, file);
      const edited = parseDocumentText(await readFile(file, 'utf8'), file);
      if (sameJson(edited, content)) {
        await discard();
        call.output.answer(before, () => `Nothing has changed; the hook ${name.join('/')} is as it was.`);
        return 0;
      }
      const updated = await save(hooks, name, before, edited);
      await discard();
      return sayHookSaved(call, hooks, updated, 'Updated the hook {}.');
    } catch (error) {
      if (await wantsAgain(call, error)) continue;
      const left = await textIfAny(file);
      if (left === undefined || left === text) await discard();
      else
        call.advise(`what you wrote is in ${file}; to try it again: hookwright hooks update ${name.join('/')} ${file}`);
      throw error;
    }
  }
};

/** An editor may have deleted it, and a hook that was saved leaves none. */
const textIfAny = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};

/** What somebody else has changed since is not overwritten. */
const save = async (
  hooks: Hooks,
  name: HookArguments,
  before: HookDefinition,
  edited: object,
): Promise<HookDefinition> => {
  const now = await hooks.hook(...name);
  if (!sameJson(now, before)) throw new OperatorError('HW_EDIT_CONFLICT', { hook: name.join('/') });
  // Left out of an update, bindings would stay; whoever deletes them in the editor means it.
  return hooks.updateHook(...name, { bindings: [], ...(edited as Parameters<Hooks['updateHook']>[2]) });
};

const editorOf = ({ env }: Call): string => env.VISUAL || env.EDITOR || 'vi';

/** Those that wait for keys; without a terminal they would wait for ever. */
const ON_TERMINAL = /^(\S*\/)?(vi|vim|nvim|view|ex|ed|nano|pico|micro|joe|mcedit|hx|helix|kak|emacs|mg|ne)(\s|$)/;

/** Throws HW_NO_TERMINAL. */
const requireEditor = (call: Call, name: HookArguments): void => {
  const editor = editorOf(call);
  const isTerminal = call.stdin.isTTY && 'isTTY' in call.stdout && call.stdout.isTTY === true;
  if (isTerminal || !ON_TERMINAL.test(editor)) return;
  throw new OperatorError('HW_NO_TERMINAL', { editor, hook: name.join('/') });
};

const openEditor = async (call: Call, file: string): Promise<void> => {
  const editor = editorOf(call);
  // By a shell, because the variable may hold arguments too; the file comes as one of its own,
  // whatever is in its name.
  const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
  // Ctrl-C in the editor is for the editor; it reaches us too.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  process.off('SIGINT', ignore);
  if (status === 0) return;
  throw new OperatorError('HW_EDITOR_FAILED', { editor, reason: signal ? `ended by ${signal}` : `status ${status}` });
};

/** Shows what is wrong and asks, where there is somebody to ask. */
const wantsAgain = async ({ stdin }: Call, error: unknown): Promise<boolean> => {
  if (!stdin.isTTY) return false;
  const isTheirs = error instanceof ApiCallError || (error instanceof OperatorError && error.code === 'HW_BAD_FILE');
  const explained = isTheirs ? explainError(error, {}) : undefined;
  if (explained === undefined) return false;
  process.stderr.write(describeExplained(explained));
  const lines = createInterface({ input: stdin, output: process.stderr });
  try {
    return !/^n/i.test(await lines.question('Open the editor again? [Y/n] '));
  } finally {
    lines.close();
  }
};
