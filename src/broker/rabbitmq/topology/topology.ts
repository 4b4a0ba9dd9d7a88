// Keeps the queues and bindings on RabbitMQ as the database wants them: what was changed just now
// at once and by itself; everything after a connection was made, because RabbitMQ may have been
// replaced by an empty one; what was refused again and again.
import { backoff } from '../../../core/backoff.ts';
import { type Clock, withDeadline } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import { createLoop, type Loop } from '../../../core/loop.ts';
import type { Database, Transaction } from '../../../database/database.ts';
import type { BindingChange } from '../../broker.ts';
import { type ChannelPool, createChannelPool } from '../connection/channel-pool.ts';
import type { AmqpConnection, AmqpSession } from '../connection/connection.ts';
import { declareQueue, type QueueOutcome, type QueueType, type ReadyQueue } from './declare-queue.ts';
import { adopt, listQueueNames, lockQueues, saveResult } from './topology-store.ts';

export type TopologySettings = {
  readonly database: Database;
  readonly connection: AmqpConnection;
  readonly clock: Clock;
  readonly log: Log;
  readonly queueType: QueueType;
  /** Called for a queue that is there; may be called again. */
  readonly onReady: (queue: ReadyQueue) => void;
  /** A queue exists with other arguments. Answers whether it was emptied and deleted. */
  readonly replace: (queue: ReadyQueue, channelPool: ChannelPool) => Promise<boolean>;
  readonly onBindingChange: (tx: Transaction, changes: readonly BindingChange[]) => Promise<void>;
  readonly onRefused: (queues: number) => void;
};

