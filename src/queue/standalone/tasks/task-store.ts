// The table of tasks: every statement that reads or writes it.
//
// Its statements find rows by keys only, whatever the planner believes of a table that is empty
// today and full tomorrow; values for many rows come as arrays that are looked into, not joined.
// Rows are locked in the order of their ids.
import { toIso } from '../../../core/clock.ts';
import { stringifyInTurns } from '../../../core/json.ts';
import type { Queryable, Transaction } from '../../../database/database.ts';
import { ofAnyLength, type Piece, type Statement, statement } from '../../../database/statement.ts';
import type { TaskState } from '../../queue.ts';
import { dueOf, type Run, type StoredTask, stateOf } from './task.ts';
import { rankOf, type TaskDefinition } from './task-definition.ts';

/** Says that there are tasks to claim. Payload: the taskQueueId. */
export const PENDING_CHANNEL = 'queue_pending';

type TaskRow = { task_id: string; definition: TaskDefinition; retries_left: number; runs: Run[] };

const COLUMNS = 'task_id, definition, retries_left, runs';

const fromRow = ({ task_id, definition, retries_left, runs }: TaskRow): StoredTask => ({
  taskId: task_id,
  definition,
  retriesLeft: retries_left,
  runs,
});

const findTasks = statement<TaskRow>(
  'tasks.find',
  `select ${COLUMNS} from tasks where task_id = any($1) order by task_id`,
);

export const readTasks = async (on: Queryable, taskIds: readonly string[]): Promise<StoredTask[]> =>
  (await on.query(findTasks, [taskIds])).map(fromRow);

export const readTask = async (on: Queryable, taskId: string): Promise<StoredTask | undefined> =>
  (await readTasks(on, [taskId]))[0];

const findRuns = statement<{ task_id: string; runs: Run[] }>(
  'tasks.runs',
  'select task_id, runs from tasks where task_id = any($1)',
);

/** Those that exist. */
export const readStates = async (on: Queryable, taskIds: readonly string[]): Promise<Map<string, TaskState>> =>
  new Map((await on.query(findRuns, [taskIds])).map(({ task_id, runs }) => [task_id, stateOf(runs)]));

// Notifies processes whose workers wait for this queue, if any do: a notification makes commits
// wait for each other.
const tellWaiters = (tasks: string, now: string) => `
  select pg_notify('${PENDING_CHANNEL}', w.task_queue_id) from queue_waiters w
  where w.until > ${now} and w.task_queue_id = any(array(select task_queue_id from ${tasks} where is_pending))`;

const countTold = (tasks: string, now: string) => `(select count(*) from (${tellWaiters(tasks, now)}) told) as told`;

// In the order of the ids, so that two who insert the same tasks wait for each other instead of
// locking each other out; they are pending in the order in which they were given. A group that is
// sealed, or another scheduler's, takes no tasks.
const making = (first: number, where = ''): string => {
  const $ = (offset: number) => `$${first + offset}`;
  const ids = ofAnyLength(`${$(0)}::text[]`);
  return `made as (
     insert into tasks (task_id, task_queue_id, task_group_id, scheduler_id, priority, retries_left, created, deadline, expires, due,
                        definition, runs, pending_order)
     select task_id, task_queue_id, task_group_id, scheduler_id, priority, retries_left, ${$(8)}::timestamptz, deadline, expires, deadline,
            definition, runs,
            case when is_pending then (array(select nextval('tasks_pending_order') from unnest(${ids})))[position] end
     from rows from (
            unnest(${ids}, ${$(1)}::text[], ${$(2)}::text[], ${$(3)}::text[], ${$(4)}::smallint[], ${$(5)}::int[],
                   ${$(6)}::timestamptz[], ${$(7)}::timestamptz[], ${$(9)}::boolean[]),
            json_array_elements(${$(10)}::json),
            json_array_elements(${$(11)}::json)) with ordinality
          as task(task_id, task_queue_id, task_group_id, scheduler_id, priority, retries_left, deadline, expires, is_pending,
                  definition, runs, position)
     where not exists (
       select from task_groups g where g.task_group_id = task.task_group_id
         and (g.sealed is not null or g.scheduler_id <> task.scheduler_id))
       ${where}
     order by task_id collate "C"
     on conflict (task_id) do nothing
     returning task_id, task_queue_id, pending_order is not null as is_pending)`;
};

const insertTasks = statement<{ task_id: string; told: number }>(
  'tasks.insert',
  `with ${making(1)} select task_id, ${countTold('made', '$9')} from made`,
);

/**
 * `made`: the tasks of `taskValues` for which `where` holds, as far as `insert` would. The
 * statement selects `told`.
 */
