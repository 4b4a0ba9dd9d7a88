// The definition of a task, as clients send it and as it is stored.
import Type, { type Static } from 'typebox';
import { toIso } from '../../../core/clock.ts';
import { SLUG_ID } from '../../../core/ids.ts';
import { ApiError } from '../../../http/api-error.ts';
import type { NamedSchema, ScopeExpression } from '../../../http/api-method.ts';

/** Highest first: who may create a task of one priority may create those below it. */
export const PRIORITIES = ['highest', 'very-high', 'high', 'medium', 'low', 'very-low', 'lowest'] as const;

/** 0 is the highest. */
export const rankOf = (priority: TaskDefinition['priority']): number => PRIORITIES.indexOf(priority);

/** As of clients and roles: each is compared with those of the caller. */
const MOST_SCOPES = 10_000;
/** Looking at the format of a text takes memory in proportion to it. */
const LONGEST_DATE = 100;

export const slugId = Type.String({ pattern: SLUG_ID.source });
export const name38 = (extra: object = {}) => Type.String({ pattern: '^[a-zA-Z0-9-_]{1,38}$', ...extra });
const date = Type.String({ format: 'date-time', maxLength: LONGEST_DATE });

const createTaskRequest = Type.Object(
  {
    provisionerId: Type.Optional(name38()),
    workerType: Type.Optional(Type.String({ pattern: '^[a-z]([-a-z0-9]{0,36}[a-z0-9])?$' })),
    taskQueueId: Type.Optional(Type.String({ pattern: '^[a-zA-Z0-9-_]{1,38}/[a-z]([-a-z0-9]{0,36}[a-z0-9])?$' })),
    schedulerId: name38({ default: '-' }),
    projectId: Type.String({ pattern: '^[a-zA-Z0-9._/-]{1,500}$', default: 'none' }),
    taskGroupId: Type.Optional(slugId),
    dependencies: Type.Array(slugId, { uniqueItems: true, maxItems: 10_000, default: [] }),
    requires: Type.Enum(['all-completed', 'all-resolved'], { default: 'all-completed' }),
    routes: Type.Array(Type.String({ minLength: 1, maxLength: 249 }), { uniqueItems: true, maxItems: 64, default: [] }),
    priority: Type.Enum([...PRIORITIES], { default: 'lowest' }),
    retries: Type.Integer({ minimum: 0, maximum: 49, default: 5 }),
    created: date,
    deadline: date,
    expires: Type.Optional(date),
    scopes: Type.Array(Type.String({ pattern: '^[\\x20-\\x7e]*$' }), { maxItems: MOST_SCOPES, default: [] }),
    payload: Type.Object({}),
    metadata: Type.Object(
      {
        name: Type.String({ maxLength: 255 }),
        description: Type.String({ maxLength: 32_768 }),
        owner: Type.String({ maxLength: 255 }),
        source: Type.String({ maxLength: 4_096, pattern: '^(https?://|ssh://|git@)' }),
      },
      { additionalProperties: false },
    ),
    tags: Type.Record(Type.String(), Type.String({ maxLength: 4_096 }), { default: {} }),
    extra: Type.Object({}, { default: {} }),
  },
  { additionalProperties: false },
);

export type CreateTaskPayload = Static<typeof createTaskRequest>;

export const CREATE_TASK_REQUEST: NamedSchema = { name: 'create-task-request', schema: createTaskRequest };

/** Every field filled in, dates normalized. */
export type TaskDefinition = Readonly<Required<CreateTaskPayload>>;

const DRIFT_MS = 15 * 60 * 1000;
const LONGEST_DEADLINE_MS = 5 * 24 * 60 * 60 * 1000;

const LONGEST_ROUTE_BYTES = 249;

/** Milliseconds since the epoch. */
export type TaskTimes = { readonly created: number; readonly deadline: number; readonly expires: number };

export const timesOf = ({ created, deadline, expires }: CreateTaskPayload): TaskTimes => {
  const end = Date.parse(deadline);
  return {
    created: Date.parse(created),
    deadline: end,
    expires: expires === undefined ? yearAfter(end) : Date.parse(expires),
  };
};

