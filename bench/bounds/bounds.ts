// The worst bodies that callers can send, method by method and door by door, signed by root and by
// nobody: the longest piece of the main thread, what a ping beside one waits for, and the memory.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import hawk from 'hawk';
import { ALL_APIS } from '../../scripts/generating/all-apis.ts';
import { declareCommonMethods } from '../../src/http/common-methods.ts';
import {
  compressed,
  validPayload,
  type WorstBody,
  worstBodies,
  worstPath,
  worstPokes,
} from '../../test/support/worst-bodies.ts';
import { type Bench, type Figure, figure, type Measure, unavailable } from '../harness/measure.ts';
import { hasProc, NO_PROC } from '../harness/proc.ts';
import { call, type RunningServer, startServer } from '../harness/server.ts';

const MB = 1024 * 1024;
const PING_EVERY_MS = 1;
const IDLE_MS = 60_000;
const APIS = ALL_APIS.map(declareCommonMethods);
/** What the airlock takes of a body. */
const LARGEST_POKES = MB;

const PROBE = new URL('./piece-probe.ts', import.meta.url).href;

type Sample = {
  readonly what: string;
  readonly pieceMs: number;
  readonly waitMs: number;
  readonly pingMs: number;
  readonly megabytes: number;
  readonly refusalKb: number;
};

const FIGURES = [
  { field: 'pieceMs', name: 'longest piece, CPU', unit: 'ms', atMost: 50 },
  { field: 'waitMs', name: 'CPU of the main thread during a ping', unit: 'ms', atMost: 50 },
  { field: 'megabytes', name: 'memory', unit: 'MB', atMost: 100 },
  { field: 'refusalKb', name: 'longest refusal', unit: 'KB', atMost: 100 },
] as const;

export const bounds: Measure = {
  name: 'bounds',
  about: 'the worst bodies of all methods and of the airlock: pieces of the main thread, pings, memory, also later',
  take: async (bench) => {
    if (!hasProc) return [unavailable('bounds', 'ms', NO_PROC)];
    const data = bench.stable.newFolder('bounds');
    const pieces = `${data}.pieces`;
    await using server = await startServer(bench, data, {
      command: [process.execPath, '--import', PROBE, bench.entry],
      env: { HOOKWRIGHT_BENCH_PIECES: pieces },
    });
    const { token, cookie } = await prepare(server);
    const target = { bench, server, pieces };
    const rows: Figure[] = [];
    const measure = async (name: string, attacks: readonly Attack[]): Promise<void> => {
      const samples: Sample[] = [];
      for (const attack of attacks) samples.push(await take(target, attack));
      rows.push(...rowsOf(bench, name, samples));
    };
    const both = (bodies: readonly WorstBody[], rest: Omit<Attack, 'what' | 'text' | 'isSigned'>): Attack[] =>
      bodies.flatMap(({ what, text }) => [
        { ...rest, text, what: `${what}, root`, isSigned: true },
        { ...rest, text, what: `${what}, nobody` },
      ]);
    await measure('a small call', both([{ what: '{}', text: '{}' }], triggerOf(token)));
    const before = statusOf(server.pid, 'VmRSS');
    const doors = (headers: Readonly<Record<string, string>>, bodies: readonly WorstBody[]): Attack[] => [
      ...bodies.map((body) => ({ ...body, verb: 'PUT', path: '/~/channel/worst', headers })),
      ...bodies.slice(0, 10).map((body) => ({ ...body, verb: 'POST', path: '/spider/d/json/reverse/json', headers })),
    ];
    const pokes = [...worstPokes(LARGEST_POKES, true), { what: 'five million zeros', text: `[${'0,'.repeat(5e6)}0]` }];
    await measure('airlock: as a ship', doors({ cookie }, pokes));
    await measure('airlock: as nobody', doors({}, pokes));
    await measure(
      'airlock: login',
      pokes.map((body) => ({ ...body, verb: 'POST', path: '/~/login' })),
    );
    for (const api of APIS) {
      for (const method of api.methods.filter(({ input }) => input)) {
        const path = worstPath(api, method, token);
        await measure(
          `${api.service}.${method.name}`,
          both(worstBodies(api.service, method, true), { verb: method.verb, path }),
        );
      }
      const others = api.methods.filter(({ input }) => !input);
      const long = 'x'.repeat(4_000);
      await measure(
        `${api.service}: ${others.length} methods without a body`,
        others.flatMap((method) => {
          const path = worstPath(api, method, token);
          const what = (is: string) => [{ what: `${method.name}: ${is}`, text: method.verb === 'GET' ? '' : '[[0]]' }];
          return [
            ...both(what('as it is'), { verb: method.verb, path }),
            ...both(what('a long query'), { verb: method.verb, path: `${path}?${long}=${long}` }),
            ...both(what('a long path'), { verb: method.verb, path: path.replace(/[^/]*$/, long) }),
          ];
        }),
      );
    }
    await bench.clock.sleep(IDLE_MS);
    const stays = statusOf(server.pid, 'VmRSS') - before;
    bench.say(`bounds: ${stays.toFixed(0)} MB stay a minute after all of them`);
    const bar = { of: 'value', atMost: 100 } as const;
    return [...rows, figure('bounds: memory that stays a minute after all', 'MB', [stays], { bar })];
  },
};