export type Topology = {
  /** The bindings of this queue were changed, or it is gone from RabbitMQ. */
  readonly changed: (name: string, isForced?: boolean) => void;
  /** All queues are looked at. Forced: whatever is recorded, they may not be there. */
  readonly changedAll: (isForced: boolean) => void;
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** One transaction, some tens of ms: a change that was made now waits for no more than that. */
const MOST_AT_ONCE = 50;
/**
 * RabbitMQ that answers nothing, and keeps the connection. The transaction ends with the turn, and
 * with it the locks of the names.
 */
const TURN_WITHIN_MS = 60_000;
/**
 * While it is short of memory or disk it does not read from a connection on which somebody
 * publishes, and so answers nothing on it.
 */
const TAKES_NOTHING_MS = 1_000;
const EXCHANGE_MISSING = { firstMs: 500, longestMs: 15_000 };
const REFUSED = { firstMs: 2_000, longestMs: 60_000 };
const BROKER_FAILED = { firstMs: 200, longestMs: 5_000 };

/**
 * What waits for another try: for an exchange to appear, or (`exchange` undefined) for whatever was
 * refused.
 */
type Retry = { readonly names: Set<string>; readonly exchange: string | undefined; failures: number; due: number };

export const createTopology = (settings: TopologySettings): Topology => {
  const { database, connection, clock, log, queueType, onReady, replace, onBindingChange, onRefused } = settings;
  /** name → forced. In the order in which they came. */
  const urgent = new Map<string, boolean>();
  const others = new Map<string, boolean>();
  const retries = new Map<string, Retry>();
  /** All are to be looked at, forced or not. */
  let all: boolean | undefined;
  let ending: AbortSignal | undefined;
  let known: { readonly session: AmqpSession; readonly channelPool: ChannelPool } | undefined;

  const channelPoolOf = (session: AmqpSession): ChannelPool => {
    if (known?.session !== session) known = { session, channelPool: createChannelPool(session) };
    return known.channelPool;
  };

  const declare = async (names: readonly string[], isForced: boolean, timeIsUp: AbortSignal): Promise<void> => {
    const channelPool = until(timeIsUp, channelPoolOf(await connection.session(ending as AbortSignal)));
    const looks = new Map<string, Promise<boolean>>();
    const isMissing = (exchange: string): Promise<boolean> => {
      const look = looks.get(exchange) ?? isExchangeMissing(channelPool, exchange);
      looks.set(exchange, look);
      return look;
    };
    const replaceIt = (queue: ReadyQueue) => replace(queue, channelPool);
    const declared = await database.transaction(async (tx) => {
      const records = await lockQueues(tx, names);
      const common = { channelPool, clock, user: connection.user, queueType, isMissing, isForced, replace: replaceIt };
      const outcomes = await Promise.all(records.map((record) => declareQueue(record, common)));
      const now = clock.now();
      await saveResult(
        tx,
        {
          removed: outcomes.flatMap(({ removed }) => removed),
          declared: outcomes.flatMap(({ declared }) => declared),
          unbound: outcomes.flatMap(({ unbound }) => unbound),
          states: outcomes.flatMap(({ states }) => states),
        },
        now,
      );
      const before = new Map(
        records.flatMap(({ wanted, bindings }) =>
          bindings.map((one) => [`${wanted}\0${one.exchange}\0${one.routingKeyPattern}`, one.state] as const),
        ),
      );
      const changes = outcomes
        .flatMap(({ states }) => states)
        .filter((one) => before.get(`${one.queue}\0${one.exchange}\0${one.routingKeyPattern}`) !== one.state)
        .map(({ reason, ...one }): BindingChange => ({ ...one, ...(reason === null ? {} : { reason }), since: now }));
      if (changes.length > 0) await onBindingChange(tx, changes);
      return outcomes;
    });
    for (const one of declared) {
      remember(one);
      if (one.ready) onReady(one.ready);
    }
    onRefused(new Set([...retries.values()].flatMap(({ names }) => [...names])).size);
  };

  const remember = ({ name, missing, isRefused }: QueueOutcome) => {
    for (const { names } of retries.values()) names.delete(name);
    for (const exchange of missing) waitFor(`exchange ${exchange}`, exchange, EXCHANGE_MISSING.firstMs).names.add(name);
    const key = `queue ${name}`;
    if (isRefused) {
      const retry = waitFor(key, undefined, 0);
      retry.names.add(name);
      retry.due = clock.monotonic() + backoff(retry.failures, REFUSED);
      retry.failures += 1;
    } else {
      retries.delete(key);
    }
    retrying.wake();
  };

  const waitFor = (key: string, exchange: string | undefined, firstMs: number): Retry => {
    const retry = retries.get(key) ?? { names: new Set(), exchange, failures: 0, due: clock.monotonic() + firstMs };
    retries.set(key, retry);
    return retry;
  };

  const retryTurn = async (): Promise<number | undefined> => {
    const now = clock.monotonic();
    for (const [key, retry] of retries) {
      if (retry.exchange !== undefined && retry.names.size === 0) retries.delete(key);
      if (retry.due > now || retry.names.size === 0) continue;
      if (retry.exchange !== undefined) {
        const channelPool = channelPoolOf(await connection.session(ending as AbortSignal));
        if (await isExchangeMissing(channelPool, retry.exchange)) {
          retry.due = clock.monotonic() + backoff(++retry.failures, EXCHANGE_MISSING);
          continue;
        }
        retries.delete(key);
      } else {
        retry.due = Number.POSITIVE_INFINITY; // until its turn has said what became of it
      }
      for (const name of retry.names) urgent.set(name, urgent.get(name) ?? false);
      declaringUrgent.wake();
    }
    const dues = [...retries.values()].map(({ due }) => due);
    return dues.length === 0 ? undefined : Math.max(Math.min(...dues) - clock.monotonic(), 0);
  };

  const isAnswering = (): Promise<boolean> =>
    connection.checkHealth().then(
      () => true,
      () => false, // it has said so
    );

  /** Takes some of them; those that could not be declared come again. */
  const turnOf = (names: Map<string, boolean>) => {
    let failures = 0;
    return async (): Promise<number | undefined> => {
      if (names.size === 0) return undefined;
      const session = await connection.session(ending as AbortSignal).catch(() => undefined);
      if (!session) return undefined; // it ends
      if (!(await isAnswering())) return TAKES_NOTHING_MS;
      const [first] = names;
      if (!first) return undefined;
      const [, isForced] = first;
      const some = [...names]
        .filter(([, forced]) => forced === isForced)
        .slice(0, MOST_AT_ONCE)
        .map(([name]) => name);
      for (const name of some) names.delete(name);
      try {
        const late = () => new Error('RabbitMQ does not answer');
        await withDeadline(clock, TURN_WITHIN_MS, (timeIsUp) => declare(some, isForced, timeIsUp), late);
        failures = 0;
        return names.size > 0 ? 0 : undefined;
      } catch (error) {
        for (const name of some) names.set(name, isForced || names.get(name) === true);
        if (!session.ended.aborted) throw error; // the loop says it, and comes back after a pause
        log.debug({ err: error }, 'RabbitMQ connection broken while queues were declared; trying again');
        failures += 1;
        return backoff(failures, BROKER_FAILED);
      }
    };
  };

  const lookAtAll = async () => {
    if (all === undefined) return;
    const isForced = all;
    all = undefined;
    try {
      const now = clock.now();
      await database.transaction((tx) => adopt(tx, now));
      for (const name of await listQueueNames(database)) others.set(name, isForced || others.get(name) === true);
    } catch (error) {
      all = isForced || all === true;
      throw error;
    }
  };
  const declareOthers = turnOf(others);

  const declaringUrgent: Loop = createLoop({ name: 'changed bindings', clock, log, turn: turnOf(urgent) });
  const declaringOthers: Loop = createLoop({
    name: 'bindings',
    clock,
    log,
    turn: async () => {
      await lookAtAll();
      return declareOthers();
    },
  });
  const retrying: Loop = createLoop({
    name: 'refused bindings',
    clock,
    log,
    turn: retryTurn,
  });

  return {
    changed: (name, isForced = false) => {
      urgent.set(name, isForced || urgent.get(name) === true);
      declaringUrgent.wake();
    },
    changedAll: (isForced) => {
      all = isForced || all === true;
      declaringOthers.wake();
    },
    run: async (signal) => {
      ending = signal;
      await Promise.all([declaringUrgent.run(signal), declaringOthers.run(signal), retrying.run(signal)]);
    },
  };
};

/** Waits for nothing any more, and begins nothing, when the signal aborts. */
const until = (signal: AbortSignal, channelPool: ChannelPool): ChannelPool => ({
  ask: (work) =>
    new Promise((resolve, reject) => {
      const giveUp = () => reject(new Error('RabbitMQ does not answer'));
      signal.addEventListener('abort', giveUp, { once: true });
      const asked = channelPool.ask(async (channel) => {
        if (!signal.aborted) await work(channel);
      });
      void asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
      if (signal.aborted) giveUp();
    }),
});

const isExchangeMissing = async (channelPool: ChannelPool, exchange: string): Promise<boolean> =>
  (await channelPool.ask((channel) => channel.checkExchange(exchange)))?.code === 404;
