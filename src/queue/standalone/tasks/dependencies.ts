// The table of what waits for what. A dependency that was satisfied once stays so.
//
// Who creates a task locks its dependencies against change until both are stored; who resolves a
// task locks those that wait for it. So either the creator sees that the dependency is resolved, or
// who resolves it sees the new task.
import type { Transaction } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import { isResolved, type Run, type StoredTask, stateOf } from './task.ts';
import type { TaskDefinition } from './task-definition.ts';

export type Dependency = { readonly runs: readonly Run[]; readonly expires: number };

const lockDependencies = statement<{ task_id: string; runs: Run[]; expires: number }>(
  'dependencies.lock',
  'select task_id, runs, expires from tasks where task_id = any($1) order by task_id for share',
);

/** Those of these tasks that there are. They do not change before the transaction ends. */
export const readDependencies = async (
  tx: Transaction,
  taskIds: readonly string[],
): Promise<ReadonlyMap<string, Dependency>> =>
  new Map(
    (await tx.query(lockDependencies, [taskIds])).map(({ task_id, runs, expires }) => [task_id, { runs, expires }]),
  );

export const isSatisfiedBy = ({ runs }: Pick<Dependency, 'runs'>, requires: TaskDefinition['requires']): boolean =>
  requires === 'all-completed' ? stateOf(runs) === 'completed' : isResolved({ runs });

export type NewDependency = {
  readonly taskId: string;
  readonly dependency: string;
  readonly needsCompletion: boolean;
  readonly satisfied: boolean;
};

const insertDependencies = statement(
  'dependencies.insert',
  `insert into task_dependencies (task_id, dependency, needs_completion, satisfied)
   select * from unnest($1::text[], $2::text[], $3::boolean[], $4::boolean[])`,
);

export const addDependencies = async (tx: Transaction, edges: readonly NewDependency[]): Promise<void> => {
  if (edges.length === 0) return;
  await tx.query(insertDependencies, [
    edges.map(({ taskId }) => taskId),
    edges.map(({ dependency }) => dependency),
    edges.map(({ needsCompletion }) => needsCompletion),
    edges.map(({ satisfied }) => satisfied),
  ]);
};

const satisfyDependencies = statement<{ task_id: string }>(
  'dependencies.satisfy',
  `update task_dependencies set satisfied = true
   where dependency = any($1) and not satisfied and (not needs_completion or dependency = any($2))
   returning task_id`,
);

const findWaiting = statement<{ task_id: string }>(
  'dependencies.waiting',
  'select distinct task_id from task_dependencies where task_id = any($1) and not satisfied',
);

/**
 * What these tasks, which the transaction has resolved and locked, were the last to keep waiting.
 * The caller locks what is answered before it looks at it: somebody may schedule or cancel it
 * meanwhile.
 */
export const release = async (tx: Transaction, resolved: readonly StoredTask[]): Promise<string[]> => {
  const completed = resolved.filter(({ runs }) => stateOf(runs) === 'completed');
  const ids = (tasks: readonly StoredTask[]) => tasks.map(({ taskId }) => taskId);
  const rows = await tx.query(satisfyDependencies, [ids(resolved), ids(completed)]);
  return [...new Set(rows.map(({ task_id }) => task_id))].sort();
};

/**
 * Those of these tasks that nothing keeps waiting. The transaction has locked them, so that of two
 * who satisfy the last two of a task's dependencies the second one sees what the first one did.
 */
export const withoutWaiting = async (tx: Transaction, taskIds: readonly string[]): Promise<string[]> => {
  const waiting = new Set((await tx.query(findWaiting, [taskIds])).map(({ task_id }) => task_id));
  return taskIds.filter((taskId) => !waiting.has(taskId));
};
