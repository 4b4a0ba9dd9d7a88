// What the queue's methods take and give, under the names by which generic clients download it.
import Type, { type Static } from 'typebox';
import type { NamedSchema } from '../../http/api-method.ts';
import { REPORTED_REASONS } from './tasks/task.ts';
import { CREATE_TASK_REQUEST, name38, PRIORITIES, slugId } from './tasks/task-definition.ts';

const closed = { additionalProperties: false } as const;
const dateTime = Type.String({ format: 'date-time' });
const runId = Type.Integer({ minimum: 0, maximum: 1000 });
const taskQueueId = Type.String({ pattern: '^[a-zA-Z0-9-_]{1,38}/[a-z]([-a-z0-9]{0,36}[a-z0-9])?$' });
const continuationToken = Type.String({
  description: 'Opaque. Send it back to get what follows; absent on the last page.',
});

const run = Type.Object(
  {
    runId,
    state: Type.Enum(['pending', 'running', 'completed', 'failed', 'exception']),
    reasonCreated: Type.Enum(['scheduled', 'retry', 'task-retry', 'rerun', 'exception']),
    reasonResolved: Type.Optional(
      Type.Enum(['completed', 'failed', 'deadline-exceeded', 'canceled', 'claim-expired', ...REPORTED_REASONS]),
    ),
    workerGroup: Type.Optional(name38()),
    workerId: Type.Optional(name38()),
    takenUntil: Type.Optional(dateTime),
    scheduled: dateTime,
    started: Type.Optional(dateTime),
    resolved: Type.Optional(dateTime),
  },
  closed,
);

export const TASK_STATUS = Type.Object(
  {
    taskId: slugId,
    provisionerId: name38(),
    workerType: Type.String(),
    taskQueueId,
    schedulerId: name38(),
    projectId: Type.String(),
    taskGroupId: slugId,
    priority: Type.Enum([...PRIORITIES]),
    deadline: dateTime,
    expires: dateTime,
    retriesLeft: Type.Integer({ minimum: 0, maximum: 49 }),
    state: Type.Enum(['unscheduled', 'pending', 'running', 'completed', 'failed', 'exception']),
    runs: Type.Array(run),
  },
  closed,
);

/** As it was created, with what the request left out. */
const task = Type.Object(
  {
    provisionerId: name38(),
    workerType: Type.String(),
    taskQueueId,
    schedulerId: name38(),
    projectId: Type.String(),
    taskGroupId: slugId,
    dependencies: Type.Array(slugId),
    requires: Type.Enum(['all-completed', 'all-resolved']),
    routes: Type.Array(Type.String()),
    priority: Type.Enum([...PRIORITIES]),
    retries: Type.Integer({ minimum: 0, maximum: 49 }),
    created: dateTime,
    deadline: dateTime,
    expires: dateTime,
    scopes: Type.Array(Type.String()),
    payload: Type.Object({}),
    metadata: Type.Object(
      { name: Type.String(), description: Type.String(), owner: Type.String(), source: Type.String() },
      closed,
    ),
    tags: Type.Record(Type.String(), Type.String()),
    extra: Type.Object({}),
  },
  closed,
);

const credentials = Type.Object(
  {
    clientId: Type.String(),
    accessToken: Type.String(),
    certificate: Type.String({ description: 'JSON, as text.' }),
  },
  {
    ...closed,
    description: 'Good for what a worker does with this run, and for the scopes of the task, until `takenUntil`.',
  },
);

const worker = { workerGroup: name38(), workerId: name38() };
const claimed = { status: TASK_STATUS, runId, ...worker, takenUntil: dateTime };
const tasks = Type.Array(Type.Object({ status: TASK_STATUS, task }, closed));
export const TASK_GROUP = {
  taskGroupId: slugId,
  schedulerId: name38(),
  expires: dateTime,
  sealed: Type.Optional(dateTime),
};

const claimWork = Type.Object(
  {
    tasks: Type.Integer({ minimum: 1, maximum: 32, default: 1, description: 'How many tasks to claim at most.' }),
    ...worker,
  },
  closed,
);
export type ClaimWork = Static<typeof claimWork>;

const taskException = Type.Object({ reason: Type.Enum([...REPORTED_REASONS]) }, closed);
export type TaskException = Static<typeof taskException>;

const named = <Name extends string>(name: Name, schema: object): NamedSchema => ({ name, schema });

export const SCHEMAS = {
  createTask: CREATE_TASK_REQUEST,
  task: named('task', task),
  status: named('task-status-response', Type.Object({ status: TASK_STATUS }, closed)),
  listTaskGroup: named(
    'list-task-group-response',
    Type.Object({ ...TASK_GROUP, tasks, continuationToken: Type.Optional(continuationToken) }, closed),
  ),
  taskGroup: named('task-group-response', Type.Object(TASK_GROUP, closed)),
  cancelTaskGroup: named(
    'cancel-task-group-response',
    Type.Object(
      {
        taskGroupId: slugId,
        taskGroupSize: Type.Integer({ description: 'How many tasks the group has.' }),
        cancelledCount: Type.Integer({ description: 'How many of them were canceled now.' }),
        taskIds: Type.Array(slugId, { description: 'Which.' }),
      },
      closed,
    ),
  ),
  listDependentTasks: named(
    'list-dependent-tasks-response',
    Type.Object({ taskId: slugId, tasks, continuationToken: Type.Optional(continuationToken) }, closed),
  ),
  claimWork: named('claim-work-request', claimWork),
  claimWorkResponse: named(
    'claim-work-response',
    Type.Object({ tasks: Type.Array(Type.Object({ ...claimed, task, credentials }, closed)) }, closed),
  ),
  reclaimResponse: named('task-reclaim-response', Type.Object({ ...claimed, credentials }, closed)),
  taskException: named('task-exception-request', taskException),
  pendingTasks: named(
    'pending-tasks-response',
    Type.Object(
      {
        provisionerId: name38(),
        workerType: Type.String(),
        taskQueueId,
        pendingTasks: Type.Integer({ minimum: 0, description: 'May be a little behind.' }),
      },
      closed,
    ),
  ),
};
