// The transitions of a task, as functions of the task and the time alone.
import { toIso } from '../../../core/clock.ts';
import { ApiError } from '../../../http/api-error.ts';
import {
  isResolved,
  type ReasonCreated,
  type ReasonResolved,
  type ReportedReason,
  type Run,
  type StoredTask,
} from './task.ts';

export type TaskEvent = {
  readonly name: 'task-pending' | 'task-running' | 'task-completed' | 'task-failed' | 'task-exception';
  readonly runId: number;
  /** The message of a task whose deadline passed does not name the worker that had it. */
  readonly withoutWorker?: true;
};

export type Changed = { readonly kind: 'changed'; readonly task: StoredTask; readonly events: readonly TaskEvent[] };

export type Outcome = Changed | { readonly kind: 'unchanged' } | { readonly kind: 'refused'; readonly error: ApiError };

/**
 * Depends on its arguments alone, so that many can be done in one transaction. Times are
 * milliseconds since the epoch.
 */
export type Transition = (task: StoredTask, now: number) => Outcome;

/** No task has more. */
export const MOST_RUNS = 50;

const UNCHANGED: Outcome = { kind: 'unchanged' };

const conflict = (message: string): Outcome => ({ kind: 'refused', error: new ApiError('RequestConflict', message) });

const noSuchRun = ({ taskId }: StoredTask, runId: number): Outcome => ({
  kind: 'refused',
  error: new ApiError('ResourceNotFound', `Run ${runId} not found on task \`${taskId}\`.`),
});

export const isPastDeadline = ({ definition }: StoredTask, now: number): boolean => definition.deadline <= toIso(now);

const refusePastDeadline = ({ taskId, definition }: StoredTask, done: string): Outcome =>
  conflict(`Task \`${taskId}\` cannot be ${done} past its deadline at ${definition.deadline}.`);

const withLastRun = (task: StoredTask, last: Run): StoredTask => ({ ...task, runs: [...task.runs.slice(0, -1), last] });

const newRun = ({ runs }: StoredTask, reasonCreated: ReasonCreated, now: number): Run => ({
  runId: runs.length,
  state: 'pending',
  reasonCreated,
  scheduled: toIso(now),
});

const pending = (task: StoredTask): TaskEvent => ({ name: 'task-pending', runId: task.runs.length - 1 });

/** The run with its end, its fields in the order in which clients know them. */
const endRun = (run: Run, state: 'completed' | 'failed' | 'exception', reason: ReasonResolved, now: number): Run => {
  const { runId, reasonCreated, scheduled, started, workerGroup, workerId, takenUntil } = run;
  return {
    runId,
    state,
    reasonCreated,
    reasonResolved: reason,
    ...(workerGroup !== undefined && { workerGroup }),
    ...(workerId !== undefined && { workerId }),
    ...(takenUntil !== undefined && { takenUntil }),
    scheduled,
    ...(started !== undefined && { started }),
    resolved: toIso(now),
  };
};

/** Ends the last run by an exception; one that was never scheduled gets a run to end. */
const except = (task: StoredTask, reason: ReasonResolved, now: number): StoredTask => {
  const last = task.runs.at(-1) ?? newRun(task, 'exception', now);
  return { ...task, runs: [...task.runs.slice(0, -1), endRun(last, 'exception', reason, now)] };
};

/**
 * After an exception that another run may mend. The status in both messages is the one after both
 * steps.
 */
const retry = (ended: StoredTask, reasonCreated: 'retry' | 'task-retry', now: number): Changed => {
  const exception: TaskEvent = { name: 'task-exception', runId: ended.runs.length - 1 };
  if (ended.retriesLeft <= 0) return { kind: 'changed', task: ended, events: [exception] };
  const runs = [...ended.runs, newRun(ended, reasonCreated, now)];
  const task = { ...ended, retriesLeft: ended.retriesLeft - 1, runs };
  return { kind: 'changed', task, events: [exception, pending(task)] };
};

/** Whatever it depends on. */
export const schedule: Transition = (task, now) => {
  if (task.runs.length > 0 && (isResolved(task) || !isPastDeadline(task, now))) return UNCHANGED;
  if (isPastDeadline(task, now)) return refusePastDeadline(task, 'scheduled');
  const scheduled = { ...task, runs: [newRun(task, 'scheduled', now)] };
  return { kind: 'changed', task: scheduled, events: [pending(scheduled)] };
};

