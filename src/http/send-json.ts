// JSON as answers have it: indented by two, as the reference service does, where that costs little.
import type { FastifyReply } from 'fastify';

/** Characters without indentation. Larger answers are read by programs. */
const LARGEST_INDENTED = 32 * 1024;
/** What nests deep can become hundreds of times as long. */
const MOST_GROWTH = 8;

export const jsonText = (body: unknown): string => {
  const compact = JSON.stringify(body);
  if (compact.length > LARGEST_INDENTED) return compact;
  const indented = JSON.stringify(body, null, 2);
  return indented.length <= MOST_GROWTH * compact.length ? indented : compact;
};

export const sendJsonText = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).header('content-type', 'application/json; charset=utf-8').send(text);

export const sendJson = (reply: FastifyReply, status: number, body: unknown): FastifyReply =>
  sendJsonText(reply, status, jsonText(body));

/** The same, with a line break at its end. */
export const sendJsonLine = (reply: FastifyReply, status: number, body: unknown): FastifyReply =>
  sendJsonText(reply, status, `${jsonText(body)}\n`);
