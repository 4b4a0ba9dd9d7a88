// The composition root: builds the parts from a Config and joins them. The only file that knows
// them all.

import { createAirlockParts } from './assembly/airlock.ts';
import { createConfiguredBroker } from './assembly/broker.ts';
import { createCommunityParts } from './assembly/community.ts';
import { createStandaloneMode } from './assembly/standalone-mode.ts';
import { createTaskclusterMode } from './assembly/taskcluster-mode.ts';
import { createBrokerApi } from './broker/api.ts';
import type { Config, Part } from './config.ts';
import { type Clock, withDeadline } from './core/clock.ts';
import { loadEncryptionKey } from './core/encryption-key.ts';
import { describeError, OperatorError } from './core/errors.ts';
import type { Log } from './core/log.ts';
import { createMetrics } from './core/metrics.ts';
import { returnMemory } from './core/process/memory-return.ts';
import { createSecretBox } from './core/secret-box.ts';
import type { Base } from './database/base.ts';
import type { Database } from './database/database.ts';
import { isDatabaseAway, whyUnavailable } from './database/is-away.ts';
import { measurePool } from './database/pool-metrics.ts';
import { checkEncryptionKey } from './database/start/check-encryption-key.ts';
import { followDatabaseServer } from './database/start/follow-server.ts';
import { prepareDatabase, withoutPassword } from './database/start/prepare-database.ts';
import { statement } from './database/statement.ts';
import { ApiError } from './http/api-error.ts';
import { withCommonMethods } from './http/common-methods.ts';
import { listen } from './http/listen.ts';
import { servePages } from './http/pages/serve-pages.ts';
import { serveReferences } from './http/references/serve-references.ts';
import { serveApis } from './http/serve-api.ts';
import { serveElsewhere } from './http/serve-elsewhere.ts';
import { createHttpServer } from './http/server.ts';
import { createLedger } from './ledger/create-ledger.ts';
import { createRetention, RETENTION_TIMER } from './ledger/retention.ts';
import { createOutgoingMail } from './mail/outgoing-mail.ts';
import { createTaskHooks, type TaskHooks } from './task-hooks/task-hooks.ts';
import { createTimers } from './timers/create-timers.ts';

export type App = {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Where clients reach it. */
  readonly rootUrl: string;
  /** Where the data are, for people. */
  readonly databasePlace: string;
  /**
   * Those of the client that may do everything. undefined: this process has none, because it serves
   * no API or the deployment is elsewhere.
   */
  readonly credentialsFile: string | undefined;
  /**
   * Rejects when the server cannot go on by itself: its embedded database has ended. Never
   * resolves.
   */
  readonly failure: Promise<never>;
  /** Finishes what is under way, within the deadline of the Config, and frees everything. */
  readonly stop: () => Promise<void>;
};

export type AppSurroundings = { readonly clock: Clock; readonly log: Log };

const READINESS_DEADLINE_MS = 2_000;
const ask = statement('app.is-there', 'select 1');

/**
 * Resolves when the server is ready. Throws an OperatorError that says what to change, and leaves
 * nothing behind.
 */
export const startApp = async (config: Config, surroundings: AppSurroundings): Promise<App> => {
  try {
    return await start(config, surroundings);
  } catch (error) {
    if (!isDatabaseAway(error)) throw error;
    const address = config.databaseUrl === undefined ? config.dataFolder : withoutPassword(config.databaseUrl);
    throw new OperatorError('HW_DATABASE_UNREACHABLE', { address, reason: describeError(error) }, error);
  }
};

