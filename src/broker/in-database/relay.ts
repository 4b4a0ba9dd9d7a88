// The relay: takes what was published out of the outbox and lays it on the queues whose bindings
// match, one transaction a turn.
//
// One process at a time does so, whichever has the lock of the moment, which ends with its
// transaction. So deliveries are numbered in the order in which they become visible. An id of the
// outbox is given before its transaction commits, and a smaller one may turn up after a larger one
// was routed: nothing is skipped by that, because the outbox is emptied, not read past.
import { backoff } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import type { Database, Transaction } from '../../database/database.ts';
import type { BrokerMetrics } from '../metrics.ts';
import { moveOut, type Routed, readOutbox, type Waiting } from '../outbox.ts';
import { HELD_BY_ANOTHER, tryToRelay } from '../relay-lock.ts';
import { type BindingCache, createBindingCache } from './bindings.ts';
import { touch } from './queue-store.ts';
import { tendWatches } from './watches.ts';

export type RelaySettings = {
  readonly database: Database;
  readonly clock: Clock;
  readonly metrics: BrokerMetrics;
  /** Something lies on queues now. */
  readonly onRouted: () => void;
};

const MOST_MESSAGES = 500;
/**
 * One message may go to ten thousand queues; five hundred of those in one transaction would be too
 * much.
 */
const MOST_DELIVERIES = 20_000;

type Turn =
  | { readonly outcome: 'held by another' }
  | { readonly outcome: 'empty' }
  | { readonly outcome: 'routed'; readonly routed: number; readonly dropped: number; readonly isMore: boolean };

/** Routes what waits; answers when to come again, as a Loop wants to know it. */
export const createRelay = ({
  database,
  clock,
  metrics,
  onRouted,
}: RelaySettings): (() => Promise<number | undefined>) => {
  const bindings = createBindingCache(clock);
  let heldByAnother = 0;

  const takeTurn = async (tx: Transaction): Promise<Turn> => {
    if (!(await tryToRelay(tx))) return { outcome: 'held by another' };
    // A statement after the lock: it sees all that the turn before has done.
    const waiting = await readOutbox(tx, MOST_MESSAGES);
    if (waiting.length === 0) return { outcome: 'empty' };
    // After the messages were read: who is bound before a message is published gets it.
    await bindings.refresh(tx);
    const { taken, routes } = route(waiting, bindings);
    const routed = await keepThoseThatAreThere(tx, routes);
    await moveOut(tx, taken, routed);
    await tendWatches(tx, new Set(routed.map(({ queue }) => queue)));
    const count = new Set(routed.map(({ message }) => message)).size;
    const isMore = waiting.length === MOST_MESSAGES || taken.length < waiting.length;
    return { outcome: 'routed', routed: count, dropped: taken.length - count, isMore };
  };

  /** A queue may have been removed since we learnt of it. */
  const keepThoseThatAreThere = async (tx: Transaction, routes: readonly Routed[]): Promise<readonly Routed[]> => {
    if (routes.length === 0) return routes;
    const queues = new Set(routes.map(({ queue }) => queue));
    const there = await touch(tx, [...queues], clock.now());
    if (there.size === queues.size) return routes;
    for (const queue of queues) if (!there.has(queue)) bindings.forget(queue);
    return routes.filter(({ queue }) => there.has(queue));
  };

  return async () => {
    const turn = await database.transaction(takeTurn);
    switch (turn.outcome) {
      case 'held by another':
        heldByAnother += 1;
        return backoff(heldByAnother - 1, HELD_BY_ANOTHER);
      case 'empty':
        heldByAnother = 0;
        return undefined;
      case 'routed':
        heldByAnother = 0;
        metrics.routed(turn.routed, turn.dropped);
        if (turn.routed > 0) onRouted();
        return turn.isMore ? 0 : undefined;
    }
  };
};

/** As many of the messages as one turn can take, and where they go. */
const route = (waiting: readonly Waiting[], bindings: BindingCache): { taken: Waiting[]; routes: Routed[] } => {
  const taken: Waiting[] = [];
  const routes: Routed[] = [];
  for (const message of waiting) {
    const queues = bindings.match(message.exchange, [message.routing_key, ...message.cc]);
    if (taken.length > 0 && routes.length + queues.size > MOST_DELIVERIES) break;
    taken.push(message);
    for (const queue of queues) routes.push({ message: message.id, queue });
  }
  return { taken, routes };
};
