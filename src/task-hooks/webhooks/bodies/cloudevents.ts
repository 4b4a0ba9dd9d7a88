// CloudEvents 1.0 over HTTP: attributes in headers (binary mode), or the whole event as JSON
// (structured mode).
import { ApiError } from '../../../http/api-error.ts';
import { onlyValue, type SentHeaders } from '../schemes/headers.ts';

type Attributes = Record<string, unknown>;

const REQUIRED = ['specversion', 'id', 'source', 'type'] as const;

const malformed = (problem: string): ApiError =>
  new ApiError('MalformedPayload', `This is no CloudEvent 1.0: ${problem}.`);

const checkAttributes = (attributes: Attributes): void => {
  for (const name of REQUIRED) {
    const value = attributes[name];
    if (typeof value !== 'string' || value === '') throw malformed(`the attribute ${name} is missing or no text`);
  }
  if (attributes.specversion !== '1.0') throw malformed('specversion is not 1.0');
};

/** undefined: the request carries no CloudEvent in binary mode. Throws MalformedPayload. */
export const binaryAttributes = (headers: SentHeaders, contentType: string): Attributes | undefined => {
  if (headers['ce-specversion'] === undefined) return undefined;
  const attributes = Object.fromEntries(
    Object.keys(headers)
      .filter((name) => /^ce-[a-z0-9]+$/.test(name))
      .map((name) => [name.slice(3), decodeHeader(onlyValue(headers, name), name)]),
  );
  checkAttributes(attributes);
  return contentType === '' ? attributes : { ...attributes, datacontenttype: contentType };
};

const decodeHeader = (value: string | undefined, name: string): string => {
  if (value === undefined) throw malformed(`the header ${name} comes more than once`);
  try {
    return decodeURIComponent(value);
  } catch {
    throw malformed(`the header ${name} has a percent sign that encodes nothing`);
  }
};

export type Structured = {
  readonly cloudevent: Attributes;
  /** A JSON value, or the bytes that were encoded in base64. */
  readonly data: unknown;
  readonly dataType: string;
};

/** Throws MalformedPayload. */
export const readStructured = (event: unknown): Structured => {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) throw malformed('it is no object');
  const { data, data_base64: encoded, ...cloudevent } = event as Attributes;
  checkAttributes(cloudevent);
  const { datacontenttype: dataType = 'application/json' } = cloudevent;
  if (typeof dataType !== 'string') throw malformed('the attribute datacontenttype is no text');
  if (encoded === undefined) return { cloudevent, data, dataType };
  if (data !== undefined) throw malformed('it has both data and data_base64');
  if (typeof encoded !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) {
    throw malformed('data_base64 is not in base64');
  }
  return { cloudevent, data: Buffer.from(encoded, 'base64'), dataType };
};
