// `hookwright config check`: reads the configuration as `serve` would, tries what it names, and
// says what is good or wrong.
import { access, constants } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type pg from 'pg';
import { type Config, readConfig } from '../../config.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { loadEncryptionKey } from '../../core/encryption-key.ts';
import { describeError, describeFileError, errorCode, OperatorError } from '../../core/errors.ts';
import { createLog, type Log } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { createSecretBox } from '../../core/secret-box.ts';
import { openDatabase } from '../../database/connection.ts';
import { findBinaries } from '../../database/embedded/binaries.ts';
import { startEmbeddedPostgres } from '../../database/embedded/embedded-postgres.ts';
import { listDueMigrations } from '../../database/migrate.ts';
import { knownFingerprint } from '../../database/start/check-encryption-key.ts';
import { inspectDatabase } from '../../database/start/inspect.ts';
import { withoutPassword } from '../../database/start/prepare-database.ts';
import type { Command } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { createOutput, oneLine } from '../cli/output.ts';
import { isThere } from '../data/data-place.ts';

/** What was looked at, and whether the server can start with it. */
type Finding = { readonly what: string; readonly isGood: boolean; readonly says: string; readonly code?: string };

export const configCheck: Command = {
  summary: 'Read the configuration and try what it names, without starting',
  usage: `hookwright config check [options of serve] [--json]

  Reads options, variables and the configuration file as serve would, looks at the data folder, the key, the port, the
  database, the mail server, RabbitMQ and the deployment, and says of each whether it is good. A database that was made before
  is started for a moment; none is made, nothing in it is changed, and no mail is sent. Exit status 0: serve can start; 1: something is wrong; 2: the configuration cannot be read.
  The options are those of serve: hookwright help serve`,
  run: async (args, io) => {
    const output = createOutput(io, args.includes('--json'));
    let findings: readonly Finding[];
    try {
      const given = args.filter((arg) => arg !== '--json');
      findings = await checkAll(readConfig(given, io.env, io.cwd), systemClock, createLog({ level: 'silent' }));
    } catch (error) {
      if (!(error instanceof OperatorError) || error.code !== 'HW_BAD_OPTION') throw error;
      findings = [{ what: 'configuration', isGood: false, says: error.message, code: error.code }];
    }
    const isGood = findings.every((finding) => finding.isGood);
    output.answer({ isGood, findings }, (paint) => {
      const width = Math.max(...findings.map(({ what }) => what.length));
      const lines = findings.map(({ what, isGood, says }) => {
        const mark = isGood ? paint('green', 'good ') : paint('red', 'wrong');
        return `${mark}  ${what.padEnd(width)}  ${oneLine(says)}`;
      });
      return `${lines.join('\n')}\n`;
    });
    if (isGood) return EXIT_STATUS.done;
    return findings.some(({ code }) => code === 'HW_BAD_OPTION') ? EXIT_STATUS.usage : EXIT_STATUS.failed;
  },
};

const checkAll = async (config: Config, clock: Clock, log: Log): Promise<readonly Finding[]> => {
  const isMade = await isThere(config.dataFolder);
  return [
    await finding('data folder', () => checkFolder(config.dataFolder, isMade)),
    await finding('encryption key', async () => (await keyOf(config)).says),
    await finding('address', () => checkAddress(config)),
    await finding('database', () => checkDatabase(config, clock, log)),
    await finding('messages', () => checkMessages(config)),
    ...(config.deployment ? [await finding('deployment', () => checkDeployment(config, clock, log))] : []),
    await finding('mail', () => checkMail(config)),
  ];
};

const finding = async (what: string, check: () => Promise<string>): Promise<Finding> => {
  try {
    return { what, isGood: true, says: await check() };
  } catch (error) {
    const code = error instanceof OperatorError ? { code: error.code } : {};
    return { what, isGood: false, says: describeError(error), ...code };
  }
};

const checkFolder = async (folder: string, isMade: boolean): Promise<string> => {
  let nearest = folder;
  while (!(await isThere(nearest))) nearest = dirname(nearest);
  await access(nearest, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw new OperatorError('HW_DATA_NOT_WRITABLE', { folder, reason: describeFileError(error) }, error);
  });
  return isMade ? folder : `${folder}, which the first start will make`;
};

/** Without making one. */
const keyOf = async ({ encryptionKey, dataFolder }: Config) => {
  if (encryptionKey === undefined && !(await isThere(join(dataFolder, 'encryption-key')))) {
    return { fingerprint: undefined, source: '', says: 'the first start will make one in the data folder' };
  }
  const { key, source } = await loadEncryptionKey(encryptionKey, dataFolder);
  return { fingerprint: createSecretBox(key).fingerprint, source, says: `from ${source}` };
};

