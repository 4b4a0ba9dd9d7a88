// One server is the whole deployment: clients, roles and tasks live in its database.
import { signedAddress } from '#signing';
import { ensureRootClient, followRootClient } from '../auth/clients/root-client.ts';
import { createStandaloneAuth } from '../auth/standalone-auth.ts';
import { createStandaloneQueue } from '../queue/standalone/standalone-queue.ts';
import { createConfiguredMailer } from './mailer.ts';
import type { Mode, ModeSettings } from './mode.ts';

export const createStandaloneMode = async (settings: ModeSettings): Promise<Mode> => {
  const { config, database, timers, broker, secretBox, clock, log, metrics, rootUrl, ending } = settings;
  await using undo = new AsyncDisposableStack();
  const auth = undo.use(
    await createStandaloneAuth({
      ...{ database, timers, broker, secretBox, clock, log, metrics },
      rootUrl: config.rootUrl && signedAddress(config.rootUrl),
    }),
  );
  const queue = undo.use(
    createStandaloneQueue({
      ...{ database, timers, broker, clock, rootUrl, ending },
      clients: auth.clients,
      satisfies: auth.satisfies,
      callerWith: auth.callerWith,
      whenMissing: settings.whenTaskMissing,
      claimMs: config.claimSeconds * 1000,
    }),
  );
  await queue.begin();
  const mailer = createConfiguredMailer(config, undo);
  const owned = undo.move();
  return {
    authenticate: auth.authenticate,
    satisfies: auth.satisfies,
    forgive: auth.forgive,
    scopesOfRole: (role) => auth.expand([`assume:${role}`]),
    queue,
    mailer,
    apis: [auth.api, queue.api],
    checkHealth: async () => {}, // all of it is in our own database, which is looked at anyway
    open: async (url) => {
      const root = { database, clients: auth.clients, clock, dataFolder: config.dataFolder, rootUrl: url };
      const { credentialsFile } = await ensureRootClient(root);
      owned.use(followRootClient({ ...root, onClientChanged: auth.onClientChanged, log }));
      return credentialsFile;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};
