// The options of `hookwright serve` as data: flag, environment variable, default and help.
// config.ts reads them, and docs/configuration.md has them as a table, made by
// scripts/generate-configuration.ts.
import { LOG_LEVELS } from './core/log.ts';

/** A piece of the server that can run in a process of its own. */
export const PARTS = ['web', 'scheduler', 'listeners'] as const;
export type Part = (typeof PARTS)[number];

export const AMQP_QUEUE_TYPES = ['classic', 'quorum'] as const;
export type AmqpQueueType = (typeof AMQP_QUEUE_TYPES)[number];

export const MODES = ['standalone', 'taskcluster'] as const;

export type Option = {
  readonly flag: string;
  readonly env: string;
  readonly value: string;
  readonly fallback: string | undefined;
  /** In words, where there is no fallback: what it is without the option. */
  readonly without?: string;
  /**
   * The explanation, for help and for docs/configuration.md, which is generated
   * (scripts/generate-configuration.ts). Plain text.
   */
  readonly help: string;
  /** With which mode, part or other option it means anything; absent: always. */
  readonly matters?: string;
  /** The heading of docs/configuration.md that tells more. */
  readonly see?: string;
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
    help: 'Folder for credentials, the encryption key and the embedded database; made when it is missing.',
    see: 'The data folder',
  },
  rootUrl: {
    flag: 'root-url',
    env: 'HOOKWRIGHT_ROOT_URL',
    value: 'URL',
    fallback: undefined,
    without: 'where it listens',
    help: 'Where clients reach the server, if not where it listens (behind a TLS proxy). Signatures are checked against it.',
    see: 'Behind a proxy',
  },
  databaseUrl: {
    flag: 'database-url',
    env: 'DATABASE_URL',
    value: 'URL',
    fallback: undefined,
    without: 'the embedded PostgreSQL',
    help: 'A PostgreSQL 15 or newer to use instead of the embedded one.',
    see: 'Database',
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
    without: 'encryption-key in the data folder, made at the first start',
    help: 'File with the key for secrets at rest (32 bytes in base64; the environment variable holds the key itself).',
    see: 'Encryption key',
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
    help: 'How long the ledger is kept, at least; it goes by whole months.',
    matters: 'part scheduler',
  },
  payloadDays: {
    flag: 'payload-days',
    env: 'HOOKWRIGHT_PAYLOAD_DAYS',
    value: 'NUMBER',
    fallback: '30',
    help: 'How long the payloads of fires can be read, to show them and to fire again; stored sealed, dropped by whole months. 0 keeps none.',
    see: 'Payloads',
  },
  shutdownSeconds: {
    flag: 'shutdown-seconds',
    env: 'HOOKWRIGHT_SHUTDOWN_SECONDS',
    value: 'NUMBER',
    fallback: '15',
    help: 'How long to wait for what is under way when told to end.',
  },
  ship: {
    flag: 'ship',
    env: 'HOOKWRIGHT_SHIP',
    value: 'SHIP',
    fallback: '~zod',
    help: 'The ship that hosts channels with script hooks, and as which these act.',
  },
  browserOrigins: {
    flag: 'browser-origins',
    env: 'HOOKWRIGHT_BROWSER_ORIGINS',
    value: 'ORIGINS',
    fallback: undefined,
    without: 'none',
    help: 'Origins of web pages that may use the airlock as the ship that is logged in with the browser, with spaces between them.',
    matters: 'part web',
    see: 'Web pages of other origins',
  },
  trustedProxies: {
    flag: 'trust-proxy',
    env: 'HOOKWRIGHT_TRUST_PROXY',
    value: 'NETWORKS',
    fallback: undefined,
    without: 'none',
    help: 'Addresses and networks of proxies whose X-Forwarded-For is believed, with spaces between them. Decides by which address a webhook knows its sender.',
    matters: 'part web',
    see: 'Behind a proxy',
  },
  claimSeconds: {
    flag: 'claim-seconds',
    env: 'HOOKWRIGHT_CLAIM_SECONDS',
    value: 'NUMBER',
    fallback: '1200',
    help: 'How long a worker keeps a task of the standalone queue that it has claimed, unless it reclaims it.',
    matters: 'mode standalone',
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
    without: 'no mail is sent, or Notify sends it in mode taskcluster',
    help: 'Server that takes mail, smtp:// or smtps://.',
    see: 'Mail',
  },
  mailFrom: {
    flag: 'mail-from',
    env: 'HOOKWRIGHT_MAIL_FROM',
    value: 'ADDRESS',
    fallback: undefined,
    without: 'none',
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
    without: 'the broker in the database',
    help: 'A RabbitMQ to use instead of the broker in the database, amqp:// or amqps://, with user and password.',
  },
  amqpQueueType: {
    flag: 'amqp-queue-type',
    env: 'HOOKWRIGHT_AMQP_QUEUE_TYPE',
    value: 'TYPE',
    fallback: 'classic',
    help: `What kind of queues hooks get on RabbitMQ: ${AMQP_QUEUE_TYPES.join(' or ')}.`,
    matters: '--amqp-url',
  },
  replaceQueues: {
    flag: 'replace-queues',
    env: 'HOOKWRIGHT_REPLACE_QUEUES',
    value: 'TRUE-OR-FALSE',
    fallback: 'false',
    help: 'Whether queues of hooks on RabbitMQ that another program has made are read empty and made anew: true or false.',
    matters: '--amqp-url',
  },
  mode: {
    flag: 'mode',
    env: 'HOOKWRIGHT_MODE',
    value: 'MODE',
    fallback: 'standalone',
    help: 'standalone: clients, roles and tasks live here. taskcluster: they live in a Taskcluster deployment, which the next four name.',
    see: 'A Taskcluster deployment',
  },
  taskclusterRootUrl: {
    flag: 'taskcluster-root-url',
    env: 'TASKCLUSTER_ROOT_URL',
    value: 'URL',
    fallback: undefined,
    without: 'none',
    help: 'Where that deployment is. Needed with --mode taskcluster.',
  },
  taskclusterClientId: {
    flag: 'taskcluster-client-id',
    env: 'TASKCLUSTER_CLIENT_ID',
    value: 'CLIENT',
    fallback: undefined,
    without: 'none',
    help: 'The client of that deployment that this server is. Needed with --mode taskcluster.',
  },
  taskclusterAccessToken: {
    flag: 'taskcluster-access-token-file',
    env: 'TASKCLUSTER_ACCESS_TOKEN',
    value: 'FILE',
    fallback: undefined,
    without: 'none',
    help: 'File with the access token of that client (the environment variable holds the token itself). Needed with --mode taskcluster.',
  },
  taskclusterCertificate: {
    flag: 'taskcluster-certificate-file',
    env: 'TASKCLUSTER_CERTIFICATE',
    value: 'FILE',
    fallback: undefined,
    without: 'none',
    help: 'File with the certificate of temporary credentials (the environment variable holds the certificate itself).',
    matters: 'mode taskcluster',
  },
} as const satisfies Record<string, Option>;

