import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Database } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { createRecord, createWorld } from './test-support/world.ts';
import type { DueTimer } from './types.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

const createMarks = statement('test.create-marks', 'create table marks (key text not null)');
const mark = statement('test.mark', 'insert into marks values ($1)');
const listMarks = statement<{ key: string }>('test.marks', 'select key from marks order by key');
const disconnectOthers = statement<unknown>(
  'test.disconnect-others',
  'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
);
const breakMarks = statement('test.break-marks', 'insert into no_such_table values (1)');

/** Which timers were handled, and when. */
const createHandled = () => createRecord<DueTimer & { at: number }>();

describe('a timer', () => {
  it('is handled at its time and not before, with its data, and is then gone', async (t) => {
    const { clock, set, schedule, rows } = await createWorld(t);
    const due = clock.now() + 5 * SECOND;
    await set({ kind: 'a', key: 'k', due, data: { text: 'x\0y' } });
    const record = createHandled();
    await schedule((timers) => {
      timers.handle('a', async (_tx, timer) => ({
        next: 'never',
        afterCommit: () => record.add({ ...timer, at: clock.now() }),
      }));
      return 1;
    });
    await clock.advance(5 * SECOND - 1);
    await clock.asleep();
    assert.equal(record.things.length, 0);
    await clock.advance(1);
    await record.reached(1);
    assert.deepEqual(record.things, [{ kind: 'a', key: 'k', due, data: { text: 'x\0y' }, attempts: 0, at: due }]);
    assert.deepEqual(await rows(), []);
  });

  it('that its handler moves is due again then, with the data that the handler gave', async (t) => {
    const { clock, set, schedule, rows } = await createWorld(t);
    const start = clock.now();
    await set({ kind: 'a', key: 'kept', due: start, data: 1 }, { kind: 'a', key: 'new', due: start, data: 1 });
    const record = createHandled();
    await schedule((timers) => {
      timers.handle('a', async (_tx, timer) => ({
        next: timer.due + HOUR,
        ...(timer.key === 'new' ? { data: (timer.data as number) + 1 } : {}),
        afterCommit: () => record.add({ ...timer, at: clock.now() }),
      }));
      return 1;
    });
    await record.reached(2);
    const [kept, fresh] = await rows();
    assert.deepEqual([kept?.due, kept?.data], [start + HOUR, 1]);
    assert.deepEqual([fresh?.due, fresh?.data], [start + HOUR, 2]);
    await clock.advance(HOUR);
    await record.reached(4);
    assert.equal(record.things.at(-1)?.due, start + HOUR);
  });

  it('set while schedulers sleep wakes them in every process, and one of them handles it', async (t) => {
    const { clock, set, schedule } = await createWorld(t);
    const record = createHandled();
    for (let n = 0; n < 3; n += 1) {
      await schedule((timers) => {
        timers.handle('a', async (_tx, timer) => ({
          next: 'never',
          afterCommit: () => record.add({ ...timer, at: clock.now() }),
        }));
        return 1;
      });
    }
    await set({ kind: 'a', key: 'now', due: clock.now() }); // the clock stands still: only the notification can wake them
    await record.reached(1);
    await clock.asleep(3);
    assert.equal(record.things.length, 1);
  });

  it('does not exist when the transaction that set it was undone', async (t) => {
    const { clock, database, schedule, rows } = await createWorld(t);
    const { timers } = await schedule(() => 0);
    const failing = database.transaction(async (tx) => {
      await timers.set(tx, { kind: 'a', key: 'k', due: clock.now() });
      throw new Error('undone');
    });
    await assert.rejects(failing, /undone/);
    assert.deepEqual(await rows(), []);
  });

  it('can be moved and cancelled before it is due, and of two in one statement the last one counts', async (t) => {
    const { clock, set, schedule, rows, database } = await createWorld(t);
    const now = clock.now();
    await set({ kind: 'a', key: 'k', due: now + 1 }, { kind: 'a', key: 'k', due: now + 2, data: 'last' });
    const [row] = await rows();
    assert.deepEqual([row?.due, row?.data], [now + 2, 'last']);
    await set({ kind: 'a', key: 'k', due: now + 3 });
    assert.equal((await rows())[0]?.due, now + 3);
    const { timers } = await schedule(() => 0);
    assert.equal(await database.transaction((tx) => timers.cancel(tx, { kind: 'a', key: 'k' })), true);
    assert.equal(await database.transaction((tx) => timers.cancel(tx, { kind: 'a', key: 'k' })), false);
  });

  it('of a kind without a handler here is left for a process that has one', async (t) => {
    const { clock, set, schedule, rows } = await createWorld(t);
    await set({ kind: 'known', key: 'k', due: clock.now() }, { kind: 'unknown', key: 'k', due: clock.now() });
    const record = createHandled();
    await schedule((timers) => {
      timers.handle('known', async (_tx, timer) => ({
        next: 'never',
        afterCommit: () => record.add({ ...timer, at: clock.now() }),
      }));
      return 1;
    });
    await clock.advance(HOUR);
    await clock.asleep();
    assert.deepEqual(
      (await rows()).map(({ kind }) => kind),
      ['unknown'],
    );
  });
});

