// Watches of the broker in the database: queues like those of hooks, but bounded, and read by
// whoever has their id.
import { toIso } from '../../core/clock.ts';
import type { Database, Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import {
  digestOfWatch,
  MOST_BYTES_KEPT,
  MOST_BYTES_READ,
  MOST_KEPT,
  MOST_READ,
  WATCH_LIVES_MS,
  type WatchId,
} from '../operator-tools.ts';
import { setBindings } from './bindings.ts';
import { removeDeliveries, type StoredDelivery, WATCH_PREFIX } from './queue-store.ts';

/** Says that something came in on a watch, or that one is gone. */
export const WATCHES_CHANNEL = 'broker_watches';

const queueOfWatch = (watch: WatchId): string => WATCH_PREFIX + digestOfWatch(watch);

const insertWatch = statement(
  'watches.insert',
  'insert into broker_watches (queue, read, is_incomplete) values ($1, $2, false)',
);

export const insertWatchOn = async (tx: Transaction, watch: WatchId, pattern: string, now: number): Promise<void> => {
  const queue = queueOfWatch(watch);
  await tx.query(insertWatch, [queue, toIso(now)]);
  await setBindings(tx, { id: queue, name: queue }, [{ exchange: watch.exchange, routingKeyPattern: pattern }], now);
};

const notifyWatches = statement<unknown>('watches.notify', `select pg_notify('${WATCHES_CHANNEL}', '')`);
const deleteWatches = statement('watches.delete', 'delete from broker_watches where queue = any($1)');

const remove = async (tx: Transaction, queues: readonly string[], now: number): Promise<void> => {
  for (const queue of queues) await setBindings(tx, { id: queue, name: queue }, [], now);
  await tx.query(deleteWatches, [queues]);
  await tx.query(notifyWatches); // for who waits there
};

export const removeWatch = (tx: Transaction, watch: WatchId, now: number): Promise<void> =>
  remove(tx, [queueOfWatch(watch)], now);

// Whoever reads the same watch at the same time waits here, and finds what is left.
const takeWatch = statement<{ was_incomplete: boolean }>(
  'watches.take',
  `update broker_watches w set read = $2, is_incomplete = false
   from (select queue, is_incomplete from broker_watches where queue = $1 for update) as before
   where w.queue = before.queue returning before.is_incomplete as was_incomplete`,
);

// A statement of its own, so that it sees what the one before had to wait for.
const readWatchQueue = statement<StoredDelivery>(
  'watches.read',
  `select id, exchange, routing_key, message_id, body::text as body, accepted
   from (select first.id, m.exchange, m.routing_key, m.message_id, m.body, m.accepted,
                sum(m.body_bytes) over (order by first.id) - m.body_bytes as bytes_before
         from (select id, message from broker_deliveries where queue = $1 order by id limit $2) as first
         cross join lateral (select * from broker_messages where id = first.message limit 1) as m) as d
   where bytes_before < $3 order by id`,
);

/** Takes what lies there off the watch. undefined: there is no such watch. */
export const takeFromWatch = async (
  tx: Transaction,
  watch: WatchId,
  now: number,
): Promise<{ readonly rows: readonly StoredDelivery[]; readonly isIncomplete: boolean } | undefined> => {
  const queue = queueOfWatch(watch);
  const [taken] = await tx.query(takeWatch, [queue, toIso(now)]);
  if (!taken) return undefined;
  const rows = await tx.query(readWatchQueue, [queue, MOST_READ, MOST_BYTES_READ]);
  if (rows.length > 0) {
    await removeDeliveries(
      tx,
      rows.map(({ id }) => id),
    );
  }
  return { rows, isIncomplete: taken.was_incomplete };
};

const findSurplus = statement<{ queue: string; id: number }>(
  'watches.find-surplus',
  `select w.queue, d.id
   from (select queue, (
           select max(id)
           from (select newest.id, row_number() over (order by newest.id desc) as position,
                        sum(m.body_bytes) over (order by newest.id desc) as bytes
                 from (select id, message from broker_deliveries where queue = u.queue order by id desc limit $2::int + 1) as newest
                 cross join lateral (select body_bytes from broker_messages where id = newest.message limit 1) as m) as counted
           where position > $2 or (bytes > $3 and position > 1)) as last
         from unnest($1::text[]) as u (queue)) as w
   cross join lateral (select id from broker_deliveries where queue = w.queue and id <= w.last offset 0) as d`,
);
const markIncomplete = statement(
  'watches.incomplete',
  'update broker_watches set is_incomplete = true where queue = any($1)',
);

/**
 * Messages came in on these queues: of those that are watches the surplus is dropped, and those who
 * read them are told.
 */
export const tendWatches = async (tx: Transaction, queues: Iterable<string>): Promise<void> => {
  const watches = [...queues].filter((queue) => queue.startsWith(WATCH_PREFIX));
  if (watches.length === 0) return;
  const surplus = await tx.query(findSurplus, [watches, MOST_KEPT, MOST_BYTES_KEPT]);
  if (surplus.length > 0) {
    await removeDeliveries(
      tx,
      surplus.map(({ id }) => id),
    );
    await tx.query(markIncomplete, [[...new Set(surplus.map(({ queue }) => queue))]]);
  }
  await tx.query(notifyWatches);
};

const findUnread = statement<{ queue: string }>(
  'watches.find-unread',
  'select queue from broker_watches where read < $1 order by queue for update skip locked',
);

/** Removes watches that nobody reads any more. */
export const sweepWatches = (database: Database, now: number): Promise<void> =>
  database.transaction(async (tx) => {
    const unread = await tx.query(findUnread, [toIso(now - WATCH_LIVES_MS)]);
    if (unread.length === 0) return;
    await remove(
      tx,
      unread.map(({ queue }) => queue),
      now,
    );
  });

const countWatches = statement<{ count: number }>('watches.count', 'select count(*) as count from broker_watches');

export const watchesThereAre = async (on: Queryable): Promise<number> => (await on.query(countWatches))[0]?.count ?? 0;
