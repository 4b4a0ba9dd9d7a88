// Gives pending tasks to workers, for as many workers as ask at once, in one transaction.
import type { Clock } from '../../../core/clock.ts';
import type { Database } from '../../../database/database.ts';
import type { CommitChanges } from '../tasks/change-tasks.ts';
import type { StoredTask } from '../tasks/task.ts';
import { lockPending } from '../tasks/task-store.ts';
import { type Changed, claim, type Worker } from '../tasks/transitions.ts';

export type WorkRequest = { readonly worker: Worker; readonly most: number };

export type Claimed = {
  /**
   * One a request, in order; each is empty or begins with the next tasks in the order in which they
   * are to be done.
   */
  readonly lists: readonly (readonly StoredTask[])[];
  /** There are more to have at once; they were too large to be given with these. */
  readonly hasMore: boolean;
};

export type ClaimTasks = (taskQueueId: string, requests: readonly WorkRequest[]) => Promise<Claimed>;

export type ClaimTasksSettings = {
  readonly database: Database;
  readonly clock: Clock;
  readonly commitChanges: CommitChanges;
  /** For how long a worker has a task before it must reclaim it. */
  readonly claimMs: number;
};

export const createClaimTasks =
  ({ database, clock, commitChanges, claimMs }: ClaimTasksSettings): ClaimTasks =>
  (taskQueueId, requests) =>
    database.transaction(async (tx) => {
      const wanted = requests.reduce((sum, { most }) => sum + most, 0);
      const { tasks: pending, hasMore } = await lockPending(tx, taskQueueId, clock.now(), wanted);
      const now = clock.now();
      const changes: Changed[] = [];
      let given = 0;
      const lists = requests.map(({ worker, most }) => {
        const tasks = pending.slice(given, given + most);
        given += tasks.length;
        const claimed = tasks.map((task) => claim(task, worker, now + claimMs, now));
        changes.push(...claimed);
        return claimed.map(({ task }) => task);
      });
      await commitChanges(tx, changes, now);
      return { lists, hasMore };
    });
