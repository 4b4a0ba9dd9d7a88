// The reference that triggers are compared with: a bare Fastify that reads the same request and
// answers as much, and does nothing else. A process of its own, started by triggers.ts.
import { fastify } from 'fastify';

/** As large as the answer to a trigger. */
const ANSWER = { taskId: 'XMar0Q9zRRWpDUTMpkFktw', status: { taskId: 'XMar0Q9zRRWpDUTMpkFktw' } };

const server = fastify();
server.post('/api/hooks/v1/hooks/:hookGroupId/:hookId/trigger', async (request) =>
  typeof request.body === 'object' ? ANSWER : {},
);
const url = await server.listen({ host: '127.0.0.1', port: 0 });

process.once('disconnect', () => process.exit());
process.send?.({ url });
