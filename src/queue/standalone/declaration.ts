// The queue's API as data: method, route, scopes, schemas. The server, the references and the
// documentation come from it.
import { SLUG_ID } from '../../core/ids.ts';
import type { ApiDeclaration, MethodDeclaration } from '../../http/api-method.ts';
import { BODY_LIMIT_BYTES } from '../../http/bodies/body.ts';
import { QUEUE_EXCHANGES } from './exchanges.ts';
import { SCHEMAS } from './schemas.ts';

const TASK = { taskId: SLUG_ID };
/** 0 to 1000; `00` is 0. */
const RUN = { ...TASK, runId: /^0*(?:[0-9]{1,3}|1000)$/ };
const GROUP = { taskGroupId: SLUG_ID };
const TASK_QUEUE = { taskQueueId: /^[a-zA-Z0-9-_]{1,38}\/[a-z]([-a-z0-9]{0,36}[a-z0-9])?$/ };
const PAGING = { continuationToken: /^[A-Za-z0-9_-]{22}$/, limit: /^[1-9][0-9]{0,8}$/ };

/**
 * For what is done to a task from outside: its group's scheduler may, and whoever may for its
 * project.
 */
const mayChange = <Action extends string>(action: Action) => ({
  AnyOf: [
    `queue:${action}:<schedulerId>/<taskGroupId>/<taskId>`,
    `queue:${action}-in-project:<projectId>`,
    { AllOf: [`queue:${action}`, 'assume:scheduler-id:<schedulerId>/<taskGroupId>'] },
  ],
});

const tasks = { category: 'Tasks' } as const;
const groups = { category: 'Task Groups' } as const;
const workers = { category: 'Worker Interface' } as const;

