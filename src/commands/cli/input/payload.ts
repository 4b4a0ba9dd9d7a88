// A payload from --payload, from a file, or from standard input.
import { describeError, errorCode, OperatorError } from '../../../core/errors.ts';
import type { Call } from '../command.ts';
import { notAFile, payloadOf } from './payload-words.ts';

/** Without any of them `{}`. Throws HW_BAD_OPTION, HW_BAD_FILE. */
export const readPayload = async (call: Call): Promise<object> => {
  const [json, file] = [call.text('payload'), call.text('FILE')];
  if (json !== undefined && file !== undefined) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: '--payload and FILE are both given',
      cure: `Give one of them. JSON with spaces stands in single quotes: --payload '{"who": "world"}'`,
    });
  }
  if (file !== undefined) {
    const { readDocument } = await import('./read-document.ts');
    return readDocument(file, call).catch((error: unknown) => {
      const meant = error instanceof OperatorError && errorCode(error.cause) === 'ENOENT' && payloadOf([file]);
      throw meant ? new OperatorError('HW_BAD_OPTION', notAFile(file, meant)) : error;
    });
  }
  if (json === undefined) return {};
  const bad = (problem: string) =>
    new OperatorError('HW_BAD_OPTION', {
      problem: `--payload ${problem}`,
      cure: `Give an object in single quotes: --payload '{"who": "world"}'`,
    });
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw bad(`is not JSON: ${describeError(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('is no object');
  return value;
};
