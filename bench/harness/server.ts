// The server under measurement, as a process of its own, and calls to it.
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import hawk from 'hawk';
import type { Bench } from './measure.ts';
import { databaseProcessesOf } from './proc.ts';

export type Credentials = { readonly clientId: string; readonly accessToken: string };

export type RunningServer = AsyncDisposable & {
  readonly url: string;
  /** Of the server itself. */
  readonly pid: number;
  /** Of the process that was started: the server, or a launcher that started it. */
  readonly startedPid: number;
  readonly data: string;
  readonly credentials: Credentials;
  /** From just before the spawn to the first successful GET of /readyz. */
  readonly readyAfterMs: number;
  /** Sends SIGTERM and resolves once the process has exited. */
  readonly end: () => Promise<void>;
  /** The same, and it must have exited with 0, and its database must stop. */
  readonly stop: () => Promise<void>;
};

const READY_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 20_000;

export type StartOptions = {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  /** Of the server's settings only what stands here. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where the server has no root client of its own. */
  readonly credentials?: Credentials;
};

/**
 * Starts `<command> serve` on a free port. The same data folder twice makes a later start, or a
 * second process on one database.
 */
export const startServer = async (bench: Bench, data: string, options: StartOptions = {}): Promise<RunningServer> => {
  const { clock } = bench;
  const { command = [process.execPath, bench.entry] } = options;
  const stateFile = join(data, 'server.json');
  rmSync(stateFile, { force: true });
  const logFile = `${data}.log`;
  const log = openSync(logFile, 'a');
  const settings = ['--port', '0', '--data', data, '--log-level', 'warn', ...(options.args ?? [])];
  const [program = '', ...args] = [...command, 'serve', ...settings];
  const env = { ...cleanEnvironment(), ...options.env };

  const spawnedAt = clock.monotonic();
  const child = bench.stable.spawn(program, args, { stdio: ['ignore', log, log], env });
  closeSync(log);
  const said = (): string => `It said:\n${readFileSync(logFile, 'utf8').slice(-3000).trim() || '(nothing)'}`;
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  const hasEnded = (): boolean => failure !== undefined || child.exitCode !== null || child.signalCode !== null;
  const end = async (): Promise<void> => {
    if (hasEnded()) return;
    child.kill('SIGTERM');
    await waitUntil(bench, hasEnded, STOPPED_WITHIN_MS, () => `${program} did not end on SIGTERM. ${said()}`);
  };

  let url: string | undefined;
  for (;;) {
    if (hasEnded()) throw new Error(`${[program, ...args].join(' ')} ended before it was ready. ${said()}`);
    if (clock.monotonic() - spawnedAt > READY_WITHIN_MS) throw new Error(`The server did not become ready. ${said()}`);
    url ??= readState(stateFile)?.url;
    if (url !== undefined && (await isReady(url))) break;
    await clock.sleep(2);
  }
  const readyAfterMs = clock.monotonic() - spawnedAt;
  const readCredentials = () => JSON.parse(readFileSync(join(data, 'root-credentials.json'), 'utf8')) as Credentials;
  const credentials = options.credentials ?? readCredentials();

  const stop = async (): Promise<void> => {
    await end();
    if (child.exitCode !== 0) throw new Error(`The server ended with ${child.exitCode ?? child.signalCode}. ${said()}`);
    const isGone = (): boolean => databaseProcessesOf(data).length === 0;
    await waitUntil(bench, isGone, STOPPED_WITHIN_MS, () => `The database of ${data} did not stop`);
  };
  return {
    url,
    pid: readState(stateFile)?.pid ?? pidOf(child),
    startedPid: pidOf(child),
    data,
    credentials,
    readyAfterMs,
    end,
    stop,
    [Symbol.asyncDispose]: async () => {
      await end();
      bench.stable.removeFolder(data);
    },
  };
};

/**
 * Without what would make the server another one than a newcomer gets: its settings, and flags for
 * Node.
 */
const cleanEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(DATABASE_URL|AMQP_URL|PG[A-Z]+|NODE_OPTIONS|HOOKWRIGHT_.*|TASKCLUSTER_.*)$/.test(name),
    ),
  );

const pidOf = (child: ChildProcess): number => child.pid ?? Number.NaN;

/** Undefined until the file is there and whole. */
const readState = (file: string): { url: string; pid: number } | undefined => {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { url: string; pid: number };
  } catch {
    return undefined;
  }
};

const isReady = (url: string): Promise<boolean> =>
  send(`${url}/readyz`, 'GET', {}).then(
    ({ status }) => status === 200,
    () => false,
  );

const waitUntil = async (bench: Bench, isSo: () => boolean, ms: number, problem: () => string): Promise<void> => {
  const end = bench.clock.monotonic() + ms;
  while (!isSo()) {
    if (bench.clock.monotonic() > end) throw new Error(problem());
    await bench.clock.sleep(10);
  }
};

/**
 * A signed call, on a connection of its own. Resolves with the JSON of a 200, else throws what the
 * server said.
 */
export const call = async (
  server: Pick<RunningServer, 'url' | 'credentials'>,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> => {
  const url = server.url + path;
  const { clientId, accessToken } = server.credentials;
  const credentials = { id: clientId, key: accessToken, algorithm: 'sha256' } as const;
  const headers = {
    authorization: hawk.client.header(url, method, { credentials }).header,
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const answer = await send(url, method, headers, body === undefined ? undefined : JSON.stringify(body));
  if (answer.status !== 200) throw new Error(`${method} ${path} was answered ${answer.status}: ${answer.body}`);
  return JSON.parse(answer.body);
};

const send = (
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: string,
): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false, timeout: 30_000 }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      answer.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${url} was not answered for 30 s`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
