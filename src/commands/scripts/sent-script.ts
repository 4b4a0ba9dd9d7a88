// Script hooks as people name them, and their sources as they are sent.
import type { ScriptHooks } from '#client';
import { describeFileError, OperatorError } from '../../core/errors.ts';
import type { Script } from '../../script-hooks/dry-run/bundle.ts';
import { textOf } from '../../script-hooks/dry-run/explain.ts';
import type { Call } from '../cli/command.ts';
import { openScript } from './script-files.ts';

export type ListedScript = Awaited<ReturnType<ScriptHooks['listScripts']>>['scripts'][number];

/** In the order of their ids. */
export const allScripts = async (scripts: ScriptHooks): Promise<ListedScript[]> => {
  const found: ListedScript[] = [];
  for (let token: string | undefined; ; ) {
    const page = await scripts.listScripts(token === undefined ? {} : { continuationToken: token });
    found.push(...page.scripts);
    token = page.continuationToken;
    if (token === undefined) return found;
  }
};

/** The id of a hook that is named by its id or by its name. Throws HW_BAD_OPTION. */
export const scriptId = async (scripts: ScriptHooks, named: string): Promise<string> =>
  (await scriptIds(scripts, [named]))[0] as string;

export const scriptIds = async (scripts: ScriptHooks, named: readonly string[]): Promise<string[]> => {
  const isId = (name: string) => /^(0v[0-9a-v.]+|\d+)$/.test(name);
  if (named.every(isId)) return [...named];
  const all = await allScripts(scripts);
  return named.map((name) => {
    const found = all.filter((script) => script.name === name).map(({ id }) => id);
    if (isId(name)) return name;
    if (found.length === 1) return found[0] as string;
    throw new OperatorError('HW_BAD_OPTION', {
      problem:
        found.length === 0 ? `There is no script hook "${name}"` : `${found.length} script hooks are called "${name}"`,
      cure: found.length === 0 ? 'Look at hookwright scripts list' : `Give an id: ${found.join(', ')}`,
    });
  });
};

/** A script, bundled if it has to be. Throws HW_BAD_FILE. */
export const readSource = (call: Call): Promise<Script> => {
  const name = call.argument('FILE');
  const io = { stdout: call.stdout, stderr: call.stdout, stdin: call.stdin, env: call.env, cwd: call.cwd };
  return openScript(name, io).catch((error: unknown) => {
    const reason = describeFileError(error instanceof Error && error.cause !== undefined ? error.cause : error);
    throw new OperatorError('HW_BAD_FILE', { path: name === '-' ? 'standard input' : name, reason }, error);
  });
};

/** An error of compiling, which leads to where the line was written. */
export const writtenError = (error: string, script: Script): string =>
  error.replace(/ \(line (\d+), column (\d+)\)/, (_all, line: string, column: string) => {
    return `, at ${textOf(script.placeOf({ line: Number(line), column: Number(column) }))}`;
  });

/** An object of an option. Throws HW_BAD_OPTION. */
export const objectOf = (option: string, text: string): Record<string, unknown> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new OperatorError('HW_BAD_OPTION', {
    problem: `--${option} is no object in JSON`,
    cure: `Give one in single quotes: --${option} '{"emoji": "👍"}'`,
  });
};
