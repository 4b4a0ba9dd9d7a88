// Makes one queue on RabbitMQ what the records want it to be, and says what became of it. Does
// nothing to the records.
import type { Options } from 'amqplib';
import type { Clock } from '../../../core/clock.ts';
import type { ChannelPool, Refusal } from '../connection/channel-pool.ts';
import { queueNameOf } from './queue-name.ts';
import type { KnownBinding, QueueRecord, StateToSave, TopologyResult } from './topology-store.ts';

/** A queue that is on RabbitMQ for the hook of this id. */
export type ReadyQueue = {
  readonly id: string;
  readonly name: string;
  readonly brokerName: string;
  /** Monotonic ms: nobody had begun to read it by then. */
  readonly unreadAt?: number | undefined;
};

export type QueueType = 'classic' | 'quorum';

export type DeclareSettings = {
  readonly channelPool: ChannelPool;
  readonly clock: Clock;
  readonly user: string;
  readonly queueType: QueueType;
  /** Whether an exchange is there; asked once a turn for all its bindings. */
  readonly isMissing: (exchange: string) => Promise<boolean>;
  /** Also what is recorded as there is declared and bound: RabbitMQ may have forgotten it. */
  readonly isForced: boolean;
  /** The queue exists with other arguments. Answers whether it is out of the way now. */
  readonly replace: (queue: ReadyQueue) => Promise<boolean>;
};

export type QueueOutcome = TopologyResult & {
  readonly name: string;
  /** Consumers may read it now. */
  readonly ready: ReadyQueue | undefined;
  /** Bindings that wait for these. */
  readonly missing: readonly string[];
  /** Something else was refused. */
  readonly isRefused: boolean;
};

const queueArguments = (queueType: QueueType): Options.AssertQueue => ({
  durable: true,
  arguments: { 'x-single-active-consumer': true, ...(queueType === 'quorum' ? { 'x-queue-type': 'quorum' } : {}) },
});

const NOT_FOUND = 404;
const PRECONDITION_FAILED = 406;

export const declareQueue = async (record: QueueRecord, settings: DeclareSettings): Promise<QueueOutcome> => {
  const { channelPool, user, isForced } = settings;
  const { name, wanted, there, bindings } = record;
  const brokerName = queueNameOf(user, name);
  const nothing = {
    name,
    ready: undefined,
    missing: [],
    isRefused: false,
    removed: [],
    declared: [],
    unbound: [],
    states: [],
  };
  let { removed }: { removed: QueueOutcome['removed'] } = nothing;
  if (there !== null && there !== wanted) {
    // With what lies there: it was another hook's, though of the same name.
    const refusal = await remove(brokerName, channelPool);
    if (refusal && refusal.code !== NOT_FOUND) return { ...nothing, isRefused: true };
    removed = [{ name, queue: there }];
  }
  if (wanted === null) return { ...nothing, removed };
  const ready = { id: wanted, name, brokerName };
  const isAsWanted = there === wanted && bindings.every(({ isWanted, state }) => isWanted && state === 'active');
  if (isAsWanted && !isForced) return { ...nothing, ready };

  const { trouble, unreadAt } = await declare(ready, settings);
  if (trouble !== undefined) {
    const states = bindings.filter(({ isWanted }) => isWanted).map((one) => stateOf(wanted, one, trouble));
    return { ...nothing, removed, states, isRefused: true };
  }
  const bound = await Promise.all(bindings.map((one) => bind(one, brokerName, settings)));
  const of = (kind: Bound['kind']) => bindings.filter((_, index) => bound[index]?.kind === kind);
  return {
    name,
    ready: { ...ready, unreadAt },
    removed,
    declared: [{ name, queue: wanted }],
    unbound: of('unbound').map(({ exchange, routingKeyPattern }) => ({ queue: wanted, exchange, routingKeyPattern })),
    states: bindings.flatMap((one, index) => {
      const outcome = bound[index];
      if (outcome?.kind === 'active') return [stateOf(wanted, one, null)];
      return outcome?.kind === 'missing' || outcome?.kind === 'refused' ? [stateOf(wanted, one, outcome.reason)] : [];
    }),
    missing: [...new Set(of('missing').map(({ exchange }) => exchange))],
    isRefused: bound.some(({ kind }) => kind === 'refused' || kind === 'still bound'),
  };
};

