import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { freshDatabase } from '../../test/support/database.ts';
import { createRecord } from '../timers/test-support/world.ts';
import type { Database, Transaction } from './database.ts';
import { statement } from './statement.ts';

const createNumbers = statement('test.create-numbers', 'create table numbers (key text primary key, n integer)');
const insertNumber = statement('test.insert-number', 'insert into numbers values ($1, $2)');
const addTo = statement('test.add-to', 'update numbers set n = n + 1 where key = $1');
const listNumbers = statement<{ key: string; n: number }>('test.numbers', 'select * from numbers order by key');
const sumNumbers = statement<{ sum: number }>('test.sum', 'select sum(n)::integer as sum from numbers');
const serializable = statement('test.serializable', 'set transaction isolation level serializable');
const pidOf = statement<{ pid: number }>('test.pid', 'select pg_backend_pid() as pid');
const terminate = statement('test.terminate', 'select pg_terminate_backend($1)');
const terminateListeners = statement<unknown>(
  'test.terminate-listeners',
  `select pg_terminate_backend(pid) from pg_stat_activity
   where datname = current_database() and (query ilike 'listen %' or query = 'select 1')`,
);
const createTries = statement('test.create-tries', 'create sequence tries');
// A sequence counts also what is undone.
const createStumble = statement(
  'test.create-stumble',
  `create function stumble(times integer) returns integer language plpgsql as $$
   declare tried integer := nextval('tries');
   begin
     if tried <= times then raise exception 'in the way' using errcode = '40P01'; end if;
     return tried;
   end $$`,
);
const stumble = statement<{ tries: number }>('test.stumble', 'select stumble($1) as tries');
const notify = statement<unknown>('test.notify', 'select pg_notify($1, $2)');
const inTransaction = statement<{ started: boolean }>(
  'test.in-transaction',
  `select count(*) > 0 as started from pg_stat_activity
   where datname = current_database() and state like 'idle in transaction%'`,
);

const databaseWithNumbers = async (t: TestContext): Promise<Database> => {
  const database = await freshDatabase(t);
  await database.query(createNumbers);
  await database.query(insertNumber, ['a', 1]);
  await database.query(insertNumber, ['b', 1]);
  return database;
};

/** Lets the first `count` of those who come wait for each other; later ones pass. */
const createMeeting = (count: number) => {
  let came = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  return () => {
    came += 1;
    if (came === count) resolve();
    return promise;
  };
};

