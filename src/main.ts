// The executable: reads the command line and calls a command. It runs when it is imported (bin/hookwright.js does so).
import type { Command, CommandIo } from './commands/command.ts';
import { OperatorError } from './core/errors.ts';
import { VERSION } from './version.ts';

/** Loaded when called: a command must not pay for the others. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./commands/serve.ts')).serve,
  roles: async () => (await import('./commands/roles.ts')).roles,
  simulate: async () => (await import('./commands/simulate.ts')).simulate,
  init: async () => (await import('./commands/init-script.ts')).initScript,
};

const help = async (name: string | undefined): Promise<string> => {
  if (name !== undefined) return `${(await findCommand(name)).usage}\n`;
  const lines = await Promise.all(
    Object.entries(COMMANDS).map(async ([command, load]) => `  ${command.padEnd(10)} ${(await load()).summary}`),
  );
  return `Hookwright ${VERSION}: a hooks server.\n\nhookwright COMMAND [options]\n\n${lines.join('\n')}\n  help       Tell more about a command: hookwright help serve\n`;
};

const findCommand = async (name: string): Promise<Command> => {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load) throw new OperatorError('HW_UNKNOWN_COMMAND', { command: name });
  return load();
};

const main = async (args: readonly string[], io: CommandIo): Promise<number> => {
  const [name = 'help', ...rest] = args;
  if (name === '--version' || name === 'version') {
    io.stdout.write(`${VERSION}\n`);
    return 0;
  }
  if (name === 'help' || name === '--help' || name === '-h') {
    io.stdout.write(await help(rest[0]));
    return 0;
  }
  if (rest.includes('--help')) {
    io.stdout.write(await help(name));
    return 0;
  }
  return (await findCommand(name)).run(rest, io);
};

try {
  const { stdout, stderr, env } = process;
  process.exitCode = await main(process.argv.slice(2), { stdout, stderr, env, cwd: process.cwd() });
} catch (error) {
  process.exitCode = 1;
  if (error instanceof OperatorError) process.stderr.write(`hookwright: ${error.message}. [${error.code}]\n`);
  else process.stderr.write(`hookwright: an error that nobody foresaw; please report it.\n${(error as Error).stack}\n`);
}
