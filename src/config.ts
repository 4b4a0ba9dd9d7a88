// The one Config: every option with its flag, its environment variable and its default. Flags win over the environment, the
// environment over the file, the file over the defaults. docs/configuration.md explains each; a test checks that none is missing.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeError, OperatorError } from './core/errors.ts';
import { LOG_LEVELS, type LogLevel } from './core/log.ts';
import { parseMailbox } from './mail/mailbox.ts';
import { parseSmtpUrl } from './mail/smtp-url.ts';

/** A piece of the server that can run in a process of its own. */
export const PARTS = ['web', 'scheduler', 'listeners'] as const;
export type Part = (typeof PARTS)[number];

export const AMQP_QUEUE_TYPES = ['classic', 'quorum'] as const;
export type AmqpQueueType = (typeof AMQP_QUEUE_TYPES)[number];

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
  /** How long a server that was told to end waits for what is under way. */
  readonly shutdownSeconds: number;
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
};

type Option = {
  readonly flag: string;
  readonly env: string;
  readonly value: string;
  readonly fallback: string | undefined;
  readonly help: string;
};

/** In the order in which help shows them. */
export const OPTIONS = {
  port: {
    flag: 'port',
    env: 'HOOKWRIGHT_PORT',
    value: 'NUMBER',
    fallback: '8080',
    help: 'Port to listen on; 0 picks a free one.',
  },
  host: {
    flag: 'host',
    env: 'HOOKWRIGHT_HOST',
    value: 'ADDRESS',
    fallback: '127.0.0.1',
    help: 'Address to listen on; 0.0.0.0 for all of this machine.',
  },
  dataFolder: {
    flag: 'data',
    env: 'HOOKWRIGHT_DATA',
    value: 'FOLDER',
    fallback: '.hookwright',
    help: 'Folder for credentials, the encryption key and the embedded database.',
  },
  rootUrl: {
    flag: 'root-url',
    env: 'HOOKWRIGHT_ROOT_URL',
    value: 'URL',
    fallback: undefined,
    help: 'Where clients reach the server, if not where it listens (behind a TLS proxy). Signatures are checked against it.',
  },
  databaseUrl: {
    flag: 'database-url',
    env: 'DATABASE_URL',
    value: 'URL',
    fallback: undefined,
    help: 'A PostgreSQL 15 or newer to use instead of the embedded one.',
  },
  poolSize: {
    flag: 'database-connections',
    env: 'HOOKWRIGHT_DATABASE_CONNECTIONS',
    value: 'NUMBER',
    fallback: '8',
    help: 'Connections to the database, besides the one that listens.',
  },
  encryptionKey: {
    flag: 'encryption-key-file',
    env: 'HOOKWRIGHT_ENCRYPTION_KEY',
    value: 'FILE',
    fallback: undefined,
    help: 'File with the key for secrets at rest (32 bytes in base64; the environment variable holds the key itself). Made in the data folder if not given.',
  },
  logLevel: {
    flag: 'log-level',
    env: 'HOOKWRIGHT_LOG_LEVEL',
    value: 'LEVEL',
    fallback: 'warn',
    help: `One of ${LOG_LEVELS.join(', ')}. The log goes to standard error, a JSON object a line.`,
  },
  retentionDays: {
    flag: 'retention-days',
    env: 'HOOKWRIGHT_RETENTION_DAYS',
    value: 'NUMBER',
    fallback: '400',
    help: 'How long the ledger is kept.',
  },
  shutdownSeconds: {
    flag: 'shutdown-seconds',
    env: 'HOOKWRIGHT_SHUTDOWN_SECONDS',
    value: 'NUMBER',
    fallback: '15',
    help: 'How long to wait for what is under way when told to end.',
  },
  claimSeconds: {
    flag: 'claim-seconds',
    env: 'HOOKWRIGHT_CLAIM_SECONDS',
    value: 'NUMBER',
    fallback: '1200',
    help: 'How long a worker keeps a task that it has claimed, unless it reclaims it.',
  },
  deniedExchanges: {
    flag: 'denied-exchanges',
    env: 'HOOKWRIGHT_DENIED_EXCHANGES',
    value: 'PATTERNS',
    fallback: 'exchange/taskcluster-queue/v1/task-created exchange/taskcluster-hooks/.*',
    help: 'Exchanges that hooks may not bind to: regular expressions for how their names begin, with spaces between them.',
  },
  smtpUrl: {
    flag: 'smtp-url',
    env: 'HOOKWRIGHT_SMTP_URL',
    value: 'URL',
    fallback: undefined,
    help: 'Server that takes mail, smtp:// or smtps://; without one no mail is sent.',
  },
  mailFrom: {
    flag: 'mail-from',
    env: 'HOOKWRIGHT_MAIL_FROM',
    value: 'ADDRESS',
    fallback: undefined,
    help: 'Who sends mail: hooks@example.com or "Hookwright <hooks@example.com>". Needed with --smtp-url.',
  },
  parts: {
    flag: 'parts',
    env: 'HOOKWRIGHT_PARTS',
    value: 'PARTS',
    fallback: 'web,scheduler,listeners',
    help: 'Which parts this process is, with commas between them: web (the API), scheduler (what comes due), listeners (messages).',
  },
  amqpUrl: {
    flag: 'amqp-url',
    env: 'AMQP_URL',
    value: 'URL',
    fallback: undefined,
    help: 'A RabbitMQ to use instead of the broker in the database, amqp:// or amqps://, with user and password.',
  },
  amqpQueueType: {
    flag: 'amqp-queue-type',
    env: 'HOOKWRIGHT_AMQP_QUEUE_TYPE',
    value: 'TYPE',
    fallback: 'classic',
    help: `What kind of queues hooks get on RabbitMQ: ${AMQP_QUEUE_TYPES.join(' or ')}.`,
  },
  replaceQueues: {
    flag: 'replace-queues',
    env: 'HOOKWRIGHT_REPLACE_QUEUES',
    value: 'TRUE-OR-FALSE',
    fallback: 'false',
    help: 'Whether queues of hooks on RabbitMQ that another program has made are read empty and made anew: true or false.',
  },
} as const satisfies Record<keyof Config, Option>;

