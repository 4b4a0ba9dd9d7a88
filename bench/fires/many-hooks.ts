// What a start, a trigger, a listing and a turn of the scheduler cost with 100,000 hooks in the
// database, beside the same with 100.
import { addHooks, connect, latenessOf, removeHooks } from '../harness/crowd.ts';
import { prepareHook, TRIGGER_PATH, TRIGGER_PAYLOAD } from '../harness/hook.ts';
import { type Bench, type Figure, figure, interleave, type Measure, median } from '../harness/measure.ts';
import { call, type RunningServer, startServer } from '../harness/server.ts';

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
const FEW = 100;
const MANY = 100_000;
const ALIKE = 1_000;
const DUE_AT_ONCE = 100;
const CALLS = 100;

/** The issue "Task hooks: the whole hooks API". */
const MOST_RATIO = 1.5;
const MOST_LISTING_MS = 50;

type Side = { readonly server: RunningServer; readonly client: Awaited<ReturnType<typeof connect>> };

export const manyHooks: Measure = {
  name: 'many-hooks',
  about: `a start, a trigger, a listing, a scheduler turn with ${MANY} hooks beside ${FEW}; listHooks of ${ALIKE} alike hooks`,
  take: async (bench) => {
    await using few = await startServer(bench, bench.stable.newFolder('few-hooks'));
    await using many = await startServer(bench, bench.stable.newFolder('many-hooks'));
    const sides = { many: await fill(bench, many, MANY), few: await fill(bench, few, FEW) };
    try {
      const rows: Figure[] = [];
      for (const [what, measure] of Object.entries(MEASURED)) {
        await measure(bench, sides.many);
        await measure(bench, sides.few);
        const taken = await interleave(bench.rounds, {
          many: () => measure(bench, sides.many),
          few: () => measure(bench, sides.few),
        });
        const row = figure(`${MANY} hooks: ${what}`, 'ms', taken.many, {
          reference: taken.few,
          bar: { of: 'ratio', atMost: MOST_RATIO },
          note: `beside ${FEW} hooks`,
        });
        bench.say(`many-hooks: ${what}: ${row.value.toFixed(2)} ms beside ${row.reference?.toFixed(2)} ms`);
        rows.push(row);
      }
      await addHooks(sides.few.client, { count: ALIKE, groups: 1, name: 'alike', due: bench.clock.now() + YEAR_MS });
      const listings: number[] = [];
      for (let round = 0; round < bench.rounds; round += 1) {
        listings.push(await timeCalls(bench, 20, () => call(few, 'GET', '/api/hooks/v1/hooks/alike-0')));
      }
      rows.push(
        figure(`listHooks of ${ALIKE} alike hooks`, 'ms', listings, { bar: { of: 'value', atMost: MOST_LISTING_MS } }),
      );
      return rows;
    } finally {
      await sides.few.client.end();
      await sides.many.client.end();
    }
  },
};

/** Groups of 100, due in a year. */
const fill = async (bench: Bench, server: RunningServer, count: number): Promise<Side> => {
  await prepareHook(server);
  const client = await connect(server);
  bench.say(`many-hooks: making ${count} hooks`);
  await addHooks(client, { count, groups: count / 100, name: 'crowd', due: bench.clock.now() + YEAR_MS });
  await client.query('vacuum analyze hooks');
  await client.query('vacuum analyze timers');
  return { server, client };
};

/** The median, in ms. */
const timeCalls = async (bench: Bench, count: number, one: () => Promise<unknown>): Promise<number> => {
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const began = bench.clock.monotonic();
    await one();
    times.push(bench.clock.monotonic() - began);
  }
  return median(times);
};

const MEASURED: Readonly<Record<string, (bench: Bench, side: Side) => Promise<number>>> = {
  /** Of one more process on the same database. */
  'a start': async (bench, { server }) => {
    const another = await startServer(bench, server.data);
    await another.end();
    return another.readyAfterMs;
  },

  'a trigger': (bench, { server }) =>
    timeCalls(bench, CALLS, () => call(server, 'POST', TRIGGER_PATH, TRIGGER_PAYLOAD)),

  'listing a group of 100': (bench, { server }) =>
    timeCalls(bench, CALLS, () => call(server, 'GET', '/api/hooks/v1/hooks/crowd-0')),

  [`a turn with ${DUE_AT_ONCE} hooks due`]: async (bench, { client }) => {
    const due = Math.ceil((bench.clock.now() + 1_500) / 1_000) * 1_000;
    await addHooks(client, { count: DUE_AT_ONCE, groups: 1, name: 'bench', due });
    for (;;) {
      await bench.clock.sleep(50);
      const late = await latenessOf(client, 'bench-0', due);
      if (late.fires < DUE_AT_ONCE) continue;
      await removeHooks(client, 'bench');
      return late.max;
    }
  },
};
