// The secret of a webhook, from a file, the terminal or standard input: never from the command
// line, which other users of a machine can read.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describeFileError, OperatorError } from '../../core/errors.ts';
import type { Call } from '../cli/command.ts';
import { readSecret } from '../cli/input/read-secret.ts';

/** undefined: --secret-file was not given. Throws HW_BAD_OPTION, HW_BAD_FILE. */
export const secretOf = async (call: Call, name = call.text('secret-file')): Promise<string | undefined> => {
  if (name === undefined) return undefined;
  const read = name === '-' ? await readSecret('Secret: ', call) : await readFrom(resolve(call.cwd, name), name);
  // Editors and echo end a file with a line's end.
  const secret = read.replace(/\r?\n$/, '');
  if (secret !== '') return secret;
  throw new OperatorError('HW_BAD_OPTION', {
    problem: 'The secret is empty',
    cure: 'Write it into the file that --secret-file names, or to standard input with --secret-file -',
  });
};

const readFrom = async (path: string, name: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new OperatorError('HW_BAD_FILE', { path: name, reason: describeFileError(error) }, error);
  }
};
