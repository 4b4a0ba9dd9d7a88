// The standalone queue: tasks that are created, claimed and completed by eight workers, also while
// a hundred thousand others are pending.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect } from '../harness/crowd.ts';
import { type Bench, type Figure, figure, type Measure } from '../harness/measure.ts';
import { call, type RunningServer, startServer } from '../harness/server.ts';
import type { QueueLoadPlan, QueueLoadResult } from './queue-load.ts';

const WORKERS = 8;
const BACKLOG = 100_000;

/** Tasks that are created, claimed and completed in a second. */
const LEAST_TASKS_PER_SECOND = 500;
/** A backlog that nobody asks for is to cost next to nothing. */
const LEAST_RATIO_WITH_BACKLOG = 0.8;

export const queue: Measure = {
  name: 'queue',
  about: `tasks that ${WORKERS} workers create, claim and complete, also beside ${BACKLOG} pending ones`,
  take: async (bench) => {
    const runs = { alone: [] as QueueLoadResult[], backlog: [] as QueueLoadResult[] };
    await using server = await startServer(bench, bench.stable.newFolder('queue'));
    await using load = startQueueLoad(bench);
    const oneRun = () =>
      load.run({ url: server.url, credentials: server.credentials, workers: WORKERS, seconds: bench.seconds });
    bench.say('queue: warming up');
    await oneRun();
    for (const side of ['alone', 'backlog'] as const) {
      if (side === 'backlog') await addBacklog(bench, server);
      for (let round = 0; round < bench.rounds; round += 1) {
        const result = await oneRun();
        runs[side].push(result);
        bench.say(
          `queue: ${side === 'alone' ? 'empty' : `beside ${BACKLOG}`}: ${Math.round(result.tasks / result.seconds)} tasks/s`,
        );
      }
    }
    const rate = ({ tasks, seconds }: QueueLoadResult) => tasks / seconds;
    const row = (
      what: string,
      unit: string,
      pick: (run: QueueLoadResult) => number,
      more: Parameters<typeof figure>[3] = {},
    ): Figure => figure(`queue, ${WORKERS} workers: ${what}`, unit, runs.alone.map(pick), more);
    return [
      row('created, claimed, completed', 'tasks/s', rate, { bar: { of: 'value', atLeast: LEAST_TASKS_PER_SECOND } }),
      row('create p50', 'ms', ({ createP50Ms }) => createP50Ms),
      row('claim p50', 'ms', ({ claimP50Ms }) => claimP50Ms),
      row('complete p50', 'ms', ({ completeP50Ms }) => completeP50Ms),
      row('all three p99', 'ms', ({ wholeP99Ms }) => wholeP99Ms),
      figure(`queue, ${WORKERS} workers: beside ${BACKLOG} pending`, 'tasks/s', runs.backlog.map(rate), {
        reference: runs.alone.map(rate),
        bar: { of: 'ratio', atLeast: LEAST_RATIO_WITH_BACKLOG },
        note: 'the reference is the same without them',
      }),
    ];
  },
};

/**
 * Pending tasks of the same queue that come after those of the load. Straight into the database,
 * because creating them is not what counts.
 */
const addBacklog = async (bench: Bench, server: RunningServer): Promise<void> => {
  const taskQueueId = 'bench/worker';
  const now = bench.clock.now();
  const template = 'BACKLOG0Q0K0000000000A';
  await call(server, 'PUT', `/api/queue/v1/task/${template}`, {
    ...{
      taskQueueId,
      created: new Date(now).toISOString(),
      deadline: new Date(now + 24 * 60 * 60 * 1000).toISOString(),
    },
    ...{ priority: 'lowest', payload: {} },
    metadata: { name: 'backlog', description: '', owner: 'bench@example.com', source: 'https://example.com' },
  });
  const client = await connect(server);
  try {
    await client.query(
      `insert into tasks (task_id, definition, retries_left, runs, created, deadline, expires, task_queue_id, task_group_id,
         scheduler_id, priority, pending_order, due)
       select left(task_id, 8) || lpad(n::text, 14, '0'), definition, retries_left, runs, created, deadline, expires, task_queue_id,
         left(task_id, 8) || lpad(n::text, 14, '0'), scheduler_id, priority, nextval('tasks_pending_order'), due
       from tasks, generate_series(1, ${BACKLOG}) n where task_id = $1`,
      [template],
    );
    await client.query('analyze tasks');
  } finally {
    await client.end();
  }
};

type QueueLoad = AsyncDisposable & { readonly run: (plan: QueueLoadPlan) => Promise<QueueLoadResult> };

const startQueueLoad = (bench: Bench): QueueLoad => {
  const child: ChildProcess = bench.stable.spawn(process.execPath, [join(import.meta.dirname, 'queue-load.ts')], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return {
    run: async (plan) => {
      const answered = once(child, 'message') as Promise<[{ result: QueueLoadResult } | { problem: string }]>;
      child.send(plan);
      const [answer] = await answered;
      if ('problem' in answer) throw new Error(answer.problem);
      return answer.result;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
};
