// Signed triggers at several numbers of callers, in one run beside the floor, the plain hook and a
// bare echo: how many, how fast, and what each costs.
import { connect } from '../harness/crowd.ts';
import { DECISION_HOOK, PLAIN_HOOK, prepareOne, prepareRole, readTask, triggerPathOf } from '../harness/hook.ts';
import { figure, interleave, type Measure, type Row } from '../harness/measure.ts';
import { startServer } from '../harness/server.ts';
import { startEcho, startFloor, startLoad } from '../load/load-process.ts';
import {
  callersText,
  comparedRows,
  type Run,
  rateOf,
  runSide,
  type Side,
  signedTriggers,
} from '../load/trigger-runs.ts';

export const triggers: Measure = {
  name: 'triggers',
  about: 'signed triggerHook of a decision hook at 1, 8 and 32 callers, durable, beside the floor and the plain hook',
  take: async (bench) => {
    await using server = await startServer(bench, bench.stable.newFolder('triggers'));
    await prepareRole(server);
    await prepareOne(server, PLAIN_HOOK);
    const made = await prepareOne(server, DECISION_HOOK);
    const { credentials } = server;
    await using floor = await startFloor(bench, { data: bench.stable.newFolder('floor'), credentials, ...made });
    await using echo = await startEcho(bench);
    await using load = startLoad(bench);
    const decision = signedTriggers(server, triggerPathOf(DECISION_HOOK), DECISION_HOOK.payload);
    const plain = signedTriggers(server, triggerPathOf(PLAIN_HOOK), PLAIN_HOOK.payload);
    // All get the same bytes but for what is in the path and the payload of the plain hook.
    const sides = {
      decision: { name: 'the server', target: server, plan: decision },
      floor: { name: 'the floor', target: floor, plan: decision },
      plain: { name: 'the server (plain hook)', target: server, plan: plain },
      echo: { name: 'the echo', target: echo, plan: { ...decision, expectDistinctTasks: false } },
    } satisfies Record<string, Side>;

    for (const side of Object.values(sides)) {
      bench.say(`triggers: warming up ${side.name}`);
      for (let run = 0; run < WARM_UP_RUNS; run++) await runSide(bench, load, side, MOST_CALLERS);
    }
    const bytes = { decision: await bytesOfTrigger(server), floor: await bytesOfTrigger(floor) };
    const rows: Row[] = [
      figure('triggers: the rows of one', 'bytes', [bytes.decision], {
        reference: [bytes.floor],
        note: 'what the floor writes is as large',
      }),
    ];
    for (const callers of CALLERS) {
      const results = await interleave(bench.rounds, {
        decision: () => runSide(bench, load, sides.decision, callers),
        floor: () => runSide(bench, load, sides.floor, callers),
        plain: () => runSide(bench, load, sides.plain, callers),
        echo: () => runSide(bench, load, sides.echo, callers),
      });
      const these = rowsOf(callers, results);
      bench.say(`triggers: ${callersText(callers)}: ${summaryOf(these)}`);
      rows.push(...these);
      for (const taskId of results.decision.at(-1)?.load.taskIds ?? []) await readTask(server, taskId);
    }
    return rows;
  },
};

/** Of the rows that a trigger of the decision hook leaves behind, on the average. */
const bytesOfTrigger = async ({ data }: { readonly data: string }): Promise<number> => {
  const client = await connect({ data });
  try {
    const { rows } = await client.query<{ bytes: number }>(
      `with fired as (select hook_uid, cause, task_id, pg_column_size(ledger.*) as bytes from ledger where hook_id = 'decision')
       select (select avg(bytes) from fired)
            + (select avg(pg_column_size(tasks.*)) from tasks join fired using (task_id))
            + (select avg(pg_column_size(payloads.*)) from payloads join fired using (hook_uid, cause)) as bytes`,
    );
    return Number(rows[0]?.bytes ?? Number.NaN);
  } finally {
    await client.end();
  }
};

const CALLERS = [1, 8, 32];
const MOST_CALLERS = 32;
const WARM_UP_RUNS = 2;

/** The bars. p99 and CPU are of 32 callers. 0.75 of the floor is the next one. */
const LEAST_RATIO_TO_FLOOR = 0.6;
const LEAST_RATIO_TO_PLAIN = 0.9;
const MOST_P99_MS = 20;
const MOST_CPU_MS = 0.2;

type Results = Readonly<Record<'decision' | 'floor' | 'plain' | 'echo', readonly Run[]>>;

const rowsOf = (callers: number, { decision, floor, plain, echo }: Results): Row[] => {
  const name = `triggers, ${callersText(callers)}`;
  const [rate, ...others] = comparedRows({
    ...{ name, ours: decision, reference: floor, note: 'beside the floor' },
    bars: {
      rate: { of: 'ratio', atLeast: LEAST_RATIO_TO_FLOOR },
      ...(callers === MOST_CALLERS && {
        p99: { of: 'value', atMost: MOST_P99_MS },
        cpu: { of: 'value', atMost: MOST_CPU_MS },
      }),
    },
  });
  const rates = decision.map(rateOf);
  return [
    ...(rate ? [rate] : []),
    figure(`${name}: rate beside the plain hook`, '/s', rates, {
      reference: plain.map(rateOf),
      bar: { of: 'ratio', atLeast: LEAST_RATIO_TO_PLAIN },
    }),
    figure(`${name}: rate beside a bare echo`, '/s', rates, { reference: echo.map(rateOf) }),
    ...others,
  ];
};

const summaryOf = (rows: readonly Row[]): string => {
  const [floor, plain] = rows.map((row) => Math.round(row.value === null ? Number.NaN : (row.reference ?? Number.NaN)));
  return `${Math.round(rows[0]?.value ?? Number.NaN)}/s beside ${floor}/s of the floor and ${plain}/s of the plain hook`;
};
