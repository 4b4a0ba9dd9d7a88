// What time does to tasks: claims end, deadlines pass, old tasks are removed.
//
// Each task says in its row when it is due (`tasks.due`). One timer goes through those that are
// due; it never sleeps longer than LONGEST_SLEEP_MS, so a task that is due later than that needs no
// timer of its own, which is nearly every task: creating and claiming tasks sets no timers. Only a
// task that is due sooner brings one.
import { type Clock, toIso } from '../../../core/clock.ts';
import type { Transaction } from '../../../database/database.ts';
import type { BatchTimerHandler, NewTimer } from '../../../timers/types.ts';
import type { CommitChanges } from './change-tasks.ts';
import { dueOf, isResolved, type StoredTask } from './task.ts';
import { removeEmptyGroups } from './task-groups.ts';
import { earliestDue, lockDue, remove } from './task-store.ts';
import { type Changed, passTime } from './transitions.ts';

export const TASK_TIMER = { kind: 'queue.tasks', key: '' } as const;

const LONGEST_SLEEP_MS = 30_000;

/**
 * Twice the sleep, and the same again for a transaction that takes long to commit and for clocks
 * that differ.
 */
const NEAR_MS = 3 * LONGEST_SLEEP_MS;

/** Whether it needs a timer of its own. */
export const isNear = (task: StoredTask, now: number): boolean => dueOf(task) < toIso(now + NEAR_MS);

/** To be set in the transaction that stores the tasks. */
export const nearTimers = (tasks: readonly StoredTask[], now: number): NewTimer[] =>
  tasks
    .filter((task) => isNear(task, now))
    .map((task) => ({ kind: TASK_TIMER.kind, key: task.taskId, due: Date.parse(dueOf(task)) }));

/** Tasks that one turn goes through at most. */
const MOST_AT_ONCE = 500;
/** Tasks that another transaction has locked are looked at again after this. */
const LOOK_AGAIN_MS = 1_000;

export type TaskExpirySettings = { readonly clock: Clock; readonly commitChanges: CommitChanges };

/**
 * The handler of TASK_TIMER's kind: does what is due to whichever tasks it is due to, and answers
 * when it is to look again.
 */
export const createTaskExpiry =
  ({ clock, commitChanges }: TaskExpirySettings): BatchTimerHandler =>
  async (tx, timers) => {
    const now = clock.now();
    const due = await lockDue(tx, now, MOST_AT_ONCE);
    const [expired, alive] = [due.filter(isExpired(now)), due.filter((task) => !isExpired(now)(task))];
    const changes = alive.map((task): Changed => {
      const outcome = passTime(task, now);
      return outcome.kind === 'changed' ? outcome : { kind: 'changed', task, events: [] };
    });
    await commitChanges(tx, changes, now, new Map(due.map((task) => [task.taskId, task])));
    if (expired.length > 0) await removeForGood(tx, expired);

    const isMore = due.length === MOST_AT_ONCE;
    const earliest = await earliestDue(tx);
    const soon = isMore ? now : now + LOOK_AGAIN_MS;
    // A timer of a task that is due again soon is set by its change, and must not be taken away
    // here.
    const near = new Map(
      nearTimers(
        changes.map(({ task }) => task),
        now,
      ).map((timer) => [timer.key, timer.due]),
    );
    const seen = new Set(due.map(({ taskId }) => taskId));
    return timers.map(({ key }) => {
      if (key === TASK_TIMER.key) return { next: earliest <= now ? soon : Math.min(earliest, now + LONGEST_SLEEP_MS) };
      if (seen.has(key)) return { next: near.get(key) ?? 'never' };
      return { next: earliest <= now ? soon : 'never' };
    });
  };

const isExpired = (now: number) => (task: StoredTask) => isResolved(task) && task.definition.expires <= toIso(now);

const removeForGood = async (tx: Transaction, tasks: readonly StoredTask[]): Promise<void> => {
  await remove(
    tx,
    tasks.map(({ taskId }) => taskId),
  );
  const groups = tasks.map(({ definition }) => definition.taskGroupId);
  await removeEmptyGroups(tx, [...new Set(groups)].sort());
};
