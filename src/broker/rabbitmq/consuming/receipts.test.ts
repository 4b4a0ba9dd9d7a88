import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Cleanup, freshDatabase } from '../../../../test/support/database.ts';
import { createFakeClock } from '../../../../test/support/fake-clock.ts';
import { eventually } from '../../../../test/support/wait.ts';
import { type Clock, systemClock as clock } from '../../../core/clock.ts';
import { newUuid } from '../../../core/ids.ts';
import { silentLog } from '../../../core/log.ts';
import type { Database, Queryable } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import { createReceiptCleanup } from './receipt-cleanup.ts';
import {
  dropEarlierReceipts,
  holdQueues,
  type Received,
  receivedPiece,
  receivedValues,
  writeReceipts,
} from './receipts.ts';

const RUN = newUuid();
const EQUAL = Buffer.alloc(20, 1);

const countReceipts = statement<{ count: number }>(
  'test.count-receipts',
  'select count(*) as count from amqp_receipts',
);

/** Equal messages without an id, as one reading gets them. */
const equalOnes = (reading: string, numbers: readonly number[], isRedelivered = false): Received[] =>
  numbers.map((number) => ({ reading, number, queue: 'one', hash: EQUAL, isIdentified: false, isRedelivered }));

const write = (database: Database, received: readonly Received[]) =>
  database.transaction((tx) => writeReceipts(tx, received, RUN, clock.now()));

/** Fails for the first so many statements. */
const failing = (database: Database, times: number): Database => {
  let left = times;
  const query: Queryable['query'] = async (...args) => {
    if (left === 0) return database.query(...args);
    left -= 1;
    throw new Error('the database is away');
  };
  return { ...database, query };
};

const cleanupOn = (t: Cleanup, database: Database, on: Clock = clock) => {
  const cleanup = createReceiptCleanup({ database, clock: on, log: silentLog });
  cleanup.begin(RUN);
  const ending = new AbortController();
  const running = cleanup.run(ending.signal);
  t.after(async () => {
    ending.abort();
    await running;
  });
  return cleanup;
};

const receive = statement<{ whole: boolean }>(
  'test.receive',
  `with ${receivedPiece.text(1)} select ${receivedPiece.isWhole(1)} as whole`,
);

describe('receipts', () => {
  it('are written by a larger statement, which knows whether all is as it should be', async (t) => {
    const database = await freshDatabase(t);
    const [first, second] = [newUuid(), newUuid()];
    const hold = (reading: string, isTaken: boolean) => ({ queue: 'one', reading, isTaken });
    const taken = (reading: string) => database.transaction((tx) => holdQueues(tx, [hold(reading, false)]));
    const received = async (reading: string, messages: readonly Received[]) => {
      const values = receivedValues([hold(reading, true)], messages, RUN, clock.now());
      return values && (await database.query(receive, values))[0]?.whole;
    };
    await taken(first);
    assert.equal(await received(first, equalOnes(first, [1, 2])), true);
    assert.equal(await received(first, equalOnes(first, [2, 3])), false, 'one is there');
    const named = (reading: string) => equalOnes(reading, [4]).map((one) => ({ ...one, isIdentified: true }));
    assert.equal(await received(first, named(first)), true);
    await taken(second);
    assert.equal(await received(first, equalOnes(first, [5])), false, 'another has the queue');
    assert.equal(await received(second, named(second)), false, 'its message is known');
    assert.equal(await received(second, equalOnes(second, [6], true)), undefined, 'it may be known');
    assert.equal(receivedValues([hold(second, false)], equalOnes(second, [7]), RUN, clock.now()), undefined);
  });

  it('answer for redeliveries that are taken in again after a part of them was stored', async (t) => {
    const database = await freshDatabase(t);
    await write(database, equalOnes(newUuid(), [1, 2, 3, 4]));
    const again = equalOnes(newUuid(), [1, 2, 3, 4, 5], true);
    assert.equal((await write(database, again.slice(0, 2))).size, 2);
    const over = await write(database, again);
    assert.deepEqual(
      [...over].map(({ number }) => number),
      [1, 2, 3, 4],
    );
  });

  it('stay when the reading before is late to say that it needs no others', async (t) => {
    const database = await freshDatabase(t);
    const [before, after] = [newUuid(), newUuid()];
    const hold = (reading: string) =>
      database.transaction((tx) => holdQueues(tx, [{ queue: 'one', reading, isTaken: false }]));
    await hold(before);
    await hold(after);
    await write(database, equalOnes(after, [1]));
    await dropEarlierReceipts(database, [{ queue: 'one', reading: before }]);
    assert.equal((await write(database, equalOnes(newUuid(), [1], true))).size, 1);
  });

  it('go when RabbitMQ has forgotten their messages, though the database was away when it did', async (t) => {
    const database = await freshDatabase(t);
    const received = equalOnes(newUuid(), [1, 2]);
    await write(database, received);
    await cleanupOn(t, failing(database, 2)).add(received);
    await eventually('they are gone', async () => (await database.query(countReceipts))[0]?.count === 0);
    assert.equal((await write(database, equalOnes(newUuid(), [1, 2], true))).size, 0);
  });

  it('answer for what RabbitMQ brings back when it was killed, however long it was away', async (t) => {
    const database = await freshDatabase(t);
    const time = createFakeClock();
    let turns = 0;
    const counting: Database = {
      ...database,
      query: async (asked, ...values) => {
        const rows = await database.query(asked, ...values);
        if (asked.name === 'receipts.drop-old') turns += 1; // the last thing of a turn, every 10 s
        return rows;
      },
    };
    const cleanup = cleanupOn(t, counting, time);
    const turn = async () => {
      const before = turns;
      await time.advance(11_000);
      await eventually('a turn was taken', () => turns > before);
    };
    const received = equalOnes(newUuid(), [1, 2]);
    await write(database, received);
    await cleanup.add(received);
    cleanup.pause();
    await turn();
    const afterwards = newUuid();
    cleanup.begin(afterwards);
    await turn();
    const again = equalOnes(newUuid(), [1, 2], true);
    const over = await database.transaction((tx) => writeReceipts(tx, again, afterwards, clock.now()));
    assert.equal(over.size, 2);
  });
});
