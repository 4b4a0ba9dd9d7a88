// What the methods of the queue's API do. How they are called, by whom, and with what, is in
// declaration.ts.
import type { Clock } from '../../core/clock.ts';
import type { Database } from '../../database/database.ts';
import { ApiError } from '../../http/api-error.ts';
import {
  type ApiRequest,
  type ApiService,
  implementApi,
  type Satisfies,
  type ScopeExpression,
} from '../../http/api-method.ts';
import { fillInScopes } from '../../http/scope-check.ts';
import { authorizeStored } from './authorize-stored.ts';
import type { MakeClaimCredentials } from './claims/claim-credentials.ts';
import type { WorkRequests } from './claims/work-requests.ts';
import { QUEUE_API } from './declaration.ts';
import type { ClaimWork, TaskException } from './schemas.ts';
import type { ChangeTask } from './tasks/change-tasks.ts';
import type { QueueMessages } from './tasks/messages.ts';
import { type StoredTask, statusOf } from './tasks/task.ts';
import type { CreateTaskPayload } from './tasks/task-definition.ts';
import { describeGroup, readTaskGroup, seal, type TaskGroup } from './tasks/task-groups.ts';
import { pendingCount, readDependents, readGroup, readTask, type TaskPage } from './tasks/task-store.ts';
import { cancel, reclaim, reportEnd, reportException, rerun, schedule, type Transition } from './tasks/transitions.ts';

export type QueueApiSettings = {
  readonly database: Database;
  readonly clock: Clock;
  /** The task as it is stored now. Throws the refusal. */
  readonly create: (request: ApiRequest<CreateTaskPayload>) => Promise<StoredTask>;
  readonly changeTask: ChangeTask;
  readonly workRequests: WorkRequests;
  readonly makeCredentials: MakeClaimCredentials;
  readonly claimMs: number;
  readonly satisfies: Satisfies;
  readonly publishSealed: QueueMessages['publishSealed'];
  readonly whenMissing: (taskId: string) => Promise<void>;
};

const LONGEST_PAGE = 1_000;

type MethodName = (typeof QUEUE_API.methods)[number]['name'];

const SCOPES = new Map(QUEUE_API.methods.map(({ name, scopes = { AllOf: [] } }) => [name, scopes]));
const scopesFor = (name: MethodName): ScopeExpression => SCOPES.get(name) ?? { AnyOf: [] };

