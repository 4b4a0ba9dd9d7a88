import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { freshConnection } from '../../../test/support/database.ts';
import { startDatabaseProxy } from '../../../test/support/database-proxy.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import type { Broker, Delivery } from '../../broker/broker.ts';
import { silentLog } from '../../core/log.ts';
import { openDatabase } from '../../database/connection.ts';
import { statement } from '../../database/statement.ts';
import type { CompiledHook } from '../evaluation/evaluator.ts';
import { createFiringProcess, createHook, fireOf } from '../firing/test-support/process.ts';
import { createCommitMessages, type MessageGroup } from './commit-messages.ts';

const end = statement<{ id: string }>(
  'test.commit-end',
  'insert into ended select unnest($1::text[]) on conflict do nothing returning id',
);
const createEnded = statement('test.commit-create', 'create table ended (id text primary key)');
const counts = statement<{ ended: number; tasks: number }>(
  'test.commit-counts',
  'select (select count(*) from ended) as ended, (select count(*) from tasks) as tasks',
);

/** `isPlain`: the broker ends all deliveries in the statement of their fires. */
const start = async (t: TestContext, { isPlain = true } = {}) => {
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  const { connection, trips } = await startDatabaseProxy(
    { after: (work) => undo.defer(work) },
    await freshConnection(t),
  );
  const clock = createFakeClock();
  const database = undo.use(openDatabase({ connection, address: 'a test', poolSize: 1, clock, log: silentLog }));
  const hook = await createHook(database, clock);
  await database.query(createEnded);
  const acknowledge: Broker['acknowledge'] = async (tx, deliveries) => {
    const ended = new Set((await tx.query(end, [deliveries.map(({ id }) => id)])).map(({ id }) => id));
    return new Set(deliveries.filter(({ id }) => !ended.has(id)));
  };
  const { beginFires, ledger } = createFiringProcess(database, clock);
  await ledger.ensureMonths([clock.now()]);
  await ledger.payloadMonths.ensureMonths([clock.now()]);
  const rejections = { count: async () => new Set<never>(), handler: async () => [] };
  const endings: Broker['endings'] = {
    piece: {
      ...{ name: 'test_ended', parameters: 1 },
      text: (first) =>
        `over as (insert into ended select unnest($${first}::text[]) on conflict do nothing returning id)`,
      isWhole: (first) => `(select count(*) from over) = cardinality($${first}::text[])`,
    },
    values: (deliveries) => (isPlain ? [deliveries.map(({ id }) => id)] : undefined),
  };
  const commit = createCommitMessages({ database, acknowledge, endings, beginFires, rejections, log: silentLog });
  let id = 0;
  const group = (revision: number, count: number): MessageGroup => ({
    hook: { ...hook, revision } as unknown as CompiledHook,
    messages: Array.from({ length: count }, () => ({
      delivery: { id: `${id++}` } as Delivery,
      fire: fireOf(hook, clock),
    })),
    atOnce: true,
  });
  return { trips, commit, group, counts: async () => (await database.query(counts))[0] };
};

describe('the messages of hooks', () => {
  it('take one round trip to the database, with all that follows from them', async (t) => {
    const { trips, commit, group, counts } = await start(t);
    await commit(group(1, 1)); // the statement is prepared
    const before = trips().length;
    assert.equal(await commit(group(1, 50)), 'committed');
    assert.equal(trips().length - before, 1);
    assert.deepEqual(await counts(), { ended: 51, tasks: 51 });
  });

  it('take three where the broker knows more than a statement can', async (t) => {
    const { trips, commit, group, counts } = await start(t, { isPlain: false });
    await commit(group(1, 1)); // the statements are prepared
    const before = trips().length;
    assert.equal(await commit(group(1, 50)), 'committed');
    assert.equal(trips().length - before, 3, 'what they are, what follows, the commit');
    assert.deepEqual(await counts(), { ended: 51, tasks: 51 });
  });

  it('that have ended before fire nothing again, and the others of their commit fire', async (t) => {
    const { commit, group, counts } = await start(t);
    const [first, second] = [group(1, 3), group(1, 2)];
    assert.equal(await commit(first), 'committed');
    const messages = [...first.messages, ...second.messages];
    assert.equal(await commit({ ...second, messages }), 'committed');
    assert.deepEqual(await counts(), { ended: 5, tasks: 5 });
  });

  it('are committed without those of a hook that has changed', async (t) => {
    const { commit, group, counts } = await start(t);
    assert.deepEqual(await Promise.all([commit(group(7, 2)), commit(group(1, 3)), commit(group(8, 4))]), [
      'stale',
      'committed',
      'stale',
    ]);
    assert.deepEqual(await counts(), { ended: 3, tasks: 3 });
  });
});
