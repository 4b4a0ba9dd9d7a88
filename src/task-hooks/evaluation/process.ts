// The process in which heavy evaluations run. Not a thread: when V8 cannot have the memory that one
// operation wants at once (`split` of a text of 32 MB), it ends the whole process, and a hook must
// not be able to end the server.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';

/** The file that runs beside this one: TypeScript in the source tree, JavaScript in the package. */
const WORKER_FILE = new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
const STACK_KB = 3_900;
const YOUNG_MB = 16;
/** /proc counts in hundredths of a second on every Linux. */
const TICK_MS = 10;

export const startEvaluationProcess = (memoryMb: number): ChildProcess => {
  const cache = getCompileCacheDir();
  const child = fork(WORKER_FILE, [String(process.pid)], {
    execArgv: [`--max-old-space-size=${memoryMb}`, `--max-semi-space-size=${YOUNG_MB}`, `--stack-size=${STACK_KB}`],
    env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
    serialization: 'advanced', // what JSON would lose, such as -0, is kept
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: true, // Ctrl-C in the terminal is for us alone
  });
  child.on('error', () => {}); // that it did not start, or is gone, its exit tells
  return child;
};

/** At once, whatever it is at. */
export const endEvaluationProcess = async (child: ChildProcess): Promise<void> => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
};

/** What it has used of a processor, in ms; undefined where that cannot be told. */
export const cpuMsOf = async ({ pid }: ChildProcess): Promise<number | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''); // there is none where it is not Linux
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return user === undefined || system === undefined ? undefined : (user + system) * TICK_MS;
};
