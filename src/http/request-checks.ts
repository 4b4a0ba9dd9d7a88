// Whether path, query and content type are those that the declaration of a method admits.
import type { FastifyRequest } from 'fastify';
import { LATEST_MS } from '../core/clock.ts';
import { ApiError } from './api-error.ts';
import type { ApiMethod } from './api-method.ts';
import { isJson } from './bodies/body.ts';
import { cut, firstFew } from './cut.ts';

/** Characters of what was sent, in a message. */
const LONGEST_ECHO = 2_000;

export const checkParams = (method: ApiMethod, params: Readonly<Record<string, string>>): void => {
  const wrong: string[] = [];
  for (const name in method.params) {
    const pattern = method.params[name] as RegExp;
    const value = params[name] ?? '';
    if (pattern.test(value)) continue;
    wrong.push(
      `URL parameter '${name}' given as '${cut(value, LONGEST_ECHO)}' must match regular expression: '${pattern}'`,
    );
  }
  if (wrong.length > 0) throw new ApiError('InvalidRequestArguments', ['Invalid URL patterns:', ...wrong].join('\n'));
};

export const checkQuery = (method: ApiMethod, query: Readonly<Record<string, unknown>>): Record<string, string> => {
  const known: Record<string, string> = {};
  const wrong: string[] = [];
  for (const name in query) {
    const value = query[name];
    if (name === 'bewit') continue; // belongs to the signature
    const pattern = method.query && Object.hasOwn(method.query, name) ? method.query[name] : undefined;
    if (pattern === undefined) wrong.push(`Query-string parameter: ${cut(name, LONGEST_ECHO)} is not supported!`);
    else if (typeof value !== 'string') wrong.push(`Query-string parameter: ${name} must be a string!`);
    else if (!pattern.test(value)) {
      wrong.push(`Query-string parameter: ${name}="${cut(value, LONGEST_ECHO)}" does not match expression: ${pattern}`);
    } else known[name] = value;
  }
  if (wrong.length > 0) throw new ApiError('InvalidRequestArguments', firstFew(wrong).join('\n'));
  return known;
};

export const requireJson = (request: FastifyRequest): void => {
  const contentType = request.raw.headers['content-type'];
  if (isJson(contentType)) return;
  throw new ApiError(
    'MalformedPayload',
    `Payload must be JSON with content-type: application/json got content-type: ${cut(contentType ?? 'null', LONGEST_ECHO)}`,
  );
};

/** What a parameter matches that is a date. */
export const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z$/;

/** ms; undefined where it is not given. Throws InputError for a date that there is not. */
export const timeIn = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  if (ms >= 0 && ms <= LATEST_MS) return ms;
  const problem = `${name} is no date between the years 1970 and 9999: "${text}". Give one as 2026-11-20T15:29:17Z.`;
  throw new ApiError('InputError', problem);
};
