// The credentials that come with a claim: good for what a worker does with this run and for the
// scopes of the task, and for nothing else.
import { type IssuedCredentials, issueCredentials } from '../../../auth/clients/issue-credentials.ts';
import type { StoredTask } from '../tasks/task.ts';

/**
 * In whose name they are made. It holds everything, because a task may have any scope that its
 * creator had.
 */
export const QUEUE_CLIENT = {
  clientId: 'static/hookwright/queue',
  description: 'The queue of this server: vouches for the credentials of workers.',
  scopes: ['*'],
} as const;

export type MakeClaimCredentials = (task: StoredTask, now: number) => Promise<IssuedCredentials>;

/** @param accessTokenOf the queue's client; asked until it has answered once. */
export const createClaimCredentials = (accessToken: () => Promise<string>): MakeClaimCredentials => {
  let known: Promise<string> | undefined;

  const issuer = async () => {
    known ??= accessToken().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return { clientId: QUEUE_CLIENT.clientId, accessToken: await known };
  };

  return async ({ taskId, definition, runs }, now) => {
    const { runId, workerGroup, workerId, takenUntil = '' } = runs.at(-1) ?? {};
    const expiry = Date.parse(takenUntil);
    const run = `${taskId}/${runId}`;
    return issueCredentials({
      issuer: await issuer(),
      clientId: `task-client/${run}/on/${workerGroup}/${workerId}/until/${expiry / 1000}`,
      scopes: [
        `queue:reclaim-task:${run}`,
        `queue:resolve-task:${run}`,
        `queue:create-artifact:${run}`,
        ...definition.scopes,
      ],
      start: now,
      expiry,
    });
  };
};
