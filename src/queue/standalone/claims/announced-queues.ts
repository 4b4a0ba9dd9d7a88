// The table of queues for which workers wait: a notification that a task is pending
// (task-store.ts sends it) is worth it for these.
import { toIso } from '../../../core/clock.ts';
import type { Queryable } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';

const putWaiter = statement(
  'waiters.put',
  `with over as (
     delete from queue_waiters where (task_queue_id, holder) = any(array(
       select (task_queue_id, holder) from queue_waiters where task_queue_id = $1 and until < $4 for update skip locked)))
   insert into queue_waiters (task_queue_id, holder, until) values ($1, $2, $3)
   on conflict (task_queue_id, holder) do update set until = excluded.until`,
);

/**
 * From the commit of this on, the process hears of every task of the queue that becomes pending,
 * until `until`.
 */
export const announceQueue = async (
  on: Queryable,
  { taskQueueId, holder, until, now }: { taskQueueId: string; holder: string; until: number; now: number },
): Promise<void> => {
  await on.query(putWaiter, [taskQueueId, holder, toIso(until), toIso(now)]);
};
