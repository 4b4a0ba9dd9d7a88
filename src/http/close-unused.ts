// Clients open connections in advance, and Node waits a minute for a first request on each of them
// before it lets a server end.
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../core/clock.ts';

/** What is on its way when the server is told to end is answered still. */
const GRACE_MS = 500;

export const closeUnused = (server: FastifyInstance, clock: Clock): void => {
  const unused = new Set<Socket>();
  server.server.on('connection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.server.on('request', ({ socket }) => unused.delete(socket));
  server.addHook('preClose', async () => {
    const cancel = clock.after(GRACE_MS, () => {
      for (const socket of unused) if (socket.bytesRead === 0) socket.destroy();
    });
    server.server.once('close', cancel);
  });
};
