// Signed triggers beside a bare Fastify echo under the same load: how many, how fast, and what each
// costs.
import { availableParallelism } from 'node:os';
import { prepareHook, readTask, TRIGGER_PATH, TRIGGER_PAYLOAD } from './hook.ts';
import type { LoadResult } from './load.ts';
import { type Load, startEcho, startLoad, type Target } from './load-process.ts';
import { type Bench, type Figure, figure, interleave, type Measure, type Row, unavailable } from './measure.ts';
import { cpuMsOf, databaseCpuMsOf, hasProc, machineCpuMs, NO_PROC } from './proc.ts';
import { type RunningServer, startServer } from './server.ts';

export const triggers: Measure = {
  name: 'triggers',
  about: 'signed triggerHook at 1, 8 and 32 callers, durable, beside a bare Fastify echo under the same load',
  take: async (bench) => {
    await using server = await startServer(bench, bench.stable.newFolder('triggers'));
    await prepareHook(server);
    await using echo = await startEcho(bench);
    await using load = startLoad(bench);
    const sides = {
      ours: (callers: number) => oneRun(bench, load, server, callers, server, true),
      echo: (callers: number) => oneRun(bench, load, server, callers, echo, false),
    };

    for (const name of ['echo', 'ours'] as const) {
      bench.say(`triggers: warming up ${name}`);
      for (let run = 0; run < WARM_UP_RUNS; run++) await sides[name](MOST_CALLERS);
    }
    const rows: Row[] = [];
    for (const callers of CALLERS) {
      const results = await interleave(bench.rounds, {
        ours: () => sides.ours(callers),
        echo: () => sides.echo(callers),
      });
      const these = rowsOf(callers, results.ours, results.echo);
      bench.say(`triggers: ${callers} ${callers === 1 ? 'caller' : 'callers'}: ${summaryOf(these)}`);
      rows.push(...these);
      for (const taskId of results.ours.at(-1)?.load.taskIds ?? []) await readTask(server, taskId);
    }
    return rows;
  },
};

const CALLERS = [1, 8, 32];
const MOST_CALLERS = 32;
const WARM_UP_RUNS = 2;

/** The bars. p99 is of 32 callers, CPU of one trigger. */
const LEAST_RATIO_TO_ECHO = 1 / 6;
const MOST_P99_MS = 20;
const MOST_CPU_MS = 0.25;

type Run = {
  readonly load: LoadResult;
  /** CPU a request, in ms: of the process under load, and of the PostgreSQL that it uses. */
  readonly cpuMs: number | undefined;
  readonly databaseCpuMs: number | undefined;
  /** What programs that do not belong to the bench took, as a part of all cores. */
  readonly disturbance: number | undefined;
};

const oneRun = async (
  bench: Bench,
  load: Load,
  server: RunningServer,
  callers: number,
  target: Target,
  isOurs: boolean,
): Promise<Run> => {
  await load.prepare({
    to: addressOf(target.url),
    signedFor: addressOf(server.url),
    credentials: server.credentials,
    path: TRIGGER_PATH,
    body: JSON.stringify(TRIGGER_PAYLOAD),
    callers,
    seconds: bench.seconds,
    requests: load.enoughRequests(target, bench.seconds),
    expectDistinctTasks: isOurs,
  });
  // No request is under way at either reading, so the difference belongs to the counted requests
  // alone.
  const before = readCpu(bench, target);
  const result = await load.go();
  // What the server still does after its last answers counts too.
  await bench.clock.sleep(PAUSE_MS);
  const after = readCpu(bench, target);
  load.learnRate(target, result.requests / result.seconds);
  if (result.errors > 0) {
    const samples = result.samples.map((sample) => `  ${sample}`).join('\n');
    throw new Error(
      `${result.errors} of ${result.requests} requests to ${isOurs ? 'the server' : 'the echo'} at ${callers} callers went wrong:\n${samples}`,
    );
  }
  return { load: result, ...costsOf(before, after, result) };
};

const PAUSE_MS = 50;

type Reading = {
  readonly atMs: number;
  readonly own: number;
  readonly database: number | undefined;
  readonly machine: number;
};

const readCpu = (bench: Bench, { pid, data }: Target): Reading | undefined =>
  hasProc
    ? {
        atMs: bench.clock.monotonic(),
        own: cpuMsOf(pid),
        database: data === undefined ? undefined : databaseCpuMsOf(data),
        machine: machineCpuMs(),
      }
    : undefined;

