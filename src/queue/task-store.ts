// The table of tasks. Concurrent creations share their commits.
import { toIso } from '../core/clock.ts';
import { sameJson } from '../core/json.ts';
import { createBatch } from '../database/batch.ts';
import type { Database, Queryable, Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { TaskState } from './queue.ts';
import type { TaskDefinition } from './task-definition.ts';

export type Run = {
  readonly runId: number;
  readonly state: TaskState;
  readonly reasonCreated: string;
  readonly scheduled: string;
};

export type StoredTask = {
  readonly taskId: string;
  readonly definition: TaskDefinition;
  readonly retriesLeft: number;
  readonly runs: readonly Run[];
};

export type TaskStore = {
  readonly find: (taskId: string) => Promise<StoredTask | undefined>;
  readonly states: (taskIds: readonly string[]) => Promise<Map<string, TaskState>>;
  /** The task as it is stored now, or undefined when the id belongs to a task with another definition. */
  readonly create: (task: NewTask, now: number) => Promise<StoredTask | undefined>;
  /** The same for many, in the caller's transaction. One answer a task, in order. */
  readonly createIn: (tx: Transaction, tasks: readonly NewTask[], now: number) => Promise<Creation[]>;
};

export type NewTask = { readonly taskId: string; readonly definition: TaskDefinition };

/** `conflict`: the id belongs to a task with another definition. */
export type Creation = 'made' | 'again' | 'conflict';

type TaskRow = { task_id: string; definition: TaskDefinition; retries_left: number; runs: Run[] };

const findTask = statement<TaskRow>(
  'tasks.find',
  'select task_id, definition, retries_left, runs from tasks where task_id = $1',
);

const findRuns = statement<{ task_id: string; runs: Run[] }>(
  'tasks.runs',
  'select task_id, runs from tasks where task_id = any($1)',
);

const insertTasks = statement<{ task_id: string }>(
  'tasks.insert',
  `insert into tasks (task_id, definition, retries_left, runs, created, deadline, expires)
   select task_id, definition, retries_left, runs, created, deadline, expires
   from rows from (
          unnest($1::text[], $2::int[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[]),
          json_array_elements($6::json),
          json_array_elements($7::json))
        as task(task_id, retries_left, created, deadline, expires, definition, runs)
   on conflict (task_id) do nothing
   returning task_id`,
);

const MOST_TASKS_AT_ONCE = 200;

export const stateOf = (runs: readonly Run[]): TaskState => runs.at(-1)?.state ?? 'unscheduled';

export const createTaskStore = (database: Database): TaskStore => {
  const find = async (taskId: string, on: Queryable = database): Promise<StoredTask | undefined> => {
    const [row] = await on.query(findTask, [taskId]);
    return row && { taskId, definition: row.definition, retriesLeft: row.retries_left, runs: row.runs };
  };

  /** Whether each task was made just now. */
  const insert = async (on: Queryable, tasks: readonly StoredTask[], now: number): Promise<boolean[]> => {
    const rows = await on.query(insertTasks, [
      tasks.map(({ taskId }) => taskId),
      tasks.map(({ retriesLeft }) => retriesLeft),
      tasks.map(() => toIso(now)),
      tasks.map(({ definition }) => definition.deadline),
      tasks.map(({ definition }) => definition.expires),
      JSON.stringify(tasks.map(({ definition }) => definition)),
      JSON.stringify(tasks.map(({ runs }) => runs)),
    ]);
    const made = new Set(rows.map(({ task_id }) => task_id));
    // Of two with one id in a statement, the first one was made.
    return tasks.map(({ taskId }) => made.delete(taskId));
  };

  const insertTogether = createBatch<{ readonly task: StoredTask; readonly now: number }, boolean>({
    maxItems: MOST_TASKS_AT_ONCE,
    concurrency: 2,
    run: (items) => {
      const latest = Math.max(...items.map(({ now }) => now));
      return insert(
        database,
        items.map(({ task }) => task),
        latest,
      );
    },
  });

  return {
    find: (taskId) => find(taskId),
    states: async (taskIds) => {
      const rows = await database.query(findRuns, [taskIds]);
      return new Map(rows.map(({ task_id, runs }) => [task_id, stateOf(runs)]));
    },
    create: async (task, now) => {
      const fresh = freshTask(task, now);
      if (await insertTogether({ task: fresh, now })) return fresh;
      const known = await find(task.taskId);
      return known && sameJson(known.definition, task.definition) ? known : undefined;
    },
    createIn: async (tx, tasks, now) => {
      const fresh = tasks.map((task) => freshTask(task, now));
      const made = await insert(tx, fresh, now);
      const creations: Creation[] = [];
      for (const [index, { taskId, definition }] of fresh.entries()) {
        if (made[index]) creations.push('made');
        else {
          const known = await find(taskId, tx);
          creations.push(known && sameJson(known.definition, definition) ? 'again' : 'conflict');
        }
      }
      return creations;
    },
  };
};

/** As it is when nobody has done anything with it. */
const freshTask = ({ taskId, definition }: NewTask, now: number): StoredTask => {
  const waits = definition.dependencies.length > 0;
  const first: Run = { runId: 0, state: 'pending', reasonCreated: 'scheduled', scheduled: toIso(now) };
  return { taskId, definition, retriesLeft: definition.retries, runs: waits ? [] : [first] };
};
