// From the words of a command line to a call of a command: which command it is, and its arguments
// by their names.
import { parseArgs } from 'node:util';
import { OperatorError } from '../../../core/errors.ts';
import { optionProblem } from '../../../core/option-problem.ts';
import type { CommandEntry, ReadCommandEntry } from '../command.ts';
import { notAFile, payloadOf, payloadOption } from './payload-words.ts';

export type ReadEntry = CommandEntry & ReadCommandEntry;

/** The entry whose words these begin with, and what follows them. */
export const findEntry = (
  entries: readonly CommandEntry[],
  words: readonly string[],
): { readonly entry: CommandEntry; readonly rest: readonly string[] } | undefined => {
  const entry = entries.find((one) => one.words.every((word, at) => words[at] === word));
  return entry && { entry, rest: words.slice(entry.words.length) };
};

/** Those that begin with these words: `hooks` stands for all of its commands. */
export const entriesBelow = (entries: readonly CommandEntry[], words: readonly string[]): readonly CommandEntry[] =>
  entries.filter((entry) => words.every((word, at) => entry.words[at] === word));

export type Values = {
  readonly texts: ReadonlyMap<string, string>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly switches: ReadonlySet<string>;
};

/**
 * Throws HW_BAD_OPTION, which says how to call the command, and never repeats what may be a secret.
 */
export const readCall = (entry: ReadEntry, args: readonly string[]): Values => {
  refuseSecrets(args);
  const { values, positionals } = parse(entry, args);
  const required = entry.args.filter(({ isOptional }) => !isOptional);
  if (positionals.length < required.length) {
    throw wrongCall(entry, `${required[positionals.length]?.name} is missing`);
  }
  if (positionals.length > entry.args.length) {
    const words = positionals.slice(entry.args.length - 1);
    const payload = entry.options.some(({ name }) => name === 'payload') && payloadOf(words);
    if (payload) throw new OperatorError('HW_BAD_OPTION', notAFile(words.join(' '), payload));
    throw wrongCall(entry, `"${positionals[entry.args.length]}" is one argument too many`);
  }
  const texts = new Map(positionals.map((text, at) => [entry.args[at]?.name ?? '', text]));
  for (const { name, mayBeEmpty } of entry.args) {
    if (texts.get(name) === '' && !mayBeEmpty) throw wrongCall(entry, `${name} is empty`);
  }
  const lists = new Map<string, readonly string[]>();
  const switches = new Set<string>();
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string') texts.set(name, value);
    else if (Array.isArray(value)) {
      if (value.includes('')) throw wrongCall(entry, `--${name} is empty`);
      lists.set(name, value.map(String));
    } else if (value === true) switches.add(name);
  }
  const data = texts.get('data')?.trim();
  if (data?.startsWith('{') && entry.options.some(({ name }) => name === 'payload')) {
    const problem = '--data names the data folder of a server';
    throw new OperatorError('HW_BAD_OPTION', { problem, cure: `For a payload: ${payloadOption(data)}` });
  }
  return { texts, lists, switches };
};

const wrongCall = (entry: CommandEntry, problem: string): OperatorError =>
  new OperatorError('HW_BAD_OPTION', { problem, cure: `See: hookwright help ${entry.words.join(' ')}` });

const parse = (entry: ReadEntry, args: readonly string[]) => {
  const options = Object.fromEntries(
    entry.options.map(({ name, value, isList }) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: isList === true },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    const names = entry.options.map(({ name }) => name);
    throw wrongCall(entry, optionProblem(error, names));
  }
};

/** Other users of the machine can read the command line, and shells keep it. */
const refuseSecrets = (args: readonly string[]): void => {
  const found = args.find((arg) => /^--(access-?token|token|password|secret|certificate)(=|$)/i.test(arg));
  if (found === undefined) return;
  throw new OperatorError('HW_BAD_OPTION', {
    problem: `${found.split('=')[0]} is no option: what stands on a command line, others can read`,
    cure: 'Use hookwright login, which asks for the token, or set TASKCLUSTER_ACCESS_TOKEN',
  });
};
