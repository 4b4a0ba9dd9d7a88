// A PostgreSQL of a test's own that may be stopped, killed and started again; the servers under
// test know it only by its DATABASE_URL.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { findBinaries, makeRunnable } from '../../../src/database/embedded/binaries.ts';
import { run } from '../../../src/database/embedded/run.ts';
import type { Cleanup } from '../../support/database.ts';
import { startJanitor } from '../../support/janitor.ts';
import { familyOf, isAlive, kill9 } from '../../support/processes.ts';
import { newFolder } from '../../support/server.ts';
import { eventually } from '../../support/wait.ts';

/**
 * `fast`: sessions are broken and all is written. `immediate`: sessions are broken, and the next
 * start recovers. `kill`: kill -9 of the postmaster.
 */
export type PostgresEnd = 'fast' | 'immediate' | 'kill';

export type Postgres = {
  readonly url: string;
  readonly connection: pg.ClientConfig;
  readonly start: () => Promise<void>;
  /** Resolves when no process of it is left. */
  readonly end: (how: PostgresEnd) => Promise<void>;
};

const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', kill: 'SIGKILL' } as const;
/** PostgreSQL refuses to run as root. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;
const READY_WITHIN_MS = 60_000;

// When this process ends, however it ends, its end of the pipe is closed, and the postmaster is
// stopped.
const SUPERVISOR =
  '"$@" </dev/null & child=$!; echo "$child"; read -r end; kill -QUIT "$child" 2>/dev/null; wait "$child"';

// What is tested is the death of processes, not of the machine: the pages that they wrote are the
// kernel's and stay.
const SETTINGS = {
  listen_addresses: '',
  max_connections: '120',
  shared_buffers: '32MB',
  huge_pages: 'off',
  fsync: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  log_min_messages: 'warning',
};

export const startPostgres = async (t: Cleanup): Promise<Postgres> => {
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  const folder = await newFolder({ after: (step) => undo.defer(step) });
  const janitor = startJanitor();
  janitor.takeCharge(folder);
  undo.defer(() => janitor.finish());
  const binaries = await makeRunnable(await findBinaries(), NOBODY, folder);
  const own = join(folder, 'own');
  await mkdir(own, { mode: 0o700 });
  if (NOBODY) await chown(own, NOBODY.uid, NOBODY.gid);
  const cluster = join(own, 'cluster');
  const locale = ['--encoding=UTF8', '--locale=C'];
  const made = await run(
    binaries.initdb,
    ['-D', cluster, '-U', 'chaos', '-A', 'trust', '--no-sync', '--no-instructions', ...locale],
    NOBODY,
  );
  if (!made.succeeded) throw new Error(`initdb failed: ${made.output}`);
  const settings = { ...SETTINGS, unix_socket_directories: own };
  const args = ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const connection = { host: own, port: 5432, user: 'chaos', database: 'postgres' };

  let running: { shell: ChildProcess; postmaster: number } | undefined;
  let said = '';
  const start = async () => {
    if (running) throw new Error('PostgreSQL runs already');
    const options = { ...NOBODY, cwd: '/', detached: true, env: { PATH: process.env.PATH ?? '', TZ: 'UTC' } };
    const shell = spawn('/bin/sh', ['-c', SUPERVISOR, 'sh', binaries.postgres, ...args], {
      ...options,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { promise: told, resolve } = Promise.withResolvers<number>();
    shell.stdout.setEncoding('utf8').on('data', (text: string) => resolve(Number(text)));
    shell.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-20_000);
    });
    running = { shell, postmaster: await told };
    await eventually(
      'PostgreSQL answers',
      async () => {
        const client = new pg.Client(connection);
        client.on('error', () => {}); // it is looked at whether it connects
        try {
          await client.connect();
          return true;
        } catch {
          if (shell.exitCode === null && shell.signalCode === null) return false;
          throw new Error(`PostgreSQL did not start. It said:\n${said}`);
        } finally {
          await client.end().catch(() => {});
        }
      },
      READY_WITHIN_MS,
    );
  };
  const end = async (how: PostgresEnd) => {
    if (!running) return;
    const { shell, postmaster } = running;
    running = undefined;
    const family = await familyOf(postmaster);
    const exited = shell.exitCode === null && shell.signalCode === null ? once(shell, 'exit') : undefined;
    process.kill(postmaster, SIGNALS[how]);
    const isOver = async () => (await Promise.all(family.map(isAlive))).every((alive) => !alive);
    // The children of a postmaster that was killed find out by themselves; the next one would
    // refuse to start beside them.
    await eventually('all processes of PostgreSQL have ended', isOver);
    shell.stdin?.end();
    await exited;
  };
  undo.defer(async () => {
    await end('immediate').catch(async () => {
      const pid = Number((await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0]);
      if (pid > 1) for (const one of await familyOf(pid)) kill9(one);
    });
  });
  await start();
  const query = new URLSearchParams({ host: own, port: '5432', user: 'chaos' });
  return { url: `postgres:///postgres?${query}`, connection, start, end };
};
