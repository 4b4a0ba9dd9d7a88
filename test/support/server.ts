// `hookwright serve` as a process of its own on a data folder of its own, and what tests do with
// it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Cleanup, freshDatabaseUrl } from './database.ts';
import { familyOf, isAlive, kill9 } from './processes.ts';
import { eventually } from './wait.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
export const MAIN = join(PROJECT, 'src/main.ts');

export type RootCredentials = { readonly rootUrl: string; readonly clientId: string; readonly accessToken: string };
export type Exit = readonly [status: number | null, signal: NodeJS.Signals | null];

export type Program = {
  readonly process: ChildProcess;
  readonly pid: number;
  /** All that it wrote on standard output and standard error so far. */
  readonly said: () => string;
  /** Resolves once it has said something that matches. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly exit: Promise<Exit>;
};

export type RunOptions = {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Who runs it; only root can be somebody else. */
  readonly uid?: number;
  /** An open file for all that it writes, in place of `said`. */
  readonly output?: number;
  /** Flags for Node. */
  readonly flags?: readonly string[];
};

export type ServeOptions = RunOptions & { readonly args?: readonly string[] };

export type Server = Program & {
  readonly url: string;
  readonly dataFolder: string;
  readonly credentials: RootCredentials;
};

/** Runs `hookwright ARGS`. Killed after the test if it still runs. */
export const runProgram = (t: Cleanup, args: readonly string[], options: RunOptions = {}): Program => {
  const { cwd = '/', env = {}, uid, output = 'pipe', flags = [] } = options;
  const child = spawn(process.execPath, [...flags, MAIN, ...args], {
    cwd,
    // The fourth is the lifeline of a launcher (bin/run-node.js): the program ends also when this
    // process is killed.
    env: { ...withoutSettings(process.env), HOOKWRIGHT_LIFELINE_FD: '3', ...env },
    stdio: ['ignore', output, output, 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  });
  return followProgram(t, child);
};

/** Runs `npm ARGS` in this repository. Killed after the test if it still runs. */
export const runNpm = (t: Cleanup, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program => {
  const outside = Object.entries(withoutSettings(process.env)).filter(([name]) => !name.startsWith('npm_'));
  const child = spawn('npm', args, {
    cwd: PROJECT,
    env: { ...Object.fromEntries(outside), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return followProgram(t, child);
};

const followProgram = (t: Cleanup, child: ChildProcess): Program => {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const exit = once(child, 'close') as unknown as Promise<Exit>; // 'close', not 'exit': then all that it said is here
  exit.catch(() => {});
  t.after(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const says = (pattern: RegExp) =>
    eventually(`the program says ${pattern}`, () => {
      const match = pattern.exec(said);
      if (!match && hasEnded(child)) throw new Error(`it ended without saying ${pattern}. It said:\n${said}`);
      return match ?? undefined;
    });
  return { process: child, pid: child.pid ?? -1, said: () => said, says, exit };
};

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/**
 * Starts `hookwright serve --port 0 --data FOLDER` and resolves when server.json names its process.
 */
export const serve = async (t: Cleanup, dataFolder: string, options: ServeOptions = {}): Promise<Server> => {
  const { args = [], ...rest } = options;
  const program = runProgram(t, ['serve', '--port', '0', '--data', dataFolder, ...args], rest);
  const { url } = await eventually('the server is ready', async () => {
    const state = await readJson<ServerFile>(join(dataFolder, 'server.json'));
    if (state?.pid === program.pid) return state;
    if (hasEnded(program.process)) throw new Error(`the server did not become ready. It said:\n${program.said()}`);
    return undefined;
  });
  const credentials = await readJson<RootCredentials>(join(dataFolder, 'root-credentials.json'));
  if (!credentials) throw new Error('the server is ready and there are no credentials');
  return { ...program, url, dataFolder, credentials };
};

/**
 * The same on a database of the run's server, which takes a fraction of the time of one of its own.
 * For tests of what is not about the database.
 */
export const serveQuickly = async (t: Cleanup, options: ServeOptions = {}): Promise<Server> => {
  const env = { DATABASE_URL: await freshDatabaseUrl(t), ...options.env };
  return serve(t, await newDataFolder(t), { ...options, env });
};

export type ServerFile = { readonly url: string; readonly pid: number };

/** undefined when the file is not there or no JSON. */
export const readJson = async <T>(path: string): Promise<T | undefined> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
};

/**
 * A new folder that PostgreSQL's user may enter. Removed after the test, with the databases in it
 * and what they placed outside.
 */
export const newFolder = async (t: Cleanup, mode = 0o711): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-test-'));
  await chmod(folder, mode);
  t.after(() => removeFolder(folder));
  return folder;
};

/** A data folder that does not exist yet, in a new folder. */
export const newDataFolder = async (t: Cleanup): Promise<string> => {
  const folder = await newFolder(t);
  const data = join(folder, 'data');
  t.after(() => removeDatabase(data));
  return data;
};

/** Where the embedded database of a data folder lies. */
export const databasePlace = async (dataFolder: string): Promise<string> => {
  const named = join(dataFolder, 'postgres');
  const isFile = await stat(named).then(
    (status) => status.isFile(),
    () => false,
  );
  return isFile ? (await readFile(named, 'utf8')).trim() : named;
};

/** The main process of the embedded PostgreSQL of a data folder, as its pid file says. */
export const postmasterOf = async (dataFolder: string): Promise<number | undefined> => {
  const file = join(await databasePlace(dataFolder), 'cluster', 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => '');
  return Number(text.split('\n')[0]) || undefined;
};

/**
 * How to connect to the embedded database of a data folder, for tests that look at what is stored.
 */
export const databaseOf = async (
  dataFolder: string,
): Promise<{ host: string; port: number; user: string; database: string }> => {
  const text = await readFile(join(await databasePlace(dataFolder), 'cluster', 'postmaster.pid'), 'utf8');
  const [, , , port, host] = text.split('\n');
  return { host: host ?? '', port: Number(port), user: 'hookwright', database: 'postgres' };
};

/** Servers were killed by then, and their database is stopping by itself. */
const removeDatabase = async (dataFolder: string): Promise<void> => {
  const place = await databasePlace(dataFolder);
  const postmaster = await postmasterOf(dataFolder);
  if (postmaster !== undefined && (await isPostgres(postmaster))) {
    const hasStopped = eventually('the database stops', async () => !(await isAlive(postmaster)), 10_000);
    await hasStopped.catch(async () => (await familyOf(postmaster)).forEach(kill9));
  }
  if (place === join(dataFolder, 'postgres')) return;
  await removeFolder(place);
  await rmdir('/var/lib/hookwright').catch(() => {});
};

/** A pid file may outlive its process, and the number be somebody else's by then. */
const isPostgres = async (pid: number): Promise<boolean> =>
  (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).startsWith('postgres');

const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });

/** Without what the developer has set for servers of their own. */
const withoutSettings = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(DATABASE_URL|AMQP_URL|PG[A-Z]+|HOOKWRIGHT_.*|TASKCLUSTER_.*|NODE_TEST_CONTEXT)$/.test(name),
    ),
  );
