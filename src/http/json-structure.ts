// Bounds the shape of a JSON text before it is parsed: JSON.parse, validators, templates and
// JSON.stringify take time for each value and recurse for each level, whatever the number of bytes.
import { ApiError } from './api-error.ts';

/** What walks a payload later does so by recursion, and a stack ends. */
export const DEEPEST_BODY = 500;
/**
 * Values and keys. 50,000 keys that differ take JSON.parse 15 to 30 ms; five million zeros take it
 * 60 ms, and everything after it many times as long.
 */
export const MOST_VALUES = 100_000;

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET, COMMA, COLON] = Buffer.from('"\\{}[],:');

/**
 * Looks at a text piece by piece, as it arrives. Throws an ApiError as soon as a bound is reached;
 * whether the text is JSON is not its question.
 */
export const createStructureCheck = (): ((piece: Uint8Array) => void) => {
  let depth = 0;
  let values = 0;
  let isInText = false;
  /** A backslash was the last byte of the piece before. */
  let isEscaped = false;
  return (piece) => {
    let at = isEscaped ? 1 : 0;
    for (; at < piece.length; at += 1) {
      const byte = piece[at];
      if (isInText) {
        if (byte === BACKSLASH) at += 1;
        else if (byte === QUOTE) isInText = false;
      } else if (byte === QUOTE) isInText = true;
      else if (byte === COMMA || byte === COLON) values += 1;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        values += 1;
        depth += 1;
        if (depth > DEEPEST_BODY) {
          throw new ApiError('MalformedPayload', `The body nests deeper than ${DEEPEST_BODY} levels.`);
        }
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    }
    isEscaped = at > piece.length;
    if (values > MOST_VALUES) {
      throw new ApiError(
        'InputTooLarge',
        `The body holds more than ${MOST_VALUES.toLocaleString('en')} values and keys. Send fewer, or put them into one text.`,
      );
    }
  };
};
