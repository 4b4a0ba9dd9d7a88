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

const end = statement<{ id: string }>('test.commit-end', 'insert into ended select unnest($1::text[]) returning id');
const createEnded = statement('test.commit-create', 'create table ended (id text)');
const counts = statement<{ ended: number; tasks: number }>(
  'test.commit-counts',
  'select (select count(*) from ended) as ended, (select count(*) from tasks) as tasks',
);

const start = async (t: TestContext) => {
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
    await tx.query(end, [deliveries.map(({ id }) => id)]);
    return new Set();
  };
  const { beginFires, ledger } = createFiringProcess(database, clock);
  await ledger.ensureMonths([clock.now()]);
  await ledger.payloadMonths.ensureMonths([clock.now()]);
  const rejections = { count: async () => new Set<never>(), handler: async () => [] };
  const commit = createCommitMessages({ database, acknowledge, beginFires, rejections });
  const group = (revision: number, count: number): MessageGroup => ({
    hook: { ...hook, revision } as unknown as CompiledHook,
    messages: Array.from({ length: count }, (_, id) => ({
      delivery: { id: `${revision} ${id}` } as Delivery,
      fire: fireOf(hook, clock),
    })),
    atOnce: true,
  });
  return { trips, commit, group, counts: async () => (await database.query(counts))[0] };
};

describe('the messages of hooks', () => {
  it('take three round trips to the database, with all that follows from them', async (t) => {
    const { trips, commit, group, counts } = await start(t);
    await commit(group(1, 1)); // the statements are prepared
    const before = trips().length;
    assert.equal(await commit(group(1, 50)), 'committed');
    assert.equal(trips().length - before, 3, 'what they are, what follows, the commit');
    assert.deepEqual(await counts(), { ended: 51, tasks: 51 });
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
