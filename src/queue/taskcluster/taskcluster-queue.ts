// The queue of a Taskcluster deployment: tasks of hooks are created there, each with the scopes of
// its hook's role and no others.
//
// The queue's answers are told apart by their cause. The hook: 400, 403 (its role lacks scopes),
// 404, 409, 410, 413 in the queue's own words; the fire ends as refused. This server or the
// deployment: 401 (our credentials are not good, or may not bear this role), 429, 5xx, no answer,
// an answer that is not Taskcluster's; an error is thrown, and the fire is tried again, because the
// hook's owner can do nothing about it.
import type { Clock } from '../../core/clock.ts';
import { toIso } from '../../core/clock.ts';
import { ApiError } from '../../http/api-error.ts';
import type { ScopeExpression } from '../../http/api-method.ts';
import {
  type TaskclusterAnswer,
  type TaskclusterClient,
  TaskclusterError,
} from '../../taskcluster/taskcluster-client.ts';
import type { CreateTaskAnswer, CreateTaskRequest, Queue, Refusal } from '../queue.ts';
import { isSameTask } from './same-task.ts';
import { createTaskStates, type TaskStatesSettings } from './task-states.ts';
import { createTryTasks } from './try-tasks.ts';

export type TaskclusterQueueSettings = TaskStatesSettings & {
  readonly client: TaskclusterClient;
  readonly clock: Clock;
};

export type TaskclusterQueue = Queue & {
  /** Throws ApiError ServiceUnavailable when the queue does not answer. */
  readonly checkHealth: () => Promise<void>;
};

type Refused = Extract<TaskclusterAnswer, { ok: false }>;

/** The queue refuses a `created` more than 15 minutes from its own time; clocks differ. */
const STALE_MS = 10 * 60 * 1000;
const DEADLINE_MS = 25_000;
const HEALTH_DEADLINE_MS = 3_000;
/** A task is at most 10 MB. */
const LARGEST_TASK = 16 * 1024 * 1024;
const CREATED: CreateTaskAnswer = { kind: 'created' };
const TOO_LARGE: Refused = { ok: false, statusCode: 413, code: 'InputTooLarge', message: 'The task is too large.' };
const AGAIN: CreateTaskAnswer = { kind: 'created', again: true };

export const createTaskclusterQueue = (settings: TaskclusterQueueSettings): TaskclusterQueue => {
  const { client, clock } = settings;

  const send = (request: CreateTaskRequest, task: string, signal: AbortSignal): Promise<TaskclusterAnswer> =>
    client
      .call(
        {
          ...{ service: 'queue', name: 'createTask', verb: 'PUT', path: `/task/${encodeURIComponent(request.taskId)}` },
          body: task,
          as: { authorizedScopes: request.authorizedScopes },
          deadlineMs: DEADLINE_MS, // one try: whoever pursues the fire tries again, and writes down each
        },
        signal,
      )
      .catch((error: unknown) => {
        if (!(error instanceof TaskclusterError)) throw error;
        if (error.statusCode === 401) throw unknownHere(client, request, error);
        if (error.statusCode === 413) return TOO_LARGE; // of a proxy, which does not know the queue's words for it
        throw error;
      });

  /** The task as the queue has it; undefined: there is none. */
  const find = async (taskId: string, signal: AbortSignal): Promise<unknown> => {
    const path = `/task/${encodeURIComponent(taskId)}`;
    const answer = await client.call(
      {
        ...{ service: 'queue', name: 'task', verb: 'GET', path, as: 'ourselves' },
        ...{ deadlineMs: DEADLINE_MS, tries: 2, largestAnswer: LARGEST_TASK },
      },
      signal,
    );
    if (answer.ok) return answer.body;
    if (answer.statusCode === 404) return undefined;
    throw new TaskclusterError(
      `queue.task at ${client.rootUrl} does not show ${taskId} to client ${client.clientId}, which needs queue:get-task:*: ${answer.code}`,
      answer.statusCode,
    );
  };

  /**
   * After an outage: the queue takes no task whose `created` is so old, so it gets a new one. But
   * an attempt whose answer was lost may have made the task, with the old `created` or with that of
   * an earlier attempt like this one; hence the look, before and after.
   */
  const createLate = async (request: CreateTaskRequest, signal: AbortSignal): Promise<CreateTaskAnswer> => {
    const { taskId, task } = request;
    const known = await find(taskId, signal);
    if (known !== undefined) return isSameTask(taskId, task, known) ? AGAIN : conflict(taskId);
    const wanted = JSON.parse(task) as { deadline?: unknown };
    const now = clock.now();
    if (typeof wanted.deadline === 'string' && Date.parse(wanted.deadline) <= now) {
      throw new Error('the deadline of the task has passed'); // and whoever pursues the fire knows when it is over
    }
    const answer = await send(request, JSON.stringify({ ...wanted, created: toIso(now) }), signal);
    if (answer.ok) return CREATED;
    if (answer.statusCode !== 409) return refusalOf(answer);
    const made = await find(taskId, signal); // by an attempt that was still on its way
    return made !== undefined && isSameTask(taskId, task, made) ? AGAIN : refusalOf(answer);
  };

  return {
    createTask: async (request, signal) => {
      const { taskId, task } = request;
      if (createdIn(task) < clock.now() - STALE_MS) return createLate(request, signal);
      const answer = await send(request, task, signal);
      if (answer.ok) return CREATED;
      if (isTooOld(answer)) return createLate(request, signal); // by the queue's clock
      if (answer.statusCode !== 409) return refusalOf(answer);
      // Equal but for `created`: made late, by an attempt before our clock was set back.
      const made = await find(taskId, signal).catch((error: unknown) => {
        if (error instanceof TaskclusterError && error.statusCode === 403) return undefined; // then it stays a conflict
        throw error;
      });
      return made !== undefined && isSameTask(taskId, task, made) ? AGAIN : refusalOf(answer);
    },
    tryTasks: createTryTasks(client),
    taskStates: createTaskStates(settings),
    checkHealth: async () => {
      const ping = { service: 'queue', name: 'ping', verb: 'GET', path: '/ping', as: 'nobody' } as const;
      const away = (error: unknown) =>
        new ApiError('ServiceUnavailable', `the queue of ${client.rootUrl} does not answer`, error);
      await client.call({ ...ping, deadlineMs: HEALTH_DEADLINE_MS, tries: 2 }).catch((error: unknown) => {
        throw away(error);
      });
    },
  };
};

