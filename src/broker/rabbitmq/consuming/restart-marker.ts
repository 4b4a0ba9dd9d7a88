// Whether RabbitMQ was started anew: an exchange that is not durable is gone then. Its name is in
// the database, for all processes.
import { newUuid } from '../../../core/ids.ts';
import type { Database } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import { createChannelPool } from '../connection/channel-pool.ts';
import type { AmqpSession } from '../connection/connection.ts';

/** Before there is a row, too. Only processes that find their session ask, so nobody waits long. */
const LOCK_KEY = 4_665_776_504;
const lockRun = statement<unknown>('amqp.lock-run', `select pg_advisory_xact_lock(${LOCK_KEY})`);
const findRun = statement<{ run: string }>('amqp.find-run', 'select run from amqp_run');
const saveRun = statement(
  'amqp.save-run',
  'insert into amqp_run (run) values ($1) on conflict (one) do update set run = excluded.run',
);

const NOT_FOUND = 404;

export const runMarkerOf = (user: string, run: string): string => `exchange/${user}/hookwright-run/${run}`;

/**
 * Where the user may not make an exchange, every outage counts as a restart: `known` is the run of
 * the session before.
 */
export const findRestartMarker = async (
  database: Database,
  session: AmqpSession,
  user: string,
  known: string | undefined,
): Promise<string> => {
  const channelPool = createChannelPool(session);
  const markerOf = (run: string) => runMarkerOf(user, run);
  const found = await database.transaction(async (tx) => {
    await tx.query(lockRun);
    const [row] = await tx.query(findRun);
    if (row) {
      const refusal = await channelPool.ask((channel) => channel.checkExchange(markerOf(row.run)));
      if (refusal?.code !== NOT_FOUND) return row.run;
    }
    const run = newUuid();
    const options = { durable: false, autoDelete: false };
    const refusal = await channelPool.ask((channel) => channel.assertExchange(markerOf(run), 'fanout', options));
    if (refusal) return undefined;
    await tx.query(saveRun, [run]);
    return run;
  });
  if (found !== undefined) return found;
  return known !== undefined && !session.afterOutage ? known : newUuid();
};