describe('a transaction', () => {
  it('commits when its work resolves, and answers with what it answered', async (t) => {
    const database = await databaseWithNumbers(t);
    const answer = await database.transaction(async (tx) => {
      await tx.query(insertNumber, ['c', 3]);
      return 'done';
    });
    assert.equal(answer, 'done');
    assert.equal((await database.query(listNumbers)).length, 3);
  });

  it('leaves nothing when its work rejects, and passes the error on', async (t) => {
    const database = await databaseWithNumbers(t);
    const trouble = new Error('no');
    const failing = database.transaction(async (tx) => {
      await tx.query(insertNumber, ['c', 3]);
      throw trouble;
    });
    await assert.rejects(failing, trouble);
    assert.equal((await database.query(listNumbers)).length, 2);
    assert.deepEqual(await database.query(inTransaction), [{ started: false }]);
  });

  it('that meets an error of its own making is not tried again', async (t) => {
    const database = await databaseWithNumbers(t);
    let tries = 0;
    const failing = database.transaction(async (tx) => {
      tries += 1;
      await tx.query(insertNumber, ['a', 3]);
    });
    await assert.rejects(failing, { code: '23505' });
    assert.equal(tries, 1);
  });

  it('that another one made unserializable is tried again', async (t) => {
    const database = await databaseWithNumbers(t);
    const meet = createMeeting(2);
    let tries = 0;
    const addSum = (key: string) =>
      database.transaction(async (tx) => {
        tries += 1;
        await tx.query(serializable);
        const [row] = await tx.query(sumNumbers);
        await meet();
        await tx.query(insertNumber, [key, row?.sum]);
      });
    await Promise.all([addSum('c'), addSum('d')]);
    assert.equal(tries, 3);
    const numbers = (await database.query(listNumbers)).map(({ n }) => n).toSorted();
    assert.deepEqual(numbers, [1, 1, 2, 4], 'as if one had come after the other');
  });

  it('of a single statement is tried again, too, three times in all', async (t) => {
    const database = await freshDatabase(t);
    await database.query(createTries);
    await database.query(createStumble);
    await assert.rejects(database.query(stumble, [3]), { code: '40P01' });
    assert.deepEqual(await database.query(stumble, [5]), [{ tries: 6 }]);
  });

  it('that is the victim of a deadlock is tried again', async (t) => {
    const database = await databaseWithNumbers(t);
    const meet = createMeeting(2);
    let tries = 0;
    const addToBoth = (first: string, second: string) =>
      database.transaction(async (tx) => {
        tries += 1;
        await tx.query(addTo, [first]);
        await meet();
        await tx.query(addTo, [second]);
      });
    await Promise.all([addToBoth('a', 'b'), addToBoth('b', 'a')]);
    assert.ok(tries >= 3, `${tries} tries`); // PostgreSQL may choose both of them as victims
    assert.deepEqual(
      (await database.query(listNumbers)).map(({ n }) => n),
      [3, 3],
    );
  });

  it('that always deadlocks fails after three tries', async (t) => {
    const database = await databaseWithNumbers(t);
    let tries = 0;
    const failing = database.transaction(async () => {
      tries += 1;
      throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
    });
    await assert.rejects(failing, /deadlock/);
    assert.equal(tries, 3);
  });

  it('whose statements are sent together fails with the error of the one that failed', async (t) => {
    const database = await databaseWithNumbers(t);
    const deeper = async (work: Promise<unknown>) => void (await work);
    const work = (tx: Transaction) =>
      Promise.all([deeper(deeper(deeper(tx.query(insertNumber, ['a', 2])))), tx.query(listNumbers)]);
    // Both answers have to come in one piece, which is not always so.
    for (let n = 0; n < 50; n += 1) await assert.rejects(database.transaction(work), { code: '23505' });
  });

  it('that has failed takes no statements any more of what still goes on', async (t) => {
    const database = await databaseWithNumbers(t);
    const ended = Promise.withResolvers<void>();
    const late = Promise.withResolvers<unknown>();
    const work = async (tx: Transaction) => {
      const first = tx.query(insertNumber, ['c', 1]);
      first
        .then(() => ended.promise)
        .then(() => tx.query(insertNumber, ['d', 1]))
        .then(late.resolve, late.resolve);
      await Promise.all([first, tx.query(insertNumber, ['a', 2])]);
    };
    await assert.rejects(database.transaction(work), { code: '23505' });
    ended.resolve();
    assert.match(String(await late.promise), /test.insert-number: the transaction is over/);
    assert.deepEqual(
      (await database.query(listNumbers)).map(({ key }) => key),
      ['a', 'b'],
    );
  });

  it('commits right behind what its work has sent, and fails when some of that does', async (t) => {
    const database = await databaseWithNumbers(t);
    const send = (key: string) => database.transaction(async (tx) => ({ sent: tx.query(insertNumber, [key, 2]) }));
    await (await send('c')).sent;
    await assert.rejects(send('a'), { code: '23505' });
    const unheard = database.transaction(async (tx) => {
      await tx.query(insertNumber, ['d', 2]);
      await tx.query(insertNumber, ['a', 2]).catch(() => {});
    });
    await assert.rejects(unheard, { code: '23505' });
    assert.deepEqual(
      (await database.query(listNumbers)).map(({ key }) => key),
      ['a', 'b', 'c'],
    );
  });

  it('whose connection breaks leaves nothing, and the connection is not used again', async (t) => {
    const database = await freshDatabase(t, { poolSize: 1 });
    await database.query(createNumbers);
    let broken = 0;
    const work = async (tx: Transaction) => {
      const [row] = await tx.query(pidOf);
      broken = row?.pid ?? assert.fail();
      await tx.query(insertNumber, ['a', 1]);
      await tx.query(terminate, [broken]);
    };
    await assert.rejects(database.transaction(work));
    assert.deepEqual(await database.query(listNumbers), []);
    const [row] = await database.query(pidOf);
    assert.notEqual(row?.pid, broken);
    assert.deepEqual(await database.query(inTransaction), [{ started: false }]);
  });
});

