// Messages in batches: whatever the batches, redeliveries and failures, each delivery has one fire,
// in order.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../../test/support/test-length.ts';
import { eventually } from '../../../test/support/wait.ts';
import type { Broker, Delivery } from '../../broker/broker.ts';
import { createDatabaseBroker } from '../../broker/in-database/database-broker.ts';
import { newUuid } from '../../core/ids.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Queue } from '../../queue/queue.ts';
import type { EvaluationPool } from '../evaluation/pool.ts';
import { CREATED } from '../test-support/fake-queue.ts';
import { heavy } from '../test-support/heavy-template.ts';
import { createInlinePool } from '../test-support/inline-pool.ts';
import { createWorld, ME, type ServerOptions, scheduledHook } from '../test-support/world.ts';

const ECHO = { said: { $eval: 'payload.n' } };
const ANYTHING = { type: 'object', additionalProperties: true };

const createLog = statement('test.acknowledged', 'create table if not exists acknowledged (id text primary key)');
const acknowledgeAll = statement<{ id: string }>(
  'test.acknowledge',
  'insert into acknowledged select unnest($1::text[]) on conflict do nothing returning id',
);
const clearLedger = statement('test.clear-ledger', 'delete from ledger');
const listAcknowledged = statement<{ id: string }>('test.list-acknowledged', 'select id from acknowledged');
const listFires = statement<{ cause: string; number: number }>(
  'test.fires-in-order',
  `select cause, (task->>'said')::int as number from fires where hook_uid = $1 order by (task->>'said')::int`,
);

/** Ends deliveries as a broker does: by their identity, in the transaction. */
const acknowledge: Broker['acknowledge'] = async (tx, deliveries) => {
  const fresh = new Set((await tx.query(acknowledgeAll, [deliveries.map(({ id }) => id)])).map(({ id }) => id));
  return new Set(deliveries.filter(({ id }) => !fresh.delete(id)));
};

const hookNamed = (hookId: string) =>
  scheduledHook([], {
    hookId,
    task: ECHO,
    triggerSchema: ANYTHING,
    bindings: [{ exchange: 'x', routingKeyPattern: '#' }],
  });

const createReading = async (t: TestContext, hookIds: readonly string[], options: ServerOptions = {}) => {
  const world = await createWorld(t);
  await world.database.query(createLog);
  const server = await world.startServer({ isIdle: true, acknowledge, ...options });
  const uids: string[] = [];
  for (const hookId of hookIds) {
    await server.changes.create(hookNamed(hookId), ME);
    uids.push((await server.hooks.find({ hookGroupId: 'g', hookId }))?.uid ?? assert.fail());
  }
  return { ...world, server, uids };
};

const deliver = (queue: string, n: number): Delivery => ({
  ...{ queue, id: newUuid(), exchange: 'x', routingKey: '', messageId: undefined },
  body: Buffer.from(JSON.stringify({ n })),
  accepted: n,
});

/** A queue in the database that records in which order tasks were made. */
const createTasksTogether = () => {
  const made: { readonly hook: string; readonly number: number }[] = [];
  const createTasksIn: Queue['createTasksIn'] = async (_tx, requests) => {
    for (const { task, authorizedScopes } of requests) {
      made.push({ hook: `${authorizedScopes}`, number: JSON.parse(task).said });
    }
    return requests.map(() => CREATED);
  };
  return { made, createTasksIn };
};