const checkAddress = async ({ host, port }: Config): Promise<string> => {
  const probe = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  probe.once('error', reject).listen(port, host, resolve);
  try {
    await promise;
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE') {
      throw new OperatorError('HW_PORT_IN_USE', { port, host, other: port + 1 }, error);
    }
    throw new OperatorError('HW_CANNOT_LISTEN', { host, port, reason: describeError(error) }, error);
  } finally {
    probe.close();
  }
  return port === 0 ? `${host}, on a port that is free then` : `${host}:${port} is free`;
};

const checkDatabase = async (config: Config, clock: Clock, log: Log): Promise<string> => {
  const { databaseUrl, dataFolder } = config;
  if (databaseUrl !== undefined) {
    const address = withoutPassword(databaseUrl);
    const connection = { connectionString: databaseUrl };
    await inspectDatabase(connection, address);
    return `${address}; ${await checkContent(config, connection, address, { clock, log })}`;
  }
  await findBinaries();
  if (!(await isThere(join(dataFolder, 'postgres')))) return 'the embedded PostgreSQL; the first start will make it';
  await using embedded = await startEmbeddedPostgres({ dataFolder, clock, log });
  const content = await checkContent(config, embedded.connection, embedded.place, { clock, log });
  return `the embedded PostgreSQL in ${embedded.place}; ${content}`;
};

const checkContent = async (
  config: Config,
  connection: pg.ClientConfig,
  address: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<string> => {
  const due = await listDueMigrations(connection);
  // Before the first migration there is no table to look into.
  if (due.some((name) => name.startsWith('0001'))) return 'it is empty, and the first start will fill it';
  const { fingerprint, source } = await keyOf(config);
  await using database = openDatabase({ connection, address, poolSize: 2, clock, log });
  const known = await knownFingerprint(database);
  if (known !== undefined && known !== fingerprint) {
    throw new OperatorError('HW_WRONG_ENCRYPTION_KEY', { source: source || 'the data folder, which has none' });
  }
  return due.length === 0 ? 'it is up to date' : `the start will run ${due.length} migrations: ${due.join(', ')}`;
};

const checkMessages = async ({ amqpUrl }: Config): Promise<string> => {
  if (amqpUrl === undefined) return 'by the broker in the database';
  const { tryConnection } = await import('../../broker/rabbitmq/connection/try-connection.ts');
  return `RabbitMQ at ${await tryConnection(amqpUrl)} answers`;
};

/** Somebody waits for the answer. */
const MAIL_TIMEOUTS = { connect: 10_000, answer: 10_000 };

const checkMail = async ({ smtpUrl, mailFrom, deployment }: Config): Promise<string> => {
  if (smtpUrl === undefined || mailFrom === undefined) return deployment ? 'by the deployment' : 'none is sent';
  const { createSmtpMailer } = await import('../../mail/smtp-mailer.ts');
  await using mailer = createSmtpMailer({ url: smtpUrl, from: mailFrom, timeouts: MAIL_TIMEOUTS });
  await mailer.verify().catch((error: unknown) => {
    throw new Error(`${smtpUrl.host}: ${describeError(error)}`, { cause: error });
  });
  return `by ${smtpUrl.host}, which ${smtpUrl.username === '' ? 'answers' : 'takes the login'}`;
};

const checkDeployment = async ({ deployment, rootUrl }: Config, clock: Clock, log: Log): Promise<string> => {
  if (!deployment) return 'none';
  const { createTaskclusterAuth } = await import('../../auth/taskcluster-auth.ts');
  const { createTaskclusterClient } = await import('../../taskcluster/taskcluster-client.ts');
  const { NEEDED_SCOPE } = await import('../../assembly/taskcluster-mode.ts');
  const metrics = createMetrics({ processMetrics: false });
  await using client = createTaskclusterClient({ deployment, clock, metrics });
  const auth = createTaskclusterAuth({ client, clock, log, rootUrl, deploymentUrl: deployment.rootUrl });
  const scopes = await auth.ownScopes();
  const who = `${deployment.rootUrl.origin} as ${deployment.clientId}`;
  if (auth.satisfies({ clientId: deployment.clientId, scopes }, NEEDED_SCOPE)) return who;
  throw new Error(`${who}, who lacks the scope ${NEEDED_SCOPE}, without which hooks make no tasks`);
};
