// Whether a task that a queue has is the one that a hook wanted, whenever it was created.
import { copyJson, sameJson } from '../../core/json.ts';
import { compilePayloadCheck } from '../../http/validation.ts';
import {
  CREATE_TASK_REQUEST,
  type CreateTaskPayload,
  completeTask,
  type TaskDefinition,
} from '../standalone/tasks/task-definition.ts';

const fillIn = compilePayloadCheck(CREATE_TASK_REQUEST, () => CREATE_TASK_REQUEST.name);

/**
 * Equal after defaults and the writing of dates, but for `created`. What a newer queue adds to its
 * tasks does not matter; a task of a form that this program does not know is another one.
 */
export const isSameTask = (taskId: string, wanted: string, stored: unknown): boolean => {
  if (typeof stored !== 'object' || stored === null) return false;
  try {
    const ours = comparable(taskId, JSON.parse(wanted) as CreateTaskPayload);
    const known = Object.fromEntries(Object.entries(stored).filter(([key]) => Object.hasOwn(ours, key)));
    return sameJson(ours, comparable(taskId, { ...known, created: ours.created } as CreateTaskPayload));
  } catch {
    return false; // one of the two fits no schema, so this queue did not make it
  }
};

const comparable = (taskId: string, request: CreateTaskPayload): TaskDefinition => {
  const filled = copyJson(request);
  fillIn(filled);
  const task = completeTask(taskId, filled);
  const sorted = (texts: readonly string[]) => [...texts].sort();
  return {
    ...task,
    // None of these has an order.
    ...{ scopes: sorted(task.scopes), routes: sorted(task.routes), dependencies: sorted(task.dependencies) },
  };
};
