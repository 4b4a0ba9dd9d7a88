// One run of a load against one side of a comparison, what it cost, and the rows that are made of
// many.
import { availableParallelism } from 'node:os';
import { type Bar, type Bench, type Figure, figure, type Row, unavailable } from '../harness/measure.ts';
import { databaseCpuMsOf, familyCpuMsOf, hasProc, machineCpuMs, NO_PROC } from '../harness/proc.ts';
import type { RunningServer } from '../harness/server.ts';
import type { LoadPlan, LoadResult } from './load.ts';
import type { Load, Target } from './load-process.ts';

/** What is called, and how. */
export type Side = {
  /** For messages. */
  readonly name: string;
  readonly target: Target;
  readonly plan: Omit<LoadPlan, 'to' | 'callers' | 'seconds' | 'requests'>;
  /** Requests are made before the clock starts, and large ones take their room. */
  readonly mostRequests?: number;
};

export type Run = {
  readonly load: LoadResult;
  /** CPU a request, in ms: of the process under load and of those that it has started. */
  readonly cpuMs: number | undefined;
  /** The part of it that was spent in those that it has started. */
  readonly childrenCpuMs: number | undefined;
  /** Of the PostgreSQL that it uses. */
  readonly databaseCpuMs: number | undefined;
  /** What programs that do not belong to the bench took, as a part of all cores. */
  readonly disturbance: number | undefined;
};

/** Signed triggers of a hook of the server, also for those who stand in for the server. */
export const signedTriggers = (
  { url, credentials }: Pick<RunningServer, 'url' | 'credentials'>,
  path: string,
  payload: object,
): Side['plan'] => ({
  ...{ signedFor: addressOf(url), credentials, path, body: JSON.stringify(payload) },
  expectDistinctTasks: true,
});

/** Throws when one request goes wrong. */
export const runSide = async (bench: Bench, load: Load, side: Side, callers: number): Promise<Run> => {
  const { target, plan, mostRequests = Number.POSITIVE_INFINITY } = side;
  const requests = Math.min(load.enoughRequests(side, bench.seconds), mostRequests);
  await load.prepare({ ...plan, to: addressOf(target.url), callers, seconds: bench.seconds, requests });
  // No request is under way at either reading, so the difference belongs to the counted requests
  // alone.
  const before = readCpu(bench, target);
  const result = await load.go();
  // What the server still does after its last answers counts too.
  await bench.clock.sleep(PAUSE_MS);
  const after = readCpu(bench, target);
  load.learnRate(side, result.requests / result.seconds);
  if (result.errors > 0) {
    const samples = result.samples.map((sample) => `  ${sample}`).join('\n');
    const what = `${result.errors} of ${result.requests} requests to ${side.name} at ${callers} callers went wrong`;
    throw new Error(`${what}:\n${samples}`);
  }
  return { load: result, ...costsOf(before, after, result) };
};

const PAUSE_MS = 50;

type Reading = {
  readonly atMs: number;
  readonly own: number;
  readonly children: number;
  readonly database: number | undefined;
  readonly machine: number;
};

const readCpu = (bench: Bench, { pid, data }: Target): Reading | undefined =>
  hasProc
    ? {
        atMs: bench.clock.monotonic(),
        ...familyCpuMsOf(pid, data),
        database: data === undefined ? undefined : databaseCpuMsOf(data),
        machine: machineCpuMs(),
      }
    : undefined;

const costsOf = (before: Reading | undefined, after: Reading | undefined, load: LoadResult): Omit<Run, 'load'> => {
  if (!before || !after)
    return { cpuMs: undefined, childrenCpuMs: undefined, databaseCpuMs: undefined, disturbance: undefined };
  const children = after.children - before.children;
  const all = after.own - before.own + children;
  const database = (after.database ?? 0) - (before.database ?? 0);
  const others = Math.max(0, after.machine - before.machine - all - database - load.cpuMs);
  return {
    cpuMs: all / load.requests,
    childrenCpuMs: children / load.requests,
    databaseCpuMs: after.database === undefined ? undefined : database / load.requests,
    disturbance: others / (after.atMs - before.atMs) / availableParallelism(),
  };
};

