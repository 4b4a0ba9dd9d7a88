// What stands behind the ports in mode taskcluster, without a server around it: on a stand-in
// deployment and a clock that can be set.
import { createTaskclusterAuth } from '../../src/auth/taskcluster-auth.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { createMetrics } from '../../src/core/metrics.ts';
import { createTaskclusterMailer } from '../../src/mail/taskcluster-mailer.ts';
import { createTaskclusterQueue } from '../../src/queue/taskcluster/taskcluster-queue.ts';
import { createTaskclusterClient } from '../../src/taskcluster/taskcluster-client.ts';
import type { Cleanup } from '../support/database.ts';
import { startDeployment } from '../support/deployment.ts';
import { lastFirst } from '../support/wait.ts';
import { PERSON, SERVER, TOKENS } from './world.ts';

export const createBackends = async (t: Cleanup, scopes: readonly string[] = SERVER_SCOPES) => {
  const cleanup = lastFirst(t);
  let offset = 0;
  const now = () => Date.now() + offset;
  const clock: Clock = { ...systemClock, now, monotonic: () => systemClock.monotonic() + offset };
  const deployment = await startDeployment(cleanup, { now });
  deployment.clients.set(SERVER, { accessToken: TOKENS[SERVER], scopes });
  deployment.clients.set(PERSON, { accessToken: TOKENS[PERSON], scopes: ['hooks:*', 'assume:hook-id:*'] });
  const deploymentUrl = new URL(deployment.rootUrl);
  const metrics = createMetrics();
  const client = createTaskclusterClient({
    deployment: { rootUrl: deploymentUrl, clientId: SERVER, accessToken: TOKENS[SERVER], certificate: undefined },
    ...{ clock, metrics },
  });
  cleanup.after(async () => client[Symbol.asyncDispose]());
  const log = silentLog;
  return {
    ...{ deployment, clock, client, metrics },
    auth: createTaskclusterAuth({ client, clock, log, rootUrl: undefined, deploymentUrl }),
    queue: createTaskclusterQueue({ client, clock, log }),
    mailer: createTaskclusterMailer(client),
    /** Time passes for all, the deployment too. Nobody wakes. */
    pass: (ms: number) => {
      offset += ms;
    },
  };
};

export const SERVER_SCOPES = ['assume:hook-id:*', 'notify:email:*', 'queue:get-task:*', 'queue:status:*'];
export const never = new AbortController().signal;
