// JSON as answers have it: indented by two, as the reference service does, where that costs little.
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Characters without indentation. Larger answers are read by programs. */
const LARGEST_INDENTED = 32 * 1024;
/** What nests deep can become hundreds of times as long. */
const MOST_GROWTH = 8;

const CONTENT_TYPE = 'application/json; charset=utf-8';

export const jsonText = (body: unknown): string => {
  const compact = JSON.stringify(body);
  if (compact.length > LARGEST_INDENTED) return compact;
  const indented = JSON.stringify(body, null, 2);
  return indented.length <= MOST_GROWTH * compact.length ? indented : compact;
};

export const sendJsonText = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).header('content-type', CONTENT_TYPE).send(text);

export const sendJson = (reply: FastifyReply, status: number, body: unknown): FastifyReply =>
  sendJsonText(reply, status, jsonText(body));

/** The same, with a line break at its end. */
export const sendJsonLine = (reply: FastifyReply, status: number, body: unknown): FastifyReply =>
  sendJsonText(reply, status, `${jsonText(body)}\n`);

/** Each is taken when the caller has taken those before it. */
export const sendPieces = (reply: FastifyReply, pieces: AsyncIterable<string>): FastifyReply =>
  reply.header('content-type', CONTENT_TYPE).send(Readable.from(pieces, { highWaterMark: 1 }));
