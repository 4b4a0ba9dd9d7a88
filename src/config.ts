// The one Config, read from flags, environment, file and defaults; the first of these that says
// something wins. The options are in options.ts. docs/configuration.md explains each; a test checks
// that none is missing.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { normalizeShip } from './community/schema/ship.ts';
import { describeError, describeFileError, OperatorError } from './core/errors.ts';
import { LOG_LEVELS, type LogLevel } from './core/log.ts';
import { nearest } from './core/nearest.ts';
import { optionProblem } from './core/option-problem.ts';
import { isNetwork } from './http/senders/addresses.ts';
import { parseMailbox } from './mail/mailbox.ts';
import { parseSmtpUrl } from './mail/smtp-url.ts';
import { AMQP_QUEUE_TYPES, type AmqpQueueType, MODES, OPTIONS, type Option, PARTS, type Part } from './options.ts';
import { parseCertificate, parseRootUrl, type TaskclusterDeployment } from './taskcluster/taskcluster-deployment.ts';

export type { AmqpQueueType, Part } from './options.ts';
export { AMQP_QUEUE_TYPES, OPTIONS, PARTS } from './options.ts';

export type Config = {
  /** 0: a free one. */
  readonly port: number;
  readonly host: string;
  /** Absolute. */
  readonly dataFolder: string;
  /** Where clients reach the server, when that is not where it listens. */
  readonly rootUrl: URL | undefined;
  /** A given PostgreSQL; undefined: the embedded one. */
  readonly databaseUrl: string | undefined;
  readonly poolSize: number;
  /** 32 bytes in base64; undefined: the one in the data folder, made at the first start. */
  readonly encryptionKey: string | undefined;
  readonly logLevel: LogLevel;
  readonly retentionDays: number;
  readonly payloadDays: number;
  /** How long a server that was told to end waits for what is under way. */
  readonly shutdownSeconds: number;
  /** The host ship: `~zod`. */
  readonly ship: string;
  /** Of web pages that may call with the cookies of those who look at them. */
  readonly browserOrigins: readonly string[];
  /** Of proxies that say truly from where a request came. */
  readonly trustedProxies: readonly string[];
  readonly claimSeconds: number;
  /** Exchanges that hooks may not bind to: regular expressions for how their names begin. */
  readonly deniedExchanges: readonly string[];
  /** The mail server, with user and password; undefined: no mail is sent. */
  readonly smtpUrl: URL | undefined;
  /** Who sends mail; given whenever smtpUrl is. */
  readonly mailFrom: string | undefined;
  /** Which parts this process is. */
  readonly parts: readonly Part[];
  /** RabbitMQ, with user and password; undefined: the broker in the database. */
  readonly amqpUrl: URL | undefined;
  readonly amqpQueueType: AmqpQueueType;
  /** Whether queues on RabbitMQ that were made by another program are emptied and made anew. */
  readonly replaceQueues: boolean;
  readonly mode: (typeof MODES)[number];
  /**
   * The Taskcluster deployment of which this server is a part, and who it is there; given with mode
   * taskcluster only.
   */
  readonly deployment: TaskclusterDeployment | undefined;
  /** What was given about a deployment, and means nothing in this mode: flags, variables. */
  readonly idle: readonly string[];
};

type Derived = 'deployment' | 'idle';
const OPTION_LIST: readonly Option[] = Object.values(OPTIONS satisfies Record<Exclude<keyof Config, Derived>, Option>);

/**
 * Reads the configuration of `hookwright serve`. Throws OperatorError HW_BAD_OPTION that says what
 * to set.
 */
