// JSON as every answer has it: indented by two, as the reference service does.
import type { FastifyReply } from 'fastify';

export const jsonText = (body: unknown): string => JSON.stringify(body, null, 2);

export const sendJsonText = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).header('content-type', 'application/json; charset=utf-8').send(text);

export const sendJson = (reply: FastifyReply, status: number, body: unknown): FastifyReply =>
  sendJsonText(reply, status, jsonText(body));
