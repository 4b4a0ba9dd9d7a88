// What the queue tells the world, in the transaction of what it tells of
// (spec/standalone-auth-queue.md, section 10).
import type { Broker, OutgoingMessage } from '../../broker/broker.ts';
import type { Transaction } from '../../database/database.ts';
import { exchangeOf } from './exchanges.ts';
import { type StoredTask, statusOf } from './tasks/task.ts';
import type { TaskEvent } from './tasks/transitions.ts';

export type CreationEvent = { readonly name: 'task-defined' };

export type TaskNews = {
  /** As it is after all that happened. */
  readonly task: StoredTask;
  /** In order. */
  readonly events: readonly (TaskEvent | CreationEvent)[];
};

export type PublishEvents = (tx: Transaction, news: readonly TaskNews[]) => Promise<void>;

/** While nobody is bound to these exchanges it costs one look at the bindings. */
export const createPublishEvents =
  (broker: Broker): PublishEvents =>
  async (tx, news) => {
    const exchanges = [...new Set(news.flatMap(({ events }) => events.map(({ name }) => exchangeOf(name))))];
    if (exchanges.length === 0) return;
    const bound = broker.boundAmong ? await broker.boundAmong(tx, exchanges) : new Set(exchanges);
    if (bound.size === 0) return;
    const messages = news.flatMap(({ task, events }) =>
      events.filter(({ name }) => bound.has(exchangeOf(name))).map((event) => messageOf(task, event)),
    );
    await broker.publish(tx, messages);
  };

export const creationEvents = (task: StoredTask): TaskNews['events'] =>
  task.runs.length === 0 ? [{ name: 'task-defined' }] : [{ name: 'task-defined' }, { name: 'task-pending', runId: 0 }];

const VERSION = 1;
const UNKNOWN = '_';

const messageOf = (task: StoredTask, event: TaskEvent | CreationEvent): OutgoingMessage => {
  const { tags, routes } = task.definition;
  // A task is told as defined before it is told as pending.
  const status = event.name === 'task-defined' ? { ...statusOf(task), state: 'unscheduled', runs: [] } : statusOf(task);
  const detail = event.name === 'task-defined' ? {} : detailOf(task, event);
  return {
    exchange: exchangeOf(event.name),
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