/** What stands for an option that is not given, in words. */
const defaultOf = ({ fallback, without }: Option): string | undefined => fallback ?? without;

/** For `hookwright help serve`. */
export const describeOptions = (options: readonly Option[] = Object.values(OPTIONS)): string =>
  options
    .map((option) => {
      const { flag, env, value, help, matters } = option;
      const isDefault = defaultOf(option);
      const more = [
        ...(isDefault === undefined ? [] : [`Default: ${isDefault}.`]),
        ...(matters === undefined ? [] : [`Only with ${matters}.`]),
      ];
      return `  --${flag} ${value}\n      ${[help, ...more].join(' ')} (${env})`;
    })
    .join('\n');

/** For docs/configuration.md. */
export const optionsTable = (options: readonly Option[] = Object.values(OPTIONS)): string => {
  const rows = options.map((option) => {
    const { flag, env, fallback, without = '', help, matters, see } = option;
    const only = matters === undefined ? '' : ` Only with ${asCode(matters)}.`;
    const more = see === undefined ? '' : ` [More](#${see.toLowerCase().replaceAll(' ', '-')})`;
    const cells = [`\`--${flag}\``, `\`${env}\``, fallback === undefined ? without : `\`${fallback}\``];
    return `| ${cells.join(' | ')} | ${asCode(help).replaceAll('|', '\\|')}${only}${more} |`;
  });
  return ['| option | variable | default | what it does |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
};

/**
 * Options, addresses and variables stand out on the page; in plain text they do so by themselves.
 */
const asCode = (text: string): string =>
  text.replace(
    /"[^"]*<[^"]*>"|(?<![\w/-])--[a-z][\w-]*( (?:standalone|taskcluster))?|\b[a-z]+:\/\/|\b\S+@example\.com|\b0\.0\.0\.0\b/g,
    '`$&`',
  );
