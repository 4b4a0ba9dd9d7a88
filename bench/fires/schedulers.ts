// Two scheduler processes beside one: 10,000 hooks due in one second.
import type pg from 'pg';
import { addHooks, connect, latenessOf, removeHooks } from '../harness/crowd.ts';
import { prepareHook } from '../harness/hook.ts';
import { type Bench, figure, type Measure } from '../harness/measure.ts';
import { startServer } from '../harness/server.ts';

const CROWD = 10_000;
const WARM = 3_000;
const AHEAD_MS = 4_000;
const GIVE_UP_MS = 120_000;

export const schedulers: Measure = {
  name: 'schedulers',
  about: `${CROWD} hooks due in one second, with two scheduler processes beside one`,
  take: async (bench) => {
    const one: number[] = [];
    const two: number[] = [];
    // The database is this one's; it schedules nothing.
    await using web = await startServer(bench, bench.stable.newFolder('schedulers'), { args: ['--parts', 'web'] });
    await prepareHook(web);
    const client = await connect(web);
    const withSchedulers = async (count: number, name: string): Promise<number> => {
      // Each is a whole server, so that the bench can tell when it is ready; nobody calls it.
      const running = [];
      for (let n = 0; n < count; n += 1) running.push(await startServer(bench, web.data));
      // Servers that have been at work for a while: their code is compiled and their statements are
      // planned.
      await fireAll(bench, client, `${name}-warm`, WARM);
      const ms = await fireAll(bench, client, name, CROWD);
      for (const server of running) await server.end();
      bench.say(`schedulers: ${CROWD} due at once with ${count}: all within ${Math.round(ms)} ms`);
      return ms;
    };
    try {
      for (let round = 0; round < bench.rounds; round += 1) {
        one.push(await withSchedulers(1, `one${round}`));
        two.push(await withSchedulers(2, `two${round}`));
      }
    } finally {
      await client.end();
    }
    const bar = { of: 'ratio', atMost: 1 } as const;
    return [figure(`schedulers, ${CROWD} due at once: two beside one`, 'ms', two, { reference: one, bar })];
  },
};

/** How long after they were due the last one's task was made, in ms. */
const fireAll = async (bench: Bench, client: pg.Client, name: string, count: number): Promise<number> => {
  const due = Math.ceil((bench.clock.now() + AHEAD_MS) / 1_000) * 1_000;
  await addHooks(client, { count, groups: 10, name, due });
  for (;;) {
    await bench.clock.sleep(250);
    const late = await latenessOf(client, `${name}-_`, due);
    if (late.fires === count) {
      await removeHooks(client, name);
      return late.max;
    }
    if (bench.clock.now() - due > GIVE_UP_MS) throw new Error(`only ${late.fires} of ${count} hooks fired`);
  }
};
