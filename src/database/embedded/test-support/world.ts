// What the tests of the embedded database share: folders that go away, processes that go away, and
// looking at both.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, type ClientConfig } from 'pg';
import type { Cleanup } from '../../../../test/support/database.ts';
import { systemClock } from '../../../core/clock.ts';
import { silentLog } from '../../../core/log.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded-postgres.ts';
import { mayEnter, type Owner } from '../owner.ts';
import { pollUntil } from '../poll.ts';

export const isRoot = process.getuid?.() === 0;

/**
 * Somebody without rights, but with a name, and not the `nobody` that PostgreSQL runs as: `daemon`.
 */
export const ORDINARY_USER: Owner = { uid: 1, gid: 1 };

const HOLD = fileURLToPath(new URL('./hold.ts', import.meta.url));

/**
 * False where the project itself lies in a folder that is closed to others, as a fresh temporary
 * one is.
 */
export const ordinaryUserCanRun = async (): Promise<boolean> =>
  isRoot && (await mayEnter(ORDINARY_USER, fileURLToPath(new URL('.', import.meta.url))));

/**
 * A new folder that others may enter, unless `mode` says otherwise. Removed after the test, as is
 * what it placed outside.
 */
export const newFolder = async (t: Cleanup, mode = 0o711): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-test-'));
  await chmod(folder, mode);
  // More than once: a server that is stopping still writes there.
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return folder;
};

export const removeOutsidePlace = async (place: string): Promise<void> => {
  await rm(place, { recursive: true, force: true });
  await rmdir('/var/lib/hookwright').catch(() => {});
};

/** Starts it in this process; let go after the test if the test does not. */
export const start = async (t: Cleanup, dataFolder: string): Promise<EmbeddedPostgres> => {
  const postgres = await startEmbeddedPostgres({ dataFolder, log: silentLog, clock: systemClock });
  t.after(async () => postgres[Symbol.asyncDispose]());
  return postgres;
};

type Held = Pick<EmbeddedPostgres, 'connection' | 'pid' | 'place' | 'firstStart'>;
type Refused = { code?: string; message: string };
export type Holder = { process: ChildProcess; letGo: () => Promise<void>; kill: () => Promise<void> };

/** Starts it in a process of its own. */
export const spawnHolder = (
  t: Cleanup,
  dataFolder: string,
  owner?: Owner,
): Holder & { answer: Promise<Held & Refused> } => {
  const child = spawn(process.execPath, [HOLD, dataFolder], {
    ...(owner ?? {}),
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  const exited = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  t.after(kill);
  const answer = once(createInterface(child.stdout as NonNullable<typeof child.stdout>), 'line').then(
    ([line]) => JSON.parse(line as string) as Held & Refused,
  );
  answer.catch(() => {});
  const letGo = async () => {
    child.stdin?.end();
    await exited;
  };
  return { process: child, letGo, kill, answer };
};

export const query = async (connection: ClientConfig, sql: string): Promise<Record<string, unknown>[]> => {
  const client = new Client(connection);
  // A server that dies under an idle connection is told as an event; the query tells it too.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
};

/** Waits for what must come true, and fails the test when it does not. */
export const eventually = async (what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> => {
  if (!(await pollUntil(systemClock, { everyMs: 5, timeoutMs: 30_000 }, isTrue)))
    throw new Error(`never came true: ${what}`);
};

/** Whether a process does anything still; a zombie does not. */
export const isAlive = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
};
