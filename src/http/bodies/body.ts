// A request body from bytes to JSON, with the errors that Taskcluster clients know. How it is
// received: receive-body.ts.
import { LARGE, nextTurn } from '../../core/clock.ts';
import { MOST_AT_ONCE } from '../../core/json.ts';
import { ApiError } from '../api-error.ts';
import { createStructureCheck } from './json-structure.ts';

/** 10 MB, before and after decompression: the most that any method takes. */
export const BODY_LIMIT_BYTES = 10 * 1024 * 1024;
/**
 * 100 KB: what is read of a body before it is known who calls, and all that a method takes that
 * does not say otherwise.
 */
export const SMALL_BODY_BYTES = 100 * 1024;

export const sizeText = (bytes: number): string =>
  bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MB` : `${bytes / 1024} KB`;

export const inputTooLarge = (limit: number): ApiError =>
  new ApiError('InputTooLarge', `The request body is larger than ${sizeText(limit)}.`);

/** `application/json`, in UTF-8 whether it says so or not. */
export const isJson = (contentType: string | undefined): contentType is string =>
  contentType === 'application/json' || (contentType !== undefined && /^application\/json\s*(;|$)/i.test(contentType));

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]+)/i;

/** An object or an array; `{}` for an empty body. */
export const parseJsonBody = (body: Buffer, contentType: string): unknown => {
  createStructureCheck()(body);
  return parseCheckedBody(body, contentType);
};

/** The same of one whose structure was checked while it arrived. */
export const parseCheckedBody = (body: Buffer, contentType: string): unknown => {
  requireUtf8(contentType);
  return body.length === 0 ? {} : parseText(body.toString('utf8'));
};

/** The text of a JSON object, unless it is no JSON at all. */
export const looksLikeObject = (body: Buffer): boolean => {
  let at = 0;
  // With a call for each byte, ten million blanks hold the main thread for 95 ms.
  for (; at < body.length; at += 1) {
    const byte = body[at];
    if (byte !== SPACE && byte !== LINE_FEED && byte !== RETURN && byte !== TAB) break;
  }
  return body[at] === OPEN_BRACE;
};

const [SPACE, LINE_FEED, RETURN, TAB, OPEN_BRACE] = Buffer.from(' \n\r\t{');

export const requireUtf8 = (contentType: string): void => {
  if (!contentType.includes(';')) return;
  const charset = CHARSET.exec(contentType)?.[1]?.toLowerCase();
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new ApiError('MalformedPayload', `Unsupported charset: ${charset}. JSON is sent in UTF-8.`);
  }
};

/** The same in turns of the event loop, where it is large. */
export const parseBodyInTurns = async (body: Buffer, contentType: string): Promise<unknown> => {
  if (body.length <= LARGE) return parseCheckedBody(body, contentType);
  requireUtf8(contentType);
  const text = await decodeInTurns(body);
  await nextTurn();
  return parseText(text);
};

/**
 * As `toString` of the whole. Node's StringDecoder takes eight times as long for other letters than
 * ASCII.
 */
const decodeInTurns = async (body: Buffer): Promise<string> => {
  const pieces: string[] = [];
  for (let at = 0; at < body.length; ) {
    const end = edgeOfCharacter(body, at + MOST_AT_ONCE);
    pieces.push(body.toString('utf8', at, end));
    if (end < body.length) await nextTurn();
    at = end;
  }
  return pieces.join('');
};

/** The place, or up to three bytes before it, where no character of UTF-8 is cut in two. */
const edgeOfCharacter = (body: Buffer, at: number): number => {
  if (at >= body.length) return body.length;
  const back = [0, 1, 2, 3].find((bytes) => ((body[at - bytes] as number) & 0xc0) !== 0x80);
  return at - (back ?? 0);
};

const parseText = (text: string): unknown => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new ApiError('MalformedPayload', `Failed to parse JSON: ${(error as SyntaxError).message}`);
  }
  if (typeof parsed !== 'object' || parsed === null) {
    throw new ApiError('MalformedPayload', 'Failed to parse JSON: Must be an object or array');
  }
  return parsed;
};