export const rerun: Transition = (task, now) => {
  if (isPastDeadline(task, now)) return refusePastDeadline(task, 'run again');
  if (task.runs.length > 0 && !isResolved(task)) return UNCHANGED;
  if (task.runs.length >= MOST_RUNS) {
    return conflict(`Task \`${task.taskId}\` has ${MOST_RUNS} runs, which is as many as a task may have.`);
  }
  const runs = [...task.runs, newRun(task, 'rerun', now)];
  const retriesLeft = Math.min(task.definition.retries, MOST_RUNS - runs.length);
  const again = { ...task, retriesLeft, runs };
  return { kind: 'changed', task: again, events: [pending(again)] };
};

export const cancel: Transition = (task, now) => {
  if (isResolved(task)) return UNCHANGED;
  if (isPastDeadline(task, now)) return refusePastDeadline(task, 'canceled');
  const canceled = except(task, 'canceled', now);
  return { kind: 'changed', task: canceled, events: [{ name: 'task-exception', runId: canceled.runs.length - 1 }] };
};

export type Worker = { readonly workerGroup: string; readonly workerId: string };

/** Of a task whose last run is pending. */
export const claim = (task: StoredTask, worker: Worker, takenUntil: number, now: number): Changed => {
  const last = task.runs.at(-1);
  if (last?.state !== 'pending') throw new Error(`task ${task.taskId} has no run that could be claimed`);
  const { runId, reasonCreated, scheduled } = last;
  const { workerGroup, workerId } = worker;
  const run: Run = {
    ...{ runId, state: 'running', reasonCreated, workerGroup, workerId },
    ...{ takenUntil: toIso(takenUntil), scheduled, started: toIso(now) },
  };
  return { kind: 'changed', task: withLastRun(task, run), events: [{ name: 'task-running', runId }] };
};

export const reclaim =
  (runId: number, claimMs: number): Transition =>
  (task, now) => {
    const run = task.runs[runId];
    if (!run) return noSuchRun(task, runId);
    if (!isResolved(task) && isPastDeadline(task, now)) return refusePastDeadline(task, 'reclaimed');
    if (runId !== task.runs.length - 1 || run.state !== 'running') {
      return conflict(`Run ${runId} on task \`${task.taskId}\` is resolved or not running.`);
    }
    return { kind: 'changed', task: withLastRun(task, { ...run, takenUntil: toIso(now + claimMs) }), events: [] };
  };

/** Also late: as long as nothing else has ended the run, its worker may. */
export const reportEnd =
  (runId: number, state: 'completed' | 'failed'): Transition =>
  (task, now) => {
    const run = task.runs[runId];
    if (!run) return noSuchRun(task, runId);
    if (runId !== task.runs.length - 1) {
      return conflict(`Run ${runId} on task \`${task.taskId}\` is resolved or not running.`);
    }
    if (run.state === state) return UNCHANGED;
    if (run.state !== 'running') return conflict(`Run ${runId} of task \`${task.taskId}\` is not running or ${state}.`);
    const ended = withLastRun(task, endRun(run, state, state, now));
    return { kind: 'changed', task: ended, events: [{ name: `task-${state}`, runId }] };
  };

export const reportException =
  (runId: number, reason: ReportedReason): Transition =>
  (task, now) => {
    const run = task.runs[runId];
    if (!run) return noSuchRun(task, runId);
    const isAgain = run.state === 'exception' && run.reasonResolved === reason && task.runs.length - runId <= 2;
    if (isAgain) return UNCHANGED;
    if (runId !== task.runs.length - 1 || run.state !== 'running') {
      return conflict(`Run ${runId} on task \`${task.taskId}\` is resolved or not running.`);
    }
    const ended = except(task, reason, now);
    if (reason === 'worker-shutdown') return retry(ended, 'retry', now);
    if (reason === 'intermittent-task') return retry(ended, 'task-retry', now);
    return { kind: 'changed', task: ended, events: [{ name: 'task-exception', runId }] };
  };

/**
 * What time alone does: the deadline first, because a claim that ended with it is not tried again.
 */
export const passTime: Transition = (task, now) => {
  if (isResolved(task)) return UNCHANGED;
  if (isPastDeadline(task, now)) {
    const exceeded = except(task, 'deadline-exceeded', now);
    const runId = exceeded.runs.length - 1;
    return { kind: 'changed', task: exceeded, events: [{ name: 'task-exception', runId, withoutWorker: true }] };
  }
  const takenUntil = task.runs.at(-1)?.takenUntil;
  if (takenUntil === undefined || takenUntil > toIso(now)) return UNCHANGED;
  return retry(except(task, 'claim-expired', now), 'retry', now);
};
