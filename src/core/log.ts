// One structured log, on standard error. Secrets are redacted by name here, and never handed in to
// begin with.
import { type Logger, pino } from 'pino';

export type Log = Logger;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_KEYS = ['accessToken', 'authorization', 'token', 'bewit', 'password', 'certificate', 'encryptionKey'];

/** A log that writes one JSON line an entry to `destination` (file descriptor 2 by default). */
export const createLog = (options: { level: LogLevel; destination?: NodeJS.WritableStream | undefined }): Log => {
  const settings = {
    level: options.level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[redacted]' },
  };
  return pino(settings, options.destination ?? standardError());
};

/** What is kept for a disk that is full, in characters; entries beyond it are dropped. */
const MOST_UNWRITTEN = 1_000_000;

/** The server goes on when its log cannot be written; later entries are tried again. */
const standardError = () => {
  const destination = pino.destination({ fd: 2, sync: true, maxLength: MOST_UNWRITTEN });
  destination.on('error', () => {});
  return destination;
};

/**
 * A log that says nothing, for programs that use a part of this one as a library, and for tests.
 */
export const silentLog: Log = pino({ level: 'silent' });
