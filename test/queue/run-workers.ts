// Workers that know only the client do tasks while they and the server are killed with SIGKILL; in
// the end every task is as it should be.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createRandom } from '../chaos/random.ts';
import { createVictim, KILLS } from '../chaos/victim.ts';
import { type Clients, rootClients, taskcluster } from '../support/client.ts';
import type { Cleanup } from '../support/database.ts';
import { newDataFolder } from '../support/server.ts';
import { eventually } from '../support/wait.ts';

export type WorkersOptions = {
  readonly tasks: number;
  readonly workers: number;
  /** How often something is killed: a server as often as a worker. */
  readonly kills: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
};

export type WorkersReport = {
  /** Empty when every task ended as it should, once. */
  readonly problems: readonly string[];
  readonly killed: { readonly servers: number; readonly workers: number };
  readonly runs: number;
  /** Runs that ended because their worker was dead. */
  readonly expired: number;
  readonly acknowledged: number;
};

type Wanted = { readonly taskId: string; readonly end: string; readonly definition: object };
type Run = { readonly runId: number; readonly state: string; readonly reasonResolved?: string };
type Status = { readonly state: string; readonly runs: readonly Run[] };

const WORKER = fileURLToPath(new URL('worker-process.ts', import.meta.url));
const ENDS = ['completed', 'completed', 'completed', 'failed', 'exception', 'flaky'] as const;
const CLAIM_SECONDS = '3';
/** Each that completes sets the next one free, up to here. */
const CHAIN_LENGTH = 4;

export const runWorkers = async (t: Cleanup, options: WorkersOptions): Promise<WorkersReport> => {
  const { seed, tell } = options;
  const random = createRandom(seed);
  const dataFolder = await newDataFolder(t);
  const record = `${dataFolder}.acknowledged`;
  const victim = createVictim(t, dataFolder, random, ['--claim-seconds', CLAIM_SECONDS]);
  await victim.start();

  const persist = async <Answer>(ask: (clients: Clients) => Promise<Answer>): Promise<Answer> => {
    for (;;) {
      try {
        return await ask(rootClients({ ...victim.credentials(), rootUrl: victim.address() ?? 'http://127.0.0.1:1' }));
      } catch (error) {
        const { statusCode } = error as { statusCode?: number };
        if (statusCode !== undefined && statusCode < 500) throw error;
        await sleep(20);
      }
    }
  };

  const workers: ChildProcess[] = [];
  const startWorker = (n: number) => {
    const child = spawn(process.execPath, [WORKER, dataFolder, `w${n}`, record], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    workers[n] = child;
  };
  const killWorker = async (n: number) => {
    const child = workers[n];
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  t.after(async () => {
    for (const n of workers.keys()) await killWorker(n);
  });
  for (let n = 0; n < options.workers; n += 1) startWorker(n);

  const wanted = planTasks(options.tasks, random.next);
  const creating = (async () => {
    for (const { taskId, definition } of wanted) await persist(({ queue }) => queue.createTask(taskId, definition));
  })();
  creating.catch(() => {}); // awaited below

  const killed = { servers: 0, workers: 0 };
  const acknowledged = () => readLines(record).length;
  for (let kill = 1; kill <= options.kills; kill += 1) {
    const enough = (options.tasks * kill) / (options.kills + 1);
    const latest = performance.now() + 1_500;
    while (acknowledged() < enough && performance.now() < latest) await sleep(5);
    await sleep(random.between(0, 30));
    if (kill % 2 === 0) {
      const n = random.between(0, options.workers - 1);
      await killWorker(n);
      startWorker(n);
      killed.workers += 1;
    } else {
      const what = KILLS[random.between(0, KILLS.length - 1)] ?? 'server';
      await victim.kill(what);
      await victim.start();
      killed.servers += 1;
    }
    tell(`kill ${kill}: ${acknowledged()} reports acknowledged`);
  }
  await creating;

  const problems: string[] = [];
  const statuses = new Map<string, Status>();
  const isOver = async () => {
    for (const { taskId } of wanted) {
      if (statuses.has(taskId)) continue;
      const { status } = await persist<{ readonly status: Status }>(({ queue }) => queue.status(taskId));
      if (!['completed', 'failed', 'exception'].includes(status.state)) return false;
      statuses.set(taskId, status);
    }
    return true;
  };
  await eventually('every task is resolved', isOver, 60_000 + options.tasks * 100).catch((error: Error) =>
    problems.push(error.message),
  );
  for (const n of workers.keys()) await killWorker(n);

  for (const one of wanted) problems.push(...judge(one, statuses.get(one.taskId)));
  for (const { taskId, runId } of readLines(record)) {
    const state = statuses.get(taskId)?.runs[runId]?.state;
    if (state === undefined || state === 'running' || state === 'pending') {
      problems.push(`the report of run ${runId} of ${taskId} was acknowledged, and the run is ${state}`);
    }
  }
  const runs = [...statuses.values()].flatMap((status) => status.runs);
  const expired = runs.filter(({ reasonResolved }) => reasonResolved === 'claim-expired').length;
  return { problems, killed, runs: runs.length, expired, acknowledged: acknowledged() };
};

const planTasks = (count: number, random: () => number): Wanted[] => {
  const planned: Wanted[] = [];
  for (let n = 0; n < count; n += 1) {
    const before = n % CHAIN_LENGTH === 0 ? undefined : planned[n - 1];
    const end = ENDS[Math.floor(random() * ENDS.length)] ?? 'completed';
    const definition = {
      taskQueueId: 'chaos/worker',
      created: new Date().toISOString(),
      deadline: new Date(Date.now() + 60 * 60_000).toISOString(),
      retries: 49,
      requires: 'all-resolved',
      dependencies: before ? [before.taskId] : [],
      payload: { end, ms: 20 + Math.floor(random() * 60) },
      metadata: { name: 'n', description: 'd', owner: 'o', source: 'https://example.com' },
    };
    planned.push({ taskId: taskcluster.slugid(), end, definition });
  }
  return planned;
};

const judge = ({ taskId, end }: Wanted, status: Status | undefined): string[] => {
  if (!status) return [`${taskId} is not resolved`];
  const expected = end === 'flaky' ? 'completed' : end === 'exception' ? 'exception' : end;
  const reason = end === 'exception' ? 'malformed-payload' : expected;
  const final = status.runs.filter(({ reasonResolved }) => reasonResolved === reason);
  const passing = ['claim-expired', ...(end === 'flaky' ? ['intermittent-task'] : [])];
  const others = status.runs.slice(0, -1).filter(({ reasonResolved }) => !passing.includes(reasonResolved ?? ''));
  if (status.state === expected && final.length === 1 && others.length === 0) return [];
  return [`${taskId}, which was to end as ${end}, is ${JSON.stringify(status)}`];
};

const readLines = (file: string): { taskId: string; runId: number }[] => {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}')) // a worker may have been killed in the middle of a line
      .map((line) => JSON.parse(line));
  } catch {
    return []; // nobody has written to it yet
  }
};
