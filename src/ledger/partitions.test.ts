import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freshDatabase } from '../../test/support/database.ts';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { silentLog } from '../core/log.ts';
import type { Database } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { createLedger } from './create-ledger.ts';
import { createRetention } from './retention.ts';
import { allPages, DAY, fire, START } from './test-support/entries.ts';

const listPartitions = statement<{ name: string }>(
  'test.partitions',
  `select relname as name from pg_class where relkind = 'r' and relname like 'ledger\\_%' order by 1`,
);
const partitionsOf = async (database: Database) => (await database.query(listPartitions)).map(({ name }) => name);
const dropNovember = statement('test.drop-november', 'drop table ledger_2026_11');
const detachNovember = statement('test.detach-november', 'alter table ledger detach partition ledger_2026_11');
const readAll = statement<{ n: number }>('test.count-ledger', 'select count(*) as n from ledger');

const monthsOfPayloads = statement<{ name: string }>(
  'test.months-of-payloads',
  `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'payloads'::regclass order by 1`,
);

describe('a month of the ledger', () => {
  it('holds what happened from its first to its last millisecond, leap years and year ends too', async (t) => {
    const database = await freshDatabase(t);
    const ledger = createLedger(database);
    const borders = [Date.UTC(2027, 0, 1), Date.UTC(2028, 2, 1)];
    for (const border of borders) await ledger.write([fire(border - 1), fire(border)]);
    const months = ['ledger_2026_12', 'ledger_2027_01', 'ledger_2028_02', 'ledger_2028_03'];
    assert.deepEqual(await partitionsOf(database), months);
    assert.equal((await allPages(ledger, 1)).length, 4);
    await assert.rejects(ledger.ensureMonths([Number.NaN]), RangeError);
    await assert.rejects(ledger.ensureMonths([8.64e15]), RangeError);
  });

  it('is made once, however many processes want it at once, and while others write', async (t) => {
    const database = await freshDatabase(t, { poolSize: 12 });
    const processes = Array.from({ length: 8 }, () => createLedger(database));
    const writing = processes.flatMap((ledger, n) =>
      [0, 40 * DAY, 80 * DAY].map((later) => ledger.write([fire(START + later, { cause: `c${n}` })])),
    );
    await Promise.all(writing);
    assert.deepEqual(await partitionsOf(database), ['ledger_2026_11', 'ledger_2026_12', 'ledger_2027_02']);
    assert.equal((await database.query(readAll))[0]?.n, 24);
  });

  it('is made while a transaction that read and wrote the ledger is still open', async (t) => {
    const database = await freshDatabase(t);
    const ledger = createLedger(database);
    await database.transaction(async (tx) => {
      await ledger.write([fire(START)], tx);
      await tx.query(readAll);
      await ledger.write([fire(START + 40 * DAY)]); // beside the transaction
    });
    assert.equal((await allPages(ledger, 10)).length, 2);
  });

  it('that is there already costs a transaction no second connection', async (t) => {
    const database = await freshDatabase(t, { poolSize: 1 });
    await createLedger(database).ensureMonths([START]);
    const another = createLedger(database); // which does not know it
    await database.transaction((tx) => another.write([fire(START)], tx));
    assert.equal((await allPages(another, 10)).length, 1);
  });

  it('that somebody dropped is made again by who writes to it', async (t) => {
    const database = await freshDatabase(t);
    const ledger = createLedger(database);
    await ledger.write([fire(START)]);
    await database.query(dropNovember);
    await ledger.write([fire(START)]);
    await database.query(dropNovember);
    const write = () => database.transaction((tx) => ledger.write([fire(START)], tx));
    await assert.rejects(write, /no partition/, 'a transaction cannot go on');
    await write();
    assert.equal((await allPages(ledger, 10)).length, 1);
  });

  it('that was found detached is attached again with what it holds', async (t) => {
    const database = await freshDatabase(t);
    await createLedger(database).write([fire(START)]);
    await database.query(detachNovember);
    const ledger = createLedger(database);
    await ledger.write([fire(START)]);
    assert.equal((await allPages(ledger, 10)).length, 2);
  });
});