export const madePiece = (where: string): Piece => ({
  name: 'made',
  parameters: 12,
  text: (first) => `${making(first, `and ${where}`)}, told as (${tellWaiters('made', `$${first + 8}`)})`,
});

/**
 * Answers the ids of those that were inserted. The others are there already, or their group does
 * not take them.
 */
export const insert = async (on: Queryable, tasks: readonly StoredTask[], now: number): Promise<Set<string>> => {
  if (tasks.length === 0) return new Set();
  const rows = await on.query(insertTasks, await taskValues(tasks, now));
  return new Set(rows.map(({ task_id }) => task_id));
};

export const taskValues = async (tasks: readonly StoredTask[], now: number): Promise<unknown[]> => {
  // The first of two with one id is inserted.
  const first = new Map<string, StoredTask>();
  for (const task of tasks) if (!first.has(task.taskId)) first.set(task.taskId, task);
  const unique = [...first.values()];
  const definitions = unique.map(({ definition }) => definition);
  return [
    unique.map(({ taskId }) => taskId),
    definitions.map(({ taskQueueId }) => taskQueueId),
    definitions.map(({ taskGroupId }) => taskGroupId),
    definitions.map(({ schedulerId }) => schedulerId),
    definitions.map(({ priority }) => rankOf(priority)),
    unique.map(({ retriesLeft }) => retriesLeft),
    definitions.map(({ deadline }) => deadline),
    definitions.map(({ expires }) => expires),
    toIso(now),
    unique.map(({ runs }) => stateOf(runs) === 'pending'),
    await stringifyInTurns(definitions),
    JSON.stringify(unique.map(({ runs }) => runs)),
  ];
};

const lockTasks = statement<TaskRow>(
  'tasks.lock',
  `select ${COLUMNS} from tasks
   where task_id = any($1 || array(select d.task_id from task_dependencies d where d.dependency = any($2) and not d.satisfied))
   order by task_id for update`,
);

/**
 * Locks tasks for a change, and with those that may be resolved the tasks that wait for them, all
 * in one order. Answers whatever it locked, by id.
 */
export const lock = async (
  tx: Transaction,
  taskIds: readonly string[],
  resolving: readonly string[],
): Promise<Map<string, StoredTask>> =>
  new Map((await tx.query(lockTasks, [taskIds, resolving])).map((row) => [row.task_id, fromRow(row)]));

const claimDue = statement<TaskRow>(
  'tasks.claim-due',
  `select ${COLUMNS} from tasks where due <= $1 order by due limit $2 for update skip locked`,
);

/**
 * Locks tasks to which something happens by itself now. Passes over those that somebody else has
 * locked.
 */
export const lockDue = async (tx: Transaction, now: number, most: number): Promise<StoredTask[]> =>
  (await tx.query(claimDue, [toIso(now), most])).map(fromRow);

const findEarliest = statement<{ due: number }>('tasks.earliest-due', 'select due from tasks order by due limit 1');

export const earliestDue = async (on: Queryable): Promise<number> =>
  (await on.query(findEarliest))[0]?.due ?? Number.POSITIVE_INFINITY;

const saveTasks = statement<{ told: number }>(
  'tasks.save',
  `with saved as (
     update tasks set
       retries_left = ($2::int[])[array_position($1, task_id)],
       runs = ($3::text[])[array_position($1, task_id)]::json,
       due = ($4::timestamptz[])[array_position($1, task_id)],
       pending_order = case when ($5::boolean[])[array_position($1, task_id)]
                            then coalesce(pending_order, nextval('tasks_pending_order')) end
     where task_id = any($1::text[])
     returning task_queue_id, pending_order is not null as is_pending)
   select ${countTold('saved', '$6')}`,
);

/** Looking into arrays costs the square of their length. */
const MOST_SAVED_AT_ONCE = 500;

/** The transaction has locked these tasks. */
export const save = async (tx: Transaction, tasks: readonly StoredTask[], now: number): Promise<void> => {
  for (let at = 0; at < tasks.length; at += MOST_SAVED_AT_ONCE) {
    const some = tasks.slice(at, at + MOST_SAVED_AT_ONCE);
    await tx.query(saveTasks, [
      some.map(({ taskId }) => taskId),
      some.map(({ retriesLeft }) => retriesLeft),
      some.map(({ runs }) => JSON.stringify(runs)),
      some.map(dueOf),
      some.map(({ runs }) => stateOf(runs) === 'pending'),
      toIso(now),
    ]);
  }
};

const removeTasks = statement(
  'tasks.remove',
  `with gone as (delete from tasks where task_id = any($1))
   delete from task_dependencies where dependency = any($1) or task_id = any($1)`,
);

