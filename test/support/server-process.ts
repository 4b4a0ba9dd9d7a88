// A server as a process of its own, started as a user starts it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/core/clock.ts';
import type { Cleanup } from './database.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/hookwright.js', import.meta.url));
const READY_WITHIN_MS = 60_000;

export type ServerProcess = {
  readonly url: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** All that it wrote on standard output and standard error so far. */
  readonly said: () => string;
  /** Sends the signal and resolves with [exit status, signal] once the process has ended. */
  readonly end: (signal: NodeJS.Signals) => Promise<[number | null, NodeJS.Signals | null]>;
};

export type ServerOptions = {
  /**
   * The working directory; the data folder is `.hookwright` in it unless the arguments say
   * otherwise.
   */
  readonly cwd: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
};

/**
 * Starts `hookwright serve --port 0` and waits until it is ready. Killed after the test if it still
 * runs.
 */
export const startServerProcess = async (t: Cleanup, options: ServerOptions): Promise<ServerProcess> => {
  const { cwd, args = [], env = {} } = options;
  const stateFile = join(cwd, '.hookwright', 'server.json');
  await rm(stateFile, { force: true }); // a server that was killed leaves it behind
  const child = spawn(process.execPath, [LAUNCHER, 'serve', '--port', '0', ...args], {
    cwd,
    env: { ...withoutSettings(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const giveUpAt = systemClock.monotonic() + READY_WITHIN_MS;
  for (;;) {
    const state = parse(await readFile(stateFile, 'utf8').catch(() => ''));
    // The file alone may be that of a server that was killed; the last line of the greeting comes
    // after it was written.
    if (state && said.includes('Press Ctrl-C to end.')) {
      const end: ServerProcess['end'] = (signal) => {
        child.kill(signal);
        return ended;
      };
      return { ...state, process: child, said: () => said, end };
    }
    if (child.exitCode !== null || child.signalCode !== null || systemClock.monotonic() > giveUpAt) {
      throw new Error(`the server did not become ready. It said:\n${said}`);
    }
    await systemClock.sleep(10);
  }
};

/** Without what the developer has set for servers of their own. */
const withoutSettings = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(DATABASE_URL|AMQP_URL|PG[A-Z]+|HOOKWRIGHT_.*|TASKCLUSTER_.*|NODE_TEST_CONTEXT)$/.test(name),
    ),
  );

const parse = (text: string): { url: string; pid: number } | undefined => {
  try {
    return JSON.parse(text) as { url: string; pid: number };
  } catch {
    return undefined; // not there yet, or half written
  }
};
