// What clients ask before they do anything, and what browsers ask before they call from another
// origin.
import type { FastifyInstance } from 'fastify';
import type { Door } from './door.ts';

export const serveHealth = (scope: FastifyInstance, door: Door): void => {
  scope.get('/~_~/healthz', async (_request, reply) => reply.code(204).send());
  // What a ship is busy with: nothing.
  scope.get('/~_~/spin', async (request, reply) => {
    await door.requireCaller(request, reply);
    return reply.type('text/event-stream').send('data: /root\n\n');
  });
  for (const url of ['/~/*', '/spider/*', '/~_~/*']) {
    scope.options(url, async (_request, reply) => reply.code(204).send());
  }
};