describe('the wall clock', () => {
  it('set backwards makes nothing fire twice', async (t) => {
    const { clock, set, schedule } = await createWorld(t);
    const start = clock.now();
    await set({ kind: 'a', key: 'k', due: start + SECOND });
    const record = createHandled();
    const handlers = (timers: Parameters<Parameters<typeof schedule>[0]>[0]) => {
      timers.handle('a', async (_tx, timer) => ({
        next: timer.due + HOUR,
        afterCommit: () => record.add({ ...timer, at: clock.now() }),
      }));
      return 1;
    };
    await schedule(handlers);
    await schedule(handlers);
    await clock.advance(SECOND);
    await record.reached(1);
    clock.jump(-30 * 60 * SECOND);
    await clock.advance(30 * 60 * SECOND); // the same half hour once more
    await clock.asleep(2);
    assert.equal(record.things.length, 1);
    await clock.advance(HOUR);
    await record.reached(2);
    assert.deepEqual(
      record.things.map(({ due }) => due),
      [start + SECOND, start + SECOND + HOUR],
    );
  });

  it('set forwards by a year makes what became due fire within a second', async (t) => {
    const { clock, set, schedule } = await createWorld(t);
    await set({ kind: 'a', key: 'k', due: clock.now() + YEAR - HOUR });
    const record = createHandled();
    await schedule((timers) => {
      timers.handle('a', async (_tx, timer) => ({
        next: 'never',
        afterCommit: () => record.add({ ...timer, at: clock.now() }),
      }));
      return 1;
    });
    clock.jump(YEAR);
    await clock.advance(SECOND);
    await record.reached(1);
  });
});

describe('a handler that fails', () => {
  it('neither holds up nor undoes the others, and is tried again for the same due time', async (t) => {
    const { clock, database, set, schedule, rows } = await createWorld(t);
    await database.query(createMarks);
    const due = clock.now();
    let isBroken = true;
    const keys = ['a', 'b', 'bad', 'c', 'd', 'e', 'worse'];
    await set(...keys.map((key) => ({ kind: 'a', key, due })));
    const record = createHandled();
    const { metrics } = await schedule((timers) => {
      timers.handleBatch('a', async (tx, claimed) => {
        for (const { key } of claimed) await tx.query(mark, [key]);
        if (isBroken && claimed.some(({ key }) => key === 'bad')) throw new Error('this one is \0 bad');
        if (isBroken && claimed.some(({ key }) => key === 'worse')) await tx.query(breakMarks);
        return claimed.map((timer) => ({
          next: 'never',
          afterCommit: () => record.add({ ...timer, at: clock.now() }),
        }));
      });
      return 1;
    });
    await record.reached(5);
    assert.deepEqual(
      (await database.query(listMarks)).map(({ key }) => key),
      ['a', 'b', 'c', 'd', 'e'],
    );
    const [bad, worse] = await rows();
    assert.deepEqual([bad?.key, bad?.due, bad?.attempts, bad?.last_error], ['bad', due, 1, 'this one is \u{fffd} bad']);
    assert.match(worse?.last_error ?? '', /no_such_table/);
    assert.ok(bad && bad.not_before > due && bad.not_before <= due + SECOND);
    assert.match(await metrics.registry.metrics(), /hookwright_timer_failures_total\{kind="a"\} 2/);

    await clock.advance(SECOND);
    await clock.asleep();
    const again = (await rows())[0];
    assert.equal(again?.attempts, 2);
    assert.ok(again && again.not_before > clock.now());
    isBroken = false;
    await clock.advance(2 * SECOND);
    await record.reached(7);
    assert.deepEqual(
      record.things.slice(5).map((timer) => [timer.due, timer.attempts]),
      [
        [due, 2],
        [due, 2],
      ],
    );
    assert.deepEqual(await rows(), []);
  });

  it('does not hold up other kinds while it does not come back', async (t) => {
    const { clock, set, schedule } = await createWorld(t);
    await set({ kind: 'hangs', key: 'k', due: clock.now() }, { kind: 'works', key: 'k', due: clock.now() });
    const record = createHandled();
    const hanging = Promise.withResolvers<void>();
    await schedule((timers) => {
      timers.handle('hangs', async () => {
        await hanging.promise;
        return { next: 'never' };
      });
      timers.handle('works', async (_tx, timer) => ({
        next: 'never',
        afterCommit: () => record.add({ ...timer, at: clock.now() }),
      }));
      return 1;
    });
    await record.reached(1);
    hanging.resolve();
  });

  it('is one that answers nonsense, too', async (t) => {
    const { clock, set, schedule, rows } = await createWorld(t);
    await set({ kind: 'count', key: 'k', due: clock.now() }, { kind: 'time', key: 'k', due: clock.now() });
    await schedule((timers) => {
      timers.handleBatch('count', async () => []);
      timers.handle('time', async () => ({ next: Number.NaN }));
      return 2;
    });
    const errors = (await rows()).map(({ last_error }) => last_error);
    assert.deepEqual(errors, ['the handler answered 0 of 1 timers', 'a timer cannot be due at NaN']);
  });

  it('after the commit changes nothing about what was committed', async (t) => {
    const { clock, set, schedule, rows } = await createWorld(t);
    await set(...['sync', 'async'].map((key) => ({ kind: 'a', key, due: clock.now() })));
    await schedule((timers) => {
      timers.handle('a', async (_tx, { key }) => ({
        next: 'never',
        afterCommit: () => {
          if (key === 'async') return Promise.reject(new Error('later'));
          throw new Error('at once');
        },
      }));
      return 1;
    });
    assert.deepEqual(await rows(), []);
  });
});

