// Changes of tasks: locked, changed, told and followed by what they set free, in one transaction.
// Concurrent changes share it.
import type { Clock } from '../../../core/clock.ts';
import { createBatch } from '../../../database/batch.ts';
import type { Database, Transaction } from '../../../database/database.ts';
import type { ApiError } from '../../../http/api-error.ts';
import type { Timers } from '../../../timers/create-timers.ts';
import { release, withoutWaiting } from './dependencies.ts';
import { nearTimers } from './expiry.ts';
import type { QueueMessages } from './messages.ts';
import { isResolved, type StoredTask } from './task.ts';
import { lock, save } from './task-store.ts';
import { type Changed, isPastDeadline, schedule, type Transition } from './transitions.ts';

/** undefined: there is no such task. */
export type ChangeAnswer =
  | { readonly kind: 'done'; readonly task: StoredTask }
  | { readonly kind: 'refused'; readonly error: ApiError }
  | undefined;

export type ChangeTask = (change: {
  readonly taskId: string;
  readonly transition: Transition;
  /** Whether the transition may resolve the task, and so set others free. */
  readonly mayResolve: boolean;
}) => Promise<ChangeAnswer>;

/**
 * Stores what was done to tasks that the transaction has locked, tells of it, and schedules what
 * waited for it.
 */
export type CommitChanges = (
  tx: Transaction,
  changes: readonly Changed[],
  now: number,
  locked?: ReadonlyMap<string, StoredTask>,
) => Promise<void>;

export type CommitChangesSettings = { readonly timers: Timers; readonly publishEvents: QueueMessages['publishEvents'] };

export const createCommitChanges = ({ timers, publishEvents }: CommitChangesSettings): CommitChanges => {
  /** The tasks that were waiting for the resolved ones alone, scheduled. */
  const setFree = async (
    tx: Transaction,
    resolved: readonly StoredTask[],
    now: number,
    locked: ReadonlyMap<string, StoredTask>,
  ): Promise<Changed[]> => {
    const released = await release(tx, resolved);
    if (released.length === 0) return [];
    const unlocked = released.filter((taskId) => !locked.has(taskId));
    const more = unlocked.length > 0 ? await lock(tx, unlocked, []) : new Map<string, StoredTask>();
    const candidates = released.filter((taskId) => {
      const task = more.get(taskId) ?? locked.get(taskId);
      return task !== undefined && task.runs.length === 0 && !isPastDeadline(task, now);
    });
    const free = candidates.length > 0 ? await withoutWaiting(tx, candidates) : [];
    return free.flatMap((taskId) => {
      const task = more.get(taskId) ?? locked.get(taskId);
      const outcome = task && schedule(task, now);
      return outcome?.kind === 'changed' ? [outcome] : [];
    });
  };

  return async (tx, changes, now, locked = new Map()) => {
    if (changes.length === 0) return;
    const changed = new Map(changes.map(({ task }) => [task.taskId, task]));
    // As each change left it: what is run again in the same transaction was resolved all the same.
    const resolved = changes.map(({ task }) => task).filter(isResolved);
    const current = new Map([...locked, ...changed]);
    const freed = resolved.length > 0 ? await setFree(tx, resolved, now, current) : [];
    const all = [...new Map([...changed, ...freed.map(({ task }) => [task.taskId, task] as const)]).values()];
    await save(tx, all, now);
    const near = nearTimers(all, now);
    if (near.length > 0) await timers.setMany(tx, near);
    await publishEvents(tx, [...changes, ...freed]);
  };
};

const MOST_AT_ONCE = 100;

export type ChangeTaskSettings = {
  readonly database: Database;
  readonly clock: Clock;
  readonly commitChanges: CommitChanges;
};

export const createChangeTask = ({ database, clock, commitChanges }: ChangeTaskSettings): ChangeTask =>
  createBatch({
    maxItems: MOST_AT_ONCE,
    concurrency: 2,
    run: (items: readonly Parameters<ChangeTask>[0][]) =>
      database.transaction(async (tx) => {
        const resolving = items.filter(({ mayResolve }) => mayResolve).map(({ taskId }) => taskId);
        const tasks = await lock(tx, [...new Set(items.map(({ taskId }) => taskId))], resolving);
        const now = clock.now();
        const changes: Changed[] = [];
        const answers = items.map(({ taskId, transition }): ChangeAnswer => {
          const task = tasks.get(taskId);
          if (!task) return undefined;
          const outcome = transition(task, now);
          if (outcome.kind === 'refused') return outcome;
          if (outcome.kind === 'unchanged') return { kind: 'done', task };
          tasks.set(taskId, outcome.task);
          changes.push(outcome);
          return { kind: 'done', task: outcome.task };
        });
        await commitChanges(tx, changes, now, tasks);
        return answers;
      }),
  });
