// The queue in standalone mode: tasks live in our database from their creation to their removal,
// behind the API of Taskcluster's queue.
import { ensureInternalClient, type InternalClientSettings } from '../../auth/clients/internal-client.ts';
import type { Broker } from '../../broker/broker.ts';
import type { Clock } from '../../core/clock.ts';
import { LARGE, nextTurn } from '../../core/clock.ts';
import { createBatch } from '../../database/batch.ts';
import type { Database } from '../../database/database.ts';
import { undone } from '../../database/undone.ts';
import { ApiError } from '../../http/api-error.ts';
import type { ApiRequest, ApiService, Caller, Satisfies } from '../../http/api-method.ts';
import { insufficientScopes, missingScopes } from '../../http/scope-check.ts';
import { compilePayloadCheck } from '../../http/validation.ts';
import type { Timers } from '../../timers/create-timers.ts';
import type { CreateTaskAnswer, CreateTaskRequest, Queue, Refusal } from '../queue.ts';
import { createQueueApi } from './api.ts';
import { createClaimCredentials, QUEUE_CLIENT } from './claims/claim-credentials.ts';
import { createClaimTasks } from './claims/claim-tasks.ts';
import { createWorkRequests } from './claims/work-requests.ts';
import { createChangeTask, createCommitChanges } from './tasks/change-tasks.ts';
import { type Creation, createTasksWith, type NewTask } from './tasks/create-tasks.ts';
import { createTaskExpiry, TASK_TIMER } from './tasks/expiry.ts';
import { createQueueMessages } from './tasks/messages.ts';
import { createPlainTasks } from './tasks/plain-tasks.ts';
import type { StoredTask } from './tasks/task.ts';
import {
  CREATE_TASK_REQUEST,
  type CreateTaskPayload,
  checkTaskTimes,
  completeTask,
  scopesToCreate,
  timesOf,
} from './tasks/task-definition.ts';
import { readStates } from './tasks/task-store.ts';

export type StandaloneQueueSettings = {
  readonly database: Database;
  /** Gets the handler of what becomes of tasks by itself; runs after this. */
  readonly timers: Timers;
  readonly broker: Broker;
  /** Where the client lives in whose name workers get credentials. */
  readonly clients: InternalClientSettings['clients'];
  readonly clock: Clock;
  readonly satisfies: Satisfies;
  /** A caller with exactly these scopes. */
  readonly callerWith: (clientId: string, authorizedScopes: readonly string[]) => Promise<Caller>;
  readonly rootUrl: () => string;
  /** Aborts when the server ends: workers that wait for tasks are answered at once. */
  readonly ending: AbortSignal;
  /**
   * Called for a task that somebody looks for and that is not there. Resolves when it may be there,
   * or will not be for now. Default: it will not.
   */
  readonly whenMissing?: (taskId: string) => Promise<void>;
  /** For how long a worker has a task before it must reclaim it. */
  readonly claimMs?: number;
};

export type StandaloneQueue = Queue &
  AsyncDisposable & {
    readonly api: ApiService;
    readonly createTasksIn: NonNullable<Queue['createTasksIn']>;
    /** Has the timers look after tasks. Before they run; doing it again does no harm. */
    readonly begin: () => Promise<void>;
  };

/** In whose name hooks create tasks: what the queue's refusals call the caller. */
const HOOKS_CLIENT_ID = 'hookwright/hooks';
/** As Taskcluster. */
const CLAIM_MS = 20 * 60 * 1000;
const MOST_CREATED_AT_ONCE = 200;
/** Dependencies of one task. */
const MOST_LOOKED_FOR = 100;