/** With what they waited for, and what waited for them. */
export const remove = async (tx: Transaction, taskIds: readonly string[]): Promise<void> => {
  await tx.query(removeTasks, [taskIds]);
};

const countPending = statement<{ count: number }>(
  'tasks.count-pending',
  'select count(*) from tasks where task_queue_id = $1 and pending_order is not null',
);

export const pendingCount = async (on: Queryable, taskQueueId: string): Promise<number> =>
  (await on.query(countPending, [taskQueueId]))[0]?.count ?? 0;

/** Bytes of definitions; a page has at least one task. */
const LARGEST_PAGE = 4 * 1024 * 1024;

export type TaskPage = { readonly tasks: readonly StoredTask[]; readonly hasMore: boolean };

// As they are stored they may be much smaller; measuring all that are not taken would take long.
const pageOf = (tasks: string, order = 'task_id'): string => `
  select ${COLUMNS}, found from (
    select *, sum(octet_length(definition::text)) over (order by ${order}) as bytes, row_number() over (order by ${order}) as place
    from (
      select *, sum(pg_column_size(definition)) over (order by ${order}) as stored, count(*) over () as found,
        row_number() over (order by ${order}) as n
      from (${tasks}) listed) kept
    where stored <= ${LARGEST_PAGE} or n = 1) measured
  where bytes <= ${LARGEST_PAGE} or place = 1 order by ${order}`;

type PageRow = TaskRow & { readonly found: number };

const toPage = (rows: readonly PageRow[], most: number): TaskPage => {
  const tasks = rows.slice(0, most).map(fromRow);
  return { tasks, hasMore: (rows[0]?.found ?? 0) > tasks.length };
};

const claimTasks = statement<PageRow>(
  'tasks.claim',
  pageOf(
    `select ${COLUMNS}, priority, pending_order from tasks
     where task_queue_id = $1 and pending_order is not null and deadline > $2
     order by priority, pending_order limit $3 for update skip locked`,
    'priority, pending_order',
  ),
);

/**
 * Locks tasks that can be claimed now, in the order in which they are to be. Passes over those that
 * somebody else has locked. `hasMore`: they were too large to be read with those before them.
 */
export const lockPending = async (tx: Transaction, taskQueueId: string, now: number, most: number): Promise<TaskPage> =>
  toPage(await tx.query(claimTasks, [taskQueueId, toIso(now), most]), most);

const readPage = async (
  on: Queryable,
  page: Statement<PageRow>,
  of: string,
  after: string,
  most: number,
): Promise<TaskPage> => {
  return toPage(await on.query(page, [of, after, most + 1]), most);
};

// The task of the group's own name is in no index of groups.
const listGroup = statement<PageRow>(
  'tasks.list-group',
  pageOf(`select ${COLUMNS} from tasks
   where task_id = any(
     array(select task_id from tasks where task_id = $1 and task_group_id = $1 and task_id > $2) ||
     array(select task_id from tasks where task_group_id = $1 and task_group_id <> task_id and task_id > $2 order by task_id limit $3))
   order by task_id limit $3`),
);

/** The members of a group in the order of their ids, from the one after `after` on. */
export const readGroup = (on: Queryable, taskGroupId: string, after: string, most: number) =>
  readPage(on, listGroup, taskGroupId, after, most);

const groupExpires = statement<{ expires: number | null; scheduler_id: string | null }>(
  'tasks.group-expires',
  `select max(expires) as expires, min(scheduler_id) as scheduler_id from (
     select expires, scheduler_id from tasks where task_id = $1 and task_group_id = $1
     union all
     select expires, scheduler_id from tasks where task_group_id = $1 and task_group_id <> task_id) members`,
);

/** When the last member of a group expires, and whose it is; undefined: it has none. */
export const readGroupEnd = async (on: Queryable, taskGroupId: string) => {
  const [row] = await on.query(groupExpires, [taskGroupId]);
  if (!row || row.expires === null || row.scheduler_id === null) return undefined;
  return { expires: row.expires, schedulerId: row.scheduler_id };
};

const listDependents = statement<PageRow>(
  'tasks.list-dependents',
  pageOf(`select ${COLUMNS} from tasks
   where task_id = any(array(select d.task_id from task_dependencies d where d.dependency = $1 and d.task_id > $2
                             order by d.task_id limit $3))`),
);

/** The tasks that depend on this one, satisfied or not, in the order of their ids. */
export const readDependents = (on: Queryable, taskId: string, after: string, most: number) =>
  readPage(on, listDependents, taskId, after, most);
