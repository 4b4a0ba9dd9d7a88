// The queue of a stand-in deployment: as much of the real one as those see who create tasks and
// look at them.
import { isDeepStrictEqual } from 'node:util';
import scopeLib from 'taskcluster-lib-scopes';
import type { Expression } from './authority.ts';

// biome-ignore lint/suspicious/noExplicitAny: it has passed its schema.
type Definition = any;

export type StandInTask = {
  readonly taskId: string;
  /** As it is stored: with defaults. */
  readonly definition: Definition;
  /** As the request that made it was signed. */
  readonly authorizedScopes: readonly string[] | undefined;
  /** May be set by the test. */
  state: string;
};

export type Answer = { readonly status: number; readonly body?: unknown };

/** The caller's scopes. */
export type Asking = { readonly scopes: readonly string[]; readonly authorizedScopes: readonly string[] | undefined };

export type QueueRequest = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Definition;
};

/** Smaller than anybody asks for, so that lists have several pages. */
const PAGE = 30;
const MINUTE = 60_000;
const DRIFT = 15 * MINUTE;
const LONGEST_DEADLINE = 5 * 24 * 60 * MINUTE;
const PRIORITIES = ['highest', 'very-high', 'high', 'medium', 'low', 'very-low', 'lowest'];

export const refuse = (status: number, code: string, message: string): Answer => ({
  status,
  body: { code, message: `${message}\n\n---\n\n* method:     x\n* errorCode:  ${code}`, requestInfo: {} },
});

export const createStandInQueue = (now: () => number) => {
  const tasks = new Map<string, StandInTask>();

  const checkTimes = ({ created, deadline, expires }: Definition): string | undefined => {
    const [at, until] = [Date.parse(created), Date.parse(deadline)];
    if (at < now() - DRIFT) return '`created` cannot be in the past (max 15min drift)';
    if (at > now() + DRIFT) return '`created` cannot be in the future (max 15min drift)';
    if (at > until) return '`deadline` cannot be later than `created`';
    if (until < now()) return '`deadline` cannot be in the past';
    if (until > now() + LONGEST_DEADLINE + DRIFT) return '`deadline` cannot be more than 5 days into the future';
    if (Date.parse(expires) < until) return '`expires` cannot be before `deadline`';
    return undefined;
  };

  const createTask = (taskId: string, request: Definition, { scopes, authorizedScopes }: Asking): Answer => {
    const joined = request.provisionerId === undefined ? undefined : `${request.provisionerId}/${request.workerType}`;
    const taskQueueId = request.taskQueueId ?? joined;
    if (taskQueueId === undefined || (joined !== undefined && joined !== taskQueueId)) {
      return refuse(400, 'InputError', 'taskQueueId must match "provisionerId/workerType"');
    }
    const definition = complete(taskId, taskQueueId, request);
    const required = scopesOf(definition);
    const missing = scopeLib.removeGivenScopes(scopes, required);
    if (missing !== null) {
      const show = (expression: unknown) =>
        `\`\`\`\n${typeof expression === 'string' ? expression : JSON.stringify(expression, null, 2)}\n\`\`\``;
      return refuse(
        403,
        'InsufficientScopes',
        `Client ID x does not have sufficient scopes and is missing the following scopes:\n\n${show(missing)}\n\n` +
          `This request requires the client to satisfy the following scope expression:\n\n${show(required)}`,
      );
    }
    const wrong = checkTimes(definition);
    if (wrong) return refuse(400, 'InputError', wrong);
    const known = tasks.get(taskId);
    if (!known) {
      const missingTasks = definition.dependencies.filter((id: string) => id !== taskId && !tasks.has(id));
      if (missingTasks.length > 0)
        return refuse(400, 'InputError', '`task.dependencies` must reference existing tasks.');
      tasks.set(taskId, { taskId, definition, authorizedScopes, state: 'pending' });
    } else if (!isDeepStrictEqual(known.definition, definition)) {
      return refuse(409, 'RequestConflict', `taskId \`${taskId}\` already used by another task.`);
    }
    return { status: 200, body: { status: statusOf(tasks.get(taskId) as StandInTask) } };
  };

  return {
    tasks,
    handle: (name: string, { params, query, body }: QueueRequest, asking: Asking): Answer => {
      const taskId = params.taskId ?? '';
      const holds = (expression: Expression) => scopeLib.satisfiesExpression(asking.scopes, expression);
      const lacks = (scope: string) => refuse(403, 'InsufficientScopes', `missing the following scopes:\n\n${scope}`);
      const known = tasks.get(taskId);
      switch (name) {
        case 'createTask':
          return createTask(taskId, body, asking);
        case 'task':
          if (!holds(`queue:get-task:${taskId}`)) return lacks(`queue:get-task:${taskId}`);
          return known ? { status: 200, body: known.definition } : refuse(404, 'ResourceNotFound', 'Task not found');
        case 'status':
          if (!holds(`queue:status:${taskId}`)) return lacks(`queue:status:${taskId}`);
          return known
            ? { status: 200, body: { status: statusOf(known) } }
            : refuse(404, 'ResourceNotFound', 'Task not found');
        case 'statuses': {
          const ids: string[] = body.taskIds;
          const forbidden = ids.find((id) => !holds(`queue:status:${id}`));
          if (forbidden) return lacks(`queue:status:${forbidden}`);
          const found = ids.flatMap((id) => tasks.get(id) ?? []);
          const from = Number(query.get('continuationToken') ?? 0);
          const page = found.slice(from, from + PAGE);
          const next = from + PAGE < found.length ? { continuationToken: String(from + PAGE) } : {};
          return {
            status: 200,
            body: { statuses: page.map((task) => ({ taskId: task.taskId, status: statusOf(task) })), ...next },
          };
        }
        case 'ping':
          return { status: 200, body: { alive: true, uptime: 1 } };
        default:
          return { status: 501, body: { code: 'NotImplemented', message: `the stand-in has no ${name}` } };
      }
    },
  };
};

const iso = (text: string): string => new Date(text).toISOString();

const complete = (taskId: string, taskQueueId: string, request: Definition): Definition => {
  const [provisionerId, workerType] = taskQueueId.split('/');
  const year = new Date(request.deadline);
  year.setUTCFullYear(year.getUTCFullYear() + 1);
  return {
    taskGroupId: taskId,
    ...request,
    ...{ taskQueueId, provisionerId, workerType },
    created: iso(request.created),
    deadline: iso(request.deadline),
    expires: iso(request.expires ?? year.toISOString()),
  };
};

const scopesOf = (task: Definition): Expression => ({
  AllOf: [
    ...task.scopes,
    ...task.routes.map((route: string) => `queue:route:${route}`),
    `queue:create-task:project:${task.projectId}`,
    `queue:scheduler-id:${task.schedulerId}`,
    {
      AnyOf: PRIORITIES.slice(0, PRIORITIES.indexOf(task.priority) + 1).map(
        (priority) => `queue:create-task:${priority}:${task.taskQueueId}`,
      ),
    },
  ],
});

const statusOf = ({ taskId, definition, state }: StandInTask) => {
  const { provisionerId, workerType, taskQueueId, schedulerId, projectId, taskGroupId } = definition;
  const { priority, deadline, expires, retries } = definition;
  return {
    ...{ taskId, provisionerId, workerType, taskQueueId, schedulerId, projectId, taskGroupId, priority, deadline },
    ...{ expires, retriesLeft: retries, state },
    runs: [{ runId: 0, state, reasonCreated: 'scheduled', scheduled: definition.created }],
  };
};