export const createStandaloneQueue = (settings: StandaloneQueueSettings): StandaloneQueue => {
  const { database, timers, broker, clients, clock, satisfies, callerWith, rootUrl, ending } = settings;
  const { claimMs = CLAIM_MS, whenMissing = async () => {} } = settings;
  const { publishEvents, publishSealed } = createQueueMessages(broker);
  const createTasks = createTasksWith({ timers, publishEvents });
  const commitChanges = createCommitChanges({ timers, publishEvents });
  const claimTasks = createClaimTasks({ database, clock, commitChanges, claimMs });
  const workRequests = createWorkRequests({ database, clock, claimTasks, ending });

  const createShared = createBatch<NewTask, Creation>({
    maxItems: MOST_CREATED_AT_ONCE,
    concurrency: 2,
    run: (tasks) => database.transaction((tx) => createTasks(tx, tasks, clock.now())),
  });

  /** A task that it waits for may be one whose fire is under way. */
  const createTogether = async (task: NewTask): Promise<Creation> => {
    const creation = await createShared(task);
    if (creation.kind !== 'refused' || !creation.missing) return creation;
    await Promise.all(creation.missing.slice(0, MOST_LOOKED_FOR).map(whenMissing));
    return createShared(task);
  };

  /** The definition that is to be stored. Throws the refusal. */
  const complete = (taskId: string, request: CreateTaskPayload, caller: Caller, mayBeLate: boolean): NewTask => {
    const times = timesOf(request);
    const definition = completeTask(taskId, request, times);
    const required = scopesToCreate(definition);
    if (!satisfies(caller, required)) throw insufficientScopes(caller, required, satisfies);
    checkTaskTimes(definition, times, clock.now(), mayBeLate);
    return { taskId, definition };
  };

  const checkRequest = compilePayloadCheck(
    CREATE_TASK_REQUEST,
    () => `${rootUrl()}/schemas/queue/v1/${CREATE_TASK_REQUEST.name}.json#`,
  );

  /** What hooks send, which no HTTP layer has looked at. */
  const prepare = async (request: CreateTaskRequest): Promise<NewTask | Refusal> => {
    const { taskId, task, value, authorizedScopes } = request;
    // The check fills in what was left out, all of it at the top.
    const payload = (value ? { ...value } : JSON.parse(task)) as CreateTaskPayload;
    if (task.length > LARGE) await nextTurn();
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

  const plainTasks = createPlainTasks({ broker, prepare, clock });

  const createTasksIn: StandaloneQueue['createTasksIn'] = async (tx, requests) => {
    const prepared: (NewTask | Refusal)[] = [];
    for (const request of requests) prepared.push(await prepare(request));
    const fit = prepared.filter((one): one is NewTask => !('kind' in one));
    const creations = fit.length > 0 ? await createTasks(tx, fit, clock.now()) : [];
    const creationOf = new Map(fit.map((task, index) => [task, creations[index] as Creation]));
    return prepared.map((one) => ('kind' in one ? one : answerOf(creationOf.get(one) as Creation)));
  };

  const create = async ({ params, payload, caller }: ApiRequest<CreateTaskPayload>): Promise<StoredTask> => {
    const creation = await createTogether(complete(params.taskId as string, payload, caller, false));
    if (creation.kind === 'refused') throw creation.error;
    return creation.task;
  };

  return {
    createTask: async (request) => {
      const prepared = await prepare(request);
      return 'kind' in prepared ? prepared : answerOf(await createTogether(prepared));
    },
    createTasksIn,
    ...(plainTasks && { plainTasks }),
    tryTasks: async (requests) => {
      const answers = await undone(database, (tx) => createTasksIn(tx, requests));
      return answers.map((answer) => ({ answer }));
    },
    taskStates: (taskIds) => readStates(database, taskIds),
    api: createQueueApi({
      ...{ database, clock, create, workRequests, claimMs, satisfies, publishSealed, whenMissing },
      changeTask: createChangeTask({ database, clock, commitChanges }),
      makeCredentials: createClaimCredentials(() => ensureInternalClient({ database, clients, clock }, QUEUE_CLIENT)),
    }),
    begin: async () => {
      timers.handleBatch(TASK_TIMER.kind, createTaskExpiry({ clock, commitChanges }));
      await database.transaction((tx) => timers.set(tx, { ...TASK_TIMER, due: clock.now() }));
    },
    [Symbol.asyncDispose]: () => workRequests[Symbol.asyncDispose](),
  };
};

const answerOf = (creation: Creation): CreateTaskAnswer => {
  if (creation.kind === 'refused') return refusalOf(creation.error);
  return creation.kind === 'again' ? { kind: 'created', again: true } : { kind: 'created' };
};

const refusalOf = ({ statusCode, code, message }: ApiError): Refusal => ({
  kind: 'refused',
  statusCode,
  code,
  message,
});