const costsOf = (before: Reading | undefined, after: Reading | undefined, load: LoadResult): Omit<Run, 'load'> => {
  if (!before || !after) return { cpuMs: undefined, databaseCpuMs: undefined, disturbance: undefined };
  const own = after.own - before.own;
  const database = (after.database ?? 0) - (before.database ?? 0);
  const others = Math.max(0, after.machine - before.machine - own - database - load.cpuMs);
  return {
    cpuMs: own / load.requests,
    databaseCpuMs: after.database === undefined ? undefined : database / load.requests,
    disturbance: others / (after.atMs - before.atMs) / availableParallelism(),
  };
};

const addressOf = (url: string): { host: string; port: number } => {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
};

const rowsOf = (callers: number, ours: readonly Run[], echo: readonly Run[]): Row[] => {
  const name = `triggers, ${callers} ${callers === 1 ? 'caller' : 'callers'}:`;
  const isBarred = callers === MOST_CALLERS;
  const both = (pick: (run: Run) => number): readonly [number[], { reference: number[] }] => [
    ours.map(pick),
    { reference: echo.map(pick) },
  ];
  const row = (
    what: string,
    unit: string,
    pick: (run: Run) => number,
    more: Parameters<typeof figure>[3] = {},
  ): Figure => {
    const [rounds, reference] = both(pick);
    return figure(`${name} ${what}`, unit, rounds, { ...reference, ...more });
  };
  const busiestLoad = Math.max(...echo.map(({ load }) => load.cpuMs / 1000 / load.seconds));
  const note =
    busiestLoad > BUSY_LOAD
      ? `the load took ${Math.round(busiestLoad * 100)} % of a core: the echo could do more`
      : 'beside a bare Fastify echo';
  return [
    row('rate', '/s', ({ load }) => load.requests / load.seconds, {
      ...(isBarred && { bar: { of: 'ratio', atLeast: LEAST_RATIO_TO_ECHO } }),
      note,
    }),
    row('latency p50', 'ms', ({ load }) => load.p50Ms),
    row('latency p99', 'ms', ({ load }) => load.p99Ms, isBarred ? { bar: { of: 'value', atMost: MOST_P99_MS } } : {}),
    row('latency max', 'ms', ({ load }) => load.maxMs),
    ...cpuRows(name, isBarred, ours, echo),
    row('CPU of the load', 'ms each', ({ load }) => load.cpuMs / load.requests),
    row('share of a core of the load', '%', ({ load }) => load.cpuMs / 10 / load.seconds),
    row('errors', '', ({ load }) => load.errors, { bar: { of: 'value', atMost: 0 } }),
  ];
};

/** Above this the load is part of what is measured. */
const BUSY_LOAD = 0.9;

const cpuRows = (name: string, isBarred: boolean, ours: readonly Run[], echo: readonly Run[]): Row[] => {
  const own = `${name} CPU of the server`;
  const database = `${name} CPU of PostgreSQL`;
  const others = `${name} CPU of other programs`;
  const each = 'ms each';
  const part = '% of all cores';
  if (!hasProc)
    return [unavailable(own, each, NO_PROC), unavailable(database, each, NO_PROC), unavailable(others, part, NO_PROC)];
  const pick = (runs: readonly Run[], what: 'cpuMs' | 'databaseCpuMs' | 'disturbance', factor = 1): number[] =>
    runs.map((run) => (run[what] ?? Number.NaN) * factor);
  return [
    figure(own, each, pick(ours, 'cpuMs'), {
      reference: pick(echo, 'cpuMs'),
      ...(isBarred && { bar: { of: 'value', atMost: MOST_CPU_MS } }),
    }),
    figure(database, each, pick(ours, 'databaseCpuMs')),
    disturbanceRow(figure(others, part, pick(ours, 'disturbance', 100), { reference: pick(echo, 'disturbance', 100) })),
  ];
};

/** A ratio of disturbances would mean nothing. */
const disturbanceRow = ({ ratio: _, ...row }: Figure): Figure =>
  Math.max(row.value, row.reference ?? 0) > DISTURBED_PERCENT
    ? { ...row, note: 'the machine was busy with something else: take these figures again' }
    : row;

/** Below this it may be the kernel writing for our own PostgreSQL. */
const DISTURBED_PERCENT = 10;

const summaryOf = (rows: readonly Row[]): string => {
  const [rate] = rows;
  if (!rate || rate.value === null) return '';
  return `${Math.round(rate.value)}/s beside ${Math.round(rate.reference ?? Number.NaN)}/s of the echo`;
};