export const createQueueApi = (settings: QueueApiSettings): ApiService => {
  const { database, clock, create, changeTask, workRequests, makeCredentials, claimMs } = settings;
  const { satisfies, publishSealed, whenMissing } = settings;

  /** Also one whose fire is under way. */
  const lookFor = async (taskId: string): Promise<StoredTask | undefined> => {
    const task = await readTask(database, taskId);
    if (task) return task;
    await whenMissing(taskId);
    return readTask(database, taskId);
  };

  const findTask = async (taskId: string, noSuchTask: (taskId: string) => ApiError): Promise<StoredTask> => {
    const task = await lookFor(taskId);
    if (!task) throw noSuchTask(taskId);
    return task;
  };

  const change = async (taskId: string, transition: Transition, mayResolve: boolean): Promise<StoredTask> => {
    const answer = await changeTask({ taskId, transition, mayResolve });
    if (!answer) throw taskNotFound(taskId);
    if (answer.kind === 'refused') throw answer.error;
    return answer.task;
  };

  /** For who acts on a task from outside: what it takes depends on the task. */
  const changeAllowed =
    (name: MethodName, transition: Transition, mayResolve: boolean) => async (request: ApiRequest) => {
      const taskId = request.params.taskId as string;
      const stored = {
        scopes: scopesFor(name),
        mayRead: [`queue:get-task:${taskId}`, `queue:status:${taskId}`],
        found: await lookFor(taskId),
        namesOf: ({ definition: { schedulerId, taskGroupId, projectId } }: StoredTask) => ({
          ...{ schedulerId, taskGroupId, projectId },
        }),
        notFound: () => taskNotFound(taskId),
      };
      authorizeStored(request, stored, satisfies);
      return { body: { status: statusOf(await change(taskId, transition, mayResolve)) } };
    };

  /** For a worker, whose scopes name the run. */
  const report = (transitionFor: (runId: number, request: ApiRequest) => Transition) => async (request: ApiRequest) => {
    const { taskId, runId } = request.params as { taskId: string; runId: string };
    const task = await change(taskId, transitionFor(Number(runId), request), true);
    return { body: { status: statusOf(task) } };
  };

  const claimOf = async (task: StoredTask) => {
    const { runId, workerGroup, workerId, takenUntil } = task.runs.at(-1) ?? {};
    const credentials = await makeCredentials(task, clock.now());
    return { status: statusOf(task), runId, workerGroup, workerId, takenUntil, credentials };
  };

  const findGroup = async (taskGroupId: string): Promise<TaskGroup> => {
    const group = await readTaskGroup(database, taskGroupId);
    if (!group) throw groupNotFound(taskGroupId);
    return group;
  };

  /** As `changeAllowed`, for groups. */
  const findAllowedGroup = async (name: MethodName, request: ApiRequest): Promise<TaskGroup> => {
    const taskGroupId = request.params.taskGroupId as string;
    const stored = {
      scopes: scopesFor(name),
      mayRead: [`queue:list-task-group:${taskGroupId}`],
      found: await readTaskGroup(database, taskGroupId),
      namesOf: ({ schedulerId }: TaskGroup) => ({ schedulerId }),
      notFound: () => groupNotFound(taskGroupId),
    };
    return authorizeStored(request, stored, satisfies);
  };

  const listPage = async ({ query }: ApiRequest, read: (after: string, most: number) => Promise<TaskPage>) => {
    const limit = Math.min(Number(query.limit ?? LONGEST_PAGE), LONGEST_PAGE);
    const page = await read(query.continuationToken ?? '', limit);
    const tasks = page.tasks.map((task) => ({ status: statusOf(task), task: task.definition }));
    // A page continues after a task, not at a number: tasks that come meanwhile move nothing.
    return { tasks, ...(page.hasMore && { continuationToken: page.tasks.at(-1)?.taskId }) };
  };

  const cancelAll = async (taskGroupId: string) => {
    const canceled: string[] = [];
    let size = 0;
    for (let after = ''; ; ) {
      const { tasks: page, hasMore } = await readGroup(database, taskGroupId, after, LONGEST_PAGE);
      size += page.length;
      const answers = await Promise.all(
        page.map(async ({ taskId }) => {
          let isOurs = false;
          const transition: Transition = (task, now) => {
            const outcome = cancel(task, now);
            isOurs = outcome.kind === 'changed';
            return outcome;
          };
          await changeTask({ taskId, transition, mayResolve: true });
          return isOurs ? [taskId] : [];
        }),
      );
      canceled.push(...answers.flat());
      const last = page.at(-1);
      if (!hasMore || !last)
        return { taskGroupId, taskGroupSize: size, cancelledCount: canceled.length, taskIds: canceled };
      after = last.taskId;
    }
  };

  return implementApi(QUEUE_API, {
    task: async ({ params }) => ({ body: (await findTask(params.taskId as string, unknownTask)).definition }),
    status: async ({ params }) => ({
      body: { status: statusOf(await findTask(params.taskId as string, unknownTask)) },
    }),
    createTask: async (request) => ({ body: { status: statusOf(await create(request)) } }),
    scheduleTask: changeAllowed('scheduleTask', schedule, false),
    rerunTask: changeAllowed('rerunTask', rerun, false),
    cancelTask: changeAllowed('cancelTask', cancel, true),

    listTaskGroup: async (request) => {
      const group = await findGroup(request.params.taskGroupId as string);
      const page = await listPage(request, (after, most) => readGroup(database, group.taskGroupId, after, most));
      return { body: { ...describeGroup(group), ...page } };
    },
    getTaskGroup: async ({ params }) => ({ body: describeGroup(await findGroup(params.taskGroupId as string)) }),
    sealTaskGroup: async (request) => {
      const group = await findAllowedGroup('sealTaskGroup', request);
      const sealed = await database.transaction(async (tx) => {
        await seal(tx, group, clock.now());
        const now = (await readTaskGroup(tx, group.taskGroupId)) ?? group;
        await publishSealed(tx, now);
        return now;
      });
      return { body: describeGroup(sealed) };
    },
    cancelTaskGroup: async (request) => {
      const group = await findAllowedGroup('cancelTaskGroup', request);
      if (group.sealed === undefined) {
        throw new ApiError(
          'RequestConflict',
          `Task group \`${group.taskGroupId}\` is not sealed. Seal it first, so that no more tasks come.`,
        );
      }
      return { body: await cancelAll(group.taskGroupId) };
    },
    listDependentTasks: async (request) => {
      const { taskId } = await findTask(request.params.taskId as string, unknownTask);
      return {
        body: { taskId, ...(await listPage(request, (after, most) => readDependents(database, taskId, after, most))) },
      };
    },

    claimWork: async ({ params, payload, authorize, gone }: ApiRequest<ClaimWork>) => {
      const taskQueueId = params.taskQueueId as string;
      const { workerGroup, workerId, tasks: most } = payload;
      authorize(fillInScopes(scopesFor('claimWork'), { taskQueueId, workerGroup, workerId }));
      const tasks = await workRequests.claim(taskQueueId, { worker: { workerGroup, workerId }, most }, gone);
      const claims = tasks.map(async (task) => ({ ...(await claimOf(task)), task: task.definition }));
      return { body: { tasks: await Promise.all(claims) } };
    },
    reclaimTask: async ({ params }) => {
      const { taskId, runId } = params as { taskId: string; runId: string };
      return { body: await claimOf(await change(taskId, reclaim(Number(runId), claimMs), false)) };
    },
    // Workers of long ago report a failure so.
    reportCompleted: report((runId, { payload }) =>
      reportEnd(runId, (payload as { success?: unknown } | undefined)?.success === false ? 'failed' : 'completed'),
    ),
    reportFailed: report((runId) => reportEnd(runId, 'failed')),
    reportException: report((runId, { payload }) => reportException(runId, (payload as TaskException).reason)),

    pendingTasks: async ({ params }) => {
      const taskQueueId = params.taskQueueId as string;
      const [provisionerId, workerType] = taskQueueId.split('/');
      const pendingTasks = await pendingCount(database, taskQueueId);
      return { body: { provisionerId, workerType, taskQueueId, pendingTasks } };
    },
  });
};

const groupNotFound = (taskGroupId: string): ApiError =>
  new ApiError('ResourceNotFound', `No task-group with taskGroupId: \`${taskGroupId}\``);

const unknownTask = (taskId: string): ApiError =>
  new ApiError(
    'ResourceNotFound',
    `\`${taskId}\` does not correspond to a task that exists.\nAre you sure this task exists?`,
  );

const taskNotFound = (taskId: string): ApiError =>
  new ApiError('ResourceNotFound', `Task \`${taskId}\` not found. Are you sure it was created?`);
