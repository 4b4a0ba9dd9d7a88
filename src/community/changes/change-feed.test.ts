// Changes are told once and in order, however large they are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { eventually, lastFirst } from '../../../test/support/wait.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { statement } from '../../database/statement.ts';
import type { Change } from './change.ts';
import { createChangeFeed } from './change-feed.ts';
import { recordChanges } from './record-changes.ts';

const lose = statement(
  'test.lose-changes',
  `with lost as (delete from community_changes returning id) select pg_notify('community_changes', min(id)::text) from lost`,
);

test('all changes come in the order of their commits, and at once no more than a few megabytes', async (t) => {
  const database = await freshDatabase(t);
  const told: Change[] = [];
  const state = { largest: 0, gaps: 0 };
  const feed = createChangeFeed({
    ...{ clock: createFakeClock(), database, log: silentLog, metrics: createMetrics() },
    onChanges: async (changes) => {
      state.largest = Math.max(state.largest, JSON.stringify(changes).length);
      told.push(...changes);
    },
    onGap: () => {
      state.gaps += 1;
    },
  });
  const ending = new AbortController();
  const running = feed.run(ending.signal);
  lastFirst(t).after(async () => {
    ending.abort();
    await running;
  });
  await feed.isOpen;
  const flags = Array.from({ length: 30 }, (_, n) => `~zod/${n}-${'x'.repeat(n % 3 === 0 ? 1_500_000 : 10)}`);
  await database.transaction(async (tx) => {
    for (const flag of flags) await recordChanges(tx, [{ kind: 'group', flag }]);
  });
  await eventually('all are told', () => told.length === flags.length);
  assert.deepEqual(
    told,
    flags.map((flag) => ({ kind: 'group', flag })),
  );
  assert.ok(state.largest < 5_000_000, `${state.largest} at once`);
  assert.equal(state.gaps, 0);
  await database.query(lose, []);
  await eventually('the loss is noticed', () => state.gaps === 1);
});
