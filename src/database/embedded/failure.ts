// What went wrong, told in the words of the person who runs the server.
import { describeError, errorCode, OperatorError } from '../../core/errors.ts';

const NO_SPACE = /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT|database or disk is full/;
const NOT_ALLOWED = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'ELOOP']);

/** A coded error for what a file operation in `folder` threw; anything that is not about files comes back as it is. */
export const explainFileError = (error: unknown, folder: string): unknown => {
  if (error instanceof OperatorError) return error;
  const reason = describeError(error);
  if (NO_SPACE.test(reason)) return new OperatorError('HW_DISK_FULL', { folder, reason }, error);
  if (NOT_ALLOWED.has(errorCode(error) ?? '')) {
    return new OperatorError('HW_DATA_NOT_WRITABLE', { folder, reason }, error);
  }
  return error;
};

/** A coded error out of what `initdb` or `postgres` said before it gave up. */
export const explainServerFailure = (output: string, place: string, log: string): OperatorError => {
  const reason = lastComplaint(output);
  return NO_SPACE.test(output)
    ? new OperatorError('HW_DISK_FULL', { folder: place, reason })
    : new OperatorError('HW_POSTGRES_DID_NOT_START', { reason, log });
};

/** The last line of a complaint is the cause more often than the first; what follows it says only that it is shutting down. */
const lastComplaint = (output: string): string => {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const complaint = lines.findLast((line) => /\b(FATAL|PANIC|fatal|error|Error):/.test(line)) ?? lines.at(-1);
  return complaint?.replace(/^.*?\b(FATAL|PANIC):\s+/, '').trim() ?? 'it ended without a word';
};
