// Schedules: how late a fire is on an idle machine, and how long 10,000 take that are due in the
// same second.
import { addHooks, connect, createTickingHook, latenessOf, removeHooks } from '../harness/crowd.ts';
import { prepareHook } from '../harness/hook.ts';
import { type Figure, figure, type Measure } from '../harness/measure.ts';
import { startServer } from '../harness/server.ts';

const TICKING_HOOKS = 20;
const CROWD = 10_000;
const AHEAD_MS = 4_000;
const GIVE_UP_MS = 120_000;

/** The bars: p99 on an idle machine, and the last of all that are due in one second. */
const MOST_LATENESS_MS = 20;
const MOST_CROWD_MS = 5_000;

export const schedules: Measure = {
  name: 'schedules',
  about: `lateness of ${TICKING_HOOKS} hooks that are due each second, and ${CROWD} hooks due in one second`,
  take: async (bench) => {
    const idle = { p50: [] as number[], p99: [] as number[] };
    const crowd: number[] = [];
    await using server = await startServer(bench, bench.stable.newFolder('schedules'));
    await prepareHook(server);
    const client = await connect(server);
    try {
      for (let n = 0; n < TICKING_HOOKS; n += 1) await createTickingHook(server, `ticking-${n}`);
      await bench.clock.sleep(2_000);
      for (let round = 0; round < bench.rounds; round += 1) {
        const began = bench.clock.now();
        await bench.clock.sleep(bench.seconds * 1_000);
        const late = await latenessOf(client, 'bench', began);
        if (late.fires === 0) throw new Error('no hook fired');
        idle.p50.push(late.p50);
        idle.p99.push(late.p99);
        bench.say(`schedules: idle: ${late.fires} fires, p50 ${late.p50.toFixed(1)} ms, p99 ${late.p99.toFixed(1)} ms`);
      }
      await removeHooks(client, 'none'); // the statement is planned before it is needed
      await client.query(`delete from timers where kind = 'hooks.schedule'`);
      for (let round = 0; round < bench.rounds; round += 1) {
        const due = Math.ceil((bench.clock.now() + AHEAD_MS) / 1_000) * 1_000;
        const name = `crowd${round}`;
        await addHooks(client, { count: CROWD, groups: 10, name, due });
        for (;;) {
          await bench.clock.sleep(250);
          const late = await latenessOf(client, `${name}-%`, due);
          if (late.fires === CROWD) {
            crowd.push(late.max);
            bench.say(
              `schedules: ${CROWD} due at once: all within ${Math.round(late.max)} ms, half within ${Math.round(late.p50)} ms`,
            );
            break;
          }
          if (bench.clock.now() - due > GIVE_UP_MS) throw new Error(`only ${late.fires} of ${CROWD} hooks fired`);
        }
        await removeHooks(client, name);
      }
    } finally {
      await client.end();
    }
    const rows: Figure[] = [
      figure('schedules, idle: lateness p50', 'ms', idle.p50),
      figure('schedules, idle: lateness p99', 'ms', idle.p99, {
        bar: { of: 'value', atMost: MOST_LATENESS_MS },
        note: `${TICKING_HOOKS} hooks due each second`,
      }),
      figure(`schedules, ${CROWD} due at once: all fired`, 'ms', crowd, {
        bar: { of: 'value', atMost: MOST_CROWD_MS },
      }),
    ];
    return rows;
  },
};
