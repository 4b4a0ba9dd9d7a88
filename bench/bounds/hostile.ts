// Templates and schemas that were written to hold the server up: how long a ping takes beside each
// of them.
import { request } from 'node:http';
import { prepareHook } from '../harness/hook.ts';
import { type Bench, type Figure, figure, type Measure } from '../harness/measure.ts';
import { call, type RunningServer, startServer } from '../harness/server.ts';

/** The issue "Task hooks: the whole hooks API". */
const MOST_PING_MS = 50;
const PING_EVERY_MS = 5;
const CALLERS = 4;

type Attack = { readonly task?: object; readonly triggerSchema?: object; readonly payload: object };

const range = (depth: number): object =>
  depth === 0 ? { a: 1 } : { $map: { $eval: 'range(0, 1000)' }, [`each(x${depth})`]: range(depth - 1) };

const anyOf = (depth: number): object =>
  depth === 0 ? { type: 'string' } : { anyOf: [anyOf(depth - 1), anyOf(depth - 1)] };

const ATTACKS: Readonly<Record<string, Attack>> = {
  'nested $map': { task: { payload: range(3) }, payload: {} },
  'range(0, 1e7)': { task: { payload: { a: { $eval: 'range(0, 10000000)' } } }, payload: {} },
  'doubling strings': {
    task: {
      $let: { a: 'x'.repeat(100) },
      in: {
        $reduce: { $eval: 'range(0, 40)' },
        initial: { $eval: 'a' },
        'each(s, n)': { $eval: 's + s' },
      },
    },
    payload: {},
  },
  '^(a+)+$': {
    triggerSchema: { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } },
    payload: { a: `${'a'.repeat(40)}!` },
  },
  'nested anyOf': {
    triggerSchema: { type: 'object', properties: { a: anyOf(12) } },
    payload: { a: 1 },
  },
  'uniqueItems over 10,000 objects': {
    triggerSchema: { type: 'object', properties: { a: { type: 'array', uniqueItems: true } } },
    payload: { a: Array.from({ length: 10_000 }, (_, n) => ({ n, same: 'x'.repeat(20) })) },
  },
  'a name of 5,000 slashes': {
    triggerSchema: { additionalProperties: { type: 'array', items: { type: 'string' } } },
    payload: { ['/'.repeat(5_000)]: Array(2_500).fill(1) },
  },
  '1,500 patterns (a?b?){999}': {
    triggerSchema: {
      properties: Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`p${n}`, { pattern: '(a?b?){999}' }])),
    },
    payload: {},
  },
  '[ab]{0,999}[^ab]\\b on 19 KB': {
    triggerSchema: { properties: { a: { pattern: '[ab]{0,999}[^ab]\\b' } } },
    payload: { a: 'ab'.repeat(9_500) },
  },
  'each item wrong in 100 ways': {
    triggerSchema: {
      properties: { a: { items: { allOf: Array.from({ length: 100 }, () => ({ type: 'string' })) } } },
    },
    payload: { a: Array(40_000).fill(1) },
  },
};

const definitionOf = ({ task = {}, triggerSchema = { type: 'object' } }: Attack) => ({
  metadata: { name: 'hostile', description: '', owner: 'bench@example.com', emailOnError: false },
  task,
  triggerSchema,
});

export const hostile: Measure = {
  name: 'hostile',
  about: 'the slowest ping while hostile templates and schemas are at work',
  take: async (bench) => {
    await using server = await startServer(bench, bench.stable.newFolder('hostile'));
    await prepareHook(server);
    const rows: Figure[] = [];
    for (const [what, attack] of Object.entries(ATTACKS)) {
      const path = `/api/hooks/v1/hooks/hostile/hook-${rows.length}`;
      const slowest: number[] = [];
      for (let round = 0; round < bench.rounds; round += 1)
        slowest.push(await slowestPing(bench, server, path, attack));
      const row = figure(`hostile: ${what}: slowest ping`, 'ms', slowest, {
        bar: { of: 'value', atMost: MOST_PING_MS },
      });
      bench.say(`hostile: ${what}: ${row.value.toFixed(1)} ms`);
      rows.push(row);
    }
    return rows;
  },
};

/**
 * Of all pings from saving the hook (which may be refused, with a reason) to the last answer, and
 * at least one second.
 */
const slowestPing = (bench: Bench, server: RunningServer, path: string, attack: Attack): Promise<number> =>
  slowestPingBeside(bench, server, async () => {
    const calls = [call(server, 'PUT', path, definitionOf(attack))];
    await Promise.allSettled(calls);
    for (let n = 0; n < CALLERS; n += 1) calls.push(call(server, 'POST', `${path}/trigger`, attack.payload));
    await Promise.allSettled(calls); // refusals are what is expected
  });

/** Of all pings while this goes on, and for at least one second; ms. */
export const slowestPingBeside = async (
  { clock }: Bench,
  server: RunningServer,
  attack: () => Promise<void>,
): Promise<number> => {
  const until = clock.monotonic() + 1_000;
  let isOver = false;
  const attacked = attack().finally(() => {
    isOver = true;
  });
  let slowest = 0;
  while (!isOver || clock.monotonic() < until) {
    const began = clock.monotonic();
    await ping(server.url);
    slowest = Math.max(slowest, clock.monotonic() - began);
    await clock.sleep(PING_EVERY_MS);
  }
  await attacked;
  return slowest;
};

const ping = (url: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const asked = request(`${url}/api/hooks/v1/ping`, (answer) => {
      answer.resume();
      answer.on('end', resolve);
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
