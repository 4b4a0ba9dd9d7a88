import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { freshConnection, freshDatabase } from '../../../../test/support/database.ts';
import { startDatabaseProxy } from '../../../../test/support/database-proxy.ts';
import { createFakeClock } from '../../../../test/support/fake-clock.ts';
import { heardAll } from '../../../broker/outbox.ts';
import { newSlugId } from '../../../core/ids.ts';
import { silentLog } from '../../../core/log.ts';
import { openDatabase } from '../../../database/connection.ts';
import { type Piece, statement } from '../../../database/statement.ts';
import type { BeginFires } from '../begin-fires.ts';
import type { Fire, KnownEvent } from '../fire.ts';
import { createFiringProcess, createHook, fireOf } from '../test-support/process.ts';

type Count = { readonly tasks: number; readonly rows: number; readonly payloads: number; readonly messages: number };
const countAll = statement<Count>(
  'test.at-once-counts',
  `select (select count(*) from tasks) as tasks, (select count(*) from ledger where outcome = 'created') as rows,
          (select count(*) from payloads) as payloads, (select count(*) from outbox) as messages`,
);
const listKeys = statement<{ routing_key: string }>('test.at-once-keys', 'select routing_key from outbox order by id');
const edit = statement('test.at-once-edit', 'update hooks set revision = revision + 1');
const remove = statement('test.at-once-remove', 'delete from hooks');
const plans = statement<{ generic_plans: number; custom_plans: number }>(
  'test.at-once-plans',
  `select generic_plans, custom_plans from pg_prepared_statements where name like 'fires.begin-%'
     and generic_plans + custom_plans > 1`,
);
const outcomes = statement<{ outcome: string }>('test.at-once-outcomes', 'select outcome from ledger order by seq');

const PATIENCE_MS = 1_000;
const DEFINED = 'exchange/taskcluster-queue/v1/task-defined';

const known = (key: string): KnownEvent => ({
  ...{ key: Buffer.from(key), bodyHash: Buffer.from('hash') },
  forget: Date.UTC(2027, 0),
});

/** A process with a hook that has fired once, so that connections and months are there. */
const start = async (t: TestContext, heard?: Piece) => {
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  const proxy = await startDatabaseProxy({ after: (work) => undo.defer(work) }, await freshConnection(t));
  const clock = createFakeClock();
  const { connection } = proxy;
  const database = undo.use(openDatabase({ connection, address: 'a test', poolSize: 1, clock, log: silentLog }));
  const hook = await createHook(database, clock);
  const { beginFires, broker } = createFiringProcess(database, clock, heard);
  const begin = (fire: Fire) => beginFires.alone(hook, fire, PATIENCE_MS);
  const newFire = (task?: object, taskId?: string) => fireOf(hook, clock, task, taskId);
  assert.deepEqual(await begin(newFire()), { outcome: 'created' });
  const counts = async () => (await database.query(countAll))[0];
  const bind = (...exchanges: string[]) =>
    database.transaction((tx) =>
      broker.setBindings(
        tx,
        { id: 'a-queue', name: 'a queue' },
        exchanges.map((exchange) => ({ exchange, routingKeyPattern: '#' })),
      ),
    );
  const tripsOf = async (work: () => Promise<unknown>) => {
    const before = proxy.trips().length;
    await work();
    return proxy.trips().slice(before);
  };
  return { database, begin, beginFires, newFire, counts, bind, tripsOf };
};

