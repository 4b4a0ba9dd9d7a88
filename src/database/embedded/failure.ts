// What went wrong, told in the words of the person who runs the server.
import { describeError, describeFileError, errorCode, OperatorError } from '../../core/errors.ts';

/** A write that was cut short is how PostgreSQL meets the last bytes of a disk. */
const NO_SPACE =
  /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT|database or disk is full|wrote only \d+ of \d+ bytes/;
const NOT_ALLOWED = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'ELOOP', 'ENOTSUP']);

/**
 * A coded error for what a file operation in `folder` threw; anything that is not about files comes
 * back as it is.
 */
export const explainFileError = (error: unknown, folder: string): unknown => {
  if (error instanceof OperatorError) return error;
  const reason = describeError(error);
  if (NO_SPACE.test(reason)) return new OperatorError('HW_DISK_FULL', { folder, reason }, error);
  if (NOT_ALLOWED.has(errorCode(error) ?? '')) {
    return new OperatorError('HW_DATA_NOT_WRITABLE', { folder, reason: describeFileError(error) }, error);
  }
  return error;
};

/** A coded error out of what `initdb` or `postgres` said before it gave up. */
export const explainServerFailure = (output: string, place: string, log: string): OperatorError => {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const fullDisk = lines.find((line) => NO_SPACE.test(line));
  if (fullDisk) return new OperatorError('HW_DISK_FULL', { folder: place, reason: withoutPrefix(fullDisk) });
  const complaint = lines.findLast((line) => /\b(FATAL|PANIC|fatal|error|Error):/.test(line)) ?? lines.at(-1);
  const reason = complaint ? withoutPrefix(complaint) + adviceFor(complaint) : 'it ended without a word';
  return new OperatorError('HW_POSTGRES_DID_NOT_START', { reason, log });
};

/** `2026-11-21 01:50:54.245 UTC [13794] FATAL:  could not ...` */
const withoutPrefix = (line: string): string => line.replace(/^.*?\b(FATAL|PANIC):\s+/, '').trim();

const adviceFor = (complaint: string): string =>
  complaint.includes('could not look up effective user ID')
    ? ' (a container may run as a user without a name: give it one in /etc/passwd, or set DATABASE_URL)'
    : '';
