// What can be known of a task without creating it: whether its definition is one, and which scopes
// the role of its hook lacks. The rest (dependencies, groups) the queue of the deployment alone
// knows.
import { satisfies } from '../../auth/scopes.ts';
import { turnIfLarge } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { ApiError } from '../../http/api-error.ts';
import { insufficientScopes, missingScopes } from '../../http/scope-check.ts';
import { compilePayloadCheck } from '../../http/validation.ts';
import type { TaskclusterClient } from '../../taskcluster/taskcluster-client.ts';
import type { CreateTaskRequest, Queue, Refusal, TriedTask } from '../queue.ts';
import {
  CREATE_TASK_REQUEST,
  type CreateTaskPayload,
  completeTask,
  scopesToCreate,
} from '../standalone/tasks/task-definition.ts';

const DEADLINE_MS = 5_000;
const LARGEST_ANSWER = 8 * 1024 * 1024;
/** In whose name the refusal is told. */
const HOOKS_CLIENT_ID = 'hookwright/hooks';

export const createTryTasks = (client: TaskclusterClient): NonNullable<Queue['tryTasks']> => {
  const checkRequest = compilePayloadCheck(
    CREATE_TASK_REQUEST,
    () => `${client.rootUrl}/schemas/queue/v1/${CREATE_TASK_REQUEST.name}.json#`,
  );

  const expand = async (scopes: readonly string[], signal: AbortSignal): Promise<readonly string[]> => {
    const answer = await client.call(
      {
        ...{ service: 'auth', name: 'expandScopes', verb: 'POST', path: '/scopes/expand', as: 'ourselves' },
        body: JSON.stringify({ scopes }),
        ...{ deadlineMs: DEADLINE_MS, tries: 2, largestAnswer: LARGEST_ANSWER },
      },
      signal,
    );
    if (!answer.ok) throw new Error(`${answer.code}; client ${client.clientId} needs auth:expand-scopes`);
    const expanded = (answer.body as { readonly scopes?: unknown } | undefined)?.scopes;
    if (!Array.isArray(expanded)) throw new Error('the answer has no scopes');
    return expanded.filter((scope) => typeof scope === 'string');
  };

  const tryTask = async (request: CreateTaskRequest, signal: AbortSignal): Promise<TriedTask> => {
    const payload = JSON.parse(request.task) as CreateTaskPayload;
    await turnIfLarge(request.task.length);
    let required: ReturnType<typeof scopesToCreate>;
    try {
      checkRequest(payload);
      required = scopesToCreate(completeTask(request.taskId, payload));
    } catch (error) {
      if (error instanceof ApiError) return { answer: refusalOf(error) };
      throw error;
    }
    let scopes: readonly string[];
    try {
      scopes = await expand(request.authorizedScopes, signal);
    } catch (error) {
      const unchecked = `Scopes, dependencies and groups were not checked: auth of ${client.rootUrl} does not expand scopes: ${describeError(error)}`;
      return { answer: { kind: 'created' }, unchecked };
    }
    const caller = { clientId: HOOKS_CLIENT_ID, scopes };
    const missing = missingScopes(required, (scope) => satisfies(caller, scope));
    if (missing !== undefined) {
      return { answer: { ...refusalOf(insufficientScopes(caller, required, satisfies)), missing } };
    }
    const unchecked = `Dependencies and groups were not checked: only the queue of ${client.rootUrl} knows them, when the task is created.`;
    return { answer: { kind: 'created' }, unchecked };
  };

  return async (requests, signal) => {
    const tried: TriedTask[] = [];
    for (const request of requests) tried.push(await tryTask(request, signal));
    return tried;
  };
};

const refusalOf = ({ statusCode, code, message }: ApiError): Refusal => ({
  kind: 'refused',
  statusCode,
  code,
  message,
});