const OPTION_LIST: readonly Option[] = Object.values(OPTIONS);

/** Reads the configuration of `hookwright serve`. Throws OperatorError HW_BAD_OPTION that says what to set. */
export const readConfig = (args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Config => {
  const flags = readFlags(args);
  const fileName = flags.config ?? env.HOOKWRIGHT_CONFIG;
  const file = fileName === undefined ? {} : readFile(resolve(cwd, fileName));
  const textOf = ({ flag, env: variable, fallback }: Option): string | undefined =>
    flags[flag] ?? (env[variable] || undefined) ?? file[flag] ?? fallback;

  const readEncryptionKey = (): string | undefined => {
    const flag = flags['encryption-key-file'];
    if (flag !== undefined) return readKeyFile(resolve(cwd, flag));
    if (env.HOOKWRIGHT_ENCRYPTION_KEY) return env.HOOKWRIGHT_ENCRYPTION_KEY;
    const named = file['encryption-key-file'];
    return named === undefined ? undefined : readKeyFile(resolve(cwd, named));
  };
  return {
    port: wholeNumber(OPTIONS.port, textOf(OPTIONS.port), 0, 65_535),
    host: textOf(OPTIONS.host) as string,
    dataFolder: resolve(cwd, textOf(OPTIONS.dataFolder) as string),
    rootUrl: readRootUrl(textOf(OPTIONS.rootUrl)),
    databaseUrl: textOf(OPTIONS.databaseUrl),
    poolSize: wholeNumber(OPTIONS.poolSize, textOf(OPTIONS.poolSize), 2, 1_000),
    encryptionKey: readEncryptionKey(),
    logLevel: readLogLevel(textOf(OPTIONS.logLevel) as string),
    retentionDays: wholeNumber(OPTIONS.retentionDays, textOf(OPTIONS.retentionDays), 1, 36_500),
    shutdownSeconds: wholeNumber(OPTIONS.shutdownSeconds, textOf(OPTIONS.shutdownSeconds), 0, 3_600),
    claimSeconds: wholeNumber(OPTIONS.claimSeconds, textOf(OPTIONS.claimSeconds), 1, 86_400),
    deniedExchanges: readPatterns(OPTIONS.deniedExchanges, textOf(OPTIONS.deniedExchanges) as string),
    ...readMail(textOf(OPTIONS.smtpUrl), textOf(OPTIONS.mailFrom)),
    parts: readParts(textOf(OPTIONS.parts) as string),
    amqpUrl: readAmqpUrl(textOf(OPTIONS.amqpUrl)),
    amqpQueueType: oneOf(OPTIONS.amqpQueueType, textOf(OPTIONS.amqpQueueType), AMQP_QUEUE_TYPES),
    replaceQueues: oneOf(OPTIONS.replaceQueues, textOf(OPTIONS.replaceQueues), ['true', 'false']) === 'true',
  };
};

/** The table of options for `hookwright help serve`. */
export const describeOptions = (): string =>
  OPTION_LIST.map(({ flag, env, value, fallback, help }) => {
    const defaults = fallback === undefined ? '' : ` Default: ${fallback}.`;
    return `  --${flag} ${value}\n      ${help}${defaults} (${env})`;
  }).join('\n');

const badOption = (problem: string, cure: string) => new OperatorError('HW_BAD_OPTION', { problem, cure });

const readFlags = (args: readonly string[]): Readonly<Record<string, string | undefined>> => {
  const options = Object.fromEntries(
    [...OPTION_LIST.map(({ flag }) => flag), 'config'].map((flag) => [flag, { type: 'string' as const }]),
  );
  try {
    return parseArgs({ args: [...args], options, strict: true }).values as Record<string, string | undefined>;
  } catch (error) {
    throw badOption(firstSentence(describeError(error)), 'hookwright help serve lists the options');
  }
};

const firstSentence = (text: string): string => (text.split(/\. |\.$/)[0] as string).trim();

const readFile = (path: string): Record<string, string | undefined> => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // What JSON.parse says shows a piece of the file, which may be of a password.
    const reason = error instanceof SyntaxError ? 'it is not JSON' : describeError(error);
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
    throw badOption(
      `The configuration file ${path} has an unknown key "${unknown}"`,
      `Known are: ${[...known].join(', ')}`,
    );
  }
  return Object.fromEntries(Object.entries(parsed).map(([key, value]) => [key, String(value)]));
};

const readKeyFile = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw badOption(
      `The key file ${path} cannot be read: ${describeError(error)}`,
      'Make one with: openssl rand -base64 32',
    );
  }
};

const wholeNumber = ({ flag, env }: Option, text: string | undefined, least: number, most: number): number => {
  const value = Number(text);
  if (text !== undefined && /^\d+$/.test(text) && value >= least && value <= most) return value;
  throw badOption(`--${flag} (${env}) is "${text}"`, `Give a whole number from ${least} to ${most}`);
};

const readPatterns = ({ flag, env }: Option, text: string): readonly string[] => {
  const patterns = text.split(/\s+/).filter((pattern) => pattern !== '');
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
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isFit =
    url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash && !url.username;
  if (isFit) return url;
  throw badOption(`--root-url is "${text}"`, 'Give scheme, host and port only, for example https://hooks.example.com');
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
