// Where tasks go: the port that firing knows. The standalone queue stands behind it, or a
// Taskcluster deployment's.

import type { Transaction } from '../database/database.ts';
import type { Piece } from '../database/statement.ts';
import type { ScopeExpression } from '../http/api-method.ts';

export type TaskState = 'unscheduled' | 'pending' | 'running' | 'completed' | 'failed' | 'exception';

export type CreateTaskRequest = {
  readonly taskId: string;
  /** The task definition as JSON. The same text for every attempt. */
  readonly task: string;
  /** The same where it need not be parsed. Nobody changes it. */
  readonly value?: Readonly<Record<string, unknown>>;
  /** The only scopes with which the task is created. */
  readonly authorizedScopes: readonly string[];
};

/**
 * What the queue said. No answer, or one that trying again may change (5xx), is an error that is
 * thrown.
 */
export type CreateTaskAnswer =
  /** `again`: it was there already, equal. */
  | { readonly kind: 'created'; readonly again?: true }
  | {
      readonly kind: 'refused';
      readonly statusCode: number;
      readonly code: string;
      readonly message: string;
      /** Of an InsufficientScopes, when the queue tells: what the authorized scopes lack. */
      readonly missing?: ScopeExpression;
    };

export type Refusal = Extract<CreateTaskAnswer, { kind: 'refused' }>;

/** As the ledger keeps it. */
export const errorOf = ({ message, code, statusCode, missing }: Refusal) => ({
  name: 'Error',
  message,
  code,
  statusCode,
  missing,
});

/** What the queue would say to a task. */
export type TriedTask = {
  readonly answer: CreateTaskAnswer;
  /** What of it cannot be known before the task is created. */
  readonly unchecked?: string;
};

export type PlainTasks = {
  /** undefined: it is not plain, or is refused. */
  readonly prepare: (request: CreateTaskRequest) => Promise<PlainTask | undefined>;
  /** All that there are, for whoever makes their statements beforehand. */
  readonly forms: readonly PlainForm[];
  /** The one to be used now. */
  readonly form: () => PlainForm;
};

/** How plain tasks are made, with messages or without. */
export type PlainForm = {
  /**
   * Needs a relation `unchanged (task_id)`, and makes only tasks that are in it; offers `made
   * (task_id)`. A task that is not made needs `createTasksIn`, which knows why.
   */
  readonly piece: Piece;
  /** Of the piece's parameters. */
  readonly values: (tasks: readonly PlainTask[]) => Promise<readonly unknown[]>;
  /** What the statement selects beside what the caller wants to know. */
  readonly news: string;
  /** To be told the row of the answer. */
  readonly learn: (row: unknown) => void;
};

/** As the queue has prepared it. */
export type PlainTask = { readonly taskId: string };

export type Queue = {
  /**
   * Idempotent: the same taskId with an equal definition is a success, with another one it is
   * refused with 409.
   */
  readonly createTask: (request: CreateTaskRequest, signal: AbortSignal) => Promise<CreateTaskAnswer>;
  /**
   * A queue that lives in our database creates tasks in the caller's transaction, so that a fire,
   * its task and its outcome are one commit. One answer a request, in order. Absent: the queue is
   * elsewhere.
   */
  readonly createTasksIn?: (
    tx: Transaction,
    requests: readonly CreateTaskRequest[],
  ) => Promise<readonly CreateTaskAnswer[]>;
  /** As `createTasksIn`, as a part of the caller's statement, for tasks with nothing special. */
  readonly plainTasks?: PlainTasks;
  /**
   * What it would say to these tasks, each as if the ones before were there; creates none. Absent:
   * nothing is known.
   */
  readonly tryTasks?: (requests: readonly CreateTaskRequest[], signal: AbortSignal) => Promise<readonly TriedTask[]>;
  /** Of those tasks that the queue knows. */
  readonly taskStates: (taskIds: readonly string[]) => Promise<ReadonlyMap<string, TaskState>>;
};
