// A request body on its way from bytes to JSON, with the errors that Taskcluster clients know.
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { errorCode } from '../core/errors.ts';
import { ApiError } from './api-error.ts';

/** 10 MB, before and after decompression. */
export const BODY_LIMIT_BYTES = 10 * 1024 * 1024;

const DECOMPRESS = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

export const inputTooLarge = (): ApiError =>
  new ApiError('InputTooLarge', `The request body is larger than ${BODY_LIMIT_BYTES / 1024 / 1024} MB.`);

/** Undoes `content-encoding`. */
export const decompressBody = async (body: Buffer, encoding: string | undefined): Promise<Buffer> => {
  if (encoding === undefined || encoding === 'identity') return body;
  const coding = encoding.toLowerCase().replace(/^x-/, '');
  if (!Object.hasOwn(DECOMPRESS, coding)) {
    throw new ApiError(
      'MalformedPayload',
      `Unsupported content-encoding: ${encoding}. Send gzip, deflate, br or none.`,
    );
  }
  try {
    return await DECOMPRESS[coding as keyof typeof DECOMPRESS](body, { maxOutputLength: BODY_LIMIT_BYTES });
  } catch (error) {
    if (errorCode(error) === 'ERR_BUFFER_TOO_LARGE') throw inputTooLarge();
    throw new ApiError('MalformedPayload', `The body is not valid ${encoding}.`, error);
  }
};

/** `application/json`, in UTF-8 whether it says so or not. */
export const isJson = (contentType: string | undefined): boolean =>
  contentType !== undefined && /^application\/json\s*(;|$)/i.test(contentType);

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]+)/i;

/**
 * What walks a payload later (validators, templates, JSON.stringify) does so by recursion, and a
 * stack ends.
 */
const DEEPEST_BODY = 500;
const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = Buffer.from('"\\{}[]');

const requireShallow = (body: Buffer): void => {
  if (body.length <= DEEPEST_BODY) return;
  let depth = 0;
  let isInText = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (isInText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    if (depth > DEEPEST_BODY) {
      throw new ApiError('MalformedPayload', `The body nests deeper than ${DEEPEST_BODY} levels.`);
    }
  }
};

/** An object or an array; `{}` for an empty body. */
export const parseJsonBody = (body: Buffer, contentType: string): unknown => {
  const charset = CHARSET.exec(contentType)?.[1]?.toLowerCase();
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new ApiError('MalformedPayload', `Unsupported charset: ${charset}. JSON is sent in UTF-8.`);
  }
  if (body.length === 0) return {};
  requireShallow(body);
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new ApiError('MalformedPayload', `Failed to parse JSON: ${(error as SyntaxError).message}`);
  }
  if (typeof parsed !== 'object' || parsed === null) {
    throw new ApiError('MalformedPayload', 'Failed to parse JSON: Must be an object or array');
  }
  return parsed;
};