export const readConfig = (args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Config => {
  const flags = readFlags(args);
  const fileName = flags.config ?? env.HOOKWRIGHT_CONFIG;
  const file = fileName === undefined ? {} : readFile(resolve(cwd, fileName));
  const textOf = ({ flag, env: variable, fallback }: Option): string | undefined =>
    flags[flag] ?? (env[variable] || undefined) ?? file[flag] ?? fallback;

  /** The content for an option that names a file, and whose variable holds what would be in it. */
  const contentOf = ({ flag, env: variable }: Option, hint: string): string | undefined => {
    const given = flags[flag];
    if (given !== undefined) return readContent(flag, resolve(cwd, given), hint);
    if (env[variable]) return env[variable];
    const named = file[flag];
    return named === undefined ? undefined : readContent(flag, resolve(cwd, named), hint);
  };
  const whereGiven = ({ flag, env: variable }: Option): string[] => {
    if (flags[flag] !== undefined || file[flag] !== undefined) return [`--${flag}`];
    return env[variable] ? [variable] : [];
  };
  const mode = oneOf(OPTIONS.mode, textOf(OPTIONS.mode), MODES);
  return {
    port: wholeNumber(OPTIONS.port, textOf(OPTIONS.port), 0, 65_535),
    host: textOf(OPTIONS.host) as string,
    dataFolder: resolve(cwd, textOf(OPTIONS.dataFolder) as string),
    rootUrl: readRootUrl(textOf(OPTIONS.rootUrl)),
    databaseUrl: textOf(OPTIONS.databaseUrl),
    poolSize: wholeNumber(OPTIONS.poolSize, textOf(OPTIONS.poolSize), 2, 1_000),
    encryptionKey: contentOf(OPTIONS.encryptionKey, 'Make one with: openssl rand -base64 32'),
    logLevel: readLogLevel(textOf(OPTIONS.logLevel) as string),
    retentionDays: wholeNumber(OPTIONS.retentionDays, textOf(OPTIONS.retentionDays), 1, 36_500),
    payloadDays: wholeNumber(OPTIONS.payloadDays, textOf(OPTIONS.payloadDays), 0, 36_500),
    shutdownSeconds: wholeNumber(OPTIONS.shutdownSeconds, textOf(OPTIONS.shutdownSeconds), 0, 3_600),
    ship: readShip(textOf(OPTIONS.ship) as string),
    browserOrigins: readOrigins(OPTIONS.browserOrigins, textOf(OPTIONS.browserOrigins) ?? ''),
    trustedProxies: readNetworks(OPTIONS.trustedProxies, textOf(OPTIONS.trustedProxies) ?? ''),
    claimSeconds: wholeNumber(OPTIONS.claimSeconds, textOf(OPTIONS.claimSeconds), 1, 86_400),
    deniedExchanges: readPatterns(OPTIONS.deniedExchanges, textOf(OPTIONS.deniedExchanges) as string),
    ...readMail(textOf(OPTIONS.smtpUrl), textOf(OPTIONS.mailFrom)),
    parts: readParts(textOf(OPTIONS.parts) as string),
    amqpUrl: readAmqpUrl(textOf(OPTIONS.amqpUrl)),
    amqpQueueType: oneOf(OPTIONS.amqpQueueType, textOf(OPTIONS.amqpQueueType), AMQP_QUEUE_TYPES),
    replaceQueues: oneOf(OPTIONS.replaceQueues, textOf(OPTIONS.replaceQueues), ['true', 'false']) === 'true',
    mode,
    deployment: mode === 'taskcluster' ? readDeployment(textOf, contentOf) : undefined,
    idle: mode === 'taskcluster' ? [] : ABOUT_DEPLOYMENTS.flatMap(whereGiven),
  };
};

const badOption = (problem: string, cure: string) => new OperatorError('HW_BAD_OPTION', { problem, cure });

const readFlags = (args: readonly string[]): Readonly<Record<string, string | undefined>> => {
  const options = Object.fromEntries(
    [...OPTION_LIST.map(({ flag }) => flag), 'config'].map((flag) => [flag, { type: 'string' as const }]),
  );
  try {
    return parseArgs({ args: [...args], options, strict: true }).values as Record<string, string | undefined>;
  } catch (error) {
    throw badOption(optionProblem(error, Object.keys(options)), 'hookwright help serve lists the options');
  }
};

const readFile = (path: string): Record<string, string | undefined> => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // What JSON.parse says shows a piece of the file, which may be of a password.
    const reason = error instanceof SyntaxError ? 'it is not JSON' : describeFileError(error);
    throw badOption(
      `The configuration file ${path} cannot be read: ${reason}`,
      'It is a JSON object, its keys the names of the flags',
    );
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw badOption(`The configuration file ${path} is not a JSON object`, 'Its keys are the names of the flags');
  }
  const known = new Set(OPTION_LIST.map(({ flag }) => flag));
  const unknown = Object.keys(parsed).find((key) => !known.has(key));
  if (unknown !== undefined) {
    const meant = nearest(unknown, known);
    throw badOption(
      `The configuration file ${path} has an unknown key "${unknown}"${meant === undefined ? '' : ` (did you mean "${meant}"?)`}`,
      `Known are: ${[...known].join(', ')}`,
    );
  }
  return Object.fromEntries(Object.entries(parsed).map(([key, value]) => [key, String(value)]));
};

