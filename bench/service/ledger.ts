// A ledger of millions: its first pages whatever is looked for, what keeping payloads costs
// triggers, and what followers cost.
import { get, type IncomingMessage } from 'node:http';
import hawk from 'hawk';
import { connect } from '../harness/crowd.ts';
import { prepareHook, TRIGGER_PATH, TRIGGER_PAYLOAD } from '../harness/hook.ts';
import {
  type Bench,
  type Figure,
  figure,
  interleave,
  type Measure,
  median,
  type Row,
  unavailable,
} from '../harness/measure.ts';
import { cpuMsOf, databaseCpuMsOf, hasProc, NO_PROC } from '../harness/proc.ts';
import { call, type RunningServer, startServer } from '../harness/server.ts';
import type { LoadResult } from '../load/load.ts';
import { type Load, startLoad } from '../load/load-process.ts';
import { FILLED, fillLedger } from './fill-ledger.ts';

const FIRES = '/api/hooks/v1/fires';
const MOST_SEARCH_MS = 100;
const LEAST_RATE = 0.85;
const MOST_FOLLOWING_PERCENT = 5;
const SEARCHES = 7;
const CALLERS = 32;
const FOLLOWERS = 200;
const TRIGGERS_A_SECOND = 10;

export const ledger: Measure = {
  name: 'ledger',
  about: 'first pages of a search over --rows entries; triggers with payloads kept and without; 200 followers',
  take: async (bench) => [...(await searches(bench)), ...(await kept(bench)), ...(await following(bench))],
};

const YEAR_AGO = 330 * 86_400_000;

const searches = async (bench: Bench): Promise<Figure[]> => {
  await using server = await startServer(bench, bench.stable.newFolder('ledger'));
  const client = await connect(server);
  try {
    const began = bench.clock.monotonic();
    await fillLedger(client, bench.rows, bench.clock.now());
    bench.say(`ledger: ${bench.rows} entries made in ${Math.round((bench.clock.monotonic() - began) / 1000)} s`);
  } finally {
    await client.end();
  }
  const old = new Date(bench.clock.now() - YEAR_AGO).toISOString();
  const queries: Readonly<Record<string, Record<string, string>>> = {
    nothing: {},
    'a hook': { hook: FILLED.hook },
    'a hook that was rarely there': { hook: FILLED.rareHook },
    'hooks by a pattern': { hook: 'group-1*/hook-*' },
    'hooks that are not there': { hook: 'nowhere-*/x' },
    'outcome failed': { outcome: 'failed' },
    'outcomes that none has': { outcome: 'exhausted,limited' },
    'kind binding': { kind: 'binding' },
    firedBy: { firedBy: 'pulseMessage' },
    'a client': { clientId: FILLED.client },
    'a client that is not there': { clientId: 'nobody' },
    'a task': { taskId: FILLED.taskId },
    'a task that is not there': { taskId: 'nnnnnnnnnnnnnnnnnnnnnn' },
    'a cause': { cause: FILLED.taskId },
    'a request': { requestId: FILLED.requestId },
    'a text': { text: 'does not fit' },
    'a text that none has': { text: 'nowhere to be found' },
    'a time long ago': { until: old },
    'a text, long ago': { until: old, text: 'nowhere to be found' },
  };
  const rows: Figure[] = [];
  for (const [what, query] of Object.entries(queries)) {
    const path = `${FIRES}?${new URLSearchParams({ limit: '50', ...query })}`;
    const times: number[] = [];
    let found = 0;
    for (let n = 0; n < SEARCHES; n += 1) {
      const began = bench.clock.monotonic();
      found = ((await call(server, 'GET', path)) as { fires: unknown[] }).fires.length;
      times.push(bench.clock.monotonic() - began);
    }
    rows.push(
      figure(`ledger of ${bench.rows}: search for ${what}`, 'ms', times, {
        bar: { of: 'value', atMost: MOST_SEARCH_MS },
        note: `${found} found, slowest ${Math.max(...times).toFixed(0)} ms`,
      }),
    );
    bench.say(
      `ledger: ${what}: ${median(times).toFixed(1)} ms, slowest ${Math.max(...times).toFixed(1)} ms, ${found} found`,
    );
  }
  return rows;
};

