// The worst bodies that callers can send, method by method: the longest piece of the main thread,
// the slowest ping beside one, and the memory that it takes.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import hawk from 'hawk';
import { ALL_APIS } from '../scripts/all-apis.ts';
import type { ApiDeclaration, MethodDeclaration } from '../src/http/api-method.ts';
import { declareCommonMethods } from '../src/http/common-methods.ts';
import { compressed, validPayload, worstBodies, worstPath } from '../test/support/worst-bodies.ts';
import { type Bench, type Figure, figure, type Measure, unavailable } from './measure.ts';
import { hasProc, NO_PROC } from './proc.ts';
import { call, type RunningServer, startServer } from './server.ts';

/** Of a piece of the main thread, and of a ping beside the request. */
const MOST_MS = 50;
const MOST_MB = 100;
const PING_EVERY_MS = 1;
const APIS = ALL_APIS.map(declareCommonMethods);

const PROBE = new URL('./piece-probe.ts', import.meta.url).href;

type Sample = {
  readonly what: string;
  /** CPU. */
  readonly pieceMs: number;
  readonly pingMs: number;
  readonly megabytes: number;
};

const FIGURES = [
  { field: 'pieceMs', name: 'longest piece', unit: 'ms', atMost: MOST_MS },
  { field: 'pingMs', name: 'slowest ping', unit: 'ms', atMost: MOST_MS },
  { field: 'megabytes', name: 'memory', unit: 'MB', atMost: MOST_MB },
] as const;

export const bounds: Measure = {
  name: 'bounds',
  about: 'the slowest ping and the memory while the worst bodies of every method come in, signed by root',
  take: async (bench) => {
    if (!hasProc) return [unavailable('bounds', 'ms', NO_PROC)];
    const data = bench.stable.newFolder('bounds');
    const pieces = `${data}.pieces`;
    await using server = await startServer(bench, data, {
      command: [process.execPath, '--import', PROBE, bench.entry],
      env: { HOOKWRIGHT_BENCH_PIECES: pieces },
    });
    const token = await prepare(server);
    const rows: Figure[] = [];
    for (const api of APIS) {
      for (const method of api.methods.filter(({ input }) => input)) {
        const name = `${api.service}.${method.name}`;
        const samples = await sendAll({ bench, server, pieces, token }, api, method);
        const worst = FIGURES.map((one) => ({ ...one, sample: highest(samples, one.field) }));
        rows.push(
          ...worst.map(({ field, name: figureName, unit, atMost, sample }) =>
            figure(`bounds: ${name}: ${figureName}`, unit, [sample[field]], { bar: { of: 'value', atMost } }),
          ),
        );
        const said = worst.map(({ field, unit, sample }) => `${sample[field].toFixed(0)} ${unit} (${sample.what})`);
        bench.say(`bounds: ${name}: ${said.join(', ')}`);
      }
    }
    return rows;
  },
};

const highest = (samples: readonly Sample[], field: (typeof FIGURES)[number]['field']): Sample =>
  samples.reduce((most, sample) => (sample[field] > most[field] ? sample : most));

/** A hook that puts its whole payload into its task. Answers its trigger token. */
const prepare = async (server: RunningServer): Promise<string> => {
  const role = { description: '', scopes: ['queue:create-task:*', 'queue:scheduler-id:*'] };
  await call(server, 'PUT', `/api/auth/v1/roles/${encodeURIComponent('hook-id:g/h')}`, role);
  await call(server, 'PUT', '/api/hooks/v1/hooks/g/h', validPayload('createHook'));
  return ((await call(server, 'GET', '/api/hooks/v1/hooks/g/h/token')) as { token: string }).token;
};

type Target = {
  readonly bench: Bench;
  readonly server: RunningServer;
  /** Where the probe writes. */
  readonly pieces: string;
  readonly token: string;
};

const sendAll = async (target: Target, api: ApiDeclaration, method: MethodDeclaration): Promise<Sample[]> => {
  const { bench, server, pieces, token } = target;
  const samples: Sample[] = [];
  for (const [n, { what, text }] of worstBodies(method, validPayload(method.name), true).entries()) {
    const { body, headers } = await compressed(text, n);
    const before = memoryOf(server.pid);
    rmSync(pieces, { force: true });
    const attack = () => send(server, method.verb, worstPath(api, method, token), body, headers);
    const pingMs = await slowestPing(bench, server, attack);
    samples.push({ what, pieceMs: longestPiece(pieces), pingMs, megabytes: peakOf(server.pid) - before });
  }
  return samples;
};

const longestPiece = (file: string): number =>
  existsSync(file) ? Math.max(...readFileSync(file, 'utf8').trim().split('\n').map(Number)) : 0;

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

const HUNG_UP = new Set(['EPIPE', 'ECONNRESET']);

const send = (server: RunningServer, method: string, path: string, body: Buffer, more: object): Promise<void> => {
  const { clientId: id, accessToken: key } = server.credentials;
  const url = server.url + path;
  const { header } = hawk.client.header(url, method, { credentials: { id, key, algorithm: 'sha256' } });
  return roundTrip(url, method, { ...more, authorization: header, 'content-type': 'application/json' }, body);
};

/** Refusals are what is expected, and so is that the server hangs up on who sends on after one. */
const roundTrip = (url: string, method: string, headers: Record<string, string>, body?: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (answer) => {
      answer.resume();
      answer.on('end', resolve).on('error', reject);
    });
    asked.on('error', (error: NodeJS.ErrnoException) => (HUNG_UP.has(error.code ?? '') ? resolve() : reject(error)));
    asked.end(body);
  });
