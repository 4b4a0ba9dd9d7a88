// The executable: reads the command line and calls a command. It runs when it is imported
// (bin/hookwright.js does so).
import type { Call, CommandEntry, CommandIo } from './commands/cli/command.ts';
import { EXIT_STATUS } from './commands/cli/exit-status.ts';
import { describeCommand, listCommands } from './commands/cli/help.ts';
import { handleLostOutput } from './commands/cli/lost-output.ts';
import { createOutput } from './commands/cli/output.ts';
import { entriesBelow, findEntry, type ReadEntry, readCall, type Values } from './commands/cli/read-call.ts';
import { COMMANDS } from './commands/command-table.ts';
import { systemClock } from './core/clock.ts';
import { OperatorError } from './core/errors.ts';
import { VERSION } from './version.ts';

const help = async (words: readonly string[]): Promise<string> => {
  const found = findEntry(COMMANDS, words);
  if (found !== undefined) return describeCommand(found.entry);
  if (entriesBelow(COMMANDS, words).length === 0) throw unknownCommand(words);
  return listCommands(COMMANDS, words, VERSION);
};

/** The words up to the first that no command has there. */
const unknownCommand = (words: readonly string[]): OperatorError => {
  const known = words.findIndex((_word, at) => entriesBelow(COMMANDS, words.slice(0, at + 1)).length === 0);
  return new OperatorError('HW_UNKNOWN_COMMAND', { command: words.slice(0, known + 1).join(' ') });
};

const main = async (args: readonly string[], io: CommandIo): Promise<number> => {
  const found = findEntry(COMMANDS, args);
  handleLostOutput(process, found?.entry);
  const [first = 'help', ...rest] = args;
  if (first === '--version' || first === 'version') {
    io.stdout.write(`${VERSION}\n`);
    return EXIT_STATUS.done;
  }
  const helpAt = args.findIndex((arg) => arg === '--help' || arg === '-h');
  if (first === 'help' || helpAt >= 0) {
    io.stdout.write(await help(wordsOf(first === 'help' ? rest : args.slice(0, helpAt))));
    return EXIT_STATUS.done;
  }
  if (found === undefined) return withoutCommand(args, io);
  const { entry } = found;
  if (entry.kind === 'own') return (await entry.load()).run(found.rest, io);
  return runCall(entry, found.rest, io);
};

/** The words of the command among words and options. */
const wordsOf = (args: readonly string[]): readonly string[] =>
  findEntry(COMMANDS, args)?.entry.words ?? args.filter((arg) => !arg.startsWith('-'));

const withoutCommand = (args: readonly string[], { stderr }: CommandIo): number => {
  if (entriesBelow(COMMANDS, args).length === 0) throw unknownCommand(args);
  stderr.write(listCommands(COMMANDS, args, VERSION));
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
    // Loaded only when something went wrong.
    const { describeExplained, explainError } = await import('./commands/cli/explain-error.ts');
    const explained = explainError(error, { subject, server, cure });
    if (explained === undefined) throw error;
    const { status, ...said } = explained;
    io.stderr.write(output.isJson ? `${JSON.stringify({ error: said })}\n` : describeExplained(explained));
    return status;
  }
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
    stdin: process.stdin,
    stdout: io.stdout,
    env: io.env,
    cwd: io.cwd,
    clock: systemClock,
    connect: async () => {
      const { connectApi } = await import('./commands/calls/api-connection.ts');
      const choice = { data: text('data'), rootUrl: text('root-url'), clientId: text('client-id') };
      const connection = await connectApi({ ...choice, env: io.env, cwd: io.cwd });
      onConnect(`${connection.rootUrl} as ${connection.clientId}`);
      return connection;
    },
  };
};

try {
  const { stdout, stderr, env } = process;
  process.exitCode = await main(process.argv.slice(2), { stdout, stderr, env, cwd: process.cwd() });
} catch (error) {
  process.exitCode = EXIT_STATUS.failed;
  if (error instanceof OperatorError) {
    if (error.code === 'HW_UNKNOWN_COMMAND') process.exitCode = EXIT_STATUS.usage;
    process.stderr.write(`hookwright: ${error.message}. [${error.code}]\n`);
  } else {
    process.stderr.write(`hookwright: an error that nobody foresaw; please report it.\n${(error as Error).stack}\n`);
  }
}