export const addressOf = (url: string): { host: string; port: number } => {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
};

export const rateOf = ({ load }: Run): number => load.requests / load.seconds;

export const callersText = (callers: number): string => `${callers} ${callers === 1 ? 'caller' : 'callers'}`;

export type Compared = {
  /** What every name begins with. */
  readonly name: string;
  readonly ours: readonly Run[];
  readonly reference?: readonly Run[];
  /** What the reference is. */
  readonly note: string;
  readonly bars: { readonly rate?: Bar; readonly p99?: Bar; readonly cpu?: Bar };
};

/** Rate, latency, CPU and errors of all rounds; the first row is the rate. */
export const comparedRows = ({ name, ours, reference, note, bars }: Compared): Row[] => {
  const row = (
    what: string,
    unit: string,
    pick: (run: Run) => number,
    more: { bar?: Bar | undefined; note?: string } = {},
  ): Figure =>
    figure(`${name}: ${what}`, unit, ours.map(pick), {
      ...(reference && { reference: reference.map(pick) }),
      ...(more.bar && { bar: more.bar }),
      note: more.note,
    });
  const busiestLoad = Math.max(...(reference ?? ours).map(({ load }) => load.cpuMs / 1000 / load.seconds));
  const isBusy = busiestLoad > BUSY_LOAD;
  return [
    row('rate', '/s', rateOf, {
      bar: bars.rate,
      note: isBusy ? `${note}; the load took ${Math.round(busiestLoad * 100)} % of a core: there may be more` : note,
    }),
    row('latency p50', 'ms', ({ load }) => load.p50Ms),
    row('latency p99', 'ms', ({ load }) => load.p99Ms, { bar: bars.p99 }),
    row('latency max', 'ms', ({ load }) => load.maxMs),
    ...cpuRows(name, bars.cpu, ours, reference),
    row('CPU of the load', 'ms each', ({ load }) => load.cpuMs / load.requests),
    row('errors', '', ({ load }) => load.errors, { bar: { of: 'value', atMost: 0 } }),
  ];
};

/** Above this the load is part of what is measured. */
const BUSY_LOAD = 0.9;

const cpuRows = (name: string, bar: Bar | undefined, ours: readonly Run[], reference?: readonly Run[]): Row[] => {
  const own = `${name}: CPU of the server`;
  const database = `${name}: CPU of PostgreSQL`;
  const others = `${name}: CPU of other programs`;
  const each = 'ms each';
  const part = '% of all cores';
  if (!hasProc)
    return [unavailable(own, each, NO_PROC), unavailable(database, each, NO_PROC), unavailable(others, part, NO_PROC)];
  const pick = (runs: readonly Run[], what: 'cpuMs' | 'databaseCpuMs' | 'disturbance', factor = 1): number[] =>
    runs.map((run) => (run[what] ?? Number.NaN) * factor);
  const beside = (what: 'cpuMs' | 'databaseCpuMs' | 'disturbance', factor = 1) =>
    reference?.some((run) => run[what] !== undefined) ? { reference: pick(reference, what, factor) } : {};
  return [
    figure(own, each, pick(ours, 'cpuMs'), { ...beside('cpuMs'), ...(bar && { bar }) }),
    figure(database, each, pick(ours, 'databaseCpuMs'), beside('databaseCpuMs')),
    disturbanceRow(figure(others, part, pick(ours, 'disturbance', 100), beside('disturbance', 100))),
  ];
};

/** A ratio of disturbances would mean nothing. */
const disturbanceRow = ({ ratio: _, ...row }: Figure): Figure =>
  Math.max(row.value, row.reference ?? 0) > DISTURBED_PERCENT
    ? { ...row, note: 'the machine was busy with something else: take these figures again' }
    : row;

/** Below this it may be the kernel writing for our own PostgreSQL. */
const DISTURBED_PERCENT = 10;
