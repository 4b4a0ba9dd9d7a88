// The server is a part of a Taskcluster deployment: clients and roles live in its Auth, tasks in
// its Queue, and mail goes to its Notify.
import { createRemoteAuth, type RemoteAuth } from '../auth/taskcluster-auth.ts';
import type { Log } from '../core/log.ts';
import { createNotifyMailer } from '../mail/taskcluster-mailer.ts';
import { createTaskclusterQueue } from '../queue/taskcluster/taskcluster-queue.ts';
import { createDeploymentClient, type DeploymentClient } from '../taskcluster/taskcluster-client.ts';
import type { Mode, ModeSettings } from './mode.ts';
import { createConfiguredMailer } from './smtp.ts';

/** Without it no hook can make a task. */
export const NEEDED_SCOPE = 'assume:hook-id:*';

export const createTaskclusterMode = async ({ config, clock, log, metrics }: ModeSettings): Promise<Mode> => {
  const { deployment } = config;
  if (!deployment) throw new Error('mode taskcluster without a deployment'); // config.ts does not let it happen
  await using undo = new AsyncDisposableStack();
  const client = undo.use(createDeploymentClient({ deployment, clock, metrics }));
  const auth = createRemoteAuth({
    ...{ client, clock, log },
    rootUrl: config.rootUrl,
    deploymentUrl: deployment.rootUrl,
  });
  const queue = createTaskclusterQueue({ client, clock, log });
  const mailer = createConfiguredMailer(config, undo) ?? createNotifyMailer(client);
  const introduced = introduce(auth, client, log);
  undo.defer(() => introduced);
  const owned = undo.move();
  return {
    authenticate: auth.authenticate,
    satisfies: auth.satisfies,
    forgive: auth.forgive,
    ...{ queue, mailer },
    apis: [],
    elsewhere: { services: ['auth', 'queue'], rootUrl: client.rootUrl },
    checkHealth: async () => {
      await Promise.all([auth.checkHealth(), queue.checkHealth()]);
    },
    open: async () => undefined, // who may do everything is the deployment's affair
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

/**
 * Looks once whether the deployment knows this server, so that its operator need not wait for the
 * first fire. Never rejects.
 */
const introduce = async (auth: RemoteAuth, { rootUrl, clientId }: DeploymentClient, log: Log): Promise<void> => {
  try {
    const scopes = await auth.ownScopes();
    if (auth.satisfies({ clientId, scopes }, NEEDED_SCOPE)) return;
    log.warn({ rootUrl, clientId }, `this server's client lacks ${NEEDED_SCOPE}, without which hooks make no tasks`);
  } catch (error) {
    log.warn({ err: error, rootUrl, clientId }, 'the deployment could not be asked about this server');
  }
};