describe('a scheduler', () => {
  it('outlives the loss of its database connections', async (t) => {
    const { clock, database, set, schedule } = await createWorld(t);
    const record = createHandled();
    await schedule((timers) => {
      timers.handle('a', async (_tx, timer) => ({
        next: 'never',
        afterCommit: () => record.add({ ...timer, at: clock.now() }),
      }));
      return 1;
    });
    await database.query(disconnectOthers); // among them the one that listens
    await set({ kind: 'a', key: 'k', due: clock.now() });
    while (record.things.length === 0) {
      await clock.advance(SECOND);
      await clock.asleep();
    }
  });

  it('tries again when the database fails in the middle of a turn, and blames no timer for it', async (t) => {
    const { clock, database, set, schedule } = await createWorld(t);
    let failures = 3;
    const failing: Database = {
      ...database,
      transaction: (work) =>
        database.transaction(async (tx) => {
          const result = await work(tx);
          if (failures-- > 0) throw new Error('Connection terminated unexpectedly');
          return result;
        }),
    };
    await set({ kind: 'a', key: 'k', due: clock.now() });
    const record = createHandled();
    await schedule((timers) => {
      timers.handle('a', async (_tx, timer) => ({
        next: 'never',
        afterCommit: () => record.add({ ...timer, at: clock.now() }),
      }));
      return 1;
    }, failing);
    while (record.things.length === 0) {
      await clock.asleep();
      await clock.advance(SECOND);
    }
    assert.equal(record.things[0]?.attempts, 0);
  });

  it('handles 10,000 due at once in order of due time, with few statements', async (t) => {
    const { clock, database, set, schedule } = await createWorld(t);
    const start = clock.now();
    let statements = 0;
    const counted: Database = {
      ...database,
      query: (one, values) => database.query(one, values),
      transaction: (work) =>
        database.transaction((tx) =>
          work({
            query: (one, values) => {
              statements += 1;
              return tx.query(one, values);
            },
          }),
        ),
    };
    await set(
      ...Array.from({ length: 10_000 }, (_, n) => ({ kind: 'a', key: `k${n}`, due: start + ((n * 7_919) % 1_000) })),
    );
    clock.jump(SECOND);
    const handled: number[] = [];
    const { metrics } = await schedule((timers) => {
      timers.handleBatch('a', async (_tx, claimed) => {
        handled.push(...claimed.map(({ due }) => due));
        return claimed.map(({ due }) => ({ next: due + HOUR }));
      });
      return 1;
    }, counted);
    assert.equal(handled.length, 10_000);
    assert.deepEqual(
      handled,
      handled.toSorted((a, b) => a - b),
    );
    assert.ok(statements <= 60, `${statements} statements`);
    assert.match(await metrics.registry.metrics(), /hookwright_timer_lateness_seconds_count\{kind="a"\} 10000/);
  });

  it('that is told to stop finishes its turn first', async (t) => {
    const { clock, set, schedule, rows } = await createWorld(t);
    await set({ kind: 'slow', key: 'k', due: clock.now() });
    const [entered, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { stop } = await schedule((timers) => {
      timers.handle('slow', async () => {
        entered.resolve();
        await leave.promise;
        return { next: 'never' };
      });
      return 0;
    });
    await entered.promise;
    const stopped = stop();
    leave.resolve();
    await stopped;
    assert.deepEqual(await rows(), []);
  });
});
