// What is wanted on RabbitMQ (broker_queues, broker_bindings) beside what may be there
// (amqp_queues, amqp_bindings).
import { toIso } from '../../../core/clock.ts';
import type { Queryable, Transaction } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import type { Binding, BindingState, QueueIdentity } from '../../broker.ts';
import { setBindings as setWanted } from '../../in-database/bindings.ts';
import { WATCH_PREFIX } from '../../in-database/queue-store.ts';

/** Tells the name of a queue whose bindings were changed. */
export const TOPOLOGY_CHANNEL = 'amqp_queues';

const expectQueue = statement(
  'amqp.expect-queue',
  'insert into amqp_queues (name, queue) values ($1, $2) on conflict (name) do nothing',
);
const expectBindings = statement(
  'amqp.expect-bindings',
  `insert into amqp_bindings (queue, exchange, pattern, since)
   select $1, exchange, pattern, $4 from unnest($2::text[], $3::text[]) as w (exchange, pattern) on conflict do nothing`,
);
const notifyTopology = statement<unknown>('amqp.notify', `select pg_notify('${TOPOLOGY_CHANNEL}', $1)`);

/**
 * Broker.setBindings. What is made there later stands in the tables from now on: whoever dies in
 * between leaves nothing unknown behind.
 */
export const setBindings = async (
  tx: Transaction,
  queue: QueueIdentity,
  bindings: readonly Binding[],
  now: number,
): Promise<void> => {
  await setWanted(tx, queue, bindings, now);
  if (bindings.length > 0) {
    const exchanges = bindings.map(({ exchange }) => exchange);
    const patterns = bindings.map(({ routingKeyPattern }) => routingKeyPattern);
    await tx.query(expectQueue, [queue.name, queue.id]);
    await tx.query(expectBindings, [queue.id, exchanges, patterns, toIso(now)]);
  }
  await tx.query(notifyTopology, [queue.name]);
};

const adoptQueues = statement(
  'amqp.adopt-queues',
  `insert into amqp_queues (name, queue)
   select distinct on (name) name, queue from broker_queues where name <> '' and not starts_with(queue, '${WATCH_PREFIX}')
   order by name, changed desc on conflict do nothing`,
);
const adoptBindings = statement(
  'amqp.adopt-bindings',
  `insert into amqp_bindings (queue, exchange, pattern, since)
   select queue, exchange, pattern, $1 from broker_bindings where not starts_with(queue, '${WATCH_PREFIX}') on conflict do nothing`,
);

/** What was set while the database was the broker; its watches are no queues of hooks. */
export const adopt = async (tx: Transaction, now: number): Promise<void> => {
  await tx.query(adoptQueues);
  await tx.query(adoptBindings, [toIso(now)]);
};

const listNames = statement<{ name: string }>('amqp.list-names', 'select name from amqp_queues order by name');

/** All queues that are there, or are to be. */
export const listQueueNames = async (on: Queryable): Promise<string[]> =>
  (await on.query(listNames)).map(({ name }) => name);

type BindingRow = {
  exchange: string;
  pattern: string;
  state: BindingState['state'];
  reason: string | null;
  since: number;
};

const listBindings = statement<BindingRow>(
  'amqp.list-bindings',
  `select w.exchange, w.pattern, coalesce(k.state, 'pending') as state, k.reason, coalesce(k.since, w.since) as since
   from broker_bindings w left join amqp_bindings k using (queue, exchange, pattern)
   where w.queue = $1 order by w.exchange, w.pattern`,
);

/** Broker.bindingStates. */
export const bindingStates = async (on: Queryable, queue: string): Promise<readonly BindingState[]> =>
  (await on.query(listBindings, [queue])).map(({ exchange, pattern, state, reason, since }) => ({
    exchange,
    routingKeyPattern: pattern,
    state,
    ...(reason === null ? {} : { reason }),
    since,
  }));

/** Ends with the transaction. In one order, so that two who lock many never wait for each other. */
const lockNames = statement<unknown>(
  'amqp.lock-names',
  `select pg_advisory_xact_lock(4665776, key) from (select distinct hashtext(n) as key from unnest($1::text[]) as n order by key) as k`,
);

const readQueues = statement<{ name: string; wanted: string | null; there: string | null }>(
  'amqp.read-queues',
  `select n.name, (select w.queue from broker_queues w where w.name = n.name order by w.changed desc limit 1) as wanted,
          (select a.queue from amqp_queues a where a.name = n.name) as there
   from unnest($1::text[]) as n (name)`,
);

type KnownRow = {
  queue: string;
  exchange: string;
  pattern: string;
  is_wanted: boolean;
  state: BindingState['state'] | null;
  reason: string | null;
};

