import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../test/support/wait.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { measurePool } from '../../database/pool-metrics.ts';
import { UNAVAILABLE } from '../test-support/fake-queue.ts';
import { createWorld, ME, POOL_SIZE, scheduledHook } from '../test-support/world.ts';
import { createBacklogGauges } from './backlog-gauges.ts';

const SECOND = 1_000;
const MINUTE = 60_000;

test('what waits in the database is counted now and then, and told from what is late', async (t) => {
  const { database, clock, queue, startServer } = await createWorld(t);
  const server = await startServer();
  for (const hookId of ['a', 'b']) await server.changes.create(scheduledHook(['0 * * * * *'], { hookId }), ME);
  const metrics = createMetrics();
  const { countOverdue } = server.timers;
  const look = createBacklogGauges({ database, countOverdue, clock, log: silentLog, metrics });
  const ending = new AbortController();
  const run = look(ending.signal);
  t.after(async () => {
    ending.abort();
    await run;
  });
  const shows = (what: string, figures: Readonly<Record<string, number>>, passMs = 0) =>
    eventually(what, async () => {
      await clock.advance(passMs);
      const text = await metrics.registry.metrics();
      return Object.entries(figures).every(([name, value]) => text.includes(`\n${name} ${value}\n`));
    });
  const [all, overdue] = ['hookwright_fires_unfinished{which="all"}', 'hookwright_fires_unfinished{which="overdue"}'];
  const late = 'hookwright_timers_overdue{kind="hooks.schedule"}';
  await shows('nothing waits', { [all]: 0, [overdue]: 0, [late]: 0, hookwright_fires_overdue_seconds: 0 });

  queue.behave(() => UNAVAILABLE);
  await clock.advance(MINUTE);
  await eventually('both are tried', () => queue.asked.things.length >= 2);
  await server.runner.whenIdle();
  await server.stop(); // from here on nobody does anything
  await shows('both are late', { [all]: 2, [overdue]: 2 }, SECOND);
  await shows('so are the schedules', { [all]: 2, [late]: 2 }, SECOND);
});

test('the use of the connections to the database is shown at each scrape', async (t) => {
  const { database } = await createWorld(t);
  const metrics = createMetrics();
  measurePool(database, metrics);
  const line = (state: string, count: number) => `hookwright_database_connections{state="${state}"} ${count}`;
  const [entered, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let inside = 0;
  const holding = Array.from({ length: POOL_SIZE + 3 }, () =>
    database.transaction(async () => {
      inside += 1;
      if (inside === POOL_SIZE) entered.resolve();
      await leave.promise;
    }),
  );
  await entered.promise;
  const text = await metrics.registry.metrics();
  for (const each of [line('busy', POOL_SIZE), line('idle', 0), line('waiting', 3)])
    assert.ok(text.includes(each), text);
  leave.resolve();
  await Promise.all(holding);
  assert.ok((await metrics.registry.metrics()).includes(line('waiting', 0)));
});