/** Triggers as `triggers` sends them, to a server that keeps payloads and one that keeps none. */
const kept = async (bench: Bench): Promise<Row[]> => {
  await using keeping = await startServer(bench, bench.stable.newFolder('keeping'));
  await using without = await startServer(bench, bench.stable.newFolder('without'), { args: ['--payload-days', '0'] });
  for (const server of [keeping, without]) await prepareHook(server);
  await using load = startLoad(bench);
  const sides = { keeping: () => underLoad(bench, load, keeping), without: () => underLoad(bench, load, without) };
  for (const side of [sides.keeping, sides.without]) await side();
  const taken = await interleave(bench.rounds, sides);
  const rate = ({ load: { requests, seconds } }: Loaded) => requests / seconds;
  const row = figure(`triggers with payloads kept, ${CALLERS} callers: rate`, '/s', taken.keeping.map(rate), {
    reference: taken.without.map(rate),
    bar: { of: 'ratio', atLeast: LEAST_RATE },
    note: 'beside a server that keeps none',
  });
  bench.say(`ledger: ${Math.round(row.value)}/s with payloads kept, ${Math.round(row.reference ?? 0)}/s without`);
  const name = 'the same: CPU of the server and of PostgreSQL';
  if (!hasProc) return [row, unavailable(name, 'ms each', NO_PROC)];
  const cpu = ({ load: { requests }, cpuMs }: Loaded) => cpuMs / requests;
  const note = 'which a noisy machine disturbs less than the rate';
  return [row, figure(name, 'ms each', taken.keeping.map(cpu), { reference: taken.without.map(cpu), note })];
};

type Loaded = { readonly load: LoadResult; readonly cpuMs: number };

const underLoad = async (bench: Bench, load: Load, server: RunningServer): Promise<Loaded> => {
  const { hostname, port } = new URL(server.url);
  const address = { host: hostname, port: Number(port) };
  await load.prepare({
    ...{ to: address, signedFor: address, credentials: server.credentials, path: TRIGGER_PATH },
    ...{ body: JSON.stringify(TRIGGER_PAYLOAD), callers: CALLERS, seconds: bench.seconds, expectDistinctTasks: true },
    requests: load.enoughRequests(server, bench.seconds),
  });
  const cpu = () => (hasProc ? cpuMsOf(server.pid) + databaseCpuMsOf(server.data) : 0);
  const before = cpu();
  const result = await load.go();
  load.learnRate(server, result.requests / result.seconds);
  if (result.errors > 0) throw new Error(`${result.errors} triggers went wrong: ${result.samples.join('\n')}`);
  return { load: result, cpuMs: cpu() - before };
};

/** What a server takes that is triggered now and then, with followers and without. */
const following = async (bench: Bench): Promise<Row[]> => {
  const name = `${FOLLOWERS} followers, ${TRIGGERS_A_SECOND} fires a second: CPU of the server`;
  if (!hasProc) return [unavailable(name, '% of a core', NO_PROC)];
  await using server = await startServer(bench, bench.stable.newFolder('followers'));
  await prepareHook(server);
  const share = async (): Promise<number> => {
    const [cpu, began] = [cpuMsOf(server.pid), bench.clock.monotonic()];
    for (let n = 0; n < bench.seconds * TRIGGERS_A_SECOND; n += 1) {
      await call(server, 'POST', TRIGGER_PATH, TRIGGER_PAYLOAD);
      await bench.clock.sleep(Math.max(0, began + ((n + 1) * 1_000) / TRIGGERS_A_SECOND - bench.clock.monotonic()));
    }
    return ((cpuMsOf(server.pid) - cpu) / (bench.clock.monotonic() - began)) * 100;
  };
  await share();
  const rounds: number[] = [];
  let told = 0;
  for (let round = 0; round < bench.rounds; round += 1) {
    const alone = await share();
    const followers = await Promise.all(Array.from({ length: FOLLOWERS }, () => follow(server, () => (told += 1))));
    rounds.push((await share()) - alone);
    for (const follower of followers) follower.destroy();
  }
  const least = bench.rounds * FOLLOWERS * bench.seconds * TRIGGERS_A_SECOND * 0.9;
  if (told < least) throw new Error(`followers were told ${told} times, at least ${least} were to be`);
  const row = figure(name, '% of a core', rounds, { bar: { of: 'value', atMost: MOST_FOLLOWING_PERCENT } });
  bench.say(`ledger: ${FOLLOWERS} followers: ${row.value.toFixed(1)} % of a core`);
  return [row];
};

const follow = ({ url, credentials: { clientId, accessToken } }: RunningServer, onRow: () => void) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const address = `${url}${FIRES}/follow`;
    const credentials = { id: clientId, key: accessToken, algorithm: 'sha256' } as const;
    const headers = { authorization: hawk.client.header(address, 'GET', { credentials }).header };
    const request = get(address, { headers, agent: false }, (answer) => {
      if (answer.statusCode !== 200) return reject(new Error(`a follower was answered ${answer.statusCode}`));
      answer.setEncoding('utf8').on('data', (text: string) => {
        for (const _ of text.matchAll(/^data: /gm)) onRow();
      });
      answer.on('error', () => {}); // it is ended by us
      resolve(answer);
    });
    request.on('error', reject);
  });