describe('a value of the database', () => {
  it('that is a time is milliseconds, in any century', async (t) => {
    const database = await freshDatabase(t);
    const echo = statement<{ at: number }>('test.echo-time', 'select $1::timestamptz as at');
    for (const iso of ['2026-11-20T15:29:17.603Z', '1970-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']) {
      assert.deepEqual(await database.query(echo, [iso]), [{ at: Date.parse(iso) }]);
    }
    assert.deepEqual(await database.query(echo, ['2026-11-20T15:29:17+02:00']), [
      { at: Date.parse('2026-11-20T13:29:17Z') },
    ]);
  });

  it('that is a bigint is a number, or an error when it does not fit', async (t) => {
    const database = await freshDatabase(t);
    const echo = statement<{ n: number }>('test.echo-bigint', 'select $1::bigint as n');
    assert.deepEqual(await database.query(echo, ['9007199254740991']), [{ n: Number.MAX_SAFE_INTEGER }]);
    assert.deepEqual(await database.query(echo, ['-1']), [{ n: -1 }]);
    await assert.rejects(database.query(echo, ['9007199254740993']), /does not fit a number/);
  });

  it('that is JSON keeps the order of its keys and its zero bytes', async (t) => {
    const database = await freshDatabase(t);
    const echo = statement<{ value: unknown }>('test.echo-json', 'select $1::json as value');
    const text = '{"b":1,"a":"x\\u0000y","__proto__":1}';
    const [row] = await database.query(echo, [text]);
    assert.equal(JSON.stringify(row?.value), text);
  });
});

describe('who listens', () => {
  const listen = async (t: TestContext) => {
    const database = await freshDatabase(t);
    const heard = createRecord<string>();
    const states = createRecord<'lost' | 'restored'>();
    const listening = await database.listen('news', { onNotification: heard.add, onInterruption: states.add });
    return { database, heard, states, listening };
  };

  it('hears each notification with its payload, in order, and none of other channels', async (t) => {
    const { database, heard } = await listen(t);
    for (const [channel, payload] of [
      ['news', 'one'],
      ['other', 'no'],
      ['news', ''],
      ['news', 'three'],
    ] as const)
      await database.query(notify, [channel, payload]);
    await heard.reached(3);
    assert.deepEqual(heard.things, ['one', '', 'three']);
  });

  it('hears nothing of a transaction that was rolled back', async (t) => {
    const { database, heard } = await listen(t);
    await database
      .transaction(async (tx) => {
        await tx.query(notify, ['news', 'undone']);
        throw new Error('no');
      })
      .catch(() => {});
    await database.query(notify, ['news', 'done']);
    await heard.reached(1);
    assert.deepEqual(heard.things, ['done']);
  });

  it('is told when the connection is lost and when it stands again, and hears on, each time', async (t) => {
    const { database, heard, states } = await listen(t);
    for (let round = 1; round <= 3; round += 1) {
      await database.query(terminateListeners);
      await states.reached(2 * round);
      await database.query(notify, ['news', `round ${round}`]);
      await heard.reached(round);
    }
    assert.deepEqual(states.things, ['lost', 'restored', 'lost', 'restored', 'lost', 'restored']);
    assert.deepEqual(heard.things, ['round 1', 'round 2', 'round 3']);
  });

  it('beside others hears the same, and stops alone', async (t) => {
    const { database, heard, listening } = await listen(t);
    const second = createRecord<string>();
    await database.listen('news', { onNotification: second.add });
    await database.query(notify, ['news', 'both']);
    await Promise.all([heard.reached(1), second.reached(1)]);
    await listening[Symbol.asyncDispose]();
    await database.query(notify, ['news', 'second']);
    await second.reached(2);
    assert.deepEqual(heard.things, ['both']);
    assert.deepEqual(second.things, ['both', 'second']);
  });

  it('cannot choose a channel that is no plain name', async (t) => {
    const database = await freshDatabase(t);
    for (const channel of ['', 'News', 'a; drop table hooks', 'a'.repeat(61)]) {
      await assert.rejects(database.listen(channel, { onNotification: () => {} }), /not a name for a channel/);
    }
  });
});
