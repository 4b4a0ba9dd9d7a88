// The states of tasks in the queue of a deployment, for those who look at the last fires:
// remembered for a moment, and unknown while the queue is away, because a list of fires is worth
// more than their states.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { TaskclusterClient } from '../../taskcluster/taskcluster-client.ts';
import type { Queue, TaskState } from '../queue.ts';

export type TaskStatesSettings = { readonly client: TaskclusterClient; readonly clock: Clock; readonly log: Log };

const REMEMBERED_MS = 5_000;
const MOST_REMEMBERED = 10_000;
const DEADLINE_MS = 5_000;
/** How long a queue that did not answer is not asked again. */
const PAUSE_MS = 10_000;
const MOST_IN_A_CALL = 100;
/** A page of fires has at most 1,000 tasks. */
const MOST_PAGES = 20;
const LARGEST_ANSWER = 8 * 1024 * 1024;
const STATES: readonly string[] = ['unscheduled', 'pending', 'running', 'completed', 'failed', 'exception'];

export const createTaskStates = ({ client, clock, log }: TaskStatesSettings): Queue['taskStates'] => {
  const known = new LRUCache<string, TaskState>({
    max: MOST_REMEMBERED,
    ttl: REMEMBERED_MS,
    ...{ perf: { now: clock.monotonic }, ttlResolution: 0 }, // 0: it asks the clock each time, and needs no timer
  });
  let silentUntil = Number.NEGATIVE_INFINITY;

  const ask = async (taskIds: readonly string[], signal: AbortSignal): Promise<void> => {
    let token: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const query = token === undefined ? '' : `?continuationToken=${encodeURIComponent(token)}`;
      const answer = await client.call(
        {
          ...{ service: 'queue', name: 'statuses', verb: 'POST', path: `/tasks/status${query}`, as: 'ourselves' },
          body: JSON.stringify({ taskIds }),
          ...{ deadlineMs: DEADLINE_MS, largestAnswer: LARGEST_ANSWER },
        },
        signal,
      );
      if (!answer.ok) throw new Error(`it refuses: ${answer.code}; client ${client.clientId} needs queue:status:*`);
      const { statuses, continuationToken } = (answer.body ?? {}) as Record<string, unknown>;
      for (const [taskId, state] of statesIn(statuses)) known.set(taskId, state);
      if (typeof continuationToken !== 'string' || continuationToken === '') return;
      token = continuationToken;
    }
  };

  return async (taskIds) => {
    const wanted = [...new Set(taskIds)].filter((taskId) => !known.has(taskId));
    if (wanted.length > 0 && clock.monotonic() >= silentUntil) {
      const enough = new AbortController();
      const cancel = clock.after(DEADLINE_MS, () => enough.abort());
      try {
        for (let at = 0; at < wanted.length; at += MOST_IN_A_CALL) {
          await ask(wanted.slice(at, at + MOST_IN_A_CALL), enough.signal);
        }
      } catch (error) {
        silentUntil = clock.monotonic() + PAUSE_MS;
        log.warn({ err: error }, 'task states not read; shown as unknown');
      } finally {
        cancel();
      }
    }
    return new Map(
      taskIds.flatMap((taskId) => {
        const state = known.get(taskId);
        return state ? [[taskId, state] as const] : [];
      }),
    );
  };
};

const statesIn = (statuses: unknown): [string, TaskState][] => {
  if (!Array.isArray(statuses)) throw new Error('its answer has no statuses');
  return statuses.flatMap(({ taskId, status }: { taskId?: unknown; status?: { state?: unknown } }) =>
    typeof taskId === 'string' && typeof status?.state === 'string' && STATES.includes(status.state)
      ? [[taskId, status.state as TaskState] as [string, TaskState]]
      : [],
  );
};
