// The commands for the script hooks of a server, as the table has them.
import type { Argument, CommandEntry, Option, Run } from '../cli/command.ts';
import { type ServerCallParts, serverCall } from '../server-call.ts';
import type { hosted } from './hosted-scripts.ts';

const SCRIPT: Argument = { name: 'SCRIPT', help: 'The id of the script hook, or its name' };
const CHANNEL: Argument = { name: 'CHANNEL', help: 'Such as chat/~zod/lounge' };
const FILE: Argument = {
  ...{ name: 'FILE', isFile: true },
  help: 'JavaScript, a .hoon file, or TypeScript, which is bundled; - is standard input',
};
const NAME: Option = { name: 'name', value: 'NAME', help: 'What it is called (default: as its file)' };
const ON_ERROR: Option = {
  ...{ name: 'on-error', value: 'WHAT' },
  help: 'What becomes of an event when a run fails: allow (the default) or deny',
};
const ORIGIN: Option = { name: 'channel', value: 'CHANNEL', help: 'In this channel (default: in none)' };
const CONFIG: Option = { name: 'config', value: 'JSON', help: 'Its settings there, as an object' };

const command = (name: keyof typeof hosted, summary: string, parts: ServerCallParts): CommandEntry =>
  serverCall(
    `scripts ${name}`,
    summary,
    async (): Promise<Run> => (await import('./hosted-scripts.ts')).hosted[name],
    parts,
  );

export const HOSTED_SCRIPT_ENTRIES: readonly CommandEntry[] = [
  command('list', 'List script hooks', {}),
  command('show', 'Show a script hook, where it runs, and its settings', {
    args: [SCRIPT],
    options: [{ name: 'source', help: 'Print its source instead' }],
  }),
  command('add', 'Add a script hook', {
    args: [FILE],
    options: [NAME, ON_ERROR],
    notes:
      'It runs nowhere until scripts order names it. What does not compile is added all the same, and ends with 1.',
    examples: ['hookwright scripts add greeter.js', 'hookwright scripts order chat/~zod/lounge greeter'],
  }),
  command('edit', 'Change the source of a script hook, its name, or what happens when it fails', {
    args: [SCRIPT, { ...FILE, isOptional: true }],
    options: [NAME, ON_ERROR],
    notes: 'A source that does not compile is stored, and the one before goes on running.',
  }),
  command('order', 'Say which script hooks run on a channel, in which order', {
    args: [CHANNEL, { name: 'SCRIPTS', isOptional: true, help: 'Ids or names with commas between them' }],
    options: [{ name: 'none', help: 'None any more' }],
  }),
  command('config', 'Give a script hook settings for a channel', {
    args: [SCRIPT, CHANNEL],
    options: [{ name: 'set', value: 'KEY=TEXT', isList: true, help: 'One setting, a text' }, CONFIG],
    notes: 'They replace all that it has there.',
    examples: ['hookwright scripts config greeter chat/~zod/lounge --set emoji=👍'],
  }),
  command('cron', 'Run a script hook by a schedule', {
    args: [
      SCRIPT,
      { name: 'SCHEDULE', help: "An interval such as '~h1', or a cron pattern in UTC such as '0 8 * * *'" },
    ],
    options: [
      ORIGIN,
      { name: 'next', value: 'TIME', help: "When the interval begins (default: at once): '~2026.4.1..12.00.00'" },
      CONFIG,
    ],
  }),
  command('rest', 'Run a script hook no longer by a schedule', { args: [SCRIPT], options: [ORIGIN] }),
  command('enable', 'Let a script hook run again', { args: [SCRIPT] }),
  command('disable', 'Keep a script hook from running', {
    args: [SCRIPT],
    options: [{ name: 'reason', value: 'TEXT', help: 'Why' }],
    notes: 'It keeps its places, settings, crons and state.',
  }),
  command('remove', 'Remove a script hook with all that it has', { args: [SCRIPT] }),
  serverCall('scripts runs', 'Show what became of runs', async () => (await import('./script-runs.ts')).scriptRuns, {
    args: [{ ...SCRIPT, isOptional: true }],
    options: [
      { name: 'channel', value: 'CHANNEL', help: 'In this channel only; global for runs without one' },
      { name: 'limit', value: 'NUMBER', help: 'How many, the newest (default 20)' },
      { name: 'follow', help: 'Go on with those that come, until Ctrl-C; also over a restart of the server' },
      { name: 'run', value: 'RUN', help: 'One run, with its event' },
    ],
    notes: 'With what the scripts printed. With --follow and --json each run is an object in one line.',
  }),
  serverCall('scripts replay', 'Repeat a run', async () => (await import('./try-runs.ts')).replayRun, {
    args: [{ name: 'RUN', help: 'The number that scripts runs shows first' }],
    notes: 'Touches nothing. Ends with 1 when something else came out.',
  }),
  serverCall(
    'scripts test',
    'Try a script on what happened in a channel',
    async () => (await import('./try-runs.ts')).testScript,
    {
      args: [FILE],
      options: [
        { name: 'channel', value: 'CHANNEL', help: 'The channel' },
        { name: 'last', value: 'NUMBER', help: 'On how many events, the latest (default 100)' },
        CONFIG,
      ],
      notes: 'Touches nothing. Messages and members are those of today.',
    },
  ),
  command('template', 'Print the script hooks of a channel as a template, or set one up', {
    args: [CHANNEL],
    options: [
      { name: 'set-up', value: 'FILE', isFile: true, help: 'Set up this template on the channel; - is standard input' },
    ],
    examples: [
      'hookwright scripts template chat/~zod/lounge > hooks.json',
      'hookwright scripts template chat/~zod/new --set-up hooks.json',
    ],
  }),
  command('preview', 'Show what visitors of a channel are told of its script hooks', { args: [CHANNEL] }),
];
