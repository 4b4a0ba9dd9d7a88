import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../test/support/test-length.ts';
import type { Database } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { createWorld, type World } from './test-support/world.ts';

// Timers against what they ought to do, written down in the simplest way: a plain map.

const SCHEDULERS = 3;

type Plan = { due: number; every: number };

type Operation =
  | { readonly do: 'set'; readonly key: string; readonly in: number; readonly every: number }
  | { readonly do: 'set and undo'; readonly key: string; readonly in: number }
  | { readonly do: 'cancel'; readonly key: string }
  | { readonly do: 'pass' | 'jump'; readonly ms: number }
  | { readonly do: Trouble };

/** What befalls the next turn that any scheduler takes. */
type Trouble = 'handler fails' | 'crash before the commit' | 'crash after the commit';

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      key,
      in: fc.integer({ min: -5_000, max: 90_000 }),
      every: fc.constantFrom(0, 20_000, 45_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('set and undo' as const), key, in: fc.integer({ min: 0, max: 60_000 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), key }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 60_000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.integer({ min: -90_000, max: 90_000 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom<Trouble>('handler fails', 'crash before the commit', 'crash after the commit'),
    }),
  },
);

const createHandled = statement(
  'test.create-handled',
  'create table handled (key text not null, due timestamptz not null)',
);
const addHandled = statement('test.add-handled', 'insert into handled values ($1, $2)');
const listHandled = statement<{ key: string; due: number }>(
  'test.handled',
  'select key, due from handled order by due, key',
);
const clearHandled = statement('test.clear-handled', 'truncate handled, timers');

const isoOf = (ms: number) => new Date(ms).toISOString();

describe('timers, whatever happens to them', () => {
  it('are handled once for each due time', async (t) => {
    const world = await createWorld(t);
    const { database } = world;
    await database.query(createHandled);
    const troubles: Trouble[] = [];
    const takeTrouble = (...which: Trouble[]) => {
      const found = troubles.findIndex((trouble) => which.includes(trouble));
      return found === -1 ? undefined : troubles.splice(found, 1)[0];
    };
    for (let n = 0; n < SCHEDULERS; n += 1) {
      await world.schedule(
        (timers) => {
          timers.handle('test', async (tx, timer) => {
            await tx.query(addHandled, [timer.key, isoOf(timer.due)]);
            if (takeTrouble('handler fails')) throw new Error('the handler fails');
            const every = timer.data as number;
            return { next: every > 0 ? timer.due + every : 'never' };
          });
          return 1;
        },
        crashing(database, takeTrouble),
      );
    }
    const run = async (operations: readonly Operation[]) => {
      await database.query(clearHandled);
      troubles.length = 0;
      await compareWithOracle(world, operations, troubles);
    };
    await fc.assert(fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 30 }), run), {
      numRuns: roundsOf(25),
    });
  });

  it('are either cancelled or handled when both happen at once', async (t) => {
    const world = await createWorld(t);
    const { database, clock } = world;
    const handled = new Set<string>();
    let timers: Awaited<ReturnType<World['schedule']>>['timers'] | undefined;
    for (let n = 0; n < SCHEDULERS; n += 1) {
      const scheduler = await world.schedule((own) => {
        const most = 3; // small turns, so that there are many to collide with
        own.handleBatch(
          'race',
          async (_tx, due) => due.map((timer) => ({ next: 'never', afterCommit: () => void handled.add(timer.key) })),
          most,
        );
        return 1;
      });
      timers = scheduler.timers;
    }
    const keys = Array.from({ length: 100 }, (_, n) => `k${n}`);
    await world.set(...keys.map((one) => ({ kind: 'race', key: one, due: clock.now() + 1_000 })));
    const cancelling = keys.map((one) =>
      database.transaction(async (tx) => timers?.cancel(tx, { kind: 'race', key: one })),
    );
    await clock.advance(1_000);
    const cancelled = await Promise.all(cancelling);
    while ((await world.rows()).length > 0) await clock.advance(1_000);
    await clock.asleep(SCHEDULERS);
    keys.forEach((one, index) => {
      assert.equal(handled.has(one), !cancelled[index], one);
    });
  });
});

/** The database as a process sees it that dies, or loses its connection, around a commit. */
const crashing = (database: Database, takeTrouble: (...which: Trouble[]) => Trouble | undefined): Database => ({
  ...database,
  transaction: async (work) => {
    let trouble: Trouble | undefined;
    const result = await database.transaction(async (tx) => {
      const inside = await work(tx);
      trouble = takeTrouble('crash before the commit', 'crash after the commit');
      if (trouble === 'crash before the commit') throw new Error(trouble);
      return inside;
    });
    if (trouble) throw new Error(trouble);
    return result;
  },
});

const compareWithOracle = async (world: World, operations: readonly Operation[], troubles: Trouble[]) => {
  const { clock, database } = world;
  const plans = new Map<string, Plan>();
  const expected: { key: string; due: number }[] = [];

  const passInOracle = () => {
    for (const [name, plan] of plans) {
      for (; plan.due <= clock.now() && plans.has(name); plan.due += plan.every) {
        expected.push({ key: name, due: plan.due });
        if (plan.every === 0) plans.delete(name);
      }
    }
  };

  const handleDue = async () => {
    for (let tried = 0; ; tried += 1) {
      const overdue = (await world.rows()).filter(({ due }) => due <= clock.now());
      if (overdue.length === 0) return passInOracle();
      assert.ok(tried < 2_000, `never handled: ${JSON.stringify(overdue)}`);
      if (clock.sleepers() === SCHEDULERS) await clock.advance(250); // they wait for time to pass: after a failure, or for a row
    }
  };

  for (const one of operations) {
    if (one.do === 'set') {
      const due = clock.now() + one.in;
      await world.set({ kind: 'test', key: one.key, due, data: one.every });
      plans.set(one.key, { due, every: one.every });
    } else if (one.do === 'set and undo') {
      const undone = world.set({ kind: 'test', key: one.key, due: clock.now() + one.in, data: {} }, unstorable);
      await assert.rejects(undone);
    } else if (one.do === 'cancel') {
      await database.query(cancelTimer, [one.key]);
      plans.delete(one.key);
    } else if (one.do === 'pass') {
      await clock.advance(one.ms);
    } else if (one.do === 'jump') {
      clock.jump(one.ms);
    } else {
      troubles.push(one.do);
    }
    await handleDue();
  }
  const inOrder = expected.toSorted((a, b) => a.due - b.due || (a.key < b.key ? -1 : 1));
  assert.deepEqual(await database.query(listHandled), inOrder);
  const left = (await world.rows()).map(({ key: name, due }) => [name, due]);
  assert.deepEqual(left, [...plans].map(([name, { due }]) => [name, due]).toSorted());
};

const cancelTimer = statement('test.cancel', `delete from timers where kind = 'test' and key = $1`);
const unstorable = { kind: 'test', key: 'text in PostgreSQL holds no \0', due: 0 };
