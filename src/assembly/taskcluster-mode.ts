// The server is a part of a Taskcluster deployment: clients and roles live in its Auth, tasks in
// its Queue, and mail goes to its Notify.
import { createTaskclusterAuth, type TaskclusterAuth } from '../auth/taskcluster-auth.ts';
import type { Log } from '../core/log.ts';
import { createTaskclusterMailer } from '../mail/taskcluster-mailer.ts';
import { createTaskclusterQueue } from '../queue/taskcluster/taskcluster-queue.ts';
import { createTaskclusterClient, type TaskclusterClient } from '../taskcluster/taskcluster-client.ts';
import { createConfiguredMailer } from './mailer.ts';
import type { Mode, ModeSettings } from './mode.ts';

/** Without it no hook can make a task. */
export const NEEDED_SCOPE = 'assume:hook-id:*';

export const createTaskclusterMode = async ({ config, clock, log, metrics }: ModeSettings): Promise<Mode> => {
  const { deployment } = config;
  if (!deployment) throw new Error('mode taskcluster without a deployment'); // config.ts does not let it happen
  await using undo = new AsyncDisposableStack();
  const client = undo.use(createTaskclusterClient({ deployment, clock, metrics }));
  const auth = createTaskclusterAuth({
    ...{ client, clock, log },
    rootUrl: config.rootUrl,
    deploymentUrl: deployment.rootUrl,
  });
  const queue = createTaskclusterQueue({ client, clock, log });
  const mailer = createConfiguredMailer(config, undo) ?? createTaskclusterMailer(client);
  const checked = checkOwnClient(auth, client, log);
  undo.defer(() => checked);
  const owned = undo.move();
  return {
    authenticate: auth.authenticate,
    satisfies: auth.satisfies,
    forgive: auth.forgive,
    scopesOfRole: auth.scopesOfRole,
    ...{ queue, mailer },
    apis: [],
    elsewhere: { services: ['auth', 'queue'], rootUrl: client.rootUrl },
    checkHealth: async () => {
      await Promise.all([auth.checkHealth(), queue.checkHealth()]);
    },
    open: async () => undefined, // the deployment has its own root credentials
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

/**
 * Asks once whether the deployment knows this server, so that its operator sees a mistake before
 * the first fire. Never rejects.
 */
const checkOwnClient = async (
  auth: TaskclusterAuth,
  { rootUrl, clientId }: TaskclusterClient,
  log: Log,
): Promise<void> => {
  try {
    const scopes = await auth.ownScopes();
    if (auth.satisfies({ clientId, scopes }, NEEDED_SCOPE)) return;
    log.warn({ rootUrl, clientId }, `this server's client lacks ${NEEDED_SCOPE}, without which hooks make no tasks`);
  } catch (error) {
    log.warn({ err: error, rootUrl, clientId }, 'deployment not asked about this server');
  }
};
