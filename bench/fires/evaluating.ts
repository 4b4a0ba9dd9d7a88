// Triggers that are evaluated in a process of their own, because their cost cannot be known or
// their payload is large: how many the two evaluating processes carry, and how long callers wait.
import { type BenchHook, DECISION_HOOK, prepareOne, prepareRole, triggerPathOf } from '../harness/hook.ts';
import { figure, interleave, type Measure, type Row, unavailable } from '../harness/measure.ts';
import { hasProc, NO_PROC } from '../harness/proc.ts';
import { startServer } from '../harness/server.ts';
import { startLoad } from '../load/load-process.ts';
import { comparedRows, type Run, rateOf, runSide, type Side, signedTriggers } from '../load/trigger-runs.ts';

const CALLERS = 32;
const WARM_UP_RUNS = 2;
/** A request of a large payload takes its room before the clock starts. */
const MOST_LARGE_REQUESTS = 2_000;

/** The decision hook with another pattern for `ref`, which all its payloads match. */
const withRefPattern = (pattern: string): object => {
  const definition = structuredClone(DECISION_HOOK.definition) as {
    triggerSchema: { properties: { ref: { pattern: string } } };
  };
  definition.triggerSchema.properties.ref.pattern = pattern;
  return definition;
};

/** RE2, which runs in linear time, has no lookahead; so this runs where it can be stopped. */
const ELSEWHERE: BenchHook = {
  ...DECISION_HOOK,
  path: '/api/hooks/v1/hooks/bench/elsewhere',
  definition: withRefPattern('^(?!.*\\.\\.)refs/'),
};

/** More than is parsed on the main thread. */
const LARGE_PAYLOAD = {
  ...DECISION_HOOK.payload,
  env: Object.fromEntries(Array.from({ length: 1_200 }, (_, index) => [`NAME_${index}`, 'x'.repeat(90)])),
};

export const evaluating: Measure = {
  name: 'evaluating',
  about: 'signed triggerHook of 32 callers that is evaluated in another process, beside the same on the main thread',
  take: async (bench) => {
    await using server = await startServer(bench, bench.stable.newFolder('evaluating'));
    await prepareRole(server);
    await prepareOne(server, DECISION_HOOK);
    await prepareOne(server, ELSEWHERE);
    await using load = startLoad(bench);
    const side = (name: string, hook: BenchHook, payload = hook.payload): Side => ({
      ...{ name, target: server, plan: signedTriggers(server, triggerPathOf(hook), payload) },
      ...(payload === LARGE_PAYLOAD && { mostRequests: MOST_LARGE_REQUESTS }),
    });
    const sides = {
      elsewhere: side('the server', ELSEWHERE),
      large: side('the server (large payloads)', DECISION_HOOK, LARGE_PAYLOAD),
      main: side('the server (on the main thread)', DECISION_HOOK),
    };
    for (const one of Object.values(sides)) {
      bench.say(`evaluating: warming up ${one.name}`);
      for (let run = 0; run < WARM_UP_RUNS; run++) await runSide(bench, load, one, CALLERS);
    }
    const { elsewhere, large, main } = await interleave(bench.rounds, {
      elsewhere: () => runSide(bench, load, sides.elsewhere, CALLERS),
      large: () => runSide(bench, load, sides.large, CALLERS),
      main: () => runSide(bench, load, sides.main, CALLERS),
    });
    bench.say(`evaluating: ${elsewhere.map((run) => Math.round(rateOf(run))).join(', ')}/s`);
    return [...rowsOf('evaluated in another process', elsewhere, main), ...rowsOf('payloads of 120 KB', large, main)];
  },
};

const rowsOf = (name: string, ours: readonly Run[], main: readonly Run[]): Row[] => {
  const part = `${name}: CPU of the evaluating processes`;
  const share = `${name}: cores that they keep busy`;
  const rows = comparedRows({ name, ours, reference: main, note: 'beside the plain decision hook', bars: {} });
  if (!hasProc) return [...rows, unavailable(part, 'ms each', NO_PROC), unavailable(share, '', NO_PROC)];
  const each = ours.map(({ childrenCpuMs = Number.NaN }) => childrenCpuMs);
  return [
    ...rows,
    figure(part, 'ms each', each),
    figure(
      share,
      '',
      ours.map((run, round) => ((each[round] ?? Number.NaN) * rateOf(run)) / 1_000),
    ),
  ];
};