describe('retention', () => {
  it('drops the months that are wholly past it, and no other', async (t) => {
    const database = await freshDatabase(t);
    const ledger = createLedger(database);
    await ledger.ensureMonths([Date.UTC(2026, 8), Date.UTC(2026, 9), START]);
    assert.deepEqual(await ledger.dropMonthsBefore(Date.UTC(2026, 9, 1) - 1), []);
    assert.deepEqual(await ledger.dropMonthsBefore(Date.UTC(2026, 9, 1)), ['ledger_2026_09']);
    assert.deepEqual(await partitionsOf(database), ['ledger_2026_10', 'ledger_2026_11']);
    await ledger.write([fire(Date.UTC(2026, 8))]); // the cached month went with the month
  });

  it('also drops a month whose dropping was cut short', async (t) => {
    const database = await freshDatabase(t);
    const ledger = createLedger(database);
    await ledger.write([fire(START)]);
    await database.query(detachNovember);
    assert.deepEqual(await ledger.dropMonthsBefore(START + 40 * DAY), ['ledger_2026_11']);
    assert.deepEqual(await partitionsOf(database), []);
  });

  it('may be cared for by two processes at once, while others write', async (t) => {
    const database = await freshDatabase(t, { poolSize: 12 });
    const ledgers = [createLedger(database), createLedger(database), createLedger(database)] as const;
    const old = Array.from({ length: 6 }, (_, n) => Date.UTC(2026, n));
    await ledgers[0].write(old.map((at) => fire(at)));
    const writing = Array.from({ length: 50 }, (_, n) => ledgers[2].write([fire(START + n)]));
    await Promise.all([...ledgers.map((ledger) => ledger.dropMonthsBefore(START)), ...writing]);
    assert.deepEqual(await partitionsOf(database), ['ledger_2026_11']);
    assert.equal((await database.query(readAll))[0]?.n, 50);
  });

  it('is 400 days unless set, comes daily, and makes the next month in time', async (t) => {
    const database = await freshDatabase(t);
    const ledger = createLedger(database);
    const clock = createFakeClock(START);
    await ledger.ensureMonths([START - 401 * DAY, START - 420 * DAY, START - 460 * DAY]);
    const care = createRetention({ ledger, clock, log: silentLog });
    assert.deepEqual(await care(), { next: START + DAY });
    assert.deepEqual(await partitionsOf(database), ['ledger_2025_10', 'ledger_2026_11', 'ledger_2026_12']);
    await createRetention({ ledger, clock, log: silentLog, retentionDays: 30 })();
    assert.deepEqual(await partitionsOf(database), ['ledger_2026_11', 'ledger_2026_12']);
  });

  it('of payloads is 30 days unless set, and nothing stays where none are kept', async (t) => {
    const database = await freshDatabase(t);
    const ledger = createLedger(database);
    const clock = createFakeClock(START);
    const payload = Buffer.from('sealed');
    const arrivals = [START, START - 21 * DAY, START - 60 * DAY];
    await ledger.write(arrivals.map((arrived) => fire(START, { arrived, payload } as object)));
    const months = async () => (await database.query(monthsOfPayloads)).map(({ name }) => name);
    assert.deepEqual(await months(), ['payloads_2026_09', 'payloads_2026_10', 'payloads_2026_11']);
    await createRetention({ ledger, clock, log: silentLog })();
    assert.deepEqual(await months(), ['payloads_2026_10', 'payloads_2026_11', 'payloads_2026_12']);
    await createRetention({ ledger, clock, log: silentLog, payloadDays: 1 })();
    assert.deepEqual(await months(), ['payloads_2026_11', 'payloads_2026_12']);
    await createRetention({ ledger, clock, log: silentLog, payloadDays: 0 })();
    assert.deepEqual(await months(), ['payloads_2026_12']);
    await ledger.write([fire(START, { arrived: START, payload } as object)]); // the month was dropped behind its back
    assert.equal((await months()).length, 2);
  });

  it('of payloads makes the month again where another process has dropped it, in a transaction too', async (t) => {
    const database = await freshDatabase(t);
    const ledger = createLedger(database);
    const entry = fire(START, { arrived: START, payload: Buffer.from('sealed') } as object);
    await ledger.write([entry]);
    await createLedger(database).payloadMonths.dropMonthsBefore(START + 40 * DAY);
    await ledger.write([entry]);
    await createLedger(database).payloadMonths.dropMonthsBefore(START + 40 * DAY);
    const inTransaction = () => database.transaction((tx) => ledger.write([entry], tx));
    await assert.rejects(inTransaction());
    await inTransaction();
  });
});
