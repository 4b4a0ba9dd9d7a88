// What ought to become of tasks, written down in the simplest way, from the specification alone: a
// map in memory. Shares no code with the queue. Times are milliseconds since the epoch.

export type ModelRun = {
  state: string;
  created: string;
  resolved?: string;
  worker?: string;
  takenUntil?: number;
  scheduledAt: number;
  startedAt?: number;
  resolvedAt?: number;
};

export type ModelTask = {
  readonly id: string;
  readonly dependencies: readonly string[];
  readonly requires: 'all-completed' | 'all-resolved';
  readonly satisfied: Set<string>;
  readonly priority: number;
  readonly retries: number;
  readonly created: number;
  readonly deadline: number;
  readonly expires: number;
  retriesLeft: number;
  runs: ModelRun[];
  /**
   * When the last run became pending, as a number of steps: equal for those that did in the same
   * step.
   */
  pendingSince: number;
};

export type NewModelTask = Pick<
  ModelTask,
  'id' | 'dependencies' | 'requires' | 'priority' | 'retries' | 'created' | 'deadline' | 'expires'
>;

/** The status code of the answer. */
export type Code = 200 | 400 | 404 | 409;

export const createModel = (claimMs: number) => {
  const tasks = new Map<string, ModelTask>();
  let step = 0;
  let now = 0;

  const last = (task: ModelTask) => task.runs[task.runs.length - 1];
  const state = (task: ModelTask) => last(task)?.state ?? 'unscheduled';
  const isOver = (task: ModelTask) => ['completed', 'failed', 'exception'].includes(state(task));

  const makePending = (task: ModelTask, created: string) => {
    task.runs.push({ state: 'pending', created, scheduledAt: now });
    task.pendingSince = step;
  };

  const satisfy = (task: ModelTask) => {
    for (const other of tasks.values()) {
      const isEnough = other.requires === 'all-resolved' || state(task) === 'completed';
      if (!isEnough || !other.dependencies.includes(task.id)) continue;
      other.satisfied.add(task.id);
      const isReady = other.satisfied.size === other.dependencies.length;
      if (other.runs.length === 0 && isReady && other.deadline > now) makePending(other, 'scheduled');
    }
  };

  const end = (task: ModelTask, how: string, reason: string) => {
    if (task.runs.length === 0) task.runs.push({ state: 'pending', created: 'exception', scheduledAt: now });
    Object.assign(last(task) as ModelRun, { state: how, resolved: reason, resolvedAt: now });
  };

  const tryAgain = (task: ModelTask, created: string) => {
    if (task.retriesLeft === 0) return satisfy(task);
    task.retriesLeft -= 1;
    makePending(task, created);
  };

  const begin = (time: number) => {
    now = time;
    step += 1;
  };

  return {
    tasks,
    state,
    begin,

    create: (wanted: NewModelTask): Code => {
      if (wanted.deadline <= now || wanted.created < now - 15 * 60_000) return 400;
      if (tasks.has(wanted.id)) return 200; // tests send the same definition again
      for (const id of wanted.dependencies) {
        if (id === wanted.id) continue;
        const other = tasks.get(id);
        if (!other || other.expires < wanted.deadline) return 400;
      }
      const task: ModelTask = {
        ...wanted,
        satisfied: new Set(),
        retriesLeft: wanted.retries,
        runs: [],
        pendingSince: 0,
      };
      tasks.set(task.id, task);
      for (const id of task.dependencies) {
        const other = tasks.get(id) as ModelTask;
        if (state(other) === 'completed' || (isOver(other) && task.requires === 'all-resolved')) task.satisfied.add(id);
      }
      if (task.satisfied.size === task.dependencies.length) makePending(task, 'scheduled');
      return 200;
    },

    /** Those that can be claimed, best first, by what decides about the order. */
    claimable: (): readonly { readonly id: string; readonly rank: string }[] =>
      [...tasks.values()]
        .filter((task) => state(task) === 'pending' && task.deadline > now)
        .map(({ id, priority, pendingSince }) => ({ id, rank: `${priority} ${String(pendingSince).padStart(9, '0')}` }))
        .sort((a, b) => (a.rank < b.rank ? -1 : 1)),

    claimed: (id: string, worker: string) => {
      const run = last(tasks.get(id) as ModelTask) as ModelRun;
      Object.assign(run, { state: 'running', worker, startedAt: now, takenUntil: now + claimMs });
    },

    reclaim: (id: string, number: number): Code => {
      const task = tasks.get(id);
      const run = task?.runs[number];
      if (!task || !run) return 404;
      if (run !== last(task) || run.state !== 'running' || task.deadline <= now) return 409;
      run.takenUntil = now + claimMs;
      return 200;
    },

    report: (id: string, number: number, what: string): Code => {
      const task = tasks.get(id);
      const run = task?.runs[number];
      if (!task || !run) return 404;
      const isPlain = what === 'completed' || what === 'failed';
      const isSame = isPlain ? run.state === what : run.state === 'exception' && run.resolved === what;
      const newer = task.runs.length - 1 - number;
      if (isSame && newer <= (isPlain ? 0 : 1)) return 200;
      if (newer > 0 || run.state !== 'running') return 409;
      end(task, isPlain ? what : 'exception', what);
      if (what === 'worker-shutdown') tryAgain(task, 'retry');
      else if (what === 'intermittent-task') tryAgain(task, 'task-retry');
      else satisfy(task);
      return 200;
    },

    cancel: (id: string): Code => {
      const task = tasks.get(id);
      if (!task) return 404;
      if (isOver(task)) return 200;
      if (task.deadline <= now) return 409;
      end(task, 'exception', 'canceled');
      satisfy(task);
      return 200;
    },

    schedule: (id: string): Code => {
      const task = tasks.get(id);
      if (!task) return 404;
      if (isOver(task)) return 200;
      if (task.deadline <= now) return 409;
      if (task.runs.length === 0) makePending(task, 'scheduled');
      return 200;
    },

    rerun: (id: string): Code => {
      const task = tasks.get(id);
      if (!task) return 404;
      if (task.deadline <= now) return 409;
      if (state(task) === 'pending' || state(task) === 'running') return 200;
      if (task.runs.length === 50) return 409;
      makePending(task, 'rerun');
      task.retriesLeft = Math.min(task.retries, 50 - task.runs.length);
      return 200;
    },

    /** What happens by itself at this moment. */
    tick: (time: number) => {
      begin(time);
      for (const task of tasks.values()) if (isOver(task) && task.expires <= now) tasks.delete(task.id);
      const exceeded = [...tasks.values()].filter((task) => !isOver(task) && task.deadline <= now);
      for (const task of exceeded) end(task, 'exception', 'deadline-exceeded');
      const unclaimed = [...tasks.values()].filter(
        (task) => state(task) === 'running' && (last(task)?.takenUntil ?? Number.POSITIVE_INFINITY) <= now,
      );
      for (const task of unclaimed) {
        end(task, 'exception', 'claim-expired');
        tryAgain(task, 'retry');
      }
      for (const task of exceeded) satisfy(task);
      for (const task of exceeded) if (task.expires <= now) tasks.delete(task.id);
    },

    describe: (id: string) => {
      const task = tasks.get(id);
      if (!task) return undefined;
      const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());
      const runs = task.runs.map((run, runId) => ({
        ...{ runId, state: run.state, reasonCreated: run.created, reasonResolved: run.resolved },
        ...{ workerGroup: run.worker && 'group', workerId: run.worker, takenUntil: iso(run.takenUntil) },
        ...{ scheduled: iso(run.scheduledAt), started: iso(run.startedAt), resolved: iso(run.resolvedAt) },
      }));
      // What is undefined is left out, as in an answer.
      return JSON.parse(JSON.stringify({ state: state(task), retriesLeft: task.retriesLeft, runs }));
    },
  };
};

export type Model = ReturnType<typeof createModel>;
