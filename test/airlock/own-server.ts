// The airlock with an agent of the test's own, in this process and on a clock that the test moves;
// and a line to it that the test can cut.
import { once } from 'node:events';
import net from 'node:net';
import { type Agent, DONE, refuse, type Thread } from '../../src/airlock/agents/agent.ts';
import { hood } from '../../src/airlock/agents/hood.ts';
import { createAirlock } from '../../src/airlock/airlock.ts';
import { recordChanges } from '../../src/community/changes/record-changes.ts';
import { createShips } from '../../src/community/ships/ships.ts';
import { silentLog } from '../../src/core/log.ts';
import { createMetrics } from '../../src/core/metrics.ts';
import { createSecretBox } from '../../src/core/secret-box.ts';
import type { Database } from '../../src/database/database.ts';
import { listen } from '../../src/http/listen.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { type Cleanup, freshDatabase } from '../support/database.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-ports.ts';
import { lastFirst } from '../support/wait.ts';
import type { Airlock } from './support.ts';

/** Tells each who watches `/all` the names of the groups that change. */
const teller: Agent = {
  name: 'teller',
  poke: async (mark, json) => (mark === 'echo' ? DONE : mark === 'refuse' ? refuse(String(json)) : undefined),
  scry: async (path, ship) => (path.startsWith('/of/') ? { path, ship } : undefined),
  watch: async (path) => (path === '/once' ? { kind: 'once', fact: { json: 'once' } } : { kind: 'watching' }),
  factsOf: async (changes, watchers) =>
    changes.flatMap((change) => {
      if (change.kind !== 'group') return [];
      const fact = { mark: 'name', json: change.flag };
      return watchers.filter(({ path }) => path === '/all').map((watcher) => ({ watcher, fact }));
    }),
};
const reverse: Thread = {
  ...{ desk: 'd', name: 'reverse' },
  run: async (json) => (Array.isArray(json) ? { kind: 'done', json: json.toReversed() } : refuse('not a list')),
};

export type OwnServer = Airlock & {
  readonly clock: FakeClock;
  readonly database: Database;
  /** Names of groups that change, one after another. */
  readonly tell: (...flags: readonly string[]) => Promise<void>;
  /** Stops it, and starts another one in its place. */
  readonly restart: () => Promise<void>;
  readonly resetCode: (ship: string) => Promise<void>;
};

export const serveOwn = async (
  test: Cleanup,
  names: readonly string[] = ['~zod', '~nec'],
  origins: readonly string[] = [],
): Promise<OwnServer> => {
  const t = lastFirst(test);
  const clock = createFakeClock();
  const database = await freshDatabase(t);
  const secretBox = createSecretBox(Buffer.alloc(32, 7));
  const base = { clock, database, log: silentLog };
  const ships = createShips({ ...base, metrics: createMetrics(), ship: '~zod', secretBox });
  await ships.addHost();
  for (const name of names) await ships.add(name);
  const codes = new Map((await ships.list({ after: '', limit: 100 })).map(({ ship, code }) => [ship, code]));

  const start = async (port: number) => {
    const ending = new AbortController();
    const metrics = createMetrics();
    const server = createHttpServer({ clock, log: silentLog, metrics, checkReadiness: async () => {} });
    const agents = { agents: [hood, teller], threads: [reverse] };
    const airlock = createAirlock({
      ...{ ...base, ...agents, metrics, ships, secretBox, origins },
      rootUrl: () => url,
      ending: ending.signal,
    });
    airlock.serve(server);
    const url = await listen(server, { host: '127.0.0.1', port });
    const running = airlock.run(ending.signal);
    const stop = async () => {
      ending.abort();
      const closing = server.close();
      await airlock.close();
      server.server.closeAllConnections(); // clients keep some on which they have sent nothing yet
      await Promise.all([closing, running]);
    };
    return { url, stop };
  };
  let current = await start(await freePort());
  t.after(() => current.stop());
  const { url } = current;
  return {
    ...{ url, clock, database },
    codeOf: (ship) => codes.get(ship) ?? '',
    tell: async (...flags) => {
      for (const flag of flags) await database.transaction((tx) => recordChanges(tx, [{ kind: 'group', flag }]));
    },
    restart: async () => {
      await current.stop();
      current = await start(Number(new URL(url).port));
    },
    resetCode: async (ship) => void (await ships.resetCode(ship)),
  };
};

/** Passes on what comes, until it is cut; who connects again gets through. */
export const openLine = async (t: Cleanup, target: string) => {
  const { hostname, port } = new URL(target);
  const sockets = new Set<net.Socket>();
  const line = net.createServer((near) => {
    const far = net.connect(Number(port), hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
    }
    near.pipe(far).pipe(near);
  });
  line.listen(0, '127.0.0.1');
  await once(line, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  t.after(async () => {
    cut();
    line.close();
    await once(line, 'close');
  });
  const address = line.address() as net.AddressInfo;
  return { url: `http://127.0.0.1:${address.port}`, cut };
};
