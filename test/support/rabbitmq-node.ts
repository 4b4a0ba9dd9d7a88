// A RabbitMQ of a test's own, which may be stopped, killed and made to forget: another node than
// the machine's, in a temporary folder.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from 'amqplib';
import { systemClock } from '../../src/core/clock.ts';
import type { Cleanup } from './database.ts';
import { freePorts } from './free-ports.ts';
import { startJanitor } from './janitor.ts';

export type RabbitmqNode = {
  readonly url: string;
  readonly folder: string;
  /** Starts it again on what is on its disk, and waits until it answers. */
  readonly start: () => Promise<void>;
  /** In order, as an operator stops it. */
  readonly stop: () => Promise<void>;
  /** kill -9: it has no time to write anything. */
  readonly kill: () => Promise<void>;
  /** While it is stopped: all queues, exchanges and messages are gone. */
  readonly forget: () => Promise<void>;
  /** rabbitmqctl. Takes a second or two. */
  readonly ctl: (...args: readonly string[]) => Promise<string>;
  /** Of the process from which the node's others descend. */
  readonly pid: () => number | undefined;
};

// Not Debian's wrappers in /usr/sbin: they insist on the user and the folders of the machine's own
// node.
const FOLDERS = ['/usr/lib/rabbitmq/bin', '/opt/rabbitmq/sbin', ...(process.env.PATH ?? '').split(delimiter)];

const find = (program: string): string | undefined =>
  FOLDERS.map((folder) => join(folder, program)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false; // the answer to the question
    }
  });

const SERVER = find('rabbitmq-server');
const CTL = find('rabbitmqctl');
const EPMD = find('epmd');

/** What to say of a test that needs one, as its option `skip`: false where it can be had. */
export const WITHOUT_RABBITMQ_NODE: string | false =
  (!SERVER || !CTL || !EPMD) &&
  'no RabbitMQ is installed to start a node with (rabbitmq-server, rabbitmqctl, epmd); .ci/run installs one';

// All that it starts is of one process group. When this process ends, however it ends, its end of
// the pipe is closed and the group killed; so are those who are left when the program has ended.
const SUPERVISOR = `
exec 3<&0
"$@" </dev/null 3<&- & child=$!
echo "$child"
{ read -r end <&3; kill -9 0; } &
wait "$child"
kill -9 0
`;

const READY_WITHIN_MS = 90_000;

/** Takes some seconds. Stopped, and its folder removed, after the test. */
export const startRabbitmqNode = async (t: Cleanup, config: readonly string[] = []): Promise<RabbitmqNode> => {
  if (!SERVER || !CTL || !EPMD) throw new Error(`${WITHOUT_RABBITMQ_NODE}`);
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-rabbitmq-'));
  const janitor = startJanitor();
  janitor.takeCharge(folder);
  undo.defer(() => janitor.finish());
  const [port = 0, distribution = 0, epmdPort = 0] = await freePorts(3);
  const configFile = join(folder, 'rabbitmq.conf');
  const lines = [`listeners.tcp.1 = 127.0.0.1:${port}`, 'disk_free_limit.absolute = 50MB', ...config];
  await writeFile(configFile, `${lines.join('\n')}\n`);
  const plugins = join(folder, 'enabled_plugins');
  await writeFile(plugins, '[].\n');
  const data = join(folder, 'data');
  const log = join(folder, 'log');
  await Promise.all([mkdir(data), mkdir(log)]);

  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    ERL_CRASH_DUMP_SECONDS: '0', // none: a node that is killed has not crashed
    HOME: folder, // where Erlang makes its cookie
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `hookwright-${randomBytes(4).toString('hex')}@localhost`,
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    RABBITMQ_CONFIG_FILE: configFile,
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    RABBITMQ_MNESIA_BASE: data,
    RABBITMQ_LOG_BASE: log,
    RABBITMQ_PID_FILE: join(folder, 'pid'),
  };
  // Its own: the one that Erlang would start belongs to nobody afterwards.
  const epmd = await supervise([EPMD, '-port', String(epmdPort), '-address', '127.0.0.1'], env);
  undo.defer(() => end(epmd, 'SIGKILL'));

  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  let node: Supervised | undefined;
  const stopWith = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const ending = node;
    node = undefined;
    if (ending) await end(ending, signal);
  };
  const start = async () => {
    if (node) throw new Error('the node runs already');
    node = await supervise([SERVER], env);
    await answers(url, node, log);
  };
  undo.defer(() => stopWith('SIGKILL'));
  await start();
  return {
    url,
    folder,
    start,
    stop: () => stopWith('SIGTERM'),
    kill: () => stopWith('SIGKILL'),
    forget: async () => {
      if (node) throw new Error('the node must be stopped before it can forget');
      await rm(data, { recursive: true, maxRetries: 5 });
      await mkdir(data);
    },
    ctl: async (...args) => (await promisify(execFile)(CTL, ['--quiet', ...args], { env, maxBuffer: 2 ** 28 })).stdout,
    pid: () => node?.program,
  };
};

type Supervised = {
  /** Leads the process group. */
  readonly shell: ChildProcess;
  readonly program: number;
  readonly ended: Promise<unknown>;
  readonly said: () => string;
};

const supervise = async (command: readonly string[], env: NodeJS.ProcessEnv): Promise<Supervised> => {
  // A group of its own: Ctrl-C must not reach it.
  const shell = spawn('/bin/sh', ['-c', SUPERVISOR, 'sh', ...command], { env, stdio: 'pipe', detached: true });
  const ended = once(shell, 'exit');
  let said = '';
  const begun = new Promise<void>((resolve) => {
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (/^\d+\n/.test(said)) resolve();
      });
    }
  });
  await Promise.race([begun, ended]);
  return { shell, program: Number.parseInt(said, 10), ended, said: () => said };
};

const end = async ({ shell, program, ended }: Supervised, signal: 'SIGTERM' | 'SIGKILL') => {
  if (hasEnded(shell) || shell.pid === undefined) return;
  process.kill(signal === 'SIGKILL' ? -shell.pid : program, signal);
  await ended;
};

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

const answers = async (url: string, node: Supervised, logFolder: string) => {
  const giveUpAt = systemClock.monotonic() + READY_WITHIN_MS;
  for (;;) {
    try {
      const connection = await connect(url, { timeout: 5_000 });
      connection.on('error', () => {}); // it has served its purpose
      return await connection.close();
    } catch (error) {
      if (hasEnded(node.shell) || systemClock.monotonic() > giveUpAt) {
        const what = `the node does not answer (its log is in ${logFolder}). It said:\n${node.said()}`;
        throw new Error(what, { cause: error });
      }
      await systemClock.sleep(50);
    }
  }
};