const stateOf = (queue: string, { exchange, routingKeyPattern }: KnownBinding, reason: string | null): StateToSave => ({
  queue,
  exchange,
  routingKeyPattern,
  state: reason === null ? 'active' : 'refused',
  reason,
});

/**
 * A queue of this name that another service has made is left alone, with its messages: its
 * arguments are not ours. Answers a refusal.
 */
const remove = async (brokerName: string, channelPool: ChannelPool): Promise<Refusal | undefined> => {
  for (const queueType of ['classic', 'quorum'] as const) {
    const refusal = await channelPool.ask((channel) => channel.assertQueue(brokerName, queueArguments(queueType)));
    if (!refusal) return channelPool.ask((channel) => channel.deleteQueue(brokerName));
    if (refusal.code !== PRECONDITION_FAILED) return refusal;
  }
  return undefined;
};

type Declared = {
  readonly unreadAt: number | undefined;
  /** Why it cannot be declared. */
  readonly trouble?: string;
};

const declare = async (queue: ReadyQueue, settings: DeclareSettings): Promise<Declared> => {
  const { channelPool, clock, queueType, replace, user } = settings;
  const { brokerName } = queue;
  let unreadAt: number | undefined;
  const assert = () =>
    channelPool.ask(async (channel) => {
      const asked = clock.monotonic();
      const { consumerCount } = await channel.assertQueue(brokerName, queueArguments(queueType));
      unreadAt = consumerCount === 0 ? asked : undefined;
    });
  let refusal = await assert();
  if (refusal?.code === PRECONDITION_FAILED && (await replace(queue))) refusal = await assert();
  if (!refusal) return { unreadAt };
  if (refusal.code !== PRECONDITION_FAILED) {
    const trouble = `RabbitMQ does not let the user "${user}" make the queue ${brokerName}: ${refusal.text}`;
    return { unreadAt, trouble };
  }
  const trouble = `The queue ${brokerName} exists with other arguments, left by another service or another setting of the queue type (${refusal.text}). Delete it, or let the server replace it: see "replace queues" in its configuration`;
  return { unreadAt, trouble };
};

type Bound =
  | { readonly kind: 'active' | 'as it was' | 'unbound' | 'still bound' }
  | { readonly kind: 'missing' | 'refused'; readonly reason: string };

const bind = async (one: KnownBinding, brokerName: string, settings: DeclareSettings): Promise<Bound> => {
  const { channelPool, isForced, isMissing } = settings;
  const { exchange, routingKeyPattern, isWanted, state } = one;
  if (!isWanted) {
    const refusal = await channelPool.ask((channel) => channel.unbindQueue(brokerName, exchange, routingKeyPattern));
    return { kind: refusal && refusal.code !== NOT_FOUND ? 'still bound' : 'unbound' };
  }
  if (state === 'active' && !isForced) return { kind: 'as it was' };
  const missing: Bound = { kind: 'missing', reason: reasonOf(exchange, undefined, settings) };
  if (await isMissing(exchange)) return missing;
  const refusal = await channelPool.ask((channel) => channel.bindQueue(brokerName, exchange, routingKeyPattern));
  if (!refusal) return { kind: 'active' };
  return refusal.code === NOT_FOUND ? missing : { kind: 'refused', reason: reasonOf(exchange, refusal, settings) };
};

/** For the owner of the hook. */
const reasonOf = (exchange: string, refusal: Refusal | undefined, { user }: DeclareSettings): string =>
  refusal === undefined
    ? `RabbitMQ has no exchange "${exchange}". Check its name; as soon as somebody makes it the binding becomes active`
    : `RabbitMQ does not let the user "${user}" bind to the exchange "${exchange}": ${refusal.text}. It is tried again`;
