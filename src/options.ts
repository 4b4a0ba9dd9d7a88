// The options of `hookwright serve` as data: flag, environment variable, default and help. config.ts reads them.
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
  mode: {
    flag: 'mode',
    env: 'HOOKWRIGHT_MODE',
    value: 'MODE',
    fallback: 'standalone',
    help: 'standalone: clients, roles and tasks live here. taskcluster: they live in a Taskcluster deployment, which the next four name.',
  },
  taskclusterRootUrl: {
    flag: 'taskcluster-root-url',
    env: 'TASKCLUSTER_ROOT_URL',
    value: 'URL',
    fallback: undefined,
    help: 'Where that deployment is. Needed with --mode taskcluster, and means nothing without it.',
  },
  taskclusterClientId: {
    flag: 'taskcluster-client-id',
    env: 'TASKCLUSTER_CLIENT_ID',
    value: 'CLIENT',
    fallback: undefined,
    help: 'The client of that deployment that this server is. Needed with --mode taskcluster.',
  },
  taskclusterAccessToken: {
    flag: 'taskcluster-access-token-file',
    env: 'TASKCLUSTER_ACCESS_TOKEN',
    value: 'FILE',
    fallback: undefined,
    help: 'File with the access token of that client (the environment variable holds the token itself). Needed with --mode taskcluster.',
  },
  taskclusterCertificate: {
    flag: 'taskcluster-certificate-file',
    env: 'TASKCLUSTER_CERTIFICATE',
    value: 'FILE',
    fallback: undefined,
    help: 'File with the certificate of temporary credentials (the environment variable holds the certificate itself).',
  },
} as const satisfies Record<string, Option>;
