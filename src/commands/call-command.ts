// Calls a command: finds it by its words, reads its arguments, runs it, and says what went wrong.
import { systemClock } from '../core/clock.ts';
import { VERSION } from '../version.ts';
import type { Call, CommandEntry, CommandIo } from './cli/command.ts';
import { EXIT_STATUS } from './cli/exit-status.ts';
import type { Circumstances } from './cli/explain-error.ts';
import { describeCommand, listCommands } from './cli/help.ts';
import { entriesBelow, findEntry, type ReadEntry, readCall, type Values } from './cli/input/read-call.ts';
import { createOutput } from './cli/output.ts';
import { unknownCommand } from './cli/suggest-command.ts';
import { COMMANDS } from './command-table.ts';

const help = async (words: readonly string[]): Promise<string> => {
  const found = findEntry(COMMANDS, words);
  if (found !== undefined) return describeCommand(found.entry);
  if (entriesBelow(COMMANDS, words).length === 0) throw unknownCommand(COMMANDS, words);
  return listCommands(COMMANDS, words, VERSION);
};

/** Resolves with the exit status; does not reject. */
export const callCommand = async (args: readonly string[], io: CommandIo): Promise<number> => {
  try {
    return await run(args, io).catch((error: unknown) => explain(error, io, args.includes('--json')));
  } catch (error) {
    io.stderr.write(`hookwright: an error that nobody foresaw; please report it.\n${(error as Error).stack}\n`);
    return EXIT_STATUS.failed;
  }
};

const run = async (args: readonly string[], io: CommandIo): Promise<number> => {
  const [first = 'help', ...rest] = args;
  if (['--version', '-v', '-V', 'version'].includes(first)) {
    io.stdout.write(`${VERSION}\n`);
    return EXIT_STATUS.done;
  }
  const helpAt = args.findIndex((arg) => arg === '--help' || arg === '-h');
  if (first === 'help' || helpAt >= 0) {
    io.stdout.write(await help(wordsOf(first === 'help' || helpAt === 0 ? rest : args.slice(0, helpAt))));
    return EXIT_STATUS.done;
  }
  const found = findEntry(COMMANDS, args);
  if (found === undefined) return withoutCommand(args, io);
  const { entry } = found;
  if (entry.kind === 'own') return (await entry.load()).run(found.rest, io);
  return runCall(entry, found.rest, io);
};

/** The words of the command among words and options. */
const wordsOf = (args: readonly string[]): readonly string[] =>
  findEntry(COMMANDS, args)?.entry.words ?? args.filter((arg) => !arg.startsWith('-'));

/** A group alone lists its commands. */
const withoutCommand = (args: readonly string[], { stderr }: CommandIo): number => {
  const option = args.findIndex((arg) => arg.startsWith('-'));
  const words = option < 0 ? args : args.slice(0, option);
  if (words.length === 0 || entriesBelow(COMMANDS, words).length === 0) throw unknownCommand(COMMANDS, args);
  stderr.write(listCommands(COMMANDS, words, VERSION));
  return EXIT_STATUS.usage;
};

const runCall = async (entry: ReadEntry, args: readonly string[], io: CommandIo): Promise<number> => {
  // Before anything is read, so that also what is wrong with the rest is told in JSON.
  const output = createOutput(io, args.includes('--json'));
  let [server, cure, subject]: (string | undefined)[] = [];
  try {
    const values = readCall(entry, args);
    subject = subjectOf(entry, values);
    const onConnect = (text: string) => {
      server = text;
    };
    const advise = (text: string | undefined) => {
      cure = text;
    };
    const call = callOf(entry, values, { io, output, onConnect, advise });
    return await (await entry.load())(call);
  } catch (error) {
    return explain(error, io, output.isJson, { subject, server, cure });
  }
};

/** Says what went wrong and resolves with the exit status. Throws what nobody foresaw. */
const explain = async (error: unknown, { stderr }: CommandIo, isJson: boolean, more: Circumstances = {}) => {
  // Loaded only when something went wrong.
  const { describeExplained, explainError } = await import('./cli/explain-error.ts');
  const explained = explainError(error, more);
  if (explained === undefined) throw error;
  const { status, ...said } = explained;
  stderr.write(isJson ? `${JSON.stringify({ error: said })}\n` : describeExplained(explained));
  return status;
};

/** What the command is about: `hook my-group/my-hook`. */
const subjectOf = ({ words, args }: ReadEntry, { texts }: Values): string | undefined => {
  const name = texts.get(args[0]?.name ?? '');
  return name !== undefined && words.length > 1 ? `${words[0]?.replace(/s$/, '')} ${name}` : undefined;
};

type CallParts = Pick<Call, 'output' | 'advise'> & {
  readonly io: CommandIo;
  readonly onConnect: (server: string) => void;
};

const callOf = (entry: CommandEntry, { texts, lists, switches }: Values, parts: CallParts): Call => {
  const { io, output, onConnect, advise } = parts;
  const text = (name: string) => texts.get(name);
  return {
    argument: (name) => {
      const found = texts.get(name);
      if (found === undefined) throw new Error(`${entry.words.join(' ')} has no argument ${name}`);
      return found;
    },
    text,
    list: (name) => lists.get(name) ?? [],
    has: (name) => switches.has(name),
    commands: COMMANDS,
    output,
    advise,
    stdin: io.stdin ?? process.stdin,
    stdout: io.stdout,
    env: io.env,
    cwd: io.cwd,
    clock: systemClock,
    connect: async () => {
      const { connectApi } = await import('./calls/api-connection.ts');
      const choice = { data: text('data'), rootUrl: text('root-url'), clientId: text('client-id') };
      const connection = await connectApi({ ...choice, env: io.env, cwd: io.cwd });
      onConnect(`${connection.rootUrl} as ${connection.clientId}`);
      return connection;
    },
  };
};
