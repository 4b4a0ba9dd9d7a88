// What every answer gets on its way out: an ETag, 304 for who has it already, and compression for
// who wants it where it pays.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { COMPRESSED_FROM_BYTES, chooseCoding, compress } from './content-coding.ts';
import { isKnown, weakEtag } from './etag.ts';

type Done = (error: Error | null, payload?: unknown) => void;

/** Texts only: a stream, or bytes from elsewhere, comes with what it needs. */
export const finishAnswers = (server: FastifyInstance): void => {
  // With a callback, not a promise: most answers are small, and this is all that is done for them.
  server.addHook('onSend', (request, reply, payload, done: Done) => {
    if (typeof payload !== 'string' || payload === '' || request.method === 'OPTIONS') return done(null, payload);
    const bytes = Buffer.byteLength(payload);
    const tag = weakEtag(payload, bytes);
    reply.header('etag', tag);
    if (request.method === 'GET' || request.method === 'HEAD') {
      if (reply.statusCode === 200 && isKnown(request.headers, tag))
        return answerNotModified(request, reply, payload, done);
    }
    if (bytes < COMPRESSED_FROM_BYTES || request.method === 'HEAD') return done(null, payload);
    const coding = chooseCoding(request.headers['accept-encoding'] as string | undefined);
    if (coding === undefined) return done(null, payload);
    compress(coding, payload, bytes, (error, compressed) => {
      if (error) return done(error);
      reply.header('content-encoding', coding);
      done(null, compressed);
    });
  });
};

const answerNotModified = (request: FastifyRequest, reply: FastifyReply, payload: string, done: Done): void => {
  reply.code(304).removeHeader('content-type');
  // Of an answer to HEAD, the framework itself takes the body away.
  done(null, request.method === 'HEAD' ? payload : null);
};
