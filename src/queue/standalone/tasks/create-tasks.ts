// Stores new tasks, many at once: one statement for those without dependencies in groups of their
// own, as most tasks of hooks are.
import { toIso } from '../../../core/clock.ts';
import { sameJson } from '../../../core/json.ts';
import type { Transaction } from '../../../database/database.ts';
import { ApiError } from '../../../http/api-error.ts';
import type { Timers } from '../../../timers/create-timers.ts';
import {
  addDependencies,
  type Dependency,
  isSatisfiedBy,
  type NewDependency,
  readDependencies,
} from './dependencies.ts';
import { nearTimers } from './expiry.ts';
import { creationEvents, type QueueMessages } from './messages.ts';
import type { Run, StoredTask } from './task.ts';
import type { TaskDefinition } from './task-definition.ts';
import { join, readTaskGroup, removeEmptyGroups } from './task-groups.ts';
import { insert, readTasks } from './task-store.ts';

export type NewTask = { readonly taskId: string; readonly definition: TaskDefinition };

export type Creation =
  | { readonly kind: 'made'; readonly task: StoredTask }
  /** It was there already, equal. */
  | { readonly kind: 'again'; readonly task: StoredTask }
  | {
      readonly kind: 'refused';
      readonly error: ApiError;
      /** Dependencies that do not exist, if that is the reason. */
      readonly missing?: readonly string[];
    };

/** One answer a task, in order, in the caller's transaction. */
export type CreateTasks = (tx: Transaction, tasks: readonly NewTask[], now: number) => Promise<readonly Creation[]>;

export type CreateTasksSettings = { readonly timers: Timers; readonly publishEvents: QueueMessages['publishEvents'] };

type Prepared = {
  readonly task: StoredTask;
  readonly edges: readonly NewDependency[];
  /** What speaks against it, unless it is there already. */
  readonly problem: Problem | undefined;
};

type Problem = { readonly error: ApiError; readonly missing?: readonly string[] };

export const createTasksWith = ({ timers, publishEvents }: CreateTasksSettings): CreateTasks => {
  const store = async (tx: Transaction, fit: readonly Prepared[], now: number): Promise<ReadonlySet<Prepared>> => {
    await join(tx, foreignGroups(fit));
    const inserted = await insert(
      tx,
      fit.map(({ task }) => task),
      now,
    );
    // The first of two with one id was inserted.
    const made = new Set(fit.filter(({ task }) => inserted.delete(task.taskId)));
    if (made.size === 0) return made;
    await addDependencies(
      tx,
      [...made].flatMap(({ edges }) => edges),
    );
    const fresh = [...made].map(({ task }) => task);
    const near = nearTimers(fresh, now);
    if (near.length > 0) await timers.setMany(tx, near);
    await publishEvents(
      tx,
      fresh.map((task) => ({ task, events: creationEvents(task) })),
    );
    return made;
  };

  const explain = async (tx: Transaction, { task, problem }: Prepared, known: StoredTask | undefined) => {
    if (!known) return { kind: 'refused', ...(problem ?? { error: await groupRefusal(tx, task) }) } as const;
    if (sameJson(known.definition, task.definition)) return { kind: 'again', task: known } as const;
    return { kind: 'refused', error: idInUse(task.taskId) } as const;
  };

  return async (tx, tasks, now) => {
    const wanted = [...new Set(tasks.flatMap(({ definition }) => definition.dependencies))];
    const known = wanted.length === 0 ? new Map<string, Dependency>() : await readDependencies(tx, wanted);
    const prepared = tasks.map((task) => prepare(task, known, now));
    const made = await store(
      tx,
      prepared.filter(({ problem }) => problem === undefined),
      now,
    );
    const others = prepared.filter((one) => !made.has(one));
    if (others.length === 0) return prepared.map(({ task }) => ({ kind: 'made', task }));

    const stored = await readTasks(tx, [...new Set(others.map(({ task }) => task.taskId))]);
    const storedById = new Map(stored.map((task) => [task.taskId, task]));
    const creations: Creation[] = [];
    for (const one of prepared) {
      const { task } = one;
      creations.push(made.has(one) ? { kind: 'made', task } : await explain(tx, one, storedById.get(task.taskId)));
    }
    const groups = [...foreignGroups(others).keys()];
    if (groups.length > 0) await removeEmptyGroups(tx, groups); // those that were joined in vain
    return creations;
  };
};

const prepare = (newTask: NewTask, known: ReadonlyMap<string, Dependency>, now: number): Prepared => {
  const { taskId, definition } = newTask;
  const { dependencies, requires } = definition;
  const edges = dependencies.map((dependency) => ({
    taskId,
    dependency,
    needsCompletion: requires === 'all-completed',
    satisfied: isDone(known.get(dependency), requires),
  }));
  const isReady = edges.every(({ satisfied }) => satisfied);
  return { task: freshTask(newTask, isReady, now), edges, problem: problemOf(newTask, known) };
};

export const freshTask = ({ taskId, definition }: NewTask, isReady: boolean, now: number): StoredTask => {
  const first: Run = { runId: 0, state: 'pending', reasonCreated: 'scheduled', scheduled: toIso(now) };
  return { taskId, definition, retriesLeft: definition.retries, runs: isReady ? [first] : [] };
};

const isDone = (dependency: Dependency | undefined, requires: TaskDefinition['requires']): boolean =>
  dependency !== undefined && isSatisfiedBy(dependency, requires);

const problemOf = ({ taskId, definition }: NewTask, known: ReadonlyMap<string, Dependency>): Problem | undefined => {
  const list = (ids: readonly string[]) => ids.map((id) => ` * ${id}`).join('\n');
  // A task may depend on itself: it waits until it is scheduled.
  const others = definition.dependencies.filter((id) => id !== taskId);
  const missing = others.filter((id) => !known.has(id));
  if (missing.length > 0) {
    const what = '`task.dependencies` must reference existing tasks. These do not exist:';
    return { error: new ApiError('InputError', `${what}\n${list(missing)}`), missing };
  }
  const deadline = Date.parse(definition.deadline);
  const expiring = others.filter((id) => (known.get(id)?.expires ?? 0) < deadline);
  if (expiring.length === 0) return undefined;
  const what = '`task.dependencies` must not expire before `task.deadline`. These do:';
  return { error: new ApiError('InputError', `${what}\n${list(expiring)}`) };
};

/** Groups of another name than their task's → the scheduler of the first task that names them. */
const foreignGroups = (prepared: readonly Prepared[]): ReadonlyMap<string, string> => {
  const groups = new Map<string, string>();
  for (const { task } of prepared) {
    const { taskGroupId, schedulerId } = task.definition;
    if (taskGroupId !== task.taskId && !groups.has(taskGroupId)) groups.set(taskGroupId, schedulerId);
  }
  return groups;
};

const idInUse = (taskId: string): ApiError =>
  new ApiError(
    'RequestConflict',
    `taskId \`${taskId}\` already used by another task. A task is created again only with an equal definition.`,
  );

const groupRefusal = async (tx: Transaction, { definition }: StoredTask): Promise<ApiError> => {
  const { taskGroupId, schedulerId } = definition;
  const group = await readTaskGroup(tx, taskGroupId);
  if (group && group.schedulerId !== schedulerId) {
    return new ApiError(
      'RequestConflict',
      `Task group \`${taskGroupId}\` contains tasks with a schedulerId other\nthan \`${schedulerId}\`. All tasks of a group have one schedulerId.`,
    );
  }
  return new ApiError('RequestConflict', `Task group \`${taskGroupId}\` is sealed and does not accept new tasks.`);
};
