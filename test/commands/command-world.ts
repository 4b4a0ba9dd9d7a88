// A server, and commands that are called as people call them, in a folder with that server's data.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { callCommand } from '../../src/commands/call-command.ts';
import { COMMANDS } from '../../src/commands/command-table.ts';
import { type Cleanup, freshDatabaseUrl } from '../support/database.ts';
import { newFolder } from '../support/server.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
export const LAUNCHER = join(PROJECT, 'bin/hookwright.js');

export type Result = { readonly status: number | null; readonly out: string; readonly err: string };

export type RunOptions = {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
};

export type Running = {
  readonly process: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly end: Promise<Result>;
};

export type World = {
  readonly folder: string;
  readonly server: ServerProcess;
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<Result>;
  /** A run that must end with 0; its standard output. */
  readonly succeed: (args: readonly string[], options?: RunOptions) => Promise<string>;
  /** The same, with --json, parsed. */
  readonly json: <T>(args: readonly string[], options?: RunOptions) => Promise<T>;
  readonly start: (args: readonly string[], options?: RunOptions) => Running;
};

/** Without what the developer has set for themselves; with a home of its own. */
export const cleanEnvironment = (home: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: home,
  TMPDIR: process.env.TMPDIR,
});

/** On a database of the run's server, for tests of what is not about the database. */
export const newQuickWorld = async (t: Cleanup): Promise<World> =>
  newWorld(t, { DATABASE_URL: await freshDatabaseUrl(t) });

/** `serverEnv`: more of the environment of the server. */
export const newWorld = async (t: Cleanup, serverEnv: NodeJS.ProcessEnv = {}): Promise<World> => {
  const folder = await newFolder(t);
  const server = await startServerProcess(t, { cwd: folder, env: serverEnv });
  const start: World['start'] = (args, { input, env = {}, cwd = folder } = {}) => {
    const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd, env: { ...cleanEnvironment(folder), ...env } });
    t.after(async () => void child.kill('SIGKILL'));
    return follow(child, input);
  };
  const run: World['run'] = (args, options = {}) => {
    return needsProcess(args) ? start(args, options).end : callHere(folder, args, options);
  };
  const succeed: World['succeed'] = async (args, options) => {
    const { status, out, err } = await run(args, options);
    assert.equal(status, 0, `hookwright ${args.join(' ')}\n${out}${err}`);
    return out;
  };
  const json = async <T>(args: readonly string[], options?: RunOptions): Promise<T> =>
    JSON.parse(await succeed([...args, '--json'], options)) as T;
  return { folder, server, run, succeed, json, start };
};

/**
 * What heeds signals, starts other programs or reads its arguments itself is called as a process.
 * The other commands also are where documents.test.ts runs the pages that show them.
 */
const PROCESSES = [
  ...['backup', 'restore', 'demo', 'hooks edit', 'pulse watch', 'fires follow'].map((words) => words.split(' ')),
  ...COMMANDS.filter(({ kind }) => kind === 'own').map(({ words }) => words),
];

const needsProcess = (args: readonly string[]): boolean =>
  args.includes('--follow') || PROCESSES.some((words) => words.every((word, at) => args[at] === word));

/** In this process, which takes a tenth of the time. */
const callHere = async (folder: string, args: readonly string[], options: RunOptions): Promise<Result> => {
  const { input = '', env = {}, cwd = folder } = options;
  const [stdout, stderr] = [collect(), collect()];
  const heeded = () => SIGNALS.map((name) => process.listenerCount(name));
  const before = heeded();
  const io = { ...{ stdin: Readable.from([input]), stdout: stdout.stream, stderr: stderr.stream }, cwd };
  const status = await callCommand(args, { ...io, env: { ...cleanEnvironment(folder), ...env } });
  assert.deepEqual(heeded(), before, `hookwright ${args.join(' ')} heeds signals and must be called as a process`);
  return { status, out: stdout.text(), err: stderr.text() };
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const collect = () => {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
};

export const follow = (child: ChildProcess, input?: string): Running => {
  let [out, err] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdin?.on('error', () => {}); // a command that reads nothing may have ended before
  child.stdin?.end(input);
  const end = once(child, 'close').then(([status]) => ({ status: status as number | null, out, err }));
  return { process: child, out: () => out, err: () => err, end };
};

/** A hook whose task says whom it greets. */
export const GREETING = {
  metadata: { name: 'Greet', description: 'Greets.', owner: 'you@example.com' },
  triggerSchema: { type: 'object', properties: { who: { type: 'string' } }, required: ['who'] },
  task: {
    taskQueueId: 'test/worker',
    payload: { greeting: 'Hello, ${payload.who}!' },
    metadata: { name: 'greet', description: '', owner: 'you@example.com', source: 'https://example.com/' },
  },
};

export const GREETING_SCOPES = [
  ...['--scope', 'queue:create-task:lowest:test/worker'],
  ...['--scope', 'queue:create-task:project:none'],
  ...['--scope', 'queue:scheduler-id:-'],
];
