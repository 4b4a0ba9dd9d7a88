// Where tasks go: the port that firing knows. The standalone queue stands behind it, or a Taskcluster deployment's.

import type { ScopeExpression } from '../http/api-method.ts';

export type TaskState = 'unscheduled' | 'pending' | 'running' | 'completed' | 'failed' | 'exception';

export type CreateTaskRequest = {
  readonly taskId: string;
  /** The task definition as JSON. The same text for every attempt. */
  readonly task: string;
  /** The only scopes with which the task is created. */
  readonly authorizedScopes: readonly string[];
};

/** What the queue said. No answer, or one that trying again may change (5xx), is an error that is thrown. */
export type CreateTaskAnswer =
  | { readonly kind: 'created' }
  | {
      readonly kind: 'refused';
      readonly statusCode: number;
      readonly code: string;
      readonly message: string;
      /** Of an InsufficientScopes, when the queue tells: what the authorized scopes lack. */
      readonly missing?: ScopeExpression;
    };

export type Queue = {
  /** Idempotent: the same taskId with an equal definition is a success, with another one it is refused with 409. */
  readonly createTask: (request: CreateTaskRequest, signal: AbortSignal) => Promise<CreateTaskAnswer>;
  /** Of those tasks that the queue knows. */
  readonly taskStates: (taskIds: readonly string[]) => Promise<ReadonlyMap<string, TaskState>>;
};
