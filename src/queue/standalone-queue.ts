// The queue of a deployment of one's own: tasks are stored in our database, behind the real queue's API.
import type { Clock } from '../core/clock.ts';
import { SLUG_ID } from '../core/ids.ts';
import { ApiError } from '../http/api-error.ts';
import type { ApiService, Caller, Satisfies } from '../http/api-method.ts';
import { insufficientScopes, missingScopes } from '../http/scope-check.ts';
import { compilePayloadCheck } from '../http/validation.ts';
import type { CreateTaskAnswer, CreateTaskRequest, Queue } from './queue.ts';
import {
  CREATE_TASK_REQUEST,
  type CreateTaskPayload,
  checkTaskTimes,
  completeTask,
  scopesToCreate,
} from './task-definition.ts';
import { type NewTask, type StoredTask, stateOf, type TaskStore } from './task-store.ts';

export type StandaloneQueueSettings = {
  readonly tasks: TaskStore;
  readonly clock: Clock;
  readonly satisfies: Satisfies;
  /** A caller with exactly these scopes. */
  readonly callerWith: (clientId: string, authorizedScopes: readonly string[]) => Promise<Caller>;
  readonly rootUrl: () => string;
};

/** In whose name hooks create tasks: what the queue's refusals call the caller. */
const HOOKS_CLIENT_ID = 'hookwright/hooks';

export const createStandaloneQueue = (settings: StandaloneQueueSettings): Queue & { readonly api: ApiService } => {
  const { tasks, clock, satisfies, callerWith, rootUrl } = settings;
  const checkRequest = compilePayloadCheck(
    CREATE_TASK_REQUEST,
    () => `${rootUrl()}/schemas/queue/v1/${CREATE_TASK_REQUEST.name}.json#`,
  );

  /** The definition that is to be stored. Throws the refusal. */
  const complete = (taskId: string, request: CreateTaskPayload, caller: Caller, mayBeLate: boolean): NewTask => {
    const definition = completeTask(taskId, request);
    const required = scopesToCreate(definition);
    if (!satisfies(caller, required)) throw insufficientScopes(caller, required, satisfies);
    checkTaskTimes(definition, clock.now(), mayBeLate);
    return { taskId, definition };
  };

  /** What hooks send, which no HTTP layer has looked at. */
  const prepare = async (request: CreateTaskRequest): Promise<NewTask | Refused> => {
    const { taskId, task, authorizedScopes } = request;
    const payload = JSON.parse(task) as CreateTaskPayload;
    const caller = await callerWith(HOOKS_CLIENT_ID, authorizedScopes);
    try {
      checkRequest(payload);
      return complete(taskId, payload, caller, true);
    } catch (error) {
      if (!(error instanceof ApiError) || error.statusCode >= 500) throw error;
      const refused = refusalOf(error);
      if (error.code !== 'InsufficientScopes') return refused;
      const required = scopesToCreate(completeTask(taskId, payload));
      const missing = missingScopes(required, (scope) => satisfies(caller, scope));
      return missing === undefined ? refused : { ...refused, missing };
    }
  };

  const createTask: Queue['createTask'] = async (request) => {
    const prepared = await prepare(request);
    if ('kind' in prepared) return prepared;
    const task = await tasks.create(prepared, clock.now());
    return task ? { kind: 'created' } : refusalOf(idInUse(request.taskId));
  };

  const createTasksIn: Queue['createTasksIn'] = async (tx, requests) => {
    const prepared = await Promise.all(requests.map(prepare));
    const fit = prepared.filter((one): one is NewTask => !('kind' in one));
    const creations = fit.length > 0 ? await tasks.createIn(tx, fit, clock.now()) : [];
    const creationOf = new Map(fit.map((task, index) => [task, creations[index]]));
    return prepared.map((one): CreateTaskAnswer => {
      if ('kind' in one) return one;
      const creation = creationOf.get(one);
      if (creation === 'conflict') return refusalOf(idInUse(one.taskId));
      return creation === 'again' ? { kind: 'created', again: true } : { kind: 'created' };
    });
  };

  const create: Create = async (taskId, payload, caller) => {
    const task = await tasks.create(complete(taskId, payload, caller, false), clock.now());
    if (!task) throw idInUse(taskId);
    return task;
  };

  const find = async (taskId: string): Promise<StoredTask> => {
    const task = await tasks.find(taskId);
    if (task) return task;
    throw new ApiError(
      'ResourceNotFound',
      `\`${taskId}\` does not correspond to a task that exists.\nAre you sure this task exists?`,
    );
  };

  return {
    createTask,
    createTasksIn,
    taskStates: tasks.states,
    api: {
      service: 'queue',
      title: 'Queue Service',
      description: 'Stores the tasks that hooks create. Its API is that of Taskcluster’s queue.',
      methods: queueMethods(find, create),
    },
  };
};

type Refused = Extract<CreateTaskAnswer, { kind: 'refused' }>;

const refusalOf = ({ statusCode, code, message }: ApiError): Refused => ({
  kind: 'refused',
  statusCode,
  code,
  message,
});

const idInUse = (taskId: string): ApiError =>
  new ApiError(
    'RequestConflict',
    `taskId \`${taskId}\` already used by another task. A task is created again only with an equal definition.`,
  );

type Create = (taskId: string, payload: CreateTaskPayload, caller: Caller) => Promise<StoredTask>;

const queueMethods = (find: (taskId: string) => Promise<StoredTask>, create: Create): ApiService['methods'] => {
  const params = { taskId: SLUG_ID };
  return [
    {
      name: 'createTask',
      title: 'Create New Task',
      description:
        'Creates a task. The same taskId with an equal definition is a success; with another one a conflict.',
      verb: 'PUT',
      route: '/task/<taskId>',
      params,
      // In full: task-definition.ts, scopesToCreate.
      scopes: { AllOf: ['<each of task.scopes>', 'queue:route:<each route>', 'queue:create-task:project:<projectId>'] },
      authorization: 'deferred',
      input: CREATE_TASK_REQUEST,
      handle: async ({ params: { taskId }, payload, caller }) => ({
        body: { status: statusOf(await create(taskId as string, payload as CreateTaskPayload, caller)) },
      }),
    },
    {
      name: 'task',
      title: 'Get Task Definition',
      description: 'The definition of a task, as it was created, defaults filled in.',
      verb: 'GET',
      route: '/task/<taskId>',
      params,
      scopes: 'queue:get-task:<taskId>',
      handle: async ({ params: { taskId } }) => ({ body: (await find(taskId as string)).definition }),
    },
    {
      name: 'status',
      title: 'Get task status',
      description: 'What became of a task so far.',
      verb: 'GET',
      route: '/task/<taskId>/status',
      params,
      scopes: 'queue:status:<taskId>',
      handle: async ({ params: { taskId } }) => ({ body: { status: statusOf(await find(taskId as string)) } }),
    },
  ];
};

const statusOf = ({ taskId, definition, retriesLeft, runs }: StoredTask) => ({
  taskId,
  provisionerId: definition.provisionerId,
  workerType: definition.workerType,
  taskQueueId: definition.taskQueueId,
  schedulerId: definition.schedulerId,
  projectId: definition.projectId,
  taskGroupId: definition.taskGroupId,
  priority: definition.priority,
  deadline: definition.deadline,
  expires: definition.expires,
  retriesLeft,
  state: stateOf(runs),
  runs,
});
