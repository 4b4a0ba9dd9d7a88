// The tables of queues and of what lies on them: who reads which queue, until when, and what is
// next.
//
// A queue is read by the process whose lease it has: `due` is when the lease ends and anyone may
// take the queue up. Nothing is lost when two processes believe to have it, because only one of
// them gets to delete a delivery.
//
// These tables are empty at one moment and full at the next, and a plan that suits the one is
// ruinous for the other (measured: 300 acknowledgements a second instead of 3,000). So the
// statements are written in such a way that each row can only be found by a key: `array(select …)`
// and `limit 1` are what the planner cannot turn into a join over everything.
import { toIso } from '../../core/clock.ts';
import { createBatch } from '../../database/batch.ts';
import type { Database, Queryable, Transaction } from '../../database/database.ts';
import { statement, type WholePiece } from '../../database/statement.ts';

/**
 * Says that a queue has become due: something lies on it on which nothing lay, or its reader gave
 * it back.
 */
export const QUEUES_CHANNEL = 'broker_queues';

/** Queues that are called so have another reader (watches.ts): they are never due. */
export const WATCH_PREFIX = 'watch/';

export type ClaimedQueue = { readonly queue: string; readonly failures: number };

export type StoredDelivery = {
  readonly id: number;
  readonly exchange: string;
  readonly routing_key: string;
  readonly message_id: string | null;
  readonly body: string;
  readonly accepted: number;
};

export type QueueContent = {
  /** For `release`: changes when something comes in. */
  readonly routed: number;
  readonly deliveries: readonly StoredDelivery[];
};

export type QueueStore = {
  /** Takes up to `most` queues that are due, those that have waited longest first. */
  readonly claim: (now: number, leaseEnds: number, most: number, except: readonly string[]) => Promise<ClaimedQueue[]>;
  /** When the first queue of others is due. */
  readonly earliestDue: (except: readonly string[]) => Promise<number | undefined>;
  /** Answers which of them are still held. */
  readonly renew: (queues: readonly string[], leaseEnds: number) => Promise<string[]>;
  /**
   * What is next on a queue, in order, up to so many; undefined: the queue is not held any more.
   */
  readonly read: (queue: string, most: number) => Promise<QueueContent | undefined>;
  /** Takes deliveries off their queue. */
  readonly remove: (deliveries: readonly number[]) => Promise<void>;
  /** The same in somebody's transaction. Answers those that were there. */
  readonly acknowledge: (tx: Transaction, deliveries: readonly number[]) => Promise<ReadonlySet<number>>;
  /**
   * Ends the lease of an empty queue. false: something came in since it was read, and it is still
   * held.
   */
  readonly release: (queue: string, routed: number) => Promise<boolean>;
  /** Ends the leases of queues that anybody may take up at once. */
  readonly giveBack: (queues: readonly string[], now: number) => Promise<void>;
  /**
   * Ends the lease of a queue whose reader failed at deliveries that begin with this one; it is due
   * again then.
   */
  readonly postpone: (queue: string, due: number, first: number) => Promise<void>;
  /** The reader does not fail any more. */
  readonly forgive: (queue: string) => Promise<void>;
};

const touchQueues = statement<{ queue: string; is_new: boolean | null }>(
  'queues.touch',
  `update broker_queues set routed = routed + 1, due = case when starts_with(queue, '${WATCH_PREFIX}') then null else coalesce(due, $2) end
   where queue = any(array(select queue from broker_queues where queue = any($1) order by queue for update))
   returning queue, due = $2 as is_new`,
);

const notifyQueues = statement<unknown>('queues.notify', `select pg_notify('${QUEUES_CHANNEL}', '')`);

/**
 * Something comes in on these queues. Answers which of them there are; whoever waits for something
 * to read is told.
 */
export const touch = async (tx: Transaction, queues: readonly string[], now: number): Promise<ReadonlySet<string>> => {
  const touched = await tx.query(touchQueues, [queues, toIso(now)]);
  if (touched.some(({ is_new }) => is_new)) await tx.query(notifyQueues);
  return new Set(touched.map(({ queue }) => queue));
};

const claimQueues = statement<ClaimedQueue>(
  'queues.claim',
  `update broker_queues set due = $2, holder = $3
   where queue = any(array(
     select queue from broker_queues where due <= $1 and queue <> all($5) order by due limit $4 for update skip locked))
   returning queue, failures`,
);

const earliestDueOfOthers = statement<{ due: number }>(
  'queues.earliest-due',
  'select due from broker_queues where due is not null and queue <> all($1) order by due limit 1',
);

const renewLeases = statement<{ queue: string }>(
  'queues.renew',
  `update broker_queues set due = $3
   where queue = any(array(select queue from broker_queues where queue = any($1) and holder = $2 order by queue for update))
   returning queue`,
);

