// Triggers in mode taskcluster, where each asks the deployment's Auth about its signature and has
// its task created by the deployment's queue: beside a stand-in for both that is called bare.
import { DECISION_HOOK, triggerPathOf } from '../harness/hook.ts';
import { figure, interleave, type Measure, type Row } from '../harness/measure.ts';
import { call, startServer } from '../harness/server.ts';
import { startDeployment, startLoad } from '../load/load-process.ts';
import {
  callersText,
  comparedRows,
  type Run,
  rateOf,
  runSide,
  type Side,
  signedTriggers,
} from '../load/trigger-runs.ts';

const CALLERS = [1, 8, 32];
const MOST_CALLERS = 32;
const WARM_UP_RUNS = 2;
/** Ten times what the reference service does on such a stand-in. */
const LEAST_PER_SECOND = 1_530;

export const taskcluster: Measure = {
  name: 'taskcluster',
  about: 'signed triggerHook in mode taskcluster at 1, 8 and 32 callers, beside the stand-in deployment called bare',
  take: async (bench) => {
    await using deployment = await startDeployment(bench);
    const credentials = { clientId: 'root', accessToken: 'k'.repeat(44) };
    await using server = await startServer(bench, bench.stable.newFolder('taskcluster'), {
      credentials,
      env: {
        HOOKWRIGHT_MODE: 'taskcluster',
        TASKCLUSTER_ROOT_URL: deployment.url,
        TASKCLUSTER_CLIENT_ID: 'project/hooks',
        TASKCLUSTER_ACCESS_TOKEN: 'h'.repeat(44),
      },
    });
    await call(server, 'PUT', DECISION_HOOK.path, DECISION_HOOK.definition);
    await call(server, 'POST', triggerPathOf(DECISION_HOOK), DECISION_HOOK.payload);
    const { lastTask } = await deployment.counts();
    if (!lastTask.includes('bench triggerHook')) throw new Error(`the deployment has an unexpected task: ${lastTask}`);
    await using load = startLoad(bench);
    const triggers = signedTriggers(server, triggerPathOf(DECISION_HOOK), DECISION_HOOK.payload);
    const bareCalls = { callsDeployment: true, body: lastTask, expectStatus: 200, expectDistinctTasks: false } as const;
    const sides = {
      ours: { name: 'the server', target: server, plan: triggers },
      bare: { name: 'the stand-in deployment', target: deployment, plan: { ...triggers, ...bareCalls } },
    } satisfies Record<string, Side>;

    const ours = async (callers: number): Promise<Run> => {
      const before = await deployment.counts();
      const run = await runSide(bench, load, sides.ours, callers);
      const { tasks } = await deployment.counts();
      if (tasks - before.tasks < run.load.requests) throw new Error('a trigger was answered that created no task');
      return run;
    };
    /** A trigger's share: both calls. */
    const bare = async (callers: number): Promise<Run> => {
      const run = await runSide(bench, load, sides.bare, callers);
      return { ...run, load: { ...run.load, requests: run.load.requests / 2 } };
    };
    for (let run = 0; run < WARM_UP_RUNS; run++) {
      bench.say('taskcluster: warming up');
      await ours(MOST_CALLERS);
      await bare(MOST_CALLERS);
    }
    const rows: Row[] = [];
    for (const callers of CALLERS) {
      const results = await interleave(bench.rounds, { ours: () => ours(callers), bare: () => bare(callers) });
      rows.push(...rowsOf(callers, results.ours, results.bare));
      bench.say(
        `taskcluster: ${callersText(callers)}: ${results.ours.map((run) => Math.round(rateOf(run))).join(', ')}/s`,
      );
    }
    return rows;
  },
};

const rowsOf = (callers: number, ours: readonly Run[], bare: readonly Run[]): Row[] => {
  const name = `mode taskcluster, ${callersText(callers)}`;
  const isBarred = callers === MOST_CALLERS;
  const bars = isBarred ? { rate: { of: 'value', atLeast: LEAST_PER_SECOND } as const } : {};
  return [
    ...comparedRows({ name, ours, note: 'each asks Auth and the queue once', bars }),
    figure(`${name}: rate beside the stand-in called bare`, '/s', ours.map(rateOf), { reference: bare.map(rateOf) }),
  ];
};
