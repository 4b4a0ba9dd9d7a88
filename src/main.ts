// The executable: hands the command line to the command that it names. It runs when it is imported
// (bin/hookwright.js does so).

import { callCommand } from './commands/call-command.ts';
import { findEntry } from './commands/cli/input/read-call.ts';
import { handleLostOutput } from './commands/cli/lost-output.ts';
import { COMMANDS } from './commands/command-table.ts';

const { stdout, stderr, env, argv } = process;
const args = argv.slice(2);
handleLostOutput(process, findEntry(COMMANDS, args)?.entry);
process.exitCode = await callCommand(args, { stdout, stderr, env, cwd: process.cwd() });