const readContent = (flag: string, path: string, hint: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw badOption(`The file ${path} of --${flag} cannot be read: ${describeFileError(error)}`, hint);
  }
};

const wholeNumber = ({ flag, env }: Option, text: string | undefined, least: number, most: number): number => {
  const value = Number(text);
  if (text !== undefined && /^\d+$/.test(text) && value >= least && value <= most) return value;
  throw badOption(`--${flag} (${env}) is "${text}"`, `Give a whole number from ${least} to ${most}`);
};

const readShip = (text: string): string => {
  const ship = normalizeShip(text);
  if (ship !== null) return ship;
  throw badOption(`--ship (HOOKWRIGHT_SHIP) is "${text}"`, 'Give a ship, for example ~zod or ~sampel-palnet');
};

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

const readOrigins = ({ flag, env }: Option, text: string): readonly string[] => {
  const origins = wordsOf(text);
  const wrong = origins.find((origin) => parseRootUrl(origin)?.origin !== origin);
  if (wrong === undefined) return origins;
  throw badOption(`--${flag} (${env}) has "${wrong}"`, 'Give origins, for example https://app.example.com');
};

const readNetworks = ({ flag, env }: Option, text: string): readonly string[] => {
  const networks = wordsOf(text);
  const wrong = networks.find((network) => !isNetwork(network));
  if (wrong === undefined) return networks;
  throw badOption(`--${flag} (${env}) has "${wrong}"`, 'Give addresses and networks, for example 10.0.0.0/8');
};

const readPatterns = ({ flag, env }: Option, text: string): readonly string[] => {
  const patterns = wordsOf(text);
  for (const pattern of patterns) {
    try {
      new RegExp(pattern);
    } catch (error) {
      throw badOption(`--${flag} (${env}) has "${pattern}": ${describeError(error)}`, 'Give regular expressions');
    }
  }
  return patterns;
};

const oneOf = <Known extends string>(
  { flag, env }: Option,
  text: string | undefined,
  known: readonly Known[],
): Known => {
  const value = known.find((one) => one === text);
  if (value !== undefined) return value;
  throw badOption(`--${flag} (${env}) is "${text}"`, `Use one of ${known.join(', ')}`);
};

const readParts = (text: string): readonly Part[] => {
  const names = text.split(',').map((name) => name.trim());
  return [...new Set(names.map((name) => oneOf(OPTIONS.parts, name, PARTS)))];
};

const readAmqpUrl = (text: string | undefined): URL | undefined => {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^amqps?:$/.test(url.protocol) && url.hostname !== '') return url;
  throw badOption(
    '--amqp-url (AMQP_URL) is not the URL of a RabbitMQ', // and is not shown: it has a password in it
    'Give amqp:// or amqps://, user:password@, host, and for another virtual host than / its name after a slash',
  );
};