describe('messages in batches', () => {
  it('fire once each and in order, whatever the batches, redeliveries and failures', async (t) => {
    let trouble: () => void = () => {};
    const world = await createReading(t, ['a', 'b'], {});
    const failing: Database = {
      ...world.database,
      transaction: (work) =>
        world.database.transaction(async (tx) => {
          trouble();
          const result = await work(tx);
          trouble();
          return result;
        }),
    };
    const server = await world.startServer({ isIdle: true, acknowledge, database: failing });
    await world.ledger.ensureMonths([world.clock.now()]); // what fails is taking in, not recording
    const MESSAGES = 12;
    const turn = fc.record({
      hook: fc.constantFrom(0, 1),
      // How many come at once, how many of those before them come again, and which of the next
      // transactions fail.
      most: fc.integer({ min: 1, max: 6 }),
      again: fc.integer({ min: 0, max: 4 }),
      failures: fc.array(fc.boolean(), { maxLength: 6 }),
      atOnce: fc.boolean(),
    });
    const property = fc.asyncProperty(fc.array(turn, { maxLength: 12 }), async (turns) => {
      const queues = world.uids.map((uid) => Array.from({ length: MESSAGES }, (_, n) => deliver(uid, n)));
      const over = [0, 0];
      const read = async (hook: number, most: number, again: number) => {
        const from = Math.max((over[hook] ?? 0) - again, 0);
        const upTo = Math.min((over[hook] ?? 0) + most, MESSAGES);
        await server.readMessages((queues[hook] ?? []).slice(from, upTo));
        over[hook] = upTo;
      };
      let waiting: Promise<unknown> = Promise.resolve();
      for (const { hook, most, again, failures, atOnce } of turns) {
        const fails = [...failures];
        trouble = () => {
          if (fails.shift()) throw new Error('the connection broke');
        };
        const reading = read(hook, most, again).catch(() => {}); // they come again
        // The other hook's may be in the same transaction; one hook's never overtake each other.
        if (atOnce) waiting = Promise.all([reading, read(1 - hook, most, again).catch(() => {})]);
        else waiting = reading;
        await waiting;
      }
      trouble = () => {};
      for (const hook of [0, 1]) await read(hook, MESSAGES, 3);
      await server.runner.whenIdle();
      for (const [index, uid] of world.uids.entries()) {
        const rows = (await world.entries(uid)).filter(({ kind }) => kind === 'fire');
        const causes = (queues[index] ?? []).map(({ id }) => `message:${id}`);
        const mine = rows.filter(({ cause }) => causes.includes(cause ?? ''));
        assert.deepEqual(mine.map(({ cause }) => cause).sort(), [...causes].sort());
        const asked = world.queue.asked.things.map(({ taskId }) => taskId);
        const order = mine.toSorted((a, b) => asked.indexOf(a.taskId ?? '') - asked.indexOf(b.taskId ?? ''));
        assert.deepEqual(
          order.map(({ cause }) => cause),
          causes,
        );
      }
      world.queue.forget();
      await world.database.query(clearLedger);
    });
    await fc.assert(property, { numRuns: roundsOf(50), endOnFailure: true });
  });

  it('are taken in together, those of many hooks in a few transactions', async (t) => {
    const hookIds = Array.from({ length: 20 }, (_, n) => `h${n}`);
    const { made, createTasksIn } = createTasksTogether();
    const world = await createReading(t, hookIds);
    let transactions = 0;
    const counting: Database = {
      ...world.database,
      transaction: (work) => {
        transactions += 1;
        return world.database.transaction(work);
      },
    };
    const server = await world.startServer({ isIdle: true, acknowledge, createTasksIn, database: counting });
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    await Promise.all(world.uids.map((uid) => server.readMessages(numbers.map((n) => deliver(uid, n)))));
    assert.ok(transactions <= 20, `${transactions} transactions`);
    for (const hookId of hookIds) {
      const ofHook = made.filter(({ hook }) => hook === `assume:hook-id:g/${hookId}`);
      assert.deepEqual(
        ofHook.map(({ number }) => number),
        numbers,
      );
    }
    assert.equal((await world.database.query(listFires, [world.uids[0]])).length, 0);
  });

  it('that a queue in the database cannot take in at the moment are stored, and attempted', async (t) => {
    const createTasksIn = async () => {
      throw new Error('a part of the queue is out of order');
    };
    const { server, uids, queue, entries } = await createReading(t, ['h'], { createTasksIn });
    const [uid = ''] = uids;
    await server.readMessages([deliver(uid, 0), deliver(uid, 1)]);
    await server.runner.whenIdle();
    assert.equal(queue.tasks.size, 2);
    assert.deepEqual(
      (await entries(uid)).map(({ outcome }) => outcome),
      ['created', 'created'],
    );
  });

  it('that a server does not come to before it ends are left to others', async (t) => {
    const inline = createInlinePool();
    const [entered, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const pool: EvaluationPool = {
      ...inline,
      run: async (request) => {
        entered.resolve();
        await leave.promise;
        return inline.run(request);
      },
    };
    const world = await createReading(t, ['h']);
    const [uid = ''] = world.uids;
    const slow = { said: { $eval: 'payload.n' }, list: heavy([1]) };
    await world.server.changes.update({ hookGroupId: 'g', hookId: 'h' }, (known) => ({ ...known, task: slow }), ME);
    const ending = await world.startServer({ acknowledge, pool });
    const messages = [deliver(uid, 0), deliver(uid, 1), deliver(uid, 2)];
    const reading = assert.rejects(ending.readMessages(messages), /the server is ending/);
    await entered.promise;
    const stopped = ending.stop();
    leave.resolve();
    await Promise.all([reading, stopped]);
    assert.deepEqual(
      (await world.database.query(listAcknowledged)).map(({ id }) => id),
      messages.slice(0, 1).map(({ id }) => id),
    );
  });

  it('wait on their queue while the queue of tasks is held up, however many they are', async (t) => {
    const { server, uids, queue, database, clock } = await createReading(t, ['h']);
    const [uid = ''] = uids;
    queue.behave(() => 'hang');
    const broker = createDatabaseBroker({ database, clock, log: silentLog, metrics: createMetrics() });
    let begun = 0;
    broker.consume((read) => {
      begun += read.length;
      return server.readMessages(read.map((one) => ({ ...one, id: `held ${one.id}` })));
    });
    const update = { task: { big: { $eval: 'payload.big' } }, triggerSchema: {} };
    await server.changes.update({ hookGroupId: 'g', hookId: 'h' }, (known) => ({ ...known, ...update }), ME);
    await database.transaction((tx) =>
      broker.setBindings(tx, { id: uid, name: 'g/h' }, [{ exchange: 'x', routingKeyPattern: '#' }]),
    );
    const publish = (count: number, size: number) => {
      const body = { big: 'x'.repeat(size) };
      const messages = Array.from({ length: count }, () => ({ exchange: 'x', routingKey: '', body }));
      return database.transaction((tx) => broker.publish(tx, messages));
    };
    await publish(500, 0);
    for (let n = 0; n < 10; n += 1) await publish(20, 256 * 1024);
    await publish(1_300, 0);
    const ending = new AbortController();
    const run = broker.run(ending.signal);
    t.after(async () => {
      ending.abort();
      queue.behave(() => CREATED);
      for (const { answer } of queue.asked.things) answer(CREATED);
      await run;
    });
    await eventually('it holds still', async () => {
      await clock.advance(1); // turns of the broker follow each other
      if (server.runner.hasRoom()) return false;
      const before = begun;
      for (let n = 0; n < 50; n += 1) await new Promise((resolve) => setImmediate(resolve));
      return before === begun;
    });
    // 500 are with the queue of tasks, 32 MB wait for their turn, and one batch was read.
    assert.ok(begun <= 500 + 128 + 100, `${begun} were read`);
    queue.behave(() => CREATED);
    for (const { answer } of queue.asked.things) answer(CREATED);
    await eventually('all fired', async () => {
      await clock.advance(1);
      return queue.tasks.size === 2_000;
    });
  });
});
