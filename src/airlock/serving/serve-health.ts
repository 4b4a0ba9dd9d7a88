// What clients ask before they do anything, and what browsers ask before they call from another
// origin.
import type { FastifyInstance } from 'fastify';

export const serveHealth = (scope: FastifyInstance): void => {
  scope.get('/~_~/healthz', async (_request, reply) => reply.code(204).send());
  // What a ship is busy with: nothing. Clients outside browsers ask it without their cookie.
  scope.get('/~_~/spin', async (_request, reply) => reply.type('text/event-stream').send('data: /root\n\n'));
  for (const url of ['/~/*', '/spider/*', '/~_~/*']) {
    scope.options(url, async (_request, reply) => reply.code(204).send());
  }
};
