// What `hookwright help` says, all of it from the table of commands.
import type { CommandEntry, ReadCommandEntry } from './command.ts';
import { entriesBelow, type ReadEntry } from './input/read-call.ts';

/** All commands, or those that begin with some words. */
export const listCommands = (entries: readonly CommandEntry[], words: readonly string[], version: string): string => {
  const shown = entriesBelow(entries, words);
  const names = shown.map((entry) => entry.words.join(' '));
  const width = Math.max(...names.map((name) => name.length));
  const nouns = shown.map((entry) => entry.words[0]);
  const lines = shown.map((entry, at) => {
    const gap = words.length === 0 && at > 0 && isApart(nouns[at - 1], nouns[at], nouns) ? '\n' : '';
    return `${gap}  ${(names[at] ?? '').padEnd(width)}  ${entry.summary}`;
  });
  const title =
    words.length === 0
      ? `Hookwright ${version}: a hooks server.\n\nhookwright COMMAND [options]`
      : `hookwright ${words.join(' ')} COMMAND [options]`;
  const example = words.length === 0 ? 'hooks create' : names[0];
  return `${title}\n\n${lines.join('\n')}\n\nMore about a command: hookwright help ${example}\n`;
};

/** An empty line stands around the commands of a noun that has several. */
const isApart = (
  before: string | undefined,
  noun: string | undefined,
  nouns: readonly (string | undefined)[],
): boolean => {
  const isGroup = (name: string | undefined) => nouns.filter((one) => one === name).length > 1;
  return before !== noun && (isGroup(before) || isGroup(noun));
};

export const describeCommand = async (entry: CommandEntry): Promise<string> => {
  if (entry.kind === 'own') return `${(await entry.load()).usage.trimEnd()}\n`;
  return describeRead(entry);
};

const describeRead = (entry: ReadEntry): string => {
  const { args, options, notes, examples = [] } = entry;
  const sections = [
    `hookwright ${entry.words.join(' ')}${usageOf(entry)}`,
    `  ${entry.summary}.${notes === undefined ? '' : `\n${notes.replace(/^/gm, '  ')}`}`,
    aligned(args.map(({ name, help }) => [name, help])),
    aligned(
      options.map((option) => [`--${option.name}${option.value === undefined ? '' : ` ${option.value}`}`, option.help]),
    ),
    examples.map((example) => `  ${example}`).join('\n'),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
};

const usageOf = ({ args, options }: ReadCommandEntry): string => {
  const written = args.map(({ name, isOptional }) => (isOptional ? `[${name}]` : name));
  return [...written, ...(options.length > 0 ? ['[options]'] : [])].map((word) => ` ${word}`).join('');
};

const aligned = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, help]) => `  ${name.padEnd(width)}  ${help}`).join('\n');
};
