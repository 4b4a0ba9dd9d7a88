// The worst bodies that callers can send, method by method: the slowest ping beside one, and the
// memory that it takes.
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import hawk from 'hawk';
import { BROKER_API } from '../src/broker/api-declaration.ts';
import type { ApiDeclaration, MethodDeclaration } from '../src/http/api-method.ts';
import { QUEUE_API } from '../src/queue/standalone/declaration.ts';
import { HOOKS_API } from '../src/task-hooks/api/declaration.ts';
import { compressed, worstBodies } from '../test/support/worst-bodies.ts';
import { HOOK_PATH, prepareHook } from './hook.ts';
import { type Bench, type Figure, figure, type Measure, unavailable } from './measure.ts';
import { hasProc, NO_PROC } from './proc.ts';
import { type RunningServer, startServer } from './server.ts';

const MOST_PING_MS = 50;
const MOST_MB = 100;
const PING_EVERY_MS = 2;

/** Those that take the largest bodies, and one that anybody may call. */
const SENT: readonly (readonly [ApiDeclaration, string, string])[] = [
  [HOOKS_API, 'triggerHook', `${HOOK_PATH}/trigger`],
  [QUEUE_API, 'createTask', '/api/queue/v1/task/AAAAAAAAQACAAAAAAAAAAA'],
  [BROKER_API, 'publish', '/api/broker/v1/publish/exchange%2Fx'],
];

export const bounds: Measure = {
  name: 'bounds',
  about: 'the slowest ping and the memory while the worst bodies come in',
  take: async (bench) => {
    if (!hasProc) return [unavailable('bounds', 'ms', NO_PROC)];
    await using server = await startServer(bench, bench.stable.newFolder('bounds'));
    await prepareHook(server);
    const rows: Figure[] = [];
    for (const [api, name, path] of SENT) {
      const method = api.methods.find((one) => one.name === name) as MethodDeclaration;
      const pings: number[] = [];
      const megabytes: number[] = [];
      for (const [n, { text }] of worstBodies(method, {}, true).entries()) {
        const { body, headers } = await compressed(text, n);
        const before = memoryOf(server.pid);
        pings.push(await slowestPing(bench, server, () => send(server, method.verb, path, body, headers)));
        megabytes.push(peakOf(server.pid) - before);
      }
      rows.push(
        figure(`bounds: ${name}: slowest ping`, 'ms', [Math.max(...pings)], {
          bar: { of: 'value', atMost: MOST_PING_MS },
        }),
        figure(`bounds: ${name}: memory`, 'MB', [Math.max(...megabytes)], { bar: { of: 'value', atMost: MOST_MB } }),
      );
      bench.say(`bounds: ${name}: ${Math.max(...pings).toFixed(1)} ms, ${Math.max(...megabytes).toFixed(0)} MB`);
    }
    return rows;
  },
};

const statusOf = (pid: number, field: string): number =>
  Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** Now; and from here on, the peak is counted anew. */
const memoryOf = (pid: number): number => {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return statusOf(pid, 'VmRSS');
};
const peakOf = (pid: number): number => statusOf(pid, 'VmHWM');

const slowestPing = async ({ clock }: Bench, { url }: RunningServer, attack: () => Promise<void>): Promise<number> => {
  let isOver = false;
  const attacked = attack().finally(() => {
    isOver = true;
  });
  let slowest = 0;
  while (!isOver) {
    const began = clock.monotonic();
    await roundTrip(`${url}/api/hooks/v1/ping`, 'GET', {});
    slowest = Math.max(slowest, clock.monotonic() - began);
    await clock.sleep(PING_EVERY_MS);
  }
  await attacked;
  return slowest;
};

const send = (server: RunningServer, method: string, path: string, body: Buffer, more: object): Promise<void> => {
  const { clientId: id, accessToken: key } = server.credentials;
  const url = server.url + path;
  const { header } = hawk.client.header(url, method, { credentials: { id, key, algorithm: 'sha256' } });
  return roundTrip(url, method, { ...more, authorization: header, 'content-type': 'application/json' }, body);
};

/** Refusals are what is expected. */
const roundTrip = (url: string, method: string, headers: Record<string, string>, body?: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (answer) => {
      answer.resume();
      answer.on('end', resolve).on('error', reject);
    });
    asked.on('error', reject).end(body);
  });
