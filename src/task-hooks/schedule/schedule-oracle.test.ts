import { describe, it } from 'node:test';
import fc from 'fast-check';
import { REPEAT_LENGTH, roundsOf } from '../../../test/support/test-length.ts';
import { type RunReport, runSchedules } from '../test-support/run-schedules.ts';
import { type Operation, operations } from '../test-support/schedule-operations.ts';
import { createWorld } from '../test-support/world.ts';

const RUNS = roundsOf(20);
const SEED = Number(process.env.SCHEDULE_SEED ?? Math.floor(Math.random() * 2 ** 31));

const YEAR = 365 * 24 * 3_600_000;
const save = (schedule: readonly string[]) => ({ do: 'save', hookId: 'b', schedule, isHeavy: false }) as const;
/** While the clock is a year behind: the dates that had fired before do not fire again after it. */
const WITHOUT_SCHEDULE_MEANWHILE: Operation[] = [
  { do: 'race', ms: 44_259, change: save(['* * * * * *']) },
  { do: 'jump', ms: -YEAR },
  save([]),
  { do: 'jump', ms: YEAR },
  save(['* * * * * *']),
];

describe('schedules, whatever happens to hooks, clocks, schedulers, connections and the queue', () => {
  it('lose no occurrence, fire none twice, and ask for one task under one taskId', async (t) => {
    t.diagnostic(`to repeat: ${REPEAT_LENGTH} SCHEDULE_SEED=${SEED}`);
    const world = await createWorld(t);
    const total = { runs: 0, fires: 0, missedRows: 0, missed: 0, attempts: 0, tasks: 0, crashes: 0 };
    const run = async (all: Parameters<typeof runSchedules>[1]) => {
      const report = await runSchedules(world, all);
      total.runs += 1;
      for (const name of Object.keys(report) as (keyof RunReport)[]) total[name] += report[name];
    };
    const examples: [Operation[]][] = [[WITHOUT_SCHEDULE_MEANWHILE]];
    await fc.assert(fc.asyncProperty(operations, run), { numRuns: RUNS, seed: SEED, endOnFailure: true, examples });
    t.diagnostic(JSON.stringify(total));
  });
});
