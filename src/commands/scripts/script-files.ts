// How the commands for scripts read what they are given, and build a hook of it.
import { readFileSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { describeError, describeFileError } from '../../core/errors.ts';
import { readScript, type Script, wholeScript } from '../../script-hooks/dry-run/bundle.ts';
import { codeFrame, textOf } from '../../script-hooks/dry-run/explain.ts';
import { buildHook, type Sandbox, type ScriptHook, ScriptHookError } from '../../script-hooks/index.ts';
import type { CommandIo } from '../cli/command.ts';

/** The name of standard input. */
export const STANDARD_INPUT = '-';

/** A script; `-` is one JavaScript or Hoon text from standard input. */
export const openScript = async (name: string, io: CommandIo): Promise<Script> =>
  name === STANDARD_INPUT
    ? wholeScript(await readInput(io), 'standard input')
    : readScript(name, io.cwd).catch((error) => {
        throw error instanceof ScriptHookError ? error : unreadable(name, error);
      });

/** What a script is called in its bowl. */
export const hookNameOf = (script: string): string =>
  script === STANDARD_INPUT ? 'standard-input' : basename(script, extname(script));

export const readJsonFile = async (name: string, io: CommandIo): Promise<unknown> => {
  const content = name === STANDARD_INPUT ? await readInput(io) : readText(name, io);
  try {
    return JSON.parse(content);
  } catch (error) {
    const what = name === STANDARD_INPUT ? 'standard input' : name;
    throw new Error(`${what} is not JSON: ${describeError(error)}`);
  }
};

const readText = (name: string, { cwd }: CommandIo): string => {
  try {
    return readFileSync(resolve(cwd, name), 'utf8');
  } catch (error) {
    throw unreadable(name, error);
  }
};

const unreadable = (name: string, error: unknown): Error =>
  new Error(`${name} cannot be read: ${describeFileError(error)}`, { cause: error });

/** The hook of a script. An error of compiling has the place where it was written in front. */
export const buildScript = async (script: Script, sandbox: Sandbox): Promise<ScriptHook> =>
  buildHook(script.source, { sandbox }).catch((error) => {
    if (!(error instanceof ScriptHookError) || error.line === undefined) throw error;
    const place = script.placeOf({ line: error.line, column: error.column ?? 1 });
    const lines = [`${textOf(place)}: ${error.message}`, ...codeFrame(place)];
    throw new ScriptHookError(error.code, lines.join('\n'));
  });

const inputs = new WeakMap<object, Promise<string>>();

/** Read once: several names may stand for it, and so may several runs. */
const readInput = (io: CommandIo): Promise<string> => {
  const stream = io.stdin ?? process.stdin;
  const known = inputs.get(stream);
  if (known !== undefined) return known;
  const reading = text(stream);
  inputs.set(stream, reading);
  return reading;
};
