// The body of a delivery, verified and whole, as the payload that a template and a schema can use.
import { isUtf8 } from 'node:buffer';
import { turnIfLarge } from '../../../core/clock.ts';
import { ApiError } from '../../../http/api-error.ts';
import { inputTooLarge, parseBodyInTurns } from '../../../http/bodies/body.ts';
import { createStructureCheck } from '../../../http/bodies/json-structure.ts';
import { cut } from '../../../http/cut.ts';
import { onlyValue, type SentHeaders } from '../schemes/headers.ts';
import { binaryAttributes, readStructured } from './cloudevents.ts';
import { readForm } from './form.ts';

export type DeliveryContent = {
  /** An object or an array. */
  readonly payload: unknown;
  /** The attributes of a CloudEvent, without its data. */
  readonly cloudevent?: Record<string, unknown>;
};

/** A body that is no JSON. Larger texts are data, and belong elsewhere. */
const LARGEST_TEXT_BYTES = 1024 * 1024;
const STRUCTURE_PIECE_BYTES = 256 * 1024;

/**
 * Throws MalformedPayload, InputTooLarge, and UnsupportedMediaType for what is neither JSON nor
 * text in UTF-8.
 */
export const readDelivery = async (body: Buffer, headers: SentHeaders): Promise<DeliveryContent> => {
  const contentType = contentTypeOf(headers);
  const type = mediaType(contentType);
  if (type === 'application/cloudevents+json') {
    const { cloudevent, data, dataType } = readStructured(await readJson(body, contentType));
    return { cloudevent, payload: Buffer.isBuffer(data) ? await readContent(data, dataType) : asPayload(data) };
  }
  if (type.startsWith('application/cloudevents')) {
    throw new ApiError(
      'UnsupportedMediaType',
      `Hookwright reads CloudEvents one at a time and in JSON, not ${cut(type, 100)}. Send each in a request of its own.`,
    );
  }
  const cloudevent = binaryAttributes(headers, contentType);
  return { payload: await readContent(body, contentType), ...(cloudevent && { cloudevent }) };
};

const contentTypeOf = (headers: SentHeaders): string => {
  if ((headers['content-type']?.length ?? 0) > 1) {
    throw new ApiError('MalformedPayload', 'The request has more than one content-type. Send one.');
  }
  return onlyValue(headers, 'content-type') ?? '';
};

const mediaType = (contentType: string): string => (contentType.split(';', 1)[0] as string).trim().toLowerCase();

const readContent = async (body: Buffer, contentType: string): Promise<unknown> => {
  const type = mediaType(contentType);
  if (type === 'application/json' || type.endsWith('+json')) return readJson(body, contentType);
  const text = textOf(body, contentType);
  if (type === 'application/x-www-form-urlencoded') {
    const fields = readForm(text);
    // GitHub's default, and Slack's interactions.
    const { payload, ...others } = fields;
    const isAlone = typeof payload === 'string' && Object.keys(others).length === 0;
    return isAlone && /^\s*[{[]/.test(payload) ? readJson(Buffer.from(payload), '') : fields;
  }
  return type.startsWith('text/') ? { text } : { text, contentType };
};

const readJson = async (body: Buffer, contentType: string): Promise<unknown> => {
  const check = createStructureCheck();
  for (let at = 0; at < body.length; at += STRUCTURE_PIECE_BYTES) {
    const piece = body.subarray(at, at + STRUCTURE_PIECE_BYTES);
    check(piece);
    await turnIfLarge(piece.length);
  }
  return parseBodyInTurns(body, contentType);
};

const textOf = (body: Buffer, contentType: string): string => {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  if (!/^(utf-?8|us-ascii)$/i.test(charset) || !isUtf8(body)) {
    throw new ApiError(
      'UnsupportedMediaType',
      'The body is neither JSON nor text in UTF-8. Send one of them, and say which in content-type.',
    );
  }
  if (body.length > LARGEST_TEXT_BYTES) throw inputTooLarge(LARGEST_TEXT_BYTES);
  return body.toString('utf8');
};

/** What is no object and no array becomes a field of one. */
const asPayload = (data: unknown): unknown => {
  if (typeof data === 'object' && data !== null) return data;
  if (data === undefined) return {};
  return typeof data === 'string' ? { text: data } : { data };
};
