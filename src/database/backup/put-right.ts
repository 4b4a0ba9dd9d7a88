// What was true only of the server that the backup was made of, and of the processes that used it
// then.
import type pg from 'pg';

/**
 * `now` in ISO 8601. Other leases are times, which have passed or soon will: those of fires (15 s),
 * of claims of workers, who may go on with theirs.
 */
export const putRight = async (client: pg.Client, now: string): Promise<void> => {
  // The reader is not there any more: anyone may take the queue up. And transactions have other
  // numbers here.
  await client.query(
    `update broker_queues set holder = null, due = case when holder is null then due else $1::timestamptz end,
       changed = pg_current_xact_id()`,
    [now],
  );
};