describe('a fire whose task is plain', () => {
  it('takes one round trip to the database, with its task, its row of the ledger and its payload', async (t) => {
    const { begin, newFire, counts, tripsOf } = await start(t);
    const trips = await tripsOf(() => begin(newFire()));
    assert.equal(trips.length, 1);
    assert.deepEqual(await counts(), { tasks: 2, rows: 2, payloads: 2, messages: 0 });
  });

  it('shares its round trip with those that come at the same time', async (t) => {
    const { begin, newFire, counts, tripsOf } = await start(t);
    const trips = await tripsOf(() => Promise.all(Array.from({ length: 50 }, () => begin(newFire()))));
    assert.equal(trips.length, 1);
    assert.deepEqual(await counts(), { tasks: 51, rows: 51, payloads: 51, messages: 0 });
  });

  it('takes one round trip in a transaction that does more', async (t) => {
    const { database, beginFires, newFire, counts, tripsOf } = await start(t);
    const fires = [newFire(), newFire()];
    const trips = await tripsOf(() =>
      database.transaction((tx) => beginFires.inTransaction(tx, fires, { atOnce: true, leaseOf: 'this process' })),
    );
    assert.equal(trips.length, 2, 'the second one is the commit');
    assert.deepEqual(await counts(), { tasks: 3, rows: 3, payloads: 3, messages: 0 });
  });

  it('is planned once, not for each fire', async (t) => {
    const { database, begin, newFire, bind } = await start(t);
    for (const bound of ['', DEFINED]) {
      if (bound) await bind(bound);
      for (let count = 0; count < 20; count += 1) await begin(newFire());
      for (let count = 0; count < 20; count += 1) await begin({ ...newFire(), known: known(`${bound}${count}`) });
      for (let count = 0; count < 3; count += 1) await Promise.all(Array.from({ length: 30 }, () => begin(newFire())));
    }
    for (const planned of await database.query(plans)) {
      assert.ok(planned.custom_plans <= 5 && planned.generic_plans >= 15, JSON.stringify(planned));
    }
  });

  it('takes one round trip also when its event may come again, and a copy does nothing', async (t) => {
    const { begin, newFire, counts, tripsOf } = await start(t);
    const first = { ...newFire(), known: known('first') };
    const second = { ...newFire(), known: known('second') };
    const begun = async (...fires: Fire[]) => (await Promise.all(fires.map(begin))).map(({ outcome }) => outcome);
    assert.equal((await tripsOf(() => begin(first))).length, 1);
    const copies = [{ ...newFire(), known: first.known }, newFire(), second, { ...newFire(), known: first.known }];
    assert.deepEqual(await begun(...copies), ['changed', 'created', 'created', 'changed']);
    const third = { ...newFire(), known: known('third') };
    assert.deepEqual((await begun(third, { ...newFire(), known: third.known }, newFire())).sort(), [
      ...['changed', 'created', 'created'],
    ]);
    assert.deepEqual(await counts(), { tasks: 6, rows: 6, payloads: 6, messages: 0 });
  });

  it('is made once of all copies of its event that come at once, in whichever process', async (t) => {
    const clock = createFakeClock();
    const database = await freshDatabase(t, { poolSize: 8 });
    const hook = await createHook(database, clock);
    const processes = [0, 1, 2].map(() => createFiringProcess(database, clock).beginFires);
    const EVENTS = 60;
    for (let event = 0; event < EVENTS; event += 1) {
      const copy = async (beginFires: BeginFires) => {
        const fire = { ...fireOf(hook, clock), known: known(`${event}`) };
        return (await beginFires.alone(hook, fire, PATIENCE_MS)).outcome;
      };
      assert.deepEqual((await Promise.all(processes.map(copy))).sort(), ['changed', 'changed', 'created']);
    }
    const [counted] = await database.query(countAll);
    assert.deepEqual(counted, { tasks: EVENTS, rows: EVENTS, payloads: EVENTS, messages: 0 });
  });

  it('does nothing when its hook has changed, or is gone', async (t) => {
    const { database, begin, newFire, counts } = await start(t);
    const before = await counts();
    await database.query(edit);
    assert.deepEqual(await begin(newFire()), { outcome: 'changed' });
    await database.query(remove);
    assert.deepEqual(await begin(newFire()), { outcome: 'changed' });
    assert.deepEqual(await counts(), before);
  });

  it('is told to whoever is bound, from the first one on that begins after the binding', async (t) => {
    const { database, begin, newFire, bind, tripsOf } = await start(t);
    await bind(DEFINED);
    const fires = [newFire(), newFire(), newFire()];
    for (const fire of fires.slice(0, 2)) assert.deepEqual(await begin(fire), { outcome: 'created' });
    assert.equal((await tripsOf(() => begin(fires[2] as Fire))).length, 1);
    const keys = (await database.query(listKeys)).map(({ routing_key }) => routing_key.split('.')[1]);
    assert.deepEqual(
      keys,
      fires.map(({ taskId }) => taskId),
    );
    await bind();
    await begin(newFire());
    assert.equal((await database.query(listKeys)).length, 3);
  });

  it('is told of where nobody can tell who is bound', async (t) => {
    const { database, begin, newFire, tripsOf } = await start(t, heardAll);
    const fire = newFire();
    assert.equal((await tripsOf(() => begin(fire))).length, 1);
    const keys = (await database.query(listKeys)).map(({ routing_key }) => routing_key);
    const about = keys.filter((key) => key.includes(fire.taskId)).map((key) => key.split('.')[2]);
    assert.deepEqual(about, ['_', '0'], 'defined, and then pending');
  });

  it('that is begun again has one task and one row', async (t) => {
    const { begin, newFire, counts } = await start(t);
    const fire = newFire();
    assert.deepEqual(await begin(fire), { outcome: 'created' });
    assert.deepEqual(await begin(fire), { outcome: 'created' });
    assert.deepEqual(await counts(), { tasks: 2, rows: 2, payloads: 2, messages: 0 });
  });

  it('whose taskId is in use by another task fails, and the others of its commit do not', async (t) => {
    const { database, begin, newFire } = await start(t);
    const taskId = newSlugId();
    await begin(newFire({}, taskId));
    const fires = [newFire(), newFire({ payload: { another: true } }, taskId), newFire()];
    const ends = await Promise.all(fires.map(begin));
    assert.deepEqual(
      ends.map(({ outcome }) => outcome),
      ['created', 'failed', 'created'],
    );
    const all = (await database.query(outcomes)).map(({ outcome }) => outcome);
    assert.deepEqual(all, ['created', 'created', 'created', 'created', 'failed']);
  });
});

describe('a fire whose task is not plain', () => {
  it('has its dependencies, its group and its near deadline looked at', async (t) => {
    const { begin, newFire, counts } = await start(t);
    const first = newFire();
    await begin(first);
    const deadline = new Date(first.arrived + 60_000).toISOString();
    for (const special of [{ dependencies: [first.taskId] }, { taskGroupId: first.taskId }, { deadline }]) {
      assert.deepEqual(await begin(newFire(special)), { outcome: 'created' });
    }
    assert.equal((await begin(newFire({ dependencies: [newSlugId()] }))).outcome, 'failed');
    assert.equal((await counts())?.tasks, 5);
  });
});
