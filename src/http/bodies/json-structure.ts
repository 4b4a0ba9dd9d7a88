// Bounds the shape of a JSON text before it is parsed: JSON.parse, validators, templates and
// JSON.stringify take time for each value and recurse for each level, whatever the number of bytes.
import { ApiError } from '../api-error.ts';

/** What walks a payload later does so by recursion, and a stack ends. */
export const DEEPEST_BODY = 500;
/** Five million zeros take JSON.parse 60 ms, and everything after it many times as long. */
export const MOST_VALUES = 120_000;
/** 25,000 keys that differ take JSON.parse 15 to 30 ms, ten times as long as as many values. */
export const MOST_KEYS = 25_000;

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET, COMMA, COLON] = Buffer.from('"\\{}[],:');

/**
 * Looks at a text piece by piece, as it arrives. Throws an ApiError as soon as a bound is reached;
 * whether the text is JSON is not its question.
 */
export const createStructureCheck = (): ((piece: Uint8Array) => void) => {
  let depth = 0;
  let values = 0;
  let keys = 0;
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
      else if (byte === COMMA) values += 1;
      else if (byte === COLON) keys += 1;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        values += 1;
        depth += 1;
        if (depth > DEEPEST_BODY) {
          throw new ApiError('MalformedPayload', `The body nests deeper than ${DEEPEST_BODY} levels.`);
        }
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    }
    isEscaped = at > piece.length;
    if (values > MOST_VALUES) throw tooMany(MOST_VALUES, 'values');
    if (keys > MOST_KEYS) throw tooMany(MOST_KEYS, 'keys');
  };
};

const tooMany = (most: number, what: string): ApiError =>
  new ApiError(
    'InputTooLarge',
    `The body holds more than ${most.toLocaleString('en')} ${what}. Send fewer, or put them into one text.`,
  );