/** Milliseconds since the epoch; a task without a date is for the queue to refuse. */
const createdIn = (task: string): number => {
  const { created } = JSON.parse(task) as { created?: unknown };
  const ms = typeof created === 'string' ? Date.parse(created) : Number.NaN;
  return Number.isNaN(ms) ? Number.POSITIVE_INFINITY : ms;
};

/**
 * In other words: Auth's would list all scopes of our client to those who may read the fires of a
 * hook.
 */
const unknownHere = (
  { rootUrl, clientId }: TaskclusterClient,
  { authorizedScopes }: CreateTaskRequest,
  { message }: TaskclusterError,
): TaskclusterError => {
  const isRestricted = message.includes('authorizedScopes');
  const reason = isRestricted
    ? `it lacks ${authorizedScopes.join(', ')}`
    : message.slice(message.indexOf('answered 401'));
  return new TaskclusterError(
    `queue.createTask at ${rootUrl} does not accept client ${clientId}, which this server is there: ${reason}. ` +
      "Look at that client's token, expiry and scopes (it needs assume:hook-id:*), and at this machine's clock",
    401,
  );
};

const isTooOld = ({ statusCode, message }: Refused): boolean =>
  statusCode === 400 && /`?created`? cannot be in the past/.test(message);

const refusalOf = ({ statusCode, code, message }: Refused): Refusal => {
  const missing = code === 'InsufficientScopes' ? missingIn(message) : undefined;
  return { kind: 'refused', statusCode, code, message, ...(missing !== undefined && { missing }) };
};

const conflict = (taskId: string): Refusal => ({
  kind: 'refused',
  statusCode: 409,
  code: 'RequestConflict',
  message: `taskId \`${taskId}\` already used by another task.`,
});

/** The refusal says in its first block what is missing: a scope, or an expression as JSON. */
const missingIn = (message: string): ScopeExpression | undefined => {
  const block = /is missing the following scopes:\s*```\n([^`]*)\n```/.exec(message)?.[1]?.trim();
  if (!block) return undefined;
  if (!block.startsWith('{')) return block;
  try {
    const parsed: unknown = JSON.parse(block);
    return isExpression(parsed) ? parsed : undefined;
  } catch {
    return undefined; // the message is told all the same
  }
};

const isExpression = (value: unknown): value is ScopeExpression => {
  if (typeof value === 'string') return true;
  if (typeof value !== 'object' || value === null) return false;
  const [parts, ...others] = Object.values(value);
  const isKnown = 'AllOf' in value || 'AnyOf' in value;
  return isKnown && others.length === 0 && Array.isArray(parts) && parts.every(isExpression);
};
