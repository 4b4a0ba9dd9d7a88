// Whether servers use a database. Each of them holds a shared lock on the connection that listens;
// who replaces all data wants it alone.
import type pg from 'pg';
import type { Clock } from '../core/clock.ts';
import { OperatorError } from '../core/errors.ts';

/** An arbitrary number that only this uses. */
const LOCK_KEY = 4_665_776_510;

/**
 * SQL for a session that uses the database as long as it lasts. It waits while somebody restores a
 * backup.
 */
export const USE_DATABASE = `select pg_advisory_lock_shared(${LOCK_KEY})`;

/** The sessions of a server that was killed just now may take a moment to end. */
const PATIENCE_MS = 3_000;
const LOOK_EVERY_MS = 100;

/**
 * Keeps servers out of the database until the session ends. Throws HW_DATABASE_IN_USE. `address` is
 * for messages.
 */
export const takeDatabaseAlone = async (client: pg.Client, address: string, clock: Clock): Promise<void> => {
  const giveUpAt = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    const { rows } = await client.query<{ alone: boolean }>(`select pg_try_advisory_lock(${LOCK_KEY}) as alone`);
    if (rows[0]?.alone === true) return;
    if (clock.monotonic() > giveUpAt) {
      throw new OperatorError('HW_DATABASE_IN_USE', { place: address, who: await listUsers(client) });
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
};

const LIST_USERS = `
  select count(*)::integer as count, string_agg(distinct coalesce(host(a.client_addr), 'this machine'), ', ') as hosts
  from pg_locks l left join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.pid <> pg_backend_pid()
    and l.database = (select oid from pg_database where datname = current_database())
    and (l.classid::bigint << 32) + l.objid::bigint = ${LOCK_KEY}`;

const listUsers = async (client: pg.Client): Promise<string> => {
  const { rows } = await client.query<{ count: number; hosts: string | null }>(LIST_USERS);
  const { count = 0, hosts } = rows[0] ?? {};
  return `${count === 1 ? 'a process' : `${count} processes`}${hosts ? ` on ${hosts}` : ''}`;
};
