// Dry runs of the hook of the bench, and its events fired again.
import { HOOK_PATH, prepareHook, TRIGGER_PATH, TRIGGER_PAYLOAD } from '../harness/hook.ts';
import { type Bench, type Figure, figure, interleave, type Measure } from '../harness/measure.ts';
import { cpuMsOf, databaseCpuMsOf, hasProc } from '../harness/proc.ts';
import { call, type RunningServer, startServer } from '../harness/server.ts';

const DRY_RUNS = 1_000;
const HIGHEST_P99_MS = 15;
const REPLAY = '/api/hooks/v1/fires/replay';
const EVENTS = 4_000;
const HIGHEST_RATE = 2_000;
const LOWEST_RATE = 1_000;

type Job = { readonly jobId: string; readonly count: number };
type Status = { readonly state: string; readonly created: string; readonly ended: string; readonly outcomes: object };

export const replays: Measure = {
  name: 'replays',
  about: 'dry runs of a hook, one after another, and thousands of its events fired again by one job',
  take: async (bench) => {
    await using server = await startServer(bench, bench.stable.newFolder('replays'));
    await prepareHook(server);
    return [await takeDryRuns(bench, server), await takeReplays(bench, server)];
  },
};

/** Beside triggers, one after another as well: both meet what else the machine does. */
const takeDryRuns = async (bench: Bench, server: RunningServer): Promise<Figure> => {
  const side = (path: string, body: object) => async (): Promise<number> => {
    const times: number[] = [];
    const before = cpuOf(server);
    for (let n = 0; n < DRY_RUNS; n += 1) {
      const began = bench.clock.monotonic();
      await call(server, 'POST', path, body);
      times.push(bench.clock.monotonic() - began);
    }
    const cpu = (cpuOf(server) - before) / DRY_RUNS;
    const p99 = times.sort((a, b) => a - b)[Math.floor(DRY_RUNS * 0.99)] as number;
    const middle = times[DRY_RUNS / 2] as number;
    bench.say(`${path}: p99 ${p99.toFixed(1)} ms, median ${middle.toFixed(1)} ms, ${cpu.toFixed(2)} ms of CPU each`);
    return p99;
  };
  const sides = {
    dryRun: side(`${HOOK_PATH}/render`, { payload: TRIGGER_PAYLOAD }),
    trigger: side(TRIGGER_PATH, TRIGGER_PAYLOAD),
  };
  const taken = await interleave(bench.rounds, sides);
  return figure('dry run: p99', 'ms', taken.dryRun, {
    reference: taken.trigger,
    bar: { of: 'value', atMost: HIGHEST_P99_MS },
    note: 'beside triggers, one after another too',
  });
};

/** Each job fires again what the one before it has fired, at first all there is: that doubles. */
const takeReplays = async (bench: Bench, server: RunningServer): Promise<Figure> => {
  const rates: number[] = [];
  let ofLast: { requestId?: string } = {};
  while (rates.length < bench.rounds) {
    const filter = { hook: 'bench/trigger', rate: HIGHEST_RATE, ...ofLast };
    const { jobId, count } = (await call(server, 'POST', REPLAY, filter)) as Job;
    await call(server, 'POST', REPLAY, { ...filter, count, jobId });
    let status: Status;
    const before = cpuOf(server);
    do {
      await bench.clock.sleep(20);
      status = (await call(server, 'GET', `/api/hooks/v1/replays/${jobId}`)) as Status;
    } while (status.state === 'running');
    if (count < EVENTS) continue;
    ofLast = { requestId: jobId };
    const rate = (1_000 * count) / (Date.parse(status.ended) - Date.parse(status.created));
    const cpu = ((cpuOf(server) - before) / count).toFixed(2);
    bench.say(
      `replay: ${count} events, ${Math.round(rate)}/s, ${cpu} ms of CPU each, ${JSON.stringify(status.outcomes)}`,
    );
    rates.push(rate);
  }
  return figure('replay by one job: rate', '/s', rates, { bar: { of: 'value', atLeast: LOWEST_RATE } });
};

/** Of the server and of PostgreSQL; ms. */
const cpuOf = (server: RunningServer): number =>
  hasProc ? cpuMsOf(server.pid) + databaseCpuMsOf(server.data) : Number.NaN;
