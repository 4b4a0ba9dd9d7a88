// What stands between a program and PostgreSQL: it counts round trips, and can make each take its
// time.
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import type { Cleanup } from './database.ts';
import type { ServerConnection } from './test-server.ts';

export type DatabaseProxy = {
  /** As the database's, through the proxy. */
  readonly connection: ServerConnection;
  /**
   * What programs have sent so far, by round trips: whatever goes one way before something comes
   * back is one, as the bytes of PostgreSQL's protocol.
   */
  readonly trips: () => readonly string[];
};

/** What goes one way needs `delayMs`, and so does what comes back. */
export const startDatabaseProxy = async (
  t: Cleanup,
  to: ServerConnection,
  { delayMs = 0 }: { readonly delayMs?: number } = {},
): Promise<DatabaseProxy> => {
  const trips: string[] = [];
  const sockets = new Set<Socket>();

  const proxy = net.createServer((program) => {
    const database = connectTo(to);
    /** The trip that is under way. */
    let current: number | undefined;
    const pass = (from: Socket, onto: Socket, delivered: () => void, sent: (bytes: Buffer) => void) => {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes: Buffer) => {
        sent(bytes);
        const deliver = () => {
          delivered();
          onto.write(bytes);
        };
        if (delayMs === 0) deliver();
        else systemClock.after(delayMs, deliver);
      });
      from.on('error', () => onto.destroy()); // whoever uses it sees that it broke
      from.on('close', () => {
        sockets.delete(from);
        onto.destroy();
      });
    };
    const send = (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      current ??= trips.push('') - 1;
      trips[current] += text;
    };
    const nothing = () => {};
    pass(program, database, nothing, send);
    pass(database, program, () => (current = undefined), nothing);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(async () => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = proxy.address() as AddressInfo;
  return { connection: through(to, port), trips: () => trips };
};

const connectTo = (to: ServerConnection): Socket => {
  if ('connectionString' in to) {
    const { hostname, port } = new URL(to.connectionString);
    return net.connect(Number(port) || 5432, hostname);
  }
  const { host, port } = to;
  return host.startsWith('/') ? net.connect(join(host, `.s.PGSQL.${port}`)) : net.connect(port, host);
};

const through = (to: ServerConnection, port: number): ServerConnection => {
  if (!('connectionString' in to)) return { ...to, host: '127.0.0.1', port };
  const url = new URL(to.connectionString);
  url.host = `127.0.0.1:${port}`;
  return { connectionString: url.href };
};
