// Ports for what goes away and comes back to the same one.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { errorCode } from '../../src/core/errors.ts';

/**
 * Below those that systems give to whoever does not choose: nobody takes it while its owner is
 * away.
 */
const PORTS = { first: 20_000, last: 32_000 };

/** Free at this moment, and different. */
export const freePorts = async (count: number): Promise<number[]> => {
  const servers: Server[] = [];
  while (servers.length < count) {
    const server = createServer().listen(randomInt(PORTS.first, PORTS.last), '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      (error: unknown) => {
        if (errorCode(error) === 'EADDRINUSE') return false;
        throw error;
      },
    );
    if (isFree) servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
};

export const freePort = async (): Promise<number> => (await freePorts(1))[0] as number;
