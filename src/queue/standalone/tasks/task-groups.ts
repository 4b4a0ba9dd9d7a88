// The table of task groups: whose they are, and whether they are sealed. A group that has only the
// task of its own name has no row here, so that the tasks of hooks cost none.
import { toIso } from '../../../core/clock.ts';
import type { Queryable, Transaction } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import { readGroupEnd } from './task-store.ts';

export type TaskGroup = {
  readonly taskGroupId: string;
  readonly schedulerId: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
  readonly sealed: number | undefined;
};

/** A group outlives its last task by this much. */
const AFTERLIFE_MS = 60 * 60 * 1000;

// Whose a group without a row is, its tasks say.
const joinGroups = statement(
  'groups.join',
  `insert into task_groups (task_group_id, scheduler_id)
   select i.task_group_id, coalesce(
     (select t.scheduler_id from tasks t where t.task_id = i.task_group_id and t.task_group_id = t.task_id),
     (select t.scheduler_id from tasks t where t.task_group_id = i.task_group_id and t.task_group_id <> t.task_id limit 1),
     i.scheduler_id)
   from unnest($1::text[], $2::text[]) as i (task_group_id, scheduler_id)
   on conflict do nothing`,
);

// They cannot be sealed until the transaction ends, so that who seals them sees these tasks.
const holdGroups = statement<{ task_group_id: string }>(
  'groups.hold',
  'select task_group_id from task_groups where task_group_id = any($1) order by task_group_id for share',
);

/**
 * Makes sure that the groups are there, as those of these schedulers if they are new, and stay as
 * they are. By id → schedulerId.
 */
export const join = async (tx: Transaction, groups: ReadonlyMap<string, string>): Promise<void> => {
  if (groups.size === 0) return;
  const ids = [...groups.keys()].sort();
  await tx.query(joinGroups, [ids, ids.map((id) => groups.get(id))]);
  await tx.query(holdGroups, [ids]);
};

const findGroup = statement<{ scheduler_id: string; sealed: number | null }>(
  'groups.find',
  'select scheduler_id, sealed from task_groups where task_group_id = $1',
);

/** undefined: no task is in it. */
export const readTaskGroup = async (on: Queryable, taskGroupId: string): Promise<TaskGroup | undefined> => {
  const end = await readGroupEnd(on, taskGroupId);
  if (!end) return undefined;
  const [row] = await on.query(findGroup, [taskGroupId]);
  return {
    taskGroupId,
    schedulerId: row?.scheduler_id ?? end.schedulerId,
    expires: end.expires + AFTERLIFE_MS,
    sealed: row?.sealed ?? undefined,
  };
};

/** As the API and messages tell it. */
export const describeGroup = ({ taskGroupId, schedulerId, expires, sealed }: TaskGroup) => ({
  taskGroupId,
  schedulerId,
  expires: toIso(expires),
  ...(sealed !== undefined && { sealed: toIso(sealed) }),
});

// When two transactions resolve the last two tasks of a group at once, the second one sees what the
// first one did. A transaction that adds a task is waited for.
const lockGroups = statement(
  'groups.lock',
  'select from task_groups where task_group_id = any($1) order by task_group_id for no key update',
);

// As the index tasks_group_unresolved has it.
const UNRESOLVED = `(t.runs -> -1 ->> 'state' is null or t.runs -> -1 ->> 'state' in ('pending', 'running'))`;

const findResolved = statement<{ task_group_id: string }>(
  'groups.resolved',
  `select g.task_group_id from unnest($1::text[]) with ordinality as g (task_group_id, position)
   where not exists (select from tasks t where t.task_id = g.task_group_id and t.task_group_id = t.task_id and ${UNRESOLVED})
     and not exists (select from tasks t where t.task_group_id = g.task_group_id and t.task_group_id <> t.task_id and ${UNRESOLVED})
   order by g.position`,
);

/**
 * Those of these groups that have no unresolved task. The transaction has stored what it resolved.
 */
export const readResolvedGroups = async (tx: Transaction, taskGroupIds: readonly string[]): Promise<TaskGroup[]> => {
  await tx.query(lockGroups, [taskGroupIds]);
  const groups: TaskGroup[] = [];
  for (const { task_group_id } of await tx.query(findResolved, [taskGroupIds])) {
    const group = await readTaskGroup(tx, task_group_id);
    if (group) groups.push(group);
  }
  return groups;
};

const sealGroup = statement(
  'groups.seal',
  `insert into task_groups (task_group_id, scheduler_id, sealed) values ($1, $2, $3)
   on conflict (task_group_id) do update set sealed = coalesce(task_groups.sealed, excluded.sealed)`,
);

/** For ever, from the first time on. */
export const seal = async (on: Queryable, { taskGroupId, schedulerId }: TaskGroup, now: number): Promise<void> => {
  await on.query(sealGroup, [taskGroupId, schedulerId, toIso(now)]);
};

const removeEmpty = statement(
  'groups.remove-empty',
  `delete from task_groups where task_group_id = any($1)
     and not exists (select from tasks t where t.task_id = task_groups.task_group_id and t.task_group_id = t.task_id)
     and not exists (select from tasks t where t.task_group_id = task_groups.task_group_id and t.task_group_id <> t.task_id)`,
);

/** Those of these groups that have no task any more. */
export const removeEmptyGroups = async (tx: Transaction, taskGroupIds: readonly string[]): Promise<void> => {
  await tx.query(removeEmpty, [taskGroupIds]);
};