const METHODS = [
  {
    ...tasks,
    name: 'task',
    title: 'Get Task Definition',
    description: 'The definition of a task, as it was created, defaults filled in.',
    verb: 'GET',
    route: '/task/<taskId>',
    params: TASK,
    scopes: 'queue:get-task:<taskId>',
    output: SCHEMAS.task,
  },
  {
    ...tasks,
    name: 'status',
    title: 'Get task status',
    description: 'What became of a task so far.',
    verb: 'GET',
    route: '/task/<taskId>/status',
    params: TASK,
    scopes: 'queue:status:<taskId>',
    output: SCHEMAS.status,
  },
  {
    ...groups,
    name: 'listTaskGroup',
    title: 'List Task Group',
    description: 'The tasks of a group, ordered by taskId, at most 1000 a page, fewer where they are large.',
    verb: 'GET',
    route: '/task-group/<taskGroupId>/list',
    params: GROUP,
    query: PAGING,
    scopes: 'queue:list-task-group:<taskGroupId>',
    output: SCHEMAS.listTaskGroup,
  },
  {
    ...tasks,
    name: 'cancelTaskGroup',
    title: 'Cancel Task Group',
    description: 'Cancels all tasks of a group that are not resolved. The group must be sealed, so that no more come.',
    stability: 'experimental',
    verb: 'POST',
    route: '/task-group/<taskGroupId>/cancel',
    params: GROUP,
    authorization: 'deferred',
    scopes: 'queue:cancel-task-group:<schedulerId>/<taskGroupId>',
    output: SCHEMAS.cancelTaskGroup,
  },
  {
    ...groups,
    name: 'getTaskGroup',
    title: 'Get Task Group',
    description: 'Whose a group is, when it expires, and since when it is sealed.',
    verb: 'GET',
    route: '/task-group/<taskGroupId>',
    params: GROUP,
    scopes: 'queue:list-task-group:<taskGroupId>',
    output: SCHEMAS.taskGroup,
  },
  {
    ...groups,
    name: 'sealTaskGroup',
    title: 'Seal Task Group',
    description: 'From now on the group takes no more tasks. There is no way back.',
    stability: 'experimental',
    verb: 'POST',
    route: '/task-group/<taskGroupId>/seal',
    params: GROUP,
    authorization: 'deferred',
    scopes: 'queue:seal-task-group:<schedulerId>/<taskGroupId>',
    output: SCHEMAS.taskGroup,
  },
  {
    ...tasks,
    name: 'listDependentTasks',
    title: 'List Dependent Tasks',
    description:
      'The tasks that depend on this one, ordered by taskId, at most 1000 a page, fewer where they are large.',
    verb: 'GET',
    route: '/task/<taskId>/dependents',
    params: TASK,
    query: PAGING,
    scopes: 'queue:list-dependent-tasks:<taskId>',
    output: SCHEMAS.listDependentTasks,
  },
  {
    ...tasks,
    name: 'createTask',
    title: 'Create New Task',
    description:
      'Creates a task. The same taskId with an equal definition is a success; with another one a conflict. A task without dependencies is ' +
      'pending at once, another one when what it depends on is done.',
    verb: 'PUT',
    route: '/task/<taskId>',
    params: TASK,
    // In full: task-definition.ts, scopesToCreate.
    scopes: {
      AllOf: [
        '<each of task.scopes>',
        'queue:route:<each route>',
        'queue:create-task:project:<projectId>',
        'queue:scheduler-id:<schedulerId>',
        'queue:create-task:<the priority or a higher one>:<provisionerId>/<workerType>',
      ],
    },
    authorization: 'deferred',
    input: SCHEMAS.createTask,
    largestBody: BODY_LIMIT_BYTES,
    output: SCHEMAS.status,
  },
  {
    ...tasks,
    name: 'scheduleTask',
    title: 'Schedule Defined Task',
    description: 'Makes a task pending whatever it depends on. A task that was scheduled before stays as it is.',
    verb: 'POST',
    route: '/task/<taskId>/schedule',
    params: TASK,
    authorization: 'deferred',
    scopes: mayChange('schedule-task'),
    output: SCHEMAS.status,
  },
  {
    ...tasks,
    name: 'rerunTask',
    title: 'Rerun a Resolved Task',
    description: 'Gives a resolved task another run, and its retries back. A task has at most 50 runs.',
    verb: 'POST',
    route: '/task/<taskId>/rerun',
    params: TASK,
    authorization: 'deferred',
    scopes: mayChange('rerun-task'),
    output: SCHEMAS.status,
  },
  {
    ...tasks,
    name: 'cancelTask',
    title: 'Cancel Task',
    description: 'Ends a task that is not resolved yet. Its worker hears of it when it reclaims or reports.',
    verb: 'POST',
    route: '/task/<taskId>/cancel',
    params: TASK,
    authorization: 'deferred',
    scopes: mayChange('cancel-task'),
    output: SCHEMAS.status,
  },
  {
    ...workers,
    name: 'claimWork',
    title: 'Claim Work',
    description:
      'Claims tasks for a worker: those of the highest priority first, among these the oldest. While there are none the answer waits, up ' +
      'to 20 s. Each task comes with credentials to reclaim and resolve it.',
    verb: 'POST',
    route: '/claim-work/<taskQueueId>',
    params: TASK_QUEUE,
    authorization: 'deferred',
    scopes: { AllOf: ['queue:claim-work:<taskQueueId>', 'queue:worker-id:<workerGroup>/<workerId>'] },
    input: SCHEMAS.claimWork,
    output: SCHEMAS.claimWorkResponse,
  },
  {
    ...workers,
    name: 'reclaimTask',
    title: 'Reclaim task',
    description: 'A worker that still works on a run keeps it for some time more, and gets new credentials.',
    verb: 'POST',
    route: '/task/<taskId>/runs/<runId>/reclaim',
    params: RUN,
    scopes: 'queue:reclaim-task:<taskId>/<runId>',
    output: SCHEMAS.reclaimResponse,
  },
  {
    ...workers,
    name: 'reportCompleted',
    title: 'Report Run Completed',
    description: 'A run ended well.',
    verb: 'POST',
    route: '/task/<taskId>/runs/<runId>/completed',
    params: RUN,
    scopes: 'queue:resolve-task:<taskId>/<runId>',
    output: SCHEMAS.status,
  },
  {
    ...workers,
    name: 'reportFailed',
    title: 'Report Run Failed',
    description: 'A run ended badly, by what it was to do; it is not tried again.',
    verb: 'POST',
    route: '/task/<taskId>/runs/<runId>/failed',
    params: RUN,
    scopes: 'queue:resolve-task:<taskId>/<runId>',
    output: SCHEMAS.status,
  },
  {
    ...workers,
    name: 'reportException',
    title: 'Report Task Exception',
    description:
      'A run ended without a result. After `worker-shutdown` and `intermittent-task` there is another run while retries are left.',
    verb: 'POST',
    route: '/task/<taskId>/runs/<runId>/exception',
    params: RUN,
    scopes: 'queue:resolve-task:<taskId>/<runId>',
    input: SCHEMAS.taskException,
    output: SCHEMAS.status,
  },
  {
    category: 'Worker Metadata',
    name: 'pendingTasks',
    title: 'Get Number of Pending Tasks',
    description: 'How many tasks of a queue wait for a worker.',
    stability: 'deprecated',
    verb: 'GET',
    route: '/pending/<taskQueueId>',
    params: TASK_QUEUE,
    scopes: 'queue:pending-count:<taskQueueId>',
    output: SCHEMAS.pendingTasks,
  },
] as const satisfies readonly MethodDeclaration[];

type Declared = (typeof METHODS)[number];

/** Without `ping` and its like, which every service has (http/). */
export const QUEUE_API: ApiDeclaration<MethodDeclaration & { readonly name: Declared['name'] }> = {
  service: 'queue',
  title: 'Queue Service',
  description: 'Keeps tasks until workers have done them: those that hooks create, and any others.',
  methods: METHODS,
  exchanges: QUEUE_EXCHANGES,
};
