// Where the server listens.
import type { FastifyInstance } from 'fastify';
import { describeError, errorCode, OperatorError } from '../core/errors.ts';

/**
 * Resolves with the URL that this machine can call: `http://127.0.0.1:8080`. Throws HW_PORT_IN_USE,
 * HW_CANNOT_LISTEN.
 */
export const listen = async (
  server: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> => {
  try {
    await server.listen({ host, port });
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE') {
      throw new OperatorError('HW_PORT_IN_USE', { host, port, other: port === 65_535 ? 8080 : port + 1 }, error);
    }
    throw new OperatorError('HW_CANNOT_LISTEN', { host, port, reason: describeError(error) }, error);
  }
  const address = server.server.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;
  // 0.0.0.0 and :: are no addresses to call.
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${actualPort}`;
};
