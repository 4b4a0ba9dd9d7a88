// Removes bodies of messages that no queue has any more: their queue was removed, or their last
// deliveries ended at the same moment.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';

const sweepMessages = statement<{ last: number | null }>(
  'messages.sweep',
  `with looked as (select id from broker_messages where id > $1 order by id limit $2),
   gone as (
     delete from broker_messages m where m.id = any(array(
       select id from looked where (select d.id from broker_deliveries d where d.message = looked.id limit 1) is null)))
   select max(id) as last from looked`,
);

const MOST_AT_ONCE = 5_000;

/**
 * Looks at some thousands of messages a call, so that it costs the same however many wait; goes
 * round all of them.
 */
export const createSweep = (database: Queryable): (() => Promise<void>) => {
  let after = 0;
  return async () => {
    const [row] = await database.query(sweepMessages, [after, MOST_AT_ONCE]);
    after = row?.last ?? 0;
  };
};
