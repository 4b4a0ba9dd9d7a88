// A stored task, and what can be told from it.
import type { TaskState } from '../../queue.ts';
import type { TaskDefinition } from './task-definition.ts';

export type RunState = Exclude<TaskState, 'unscheduled'>;

export type ReasonCreated = 'scheduled' | 'retry' | 'task-retry' | 'rerun' | 'exception';

/** Those that a worker may report. */
export const REPORTED_REASONS = [
  'worker-shutdown',
  'malformed-payload',
  'resource-unavailable',
  'internal-error',
  'intermittent-task',
] as const;
export type ReportedReason = (typeof REPORTED_REASONS)[number];

export type ReasonResolved =
  | 'completed'
  | 'failed'
  | 'deadline-exceeded'
  | 'canceled'
  | 'claim-expired'
  | ReportedReason;

/** As clients read it; what is not known yet is left out. Times are ISO dates. */
export type Run = {
  readonly runId: number;
  readonly state: RunState;
  readonly reasonCreated: ReasonCreated;
  readonly reasonResolved?: ReasonResolved;
  readonly workerGroup?: string;
  readonly workerId?: string;
  readonly takenUntil?: string;
  readonly scheduled: string;
  readonly started?: string;
  readonly resolved?: string;
};

export type StoredTask = {
  readonly taskId: string;
  readonly definition: TaskDefinition;
  readonly retriesLeft: number;
  readonly runs: readonly Run[];
};

export const stateOf = (runs: readonly Run[]): TaskState => runs.at(-1)?.state ?? 'unscheduled';

const UNRESOLVED: readonly TaskState[] = ['unscheduled', 'pending', 'running'];

export const isResolved = ({ runs }: Pick<StoredTask, 'runs'>): boolean => !UNRESOLVED.includes(stateOf(runs));

/** As every method that answers a task's status tells it. */
export const statusOf = ({ taskId, definition, retriesLeft, runs }: StoredTask) => ({
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

/** When something happens to it by itself: an ISO date. */
export const dueOf = ({ definition: { deadline, expires }, runs }: StoredTask): string => {
  if (isResolved({ runs })) return expires;
  const takenUntil = runs.at(-1)?.takenUntil;
  return takenUntil !== undefined && takenUntil < deadline ? takenUntil : deadline;
};
