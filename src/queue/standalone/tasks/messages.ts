// The messages of the queue, published in the transaction of what they tell of.
import type { Broker, OutgoingMessage } from '../../../broker/broker.ts';
import { exchangeOf } from '../../../broker/names.ts';
import type { Transaction } from '../../../database/database.ts';
import { isResolved, type StoredTask, statusOf } from './task.ts';
import { describeGroup, readResolvedGroups, type TaskGroup } from './task-groups.ts';
import type { TaskEvent } from './transitions.ts';

export type CreationEvent = { readonly name: 'task-defined' };

export type TaskNews = {
  /** As it is after all that happened. */
  readonly task: StoredTask;
  /** In order. */
  readonly events: readonly (TaskEvent | CreationEvent)[];
};

export type QueueMessages = {
  /**
   * What became of tasks, once it is stored, and that groups are resolved by it. While nobody is
   * bound to these exchanges it costs one look at the bindings.
   */
  readonly publishEvents: (tx: Transaction, news: readonly TaskNews[]) => Promise<void>;
  readonly publishSealed: (tx: Transaction, group: TaskGroup) => Promise<void>;
};

export const createQueueMessages = (broker: Broker): QueueMessages => {
  const boundAmong = async (tx: Transaction, names: readonly string[]): Promise<ReadonlySet<string>> => {
    const exchanges = names.map((name) => exchangeOf('queue', name));
    return broker.boundAmong ? broker.boundAmong(tx, exchanges) : new Set(exchanges);
  };
  return {
    publishEvents: async (tx, news) => {
      const names = new Set<string>(news.flatMap(({ events }) => events.map(({ name }) => name)));
      const resolved = news.filter(({ task, events }) => events.length > 0 && isResolved(task));
      if (resolved.length > 0) names.add(GROUP_RESOLVED);
      if (names.size === 0) return;
      const bound = await boundAmong(tx, [...names]);
      if (bound.size === 0) return;
      const messages = news.flatMap(({ task, events }) =>
        events.filter(({ name }) => bound.has(exchangeOf('queue', name))).map((event) => messageOf(task, event)),
      );
      if (bound.has(exchangeOf('queue', GROUP_RESOLVED))) {
        const ids = new Set(resolved.map(({ task }) => task.definition.taskGroupId));
        const groups = await readResolvedGroups(tx, [...ids]);
        messages.push(...groups.map((group) => groupMessage(GROUP_RESOLVED, group)));
      }
      await broker.publish(tx, messages);
    },
    publishSealed: (tx, group) => broker.publish(tx, [groupMessage('task-group-sealed', group)]),
  };
};

const GROUP_RESOLVED = 'task-group-resolved';

const groupMessage = (name: string, group: TaskGroup): OutgoingMessage => ({
  exchange: exchangeOf('queue', name),
  routingKey: ['primary', group.taskGroupId, group.schedulerId, UNKNOWN].join('.'),
  body: { ...describeGroup(group), version: VERSION },
});

export const creationEvents = (task: StoredTask): TaskNews['events'] =>
  task.runs.length === 0 ? [{ name: 'task-defined' }] : [{ name: 'task-defined' }, { name: 'task-pending', runId: 0 }];

/** To which a new task that waits for nothing is told. */
export const CREATION_EXCHANGES: readonly string[] = ['task-defined', 'task-pending'].map((name) =>
  exchangeOf('queue', name),
);

export const creationMessages = (task: StoredTask): OutgoingMessage[] =>
  creationEvents(task).map((event) => messageOf(task, event));

const VERSION = 1;
const UNKNOWN = '_';

const messageOf = (task: StoredTask, event: TaskEvent | CreationEvent): OutgoingMessage => {
  const { tags, routes } = task.definition;
  // A task is told as defined before it is told as pending.
  const status = event.name === 'task-defined' ? { ...statusOf(task), state: 'unscheduled', runs: [] } : statusOf(task);
  const detail = event.name === 'task-defined' ? {} : detailOf(task, event);
  return {
    exchange: exchangeOf('queue', event.name),
    routingKey: routingKeyOf(task, detail),
    cc: routes.map((route) => `route.${route}`),
    body: { status, ...detail, task: { tags }, version: VERSION },
  };
};

type Detail = {
  readonly runId?: number;
  readonly workerGroup?: string;
  readonly workerId?: string;
  readonly takenUntil?: string;
};

const detailOf = (task: StoredTask, { name, runId, withoutWorker }: TaskEvent): Detail => {
  const { workerGroup, workerId, takenUntil } = task.runs[runId] ?? {};
  if (withoutWorker || workerGroup === undefined || workerId === undefined) return { runId };
  const worker = { runId, workerGroup, workerId };
  return name === 'task-running' && takenUntil !== undefined ? { ...worker, takenUntil } : worker;
};

const routingKeyOf = ({ taskId, definition }: StoredTask, { runId, workerGroup, workerId }: Detail): string =>
  [
    'primary',
    taskId,
    runId ?? UNKNOWN,
    workerGroup ?? UNKNOWN,
    workerId ?? UNKNOWN,
    definition.provisionerId,
    definition.workerType,
    definition.schedulerId,
    definition.taskGroupId,
    UNKNOWN,
  ].join('.');