const rowsOf = (bench: Bench, name: string, samples: readonly Sample[]): Figure[] => {
  const highest = (field: keyof Sample & (typeof FIGURES)[number]['field']) =>
    samples.reduce((most, sample) => (sample[field] > most[field] ? sample : most));
  const worst = FIGURES.map((one) => ({ ...one, sample: highest(one.field) }));
  const said = worst.map(({ field, unit, sample }) => `${sample[field].toFixed(0)} ${unit} (${sample.what})`);
  const slowest = Math.max(...samples.map(({ pingMs }) => pingMs));
  bench.say(`bounds: ${name}: ${said.join(', ')}; slowest ping by the clock ${slowest.toFixed(0)} ms`);
  return worst.map(({ field, name: what, unit, atMost, sample }) =>
    figure(`bounds: ${name}: ${what}`, unit, [sample[field]], { bar: { of: 'value', atMost } }),
  );
};

/** A hook that puts its whole payload into its task, and a ship that has logged in. */
const prepare = async (server: RunningServer): Promise<{ readonly token: string; readonly cookie: string }> => {
  const role = { description: '', scopes: ['queue:create-task:*', 'queue:scheduler-id:*'] };
  await call(server, 'PUT', `/api/auth/v1/roles/${encodeURIComponent('hook-id:g/h')}`, role);
  await call(server, 'PUT', '/api/hooks/v1/hooks/g/h', validPayload('createHook'));
  const { token } = (await call(server, 'GET', '/api/hooks/v1/hooks/g/h/token')) as { token: string };
  const { ships } = (await call(server, 'GET', '/api/community/v1/ships')) as {
    ships: readonly { readonly ship: string; readonly code: string }[];
  };
  const code = ships.find(({ ship }) => ship === '~zod')?.code ?? '';
  const group = { ...{ fleet: {}, cabals: {}, zones: {}, 'zone-ord': [], channels: {}, bloc: [], secret: false } };
  const create = { ...group, meta: { title: 'c', description: '', image: '', cover: '' }, 'flagged-content': {} };
  const whole = { ...create, 'active-channels': [], cordon: { open: { ships: [], ranks: [] } } };
  const channel = { kind: 'chat', name: 'lounge', group: '~zod/club', title: '', description: '' };
  for (const action of [
    { groups: { flag: '~zod/club', update: { diff: { create: whole } } } },
    { channels: { create: { ...channel, readers: [], writers: [] } } },
  ]) {
    await call(server, 'POST', '/api/community/v1/ships/~zod/act', action);
  }
  const answer = await fetch(`${server.url}/~/login`, { method: 'POST', body: `password=${code}`, redirect: 'manual' });
  return { token, cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
};

const triggerOf = (token: string) => ({ verb: 'POST', path: `/api/hooks/v1/hooks/g/h/trigger/${token}` });

type Attack = WorstBody & {
  readonly verb: string;
  readonly path: string;
  readonly isSigned?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
};

type Target = {
  readonly bench: Bench;
  readonly server: RunningServer;
  /** Where the probe writes. */
  readonly pieces: string;
};

let turns = 0;
/** The text that was sent last, compressed: it is sent again by nobody. */
let latest: { readonly text: string; readonly coded: Awaited<ReturnType<typeof compressed>> } | undefined;

const take = async ({ bench, server, pieces }: Target, attack: Attack): Promise<Sample> => {
  if (latest?.text !== attack.text) {
    turns += 1;
    latest = { text: attack.text, coded: await compressed(attack.text, turns) };
  }
  const { body, headers } = latest.coded;
  const before = memoryOf(server.pid);
  rmSync(pieces, { force: true });
  const coded = attack.text === '' ? undefined : { body, headers: { ...headers, ...attack.headers } };
  const attacking = send(server, attack, coded?.body, coded?.headers ?? attack.headers ?? {});
  const ping = await slowestPing(bench, server, attacking);
  const { status, bytes } = await attacking;
  return {
    ...{ what: attack.what, pieceMs: longestPiece(pieces), ...ping },
    ...{ megabytes: peakOf(server.pid) - before, refusalKb: status < 400 ? 0 : bytes / 1024 },
  };
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

/** CPU time of the main thread: the first number there, in nanoseconds. */
const cpuMs = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;

/**
 * By the clock, and by what the main thread of the server did meanwhile: how long a ping waits
 * where no other process wants the processor.
 */
const slowestPing = async (
  { clock }: Bench,
  { url, pid }: RunningServer,
  attacking: Promise<unknown>,
): Promise<Pick<Sample, 'pingMs' | 'waitMs'>> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  attacking.then(end, end);
  let [pingMs, waitMs] = [0, 0];
  while (!isOver) {
    const [began, used] = [clock.monotonic(), cpuMs(pid)];
    await roundTrip(`${url}/api/hooks/v1/ping`, 'GET', {}, undefined, agent);
    waitMs = Math.max(waitMs, cpuMs(pid) - used);
    pingMs = Math.max(pingMs, clock.monotonic() - began);
    await clock.sleep(PING_EVERY_MS);
  }
  agent.destroy();
  return { pingMs, waitMs };
};

const HUNG_UP = new Set(['EPIPE', 'ECONNRESET']);

type Answer = { readonly status: number; readonly bytes: number };

const send = (
  server: RunningServer,
  { verb, path, isSigned = false }: Attack,
  body: Buffer | undefined,
  more: Readonly<Record<string, string>>,
): Promise<Answer> => {
  const { clientId: id, accessToken: key } = server.credentials;
  const url = server.url + path;
  const headers = { ...more, 'content-type': 'application/json' };
  if (!isSigned) return roundTrip(url, verb, headers, body);
  const { header } = hawk.client.header(url, verb, { credentials: { id, key, algorithm: 'sha256' } });
  return roundTrip(url, verb, { ...headers, authorization: header }, body);
};

/**
 * Refusals are what is expected, and so is that the server hangs up on who sends on after one. Of a
 * stream of events it is enough that it begins: it has no end.
 */
const roundTrip = (
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: Buffer,
  agent: Agent | false = false,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent }, (answer) => {
      if (answer.headers['content-type'] === 'text/event-stream') {
        answer.on('error', () => {}).destroy(); // hung up by ourselves
        return resolve({ status: answer.statusCode ?? 0, bytes: 0 });
      }
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, bytes })).on('error', reject);
    });
    asked.on('error', (error: NodeJS.ErrnoException) =>
      HUNG_UP.has(error.code ?? '') ? resolve({ status: 0, bytes: 0 }) : reject(error),
    );
    asked.end(body);
  });
