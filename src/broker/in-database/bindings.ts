// The table `broker_bindings`, and a cache of it that is as true as the transaction that asks.
import { type Clock, toIso } from '../../core/clock.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import { ofAnyLength, type Piece, statement } from '../../database/statement.ts';
import type { Binding, BindingState, QueueIdentity } from '../broker.ts';
import { requireName } from '../names.ts';
import { createTopicTable, type TopicTable } from './topic-table.ts';

// Two who set the same queue's bindings meet at its row; the second one goes on when the first one
// has committed.
const touchQueue = statement(
  'bindings.touch-queue',
  `insert into broker_queues (queue, name, changed) values ($1, $2, pg_current_xact_id())
   on conflict (queue) do update set name = excluded.name, changed = excluded.changed`,
);

// A statement of its own, so that it sees what the one before had to wait for.
const replaceBindings = statement(
  'bindings.replace',
  `with wanted as (select * from unnest($2::text[], $3::text[]) as w (exchange, pattern)),
   gone as (
     delete from broker_bindings b where b.queue = $1
       and not exists (select from wanted w where w.exchange = b.exchange and w.pattern = b.pattern))
   insert into broker_bindings (queue, exchange, pattern, since) select $1, exchange, pattern, $4 from wanted on conflict do nothing`,
);

// First the row of the queue: whoever routes to it has committed by the time that we have it, or
// finds it gone.
const removeQueue = statement('bindings.remove-queue', 'delete from broker_queues where queue = $1');
const removeRest = statement(
  'bindings.remove-rest',
  `with unbound as (delete from broker_bindings where queue = $1)
   delete from broker_deliveries where queue = $1`,
);

/** Broker.setBindings. Bodies of messages that lay on this queue only are swept later. */
export const setBindings = async (
  tx: Transaction,
  { id, name }: QueueIdentity,
  bindings: readonly Binding[],
  now: number,
): Promise<void> => {
  for (const { exchange, routingKeyPattern } of bindings) {
    requireName('exchange', exchange);
    requireName('routing key pattern', routingKeyPattern);
  }
  if (bindings.length === 0) {
    await tx.query(removeQueue, [id]);
    await tx.query(removeRest, [id]);
    return;
  }
  await tx.query(touchQueue, [id, name]);
  const patterns = bindings.map(({ routingKeyPattern }) => routingKeyPattern);
  await tx.query(replaceBindings, [id, bindings.map(({ exchange }) => exchange), patterns, toIso(now)]);
};

const listBindings = statement<{ exchange: string; pattern: string; since: number }>(
  'bindings.list',
  'select exchange, pattern, since from broker_bindings where queue = $1 order by exchange, pattern',
);

/** Broker.bindingStates: what is set is active. */
export const bindingStates = async (on: Queryable, queue: string): Promise<readonly BindingState[]> =>
  (await on.query(listBindings, [queue])).map(({ exchange, pattern, since }) => ({
    exchange,
    routingKeyPattern: pattern,
    state: 'active',
    since,
  }));

// Looked up one by one: however many bindings there are, it costs a look into an index for each
// exchange.
const bound = (exchanges: number): string =>
  `select e.exchange from unnest(${ofAnyLength(`$${exchanges}::text[]`)}) as e (exchange)
   where (select b.exchange from broker_bindings b where b.exchange = e.exchange limit 1) is not null`;

const findBound = statement<{ exchange: string }>('bindings.bound-among', bound(1));

/** For Broker.pieces. */
export const heardBound: Piece = { name: 'bound', parameters: 1, text: (first) => `heard as (${bound(first)})` };

/** Broker.boundAmong. */
export const boundAmong = async (tx: Transaction, exchanges: readonly string[]): Promise<ReadonlySet<string>> =>
  new Set((await tx.query(findBound, [exchanges])).map(({ exchange }) => exchange));

type BindingRow = {
  readonly snapshot: string;
  readonly queue: string | null;
  readonly exchange: string | null;
  readonly pattern: string | null;
};

const readAll = statement<BindingRow>(
  'bindings.read-all',
  `select pg_current_snapshot()::text as snapshot, b.queue, b.exchange, b.pattern
   from (values (1)) as always left join broker_bindings b on true`,
);

// What was set by transactions that committed since the earlier snapshot. Numbers of transactions
// that are yet to come stand in a database that was restored from another server's backup. `offset
// 0` keeps this from becoming a join over all bindings.
const readChanges = statement<BindingRow>(
  'bindings.read-changes',
  `select pg_current_snapshot()::text as snapshot, q.queue, b.exchange, b.pattern
   from (values (1)) as always
   left join broker_queues q on q.changed >= pg_snapshot_xmin($1::pg_snapshot)
     and q.changed < pg_snapshot_xmax(pg_current_snapshot()) and not pg_visible_in_snapshot(q.changed, $1::pg_snapshot)
   left join lateral (select * from broker_bindings where queue = q.queue offset 0) as b on true`,
);

export type BindingCache = {
  /**
   * From here on it knows at least what `tx` could read now. Costs what has changed, not what there
   * is.
   */
  readonly refresh: (tx: Queryable) => Promise<void>;
  /** The queues that a message goes to; each once. */
  readonly match: (exchange: string, routingKeys: Iterable<string>) => ReadonlySet<string>;
  /** The queue is not there any more. */
  readonly forget: (queue: string) => void;
};

/** Queues that were removed and that no message has come upon since are forgotten this often. */
const READ_ALL_EVERY_MS = 3_600_000;

export const createBindingCache = (clock: Clock): BindingCache => {
  let snapshot: string | undefined;
  let readAllAt = 0;
  const exchanges = new Map<string, TopicTable>();
  const queues = new Map<string, { readonly exchange: string; readonly pattern: string }[]>();

  const forget = (queue: string) => {
    for (const { exchange, pattern } of queues.get(queue) ?? []) {
      const table = exchanges.get(exchange);
      table?.remove(pattern, queue);
      if (table?.isEmpty()) exchanges.delete(exchange);
    }
    queues.delete(queue);
  };

  const learn = ({ queue, exchange, pattern }: BindingRow) => {
    if (queue === null || exchange === null || pattern === null) return;
    const table = exchanges.get(exchange) ?? createTopicTable();
    exchanges.set(exchange, table);
    table.add(pattern, queue);
    const known = queues.get(queue) ?? [];
    queues.set(queue, known);
    known.push({ exchange, pattern });
  };

  return {
    refresh: async (tx) => {
      const knowsAll = snapshot !== undefined && clock.monotonic() - readAllAt < READ_ALL_EVERY_MS;
      const rows = knowsAll ? await tx.query(readChanges, [snapshot]) : await tx.query(readAll);
      if (knowsAll) {
        for (const { queue } of rows) if (queue !== null) forget(queue);
      } else {
        exchanges.clear();
        queues.clear();
        readAllAt = clock.monotonic();
      }
      for (const row of rows) learn(row);
      snapshot = rows[0]?.snapshot;
    },
    match: (exchange, routingKeys) => {
      const found = new Set<string>();
      const table = exchanges.get(exchange);
      if (table) for (const key of routingKeys) table.match(key, found);
      return found;
    },
    forget,
  };
};
