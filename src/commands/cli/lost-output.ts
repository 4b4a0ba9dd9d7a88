// What becomes of a command whose standard output or standard error cannot be written: the reader
// is gone (`| head`), the disk is full, the terminal is closed.
import { describeFileError, errorCode, OperatorError } from '../../core/errors.ts';
import type { CommandEntry } from './command.ts';
import { EXIT_STATUS } from './exit-status.ts';

/**
 * Nothing that is lost on standard error changes how a command ends, because there is nowhere to
 * report it. On standard output it ends commands that were there to write; the server goes on.
 */
export const handleLostOutput = (
  { stdout, stderr, exit }: Pick<NodeJS.Process, 'stdout' | 'stderr' | 'exit'>,
  entry: CommandEntry | undefined,
): void => {
  stderr.on('error', () => {});
  stdout.on('error', (error: Error) => {
    if (entry?.goesOnUnread === true) return;
    if (errorCode(error) === 'EPIPE') exit(EXIT_STATUS.readerGone);
    const lost = new OperatorError('HW_OUTPUT_LOST', { reason: describeFileError(error) }, error);
    stderr.write(`hookwright: ${lost.message}. [${lost.code}]\n`);
    exit(EXIT_STATUS.failed);
  });
};