const start = async (config: Config, { clock, log }: AppSurroundings): Promise<App> => {
  await using undo = new AsyncDisposableStack();
  const ending = new AbortController();
  const metrics = createMetrics({ processMetrics: true });

  const { databaseUrl, dataFolder, poolSize } = config;
  const prepared = undo.use(await prepareDatabase({ databaseUrl, dataFolder, poolSize, clock, log }));
  const { database } = prepared;
  const base: Base = { clock, log, metrics, database };
  measurePool(database, metrics);
  const encryptionKey = await loadEncryptionKey(config.encryptionKey, dataFolder);
  const secretBox = createSecretBox(encryptionKey.key);
  await checkEncryptionKey(database, secretBox.fingerprint, encryptionKey.source);

  const isPart = (part: Part) => config.parts.includes(part);
  let rootUrl = (config.rootUrl ?? config.deployment?.rootUrl)?.origin ?? '';
  const timers = createTimers(base);
  const ledger = createLedger(database);
  const { broker, run: runBroker } = createConfiguredBroker(config, base);
  const createMode = config.mode === 'taskcluster' ? createTaskclusterMode : createStandaloneMode;
  const mode = undo.use(
    await createMode({
      ...base,
      ...{ config, timers, broker, secretBox },
      rootUrl: () => rootUrl,
      whenTaskMissing: (taskId) => taskHooks.whenTaskMissing(taskId),
      ending: ending.signal,
    }),
  );
  const { mailer, queue } = mode;
  const mail = mailer && undo.use(createOutgoingMail({ ...base, mailer, timers }));
  const taskHooks: TaskHooks = undo.use(
    createTaskHooks({
      ...base,
      ...{ ledger, timers, broker, queue, secretBox },
      enqueueMail: mail?.enqueue,
      deniedExchanges: config.deniedExchanges,
      payloadDays: config.payloadDays,
      trustedProxies: config.trustedProxies,
      scopesOfRole: mode.elsewhere ? undefined : mode.scopesOfRole,
      rootUrl: () => rootUrl,
      ending: ending.signal,
    }),
  );

  const community = undo.use(
    await createCommunityParts({
      ...base,
      ...{ config, timers, broker, secretBox, mode },
      fire: taskHooks.fire,
      ending: ending.signal,
    }),
  );

  const { retentionDays, payloadDays } = config;
  timers.handle(RETENTION_TIMER.kind, createRetention({ ledger, clock, log, retentionDays, payloadDays }));
  await database.transaction((tx) => timers.set(tx, { ...RETENTION_TIMER, due: clock.now() }));

  /**
   * What this process cannot work without. One that serves the API is not taken out of service
   * because messages wait.
   */
  const checkReadiness = async () => {
    await checkDatabase(database, clock, ending.signal);
    if (isPart('listeners') && !isPart('web')) await broker.checkHealth();
  };
  const findTrouble = async () =>
    isPart('listeners') ? broker.checkHealth().then(() => undefined, describeError) : undefined;
  const checkHealth = async () => {
    await checkReadiness();
    if (isPart('listeners')) await broker.checkHealth();
    await mode.checkHealth();
  };
  const server = createHttpServer({ clock, log, metrics, checkReadiness, findTrouble });
  undo.defer(() => server.close());
  const airlock = isPart('web')
    ? createAirlockParts({
        ...base,
        ...{ community, secretBox, origins: config.browserOrigins },
        rootUrl: () => rootUrl,
        ending: ending.signal,
      })
    : undefined;
  airlock?.serve(server);
  if (isPart('web')) {
    const brokerApi = createBrokerApi({ tools: broker.tools, ending: ending.signal });
    const apis = [taskHooks.api, ...mode.apis, brokerApi, ...community.apis].map((api) =>
      withCommonMethods(api, { clock, checkHealth }),
    );
    const { authenticate, satisfies, forgive } = mode;
    serveApis(server, apis, { authenticate, satisfies, forgive, rootUrl: () => rootUrl, clock, log, metrics });
    taskHooks.serve(server);
    serveReferences(server, apis, () => rootUrl);
    servePages(server);
    if (mode.elsewhere) serveElsewhere(server, mode.elsewhere, clock);
  }
  const url = await listen(server, config);
  rootUrl ||= url;
  const credentialsFile = isPart('web') ? await mode.open(rootUrl) : undefined;

  const loops = new AbortController();
  const intake = new AbortController();
  const running = Promise.all([
    isPart('scheduler') && timers.run(intake.signal),
    runBroker(intake.signal, loops.signal),
    taskHooks.run(loops.signal), // what any part has stored, and what others have left behind
    community.run(loops.signal),
    airlock?.run(loops.signal),
    returnMemory({ clock }, loops.signal),
  ]);
  undo.defer(async () => {
    intake.abort();
    loops.abort();
    await running;
  });

  const failure = followDatabaseServer(prepared.serverPid, { clock, log }, loops.signal);
  const owned = undo.move();
  const stop = async () => {
    ending.abort();
    const deadlineMs = config.shutdownSeconds * 1000;
    const finishUnderWay = async () => {
      intake.abort(); // no schedule and no message begins anything more
      await Promise.all([server.close(), airlock?.close()]);
      await Promise.all([taskHooks.whenIdle(), community.whenIdle()]);
    };
    await withDeadline(clock, deadlineMs, finishUnderWay, () => new Error('the time to end was up')).catch((error) => {
      log.warn({ err: error }, 'shutdown with work under way; the next start takes it up');
      server.server.closeAllConnections();
    });
    await owned.disposeAsync();
  };
  return { url, rootUrl, databasePlace: prepared.description, credentialsFile, failure, stop };
};

const checkDatabase = async (database: Database, clock: Clock, ending: AbortSignal): Promise<void> => {
  if (ending.aborted) throw new ApiError('ServiceUnavailable', 'the server is ending');
  const away = (reason?: unknown) => new ApiError('ServiceUnavailable', 'the database does not answer', reason);
  const fault = whyUnavailable(database.writeFault());
  if (fault !== undefined) throw new ApiError('ServiceUnavailable', fault);
  await withDeadline(clock, READINESS_DEADLINE_MS, () => database.query(ask), away).catch((error: unknown) => {
    throw error instanceof ApiError ? error : away(error);
  });
};