// Queue and deliveries from one snapshot: if nothing was routed since, `release` knows the queue to
// be as it was seen here. The sizes are looked at before the bodies are: what is read at once is
// bounded in number and in bytes, the first one excepted.
const readQueues = statement<{ queue: string; routed: number } & (StoredDelivery | { id: null })>(
  'queues.read',
  `select q.queue, q.routed, d.id, d.exchange, d.routing_key, d.message_id, d.body::text as body, d.accepted
   from broker_queues q
   left join lateral (
     select first.id, m.exchange, m.routing_key, m.message_id, m.body, m.accepted,
            sum(m.body_bytes) over (order by first.id) - m.body_bytes as bytes_before
     from (select id, message from broker_deliveries where queue = q.queue
           order by id limit ($3::int[])[array_position($1::text[], q.queue)]) as first
     cross join lateral (select * from broker_messages where id = first.message limit 1) as m) as d on d.bytes_before < $4
   where q.queue = any($1) and q.holder = $2
   order by q.queue, d.id`,
);

// A body goes with its last delivery. Two last ones that end at the same moment do not see each
// other; sweep.ts finds what they leave.
const removing = (ids: string): string =>
  `gone as (delete from broker_deliveries where id = any(${ids}) returning id, message),
   bodies as (
     delete from broker_messages m where m.id = any(array(select message from gone))
       and (select d.id from broker_deliveries d where d.message = m.id and d.id <> all(${ids}) limit 1) is null)`;

const removeTheseDeliveries = statement<{ id: number }>(
  'queues.remove-deliveries',
  `with ${removing('$1::bigint[]')} select id from gone`,
);

// What the planner expects of an array that is selected does not depend on the parameter, so it
// keeps its plan.
export const removedPiece: WholePiece = {
  name: 'removed',
  parameters: 1,
  text: (first) => removing(`array(select id from unnest($${first}::bigint[]) as e (id))`),
  isWhole: (first) => `(select count(*) from gone) = cardinality($${first}::bigint[])`,
};

const releaseQueue = statement<{ queue: string }>(
  'queues.release',
  `update broker_queues set due = null, holder = null where queue = $1 and holder = $2 and routed = $3 returning queue`,
);

const giveBackQueues = statement<unknown>(
  'queues.give-back',
  `with given as (
     update broker_queues set due = $3, holder = null
     where queue = any(array(select queue from broker_queues where queue = any($1) and holder = $2 order by queue for update))
     returning queue)
   select pg_notify('${QUEUES_CHANNEL}', '') from given limit 1`,
);

// Deliveries end in order: when the first one is over the reader has come further than the time
// before.
const postponeQueue = statement(
  'queues.postpone',
  `update broker_queues
   set due = $3, holder = null,
       failures = case when exists (select from broker_deliveries where id = $4) then failures + 1 else 1 end
   where queue = $1 and holder = $2`,
);

const forgiveQueue = statement(
  'queues.forgive',
  'update broker_queues set failures = 0 where queue = $1 and holder = $2',
);

const MOST_BYTES = 1024 * 1024;

/** As `holder` sees it, which is one broker in one process. */
export const createQueueStore = (database: Database, holder: string): QueueStore => {
  const readTogether = createBatch<{ queue: string; most: number }, QueueContent | undefined>({
    maxItems: 50,
    concurrency: 2,
    run: async (wanted) => {
      const queues = wanted.map(({ queue }) => queue);
      const limits = wanted.map(({ most }) => most);
      const contents = new Map<string, { routed: number; deliveries: StoredDelivery[] }>();
      for (const row of await database.query(readQueues, [queues, holder, limits, MOST_BYTES])) {
        const content = contents.get(row.queue) ?? { routed: row.routed, deliveries: [] };
        contents.set(row.queue, content);
        if (row.id !== null) content.deliveries.push(row);
      }
      return queues.map((queue) => contents.get(queue));
    },
  });

  const removeTogether = createBatch<readonly number[], void>({
    maxItems: 20,
    concurrency: 2,
    run: async (groups) => {
      await removeDeliveries(database, groups.flat());
      return groups.map(() => undefined);
    },
  });

  return {
    claim: (now, leaseEnds, most, except) =>
      database.query(claimQueues, [toIso(now), toIso(leaseEnds), holder, most, except]),
    earliestDue: async (except) => (await database.query(earliestDueOfOthers, [except]))[0]?.due,
    renew: async (queues, leaseEnds) => {
      const mine = await database.query(renewLeases, [queues, holder, toIso(leaseEnds)]);
      return mine.map(({ queue }) => queue);
    },
    read: (queue, most) => readTogether({ queue, most }),
    remove: removeTogether,
    acknowledge: async (tx, deliveries) => new Set((await removeDeliveries(tx, deliveries)).map(({ id }) => id)),
    release: async (queue, routed) => (await database.query(releaseQueue, [queue, holder, routed])).length > 0,
    giveBack: async (queues, now) => {
      await database.query(giveBackQueues, [queues, holder, toIso(now)]);
    },
    postpone: async (queue, due, first) => {
      await database.query(postponeQueue, [queue, holder, toIso(due), first]);
    },
    forgive: async (queue) => {
      await database.query(forgiveQueue, [queue, holder]);
    },
  };
};

/** Takes deliveries off their queues. Answers those that were there. */
export const removeDeliveries = (on: Queryable, deliveries: readonly number[]): Promise<{ id: number }[]> =>
  on.query(removeTheseDeliveries, [deliveries]);
