// Signed triggers beside a bare Fastify echo under the same load: how many, how fast, and what each costs.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { prepareHook, readTask, TRIGGER_PATH, TRIGGER_PAYLOAD } from './hook.ts';
import type { FromLoad, LoadPlan, LoadResult, ToLoad } from './load.ts';
import { type Bench, type Figure, figure, interleave, type Measure, type Row, unavailable } from './measure.ts';
import { cpuMsOf, databaseCpuMsOf, hasProc, NO_PROC } from './proc.ts';
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

/** DESIGN.md, "What it must reach". */
const LEAST_RATIO_TO_ECHO = 1 / 6;
const MOST_P99_MS = 20;
const MOST_CPU_MS = 0.25;

type Target = { readonly url: string; readonly pid: number; readonly data?: string };

type Run = {
  readonly load: LoadResult;
  /** CPU a request, in ms: of the process under load, and of the PostgreSQL that it uses. */
  readonly cpuMs: number | undefined;
  readonly databaseCpuMs: number | undefined;
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
  // No request is under way at either reading, so the difference belongs to the counted requests alone.
  const before = readCpu(target);
  const result = await load.go();
  // What the server still does after its last answers counts too.
  await bench.clock.sleep(SETTLE_MS);
  const after = readCpu(target);
  load.learnRate(target, result.requests / result.seconds);
  if (result.errors > 0) {
    const samples = result.samples.map((sample) => `  ${sample}`).join('\n');
    throw new Error(
      `${result.errors} of ${result.requests} requests to ${isOurs ? 'the server' : 'the echo'} at ${callers} callers went wrong:\n${samples}`,
    );
  }
  const each = (from: number | undefined, to: number | undefined): number | undefined =>
    from === undefined || to === undefined ? undefined : (to - from) / result.requests;
  return {
    load: result,
    cpuMs: each(before.own, after.own),
    databaseCpuMs: each(before.database, after.database),
  };
};

const SETTLE_MS = 50;

const readCpu = ({ pid, data }: Target): { own: number | undefined; database: number | undefined } => ({
  own: hasProc ? cpuMsOf(pid) : undefined,
  database: hasProc && data !== undefined ? databaseCpuMsOf(data) : undefined,
});

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
  const unit = 'ms each';
  if (!hasProc) return [unavailable(own, unit, NO_PROC), unavailable(database, unit, NO_PROC)];
  return [
    figure(
      own,
      unit,
      ours.map(({ cpuMs }) => cpuMs ?? Number.NaN),
      {
        reference: echo.map(({ cpuMs }) => cpuMs ?? Number.NaN),
        ...(isBarred && { bar: { of: 'value', atMost: MOST_CPU_MS } }),
      },
    ),
    figure(
      database,
      unit,
      ours.map(({ databaseCpuMs }) => databaseCpuMs ?? Number.NaN),
    ),
  ];
};

const summaryOf = (rows: readonly Row[]): string => {
  const [rate] = rows;
  if (!rate || rate.value === null) return '';
  return `${Math.round(rate.value)}/s beside ${Math.round(rate.reference ?? Number.NaN)}/s of the echo`;
};

const startEcho = async (bench: Bench): Promise<Target & AsyncDisposable> => {
  const child = startNode(bench, 'echo-server.ts');
  const { url } = await nextMessage<{ url: string }>(child);
  return { url, pid: child.pid ?? Number.NaN, [Symbol.asyncDispose]: () => endOf(child) };
};

type Load = AsyncDisposable & {
  readonly prepare: (plan: LoadPlan) => Promise<void>;
  readonly go: () => Promise<LoadResult>;
  /** How many requests to sign: more than the target will answer, going by the fastest run so far. */
  readonly enoughRequests: (target: Target, seconds: number) => number;
  readonly learnRate: (target: Target, perSecond: number) => void;
};

const startLoad = (bench: Bench): Load => {
  const child = startNode(bench, 'load.ts');
  const rates = new Map<Target, number>();
  const say = async (message: ToLoad): Promise<FromLoad> => {
    child.send(message);
    return nextMessage<FromLoad>(child);
  };
  return {
    prepare: async (plan) => {
      await say({ plan });
    },
    go: async () => {
      const answer = await say('go');
      if (answer === 'prepared') throw new Error('the load was not asked to prepare');
      return answer.result;
    },
    enoughRequests: (target, seconds) => Math.ceil((rates.get(target) ?? FIRST_GUESS_PER_SECOND) * seconds * 1.5),
    learnRate: (target, perSecond) => rates.set(target, Math.max(perSecond, rates.get(target) ?? 0)),
    [Symbol.asyncDispose]: () => endOf(child),
  };
};

const FIRST_GUESS_PER_SECOND = 10_000;

const startNode = (bench: Bench, file: string): ChildProcess =>
  bench.stable.spawn(process.execPath, [join(import.meta.dirname, file)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

const nextMessage = <Message>(child: ChildProcess): Promise<Message> =>
  new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      child.off('exit', onExit);
      resolve(message as Message);
    };
    const onExit = (code: number | null): void => {
      child.off('message', onMessage);
      reject(new Error(`${child.spawnargs.at(-1)} ended with ${code}`));
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });

/** Both end when nobody talks to them any more. */
const endOf = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
};
