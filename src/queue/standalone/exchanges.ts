// The exchanges to which the queue publishes, as data.
import Type from 'typebox';
import type { ExchangesDeclaration, RoutingKeyEntry } from '../../http/api-method.ts';
import { TASK_GROUP, TASK_STATUS } from './schemas.ts';

const part = (name: string, summary: string, more: Partial<RoutingKeyEntry> = {}): RoutingKeyEntry => ({
  ...{ name, summary, multipleWords: false, required: true },
  ...more,
});

const KIND = part('routingKeyKind', 'What kind of key this is; always `primary`.', { constant: 'primary' });
const RESERVED = part('reserved', 'Kept for words to come: match it with `#`.', {
  required: false,
  multipleWords: true,
});

const routingKeyWhere = (hasRun: boolean, hasWorker: boolean): readonly RoutingKeyEntry[] => [
  KIND,
  part('taskId', 'The task that the message is about.'),
  part('runId', 'The run that the message is about, or `_`.', { required: hasRun }),
  part('workerGroup', 'The group of the worker that has or had the run, or `_`.', { required: hasWorker }),
  part('workerId', 'The worker that has or had the run, or `_`.', { required: hasWorker }),
  part('provisionerId', 'The first part of the task’s taskQueueId.'),
  part('workerType', 'The second part of the task’s taskQueueId.'),
  part('schedulerId', 'The scheduler of the task.'),
  part('taskGroupId', 'The group of the task.'),
  RESERVED,
];

const GROUP_ROUTING_KEY: readonly RoutingKeyEntry[] = [
  KIND,
  part('taskGroupId', 'The group that the message is about.'),
  part('schedulerId', 'The scheduler of the group.'),
  RESERVED,
];

const common = {
  status: TASK_STATUS,
  task: Type.Object(
    { tags: Type.Record(Type.String(), Type.String()) },
    { description: 'What readers of the definition need most.' },
  ),
  version: Type.Literal(1),
};
const runId = Type.Integer({ minimum: 0, maximum: 1000 });
const worker = { workerGroup: Type.String(), workerId: Type.String() };
const takenUntil = Type.String({ format: 'date-time' });

const groupChanged = {
  name: 'task-group-changed-message',
  schema: Type.Object({ ...TASK_GROUP, version: Type.Literal(1) }),
};

export const QUEUE_EXCHANGES: ExchangesDeclaration = {
  title: 'Queue Events',
  description:
    'What becomes of tasks and their groups. Each task route adds `route.<route>` to the routing keys of all messages of the task.',
  entries: [
    {
      name: 'taskDefined',
      exchange: 'task-defined',
      title: 'Task Defined Messages',
      description: 'A task was created. Its status in this message is always `unscheduled`.',
      routingKey: routingKeyWhere(false, false),
      schema: { name: 'task-defined-message', schema: Type.Object(common) },
    },
    {
      name: 'taskPending',
      exchange: 'task-pending',
      title: 'Task Pending Messages',
      description: 'A task waits for a worker: it was created, or what it waited for is done, or it is tried again.',
      routingKey: routingKeyWhere(true, false),
      schema: { name: 'task-pending-message', schema: Type.Object({ ...common, runId }) },
    },
    {
      name: 'taskRunning',
      exchange: 'task-running',
      title: 'Task Running Messages',
      description: 'A worker has claimed a task.',
      routingKey: routingKeyWhere(true, true),
      schema: { name: 'task-running-message', schema: Type.Object({ ...common, runId, ...worker, takenUntil }) },
    },
    {
      name: 'taskCompleted',
      exchange: 'task-completed',
      title: 'Task Completed Messages',
      description: 'A worker has reported success.',
      routingKey: routingKeyWhere(true, true),
      schema: { name: 'task-completed-message', schema: Type.Object({ ...common, runId, ...worker }) },
    },
    {
      name: 'taskFailed',
      exchange: 'task-failed',
      title: 'Task Failed Messages',
      description: 'A worker has reported that the task failed.',
      routingKey: routingKeyWhere(true, true),
      schema: { name: 'task-failed-message', schema: Type.Object({ ...common, runId, ...worker }) },
    },
    {
      name: 'taskException',
      exchange: 'task-exception',
      title: 'Task Exception Messages',
      description:
        'A run ended without a result: canceled, its claim or deadline passed, or its worker could not go on. When another run follows, the ' +
        'status in this message has it already.',
      routingKey: routingKeyWhere(true, false),
      schema: {
        name: 'task-exception-message',
        schema: Type.Object({
          ...common,
          runId,
          workerGroup: Type.Optional(worker.workerGroup),
          workerId: Type.Optional(worker.workerId),
        }),
      },
    },
    {
      name: 'taskGroupResolved',
      exchange: 'task-group-resolved',
      title: 'Task Group Resolved Messages',
      description:
        'All tasks of a group are resolved, in whatever way. It comes again when tasks were added or run again, and are resolved, too.',
      routingKey: GROUP_ROUTING_KEY,
      schema: groupChanged,
    },
    {
      name: 'taskGroupSealed',
      exchange: 'task-group-sealed',
      title: 'Task Group Sealed Messages',
      description: 'A group takes no more tasks. It comes with each call that seals the group.',
      routingKey: GROUP_ROUTING_KEY,
      schema: groupChanged,
    },
  ],
};