const readBindings = statement<KnownRow>(
  'amqp.read-bindings',
  `select coalesce(w.queue, k.queue) as queue, coalesce(w.exchange, k.exchange) as exchange, coalesce(w.pattern, k.pattern) as pattern,
          w.queue is not null as is_wanted, k.state, k.reason
   from (select * from broker_bindings where queue = any($1)) as w
   full join (select * from amqp_bindings where queue = any($1)) as k
     on w.queue = k.queue and w.exchange = k.exchange and w.pattern = k.pattern`,
);

export type KnownBinding = Binding & {
  readonly isWanted: boolean;
  /** Null: it cannot be there. */
  readonly state: BindingState['state'] | null;
  readonly reason: string | null;
};

export type QueueRecord = {
  readonly name: string;
  /** The id of the hook that is to have it; null: nobody. */
  readonly wanted: string | null;
  /** Whose messages may lie on it; null: it is not there. */
  readonly there: string | null;
  /** Of `wanted`. */
  readonly bindings: readonly KnownBinding[];
};

/** Locks these names against other processes until the transaction ends. */
export const lockQueues = async (tx: Transaction, names: readonly string[]): Promise<readonly QueueRecord[]> => {
  await tx.query(lockNames, [names]);
  const queues = await tx.query(readQueues, [names]);
  const bindings = new Map<string, KnownBinding[]>();
  for (const { wanted } of queues) if (wanted !== null) bindings.set(wanted, []);
  for (const row of await tx.query(readBindings, [[...bindings.keys()]])) {
    const { exchange, pattern, is_wanted: isWanted, state, reason } = row;
    bindings.get(row.queue)?.push({ exchange, routingKeyPattern: pattern, isWanted, state, reason });
  }
  return queues.map((queue) => ({ ...queue, bindings: bindings.get(queue.wanted ?? '') ?? [] }));
};

const saveQueues = statement(
  'amqp.save-queues',
  `insert into amqp_queues (name, queue) select * from unnest($1::text[], $2::text[])
   on conflict (name) do update set queue = excluded.queue where amqp_queues.queue <> excluded.queue`,
);
const removeQueues = statement(
  'amqp.remove-queues',
  `with gone as (select * from unnest($1::text[], $2::text[]) as g (name, queue)),
   unbound as (delete from amqp_bindings b using gone where b.queue = gone.queue),
   unread as (delete from amqp_readers r using gone where r.queue = gone.queue),
   forgotten as (delete from amqp_receipts r using gone where r.queue = gone.queue)
   delete from amqp_queues q using gone where q.name = gone.name and q.queue = gone.queue`,
);
const removeBindings = statement(
  'amqp.remove-bindings',
  `delete from amqp_bindings b using unnest($1::text[], $2::text[], $3::text[]) as g (queue, exchange, pattern)
   where b.queue = g.queue and b.exchange = g.exchange and b.pattern = g.pattern`,
);
const saveStates = statement(
  'amqp.save-states',
  `insert into amqp_bindings as b (queue, exchange, pattern, state, reason, since)
   select queue, exchange, pattern, state, reason, $6
   from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as s (queue, exchange, pattern, state, reason)
   on conflict (queue, exchange, pattern) do update set state = excluded.state, reason = excluded.reason,
     since = case when b.state = excluded.state then b.since else excluded.since end`,
);

export type StateToSave = Binding & {
  readonly queue: string;
  readonly state: 'active' | 'refused';
  readonly reason: string | null;
};

export type TopologyResult = {
  /** Gone from RabbitMQ, with all that lay there. */
  readonly removed: readonly { readonly name: string; readonly queue: string }[];
  /** There, and for these hooks now. */
  readonly declared: readonly { readonly name: string; readonly queue: string }[];
  readonly unbound: readonly (Binding & { readonly queue: string })[];
  readonly states: readonly StateToSave[];
};

export const saveResult = async (tx: Transaction, result: TopologyResult, now: number): Promise<void> => {
  const { removed, declared, unbound, states } = result;
  if (removed.length > 0) {
    await tx.query(removeQueues, [removed.map(({ name }) => name), removed.map(({ queue }) => queue)]);
  }
  if (declared.length > 0) {
    await tx.query(saveQueues, [declared.map(({ name }) => name), declared.map(({ queue }) => queue)]);
  }
  if (unbound.length > 0) await tx.query(removeBindings, columnsOf(unbound));
  if (states.length > 0) {
    const stateColumn = states.map(({ state }) => state);
    const reasonColumn = states.map(({ reason }) => reason);
    await tx.query(saveStates, [...columnsOf(states), stateColumn, reasonColumn, toIso(now)]);
  }
};

const columnsOf = (bindings: readonly (Binding & { readonly queue: string })[]): string[][] => [
  bindings.map(({ queue }) => queue),
  bindings.map(({ exchange }) => exchange),
  bindings.map(({ routingKeyPattern }) => routingKeyPattern),
];