const readLogLevel = (text: string): LogLevel => {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level) return level;
  throw badOption(`There is no log level "${text}"`, `Use one of ${LOG_LEVELS.join(', ')}`);
};

const readRootUrl = (text: string | undefined): URL | undefined => {
  if (text === undefined) return undefined;
  const url = parseRootUrl(text);
  if (url) return url;
  throw badOption(`--root-url is "${text}"`, 'Give scheme, host and port only, for example https://hooks.example.com');
};

const { taskclusterRootUrl, taskclusterClientId, taskclusterAccessToken, taskclusterCertificate } = OPTIONS;
const ABOUT_DEPLOYMENTS: readonly Option[] = [
  taskclusterRootUrl,
  taskclusterClientId,
  taskclusterAccessToken,
  taskclusterCertificate,
];

const readDeployment = (
  textOf: (option: Option) => string | undefined,
  contentOf: (option: Option, hint: string) => string | undefined,
): TaskclusterDeployment => {
  const need = (option: Option, value: string | undefined): string => {
    if (value) return value;
    throw badOption(
      `--mode taskcluster needs --${option.flag} (${option.env})`,
      'It takes where the deployment is, and the client and the access token that this server has there',
    );
  };
  const text = need(taskclusterRootUrl, textOf(taskclusterRootUrl));
  const rootUrl = parseRootUrl(text);
  if (!rootUrl) {
    throw badOption(
      '--taskcluster-root-url (TASKCLUSTER_ROOT_URL) is not the root URL of a deployment', // nor shown: it may have a password in it
      'Give scheme, host and port only, for example https://tc.example.com',
    );
  }
  const clientId = need(taskclusterClientId, textOf(taskclusterClientId));
  const accessToken = need(
    taskclusterAccessToken,
    contentOf(taskclusterAccessToken, 'Put the access token into it, and nothing else'),
  );
  // A header that cannot be sent would be noticed at the first task only.
  if (!/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/.test(clientId)) {
    throw badOption('--taskcluster-client-id (TASKCLUSTER_CLIENT_ID) is no clientId', 'Give it as Auth shows it');
  }
  const written = contentOf(taskclusterCertificate, 'Put the certificate of the credentials into it, as JSON');
  const certificate = written === undefined ? undefined : parseCertificate(written);
  if (written !== undefined && certificate === undefined) {
    throw badOption(
      '--taskcluster-certificate-file (TASKCLUSTER_CERTIFICATE) does not hold the certificate of temporary credentials',
      'Give the JSON object that came with them, or nothing for credentials without one',
    );
  }
  return { rootUrl, clientId, accessToken, certificate };
};

const readMail = (smtpUrl: string | undefined, from: string | undefined): Pick<Config, 'smtpUrl' | 'mailFrom'> => {
  if (from !== undefined && !parseMailbox(from)) {
    throw badOption(`--mail-from is ${JSON.stringify(from)}`, 'Give one address, for example hooks@example.com');
  }
  if (smtpUrl === undefined) return { smtpUrl: undefined, mailFrom: from };
  const url = parseSmtpUrl(smtpUrl);
  if (url === undefined) {
    throw badOption(
      '--smtp-url (HOOKWRIGHT_SMTP_URL) is not the URL of a mail server', // and is not shown: it has a password in it
      'Give smtp:// or smtps://, host and port, before the host user:password@ if it wants them, with @ : / ? # % in these as %40 %3A %2F %3F %23 %25',
    );
  }
  if (from === undefined) {
    throw badOption(
      '--mail-from (HOOKWRIGHT_MAIL_FROM) is missing, and --smtp-url is given',
      'Say who sends the mail, for example --mail-from hooks@example.com',
    );
  }
  return { smtpUrl: url, mailFrom: from };
};