/**
 * The definition that is stored, with what the request left out. Throws InputError for what a
 * schema cannot say.
 */
export const completeTask = (
  taskId: string,
  request: CreateTaskPayload,
  times: TaskTimes = timesOf(request),
): TaskDefinition => {
  const { provisionerId, workerType, taskQueueId } = identifyQueue(request);
  return {
    provisionerId,
    workerType,
    taskQueueId,
    schedulerId: request.schedulerId,
    projectId: request.projectId,
    taskGroupId: request.taskGroupId ?? taskId,
    dependencies: request.dependencies,
    requires: request.requires,
    routes: request.routes,
    priority: request.priority,
    retries: request.retries,
    created: toIso(times.created),
    deadline: toIso(times.deadline),
    expires: toIso(times.expires),
    scopes: request.scopes,
    payload: request.payload,
    metadata: request.metadata,
    tags: request.tags,
    extra: request.extra,
  };
};

const yearAfter = (ms: number): number => {
  const date = new Date(ms);
  return date.setUTCFullYear(date.getUTCFullYear() + 1);
};

const identifyQueue = ({ taskQueueId, provisionerId, workerType }: CreateTaskPayload) => {
  if ((provisionerId === undefined) !== (workerType === undefined)) {
    throw new ApiError('InputError', '`provisionerId` and `workerType` go together; give both, or `taskQueueId`.');
  }
  const joined = provisionerId === undefined ? undefined : `${provisionerId}/${workerType}`;
  const id = taskQueueId ?? joined;
  if (id === undefined) {
    throw new ApiError('InputError', 'A task needs a `taskQueueId`, or `provisionerId` and `workerType`.');
  }
  if (joined !== undefined && id !== joined) {
    throw new ApiError('InputError', 'taskQueueId must match "provisionerId/workerType"');
  }
  const slash = id.indexOf('/');
  return { taskQueueId: id, provisionerId: id.slice(0, slash), workerType: id.slice(slash + 1) };
};

/**
 * The rules about times.
 *
 * @param mayBeLate a hook's fire that was stored in time may reach the queue later, after an
 * outage.
 */
export const checkTaskTimes = (task: TaskDefinition, times: TaskTimes, nowMs: number, mayBeLate: boolean): void => {
  const { created, deadline, expires } = times;
  const refuse = (message: string): never => {
    throw new ApiError('InputError', message);
  };
  if (!mayBeLate && created < nowMs - DRIFT_MS) refuse('`created` cannot be in the past (max 15min drift)');
  if (created > nowMs + DRIFT_MS) refuse('`created` cannot be in the future (max 15min drift)');
  if (deadline < created) refuse('`deadline` cannot be before `created`');
  if (deadline <= nowMs) refuse('`deadline` cannot be in the past');
  if (deadline > nowMs + LONGEST_DEADLINE_MS + DRIFT_MS)
    refuse('`deadline` cannot be more than 5 days into the future');
  if (expires < deadline) refuse('`expires` cannot be before `deadline`');
  // A broker carries no more than this in a routing key, which `route.` is put before.
  if (task.routes.some((route) => Buffer.byteLength(route) > LONGEST_ROUTE_BYTES || route.includes('\0')))
    refuse(`a route must not be longer than ${LONGEST_ROUTE_BYTES} bytes in UTF-8, nor contain a NUL`);
  if (task.scopes.some((scope) => scope.endsWith('**'))) refuse('scopes must not end with `**`');
};

/** What it takes to create this task. */
export const scopesToCreate = (task: TaskDefinition): ScopeExpression => ({
  AllOf: [
    ...task.scopes,
    ...task.routes.map((route) => `queue:route:${route}`),
    `queue:create-task:project:${task.projectId}`,
    `queue:scheduler-id:${task.schedulerId}`,
    {
      AnyOf: PRIORITIES.slice(0, PRIORITIES.indexOf(task.priority) + 1).map(
        (priority) => `queue:create-task:${priority}:${task.taskQueueId}`,
      ),
    },
  ],
});
