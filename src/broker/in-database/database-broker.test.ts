import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../../../test/support/wait.ts';
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { createEffects, effectsReader, listEffects } from '../test-support/effects.ts';
import { createWorld, oneByOne, said, type TestReader } from '../test-support/world.ts';
import { removedPiece } from './queue-store.ts';

const SECOND = 1_000;
const NOTHING_LEFT = { outbox: 0, bodies: 0, deliveries: 0, due: 0 };

const disconnectOthers = statement<unknown>(
  'test.disconnect-others-of-broker',
  'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
);

const endDeliveries = statement<{ whole: boolean }>(
  'test.end-deliveries',
  `with ${removedPiece.text(1)} select ${removedPiece.isWhole(1)} as whole`,
);

const createRecorder = () => {
  const read: string[] = [];
  const reader: TestReader = async (deliveries) => {
    for (const delivery of deliveries) read.push(`${delivery.queue}:${said(delivery)}`);
  };
  return { read, reader };
};

describe('a message', () => {
  it('comes with all that was said of it, to each queue that is bound to it', async (t) => {
    const { bind, publish, start, clock, left } = await createWorld(t);
    await bind('one', 'a.#');
    await bind('two', '*.b');
    await bind('three', 'c');
    const read: unknown[] = [];
    await start(async (deliveries) => {
      for (const { body, id, ...delivery } of deliveries) read.push({ ...delivery, text: body.toString() });
    });
    await publish({ routingKey: 'a.b', body: { b: 1, a: '\0\ud800' }, messageId: 'm' });
    await eventually('both have it', () => read.length === 2);
    const common = { exchange: 'x', routingKey: 'a.b', messageId: 'm', accepted: clock.now() };
    assert.deepEqual(read, [
      { queue: 'one', ...common, text: '{"b":1,"a":"\\u0000\\ud800"}' },
      { queue: 'two', ...common, text: '{"b":1,"a":"\\u0000\\ud800"}' },
    ]);
    await eventually('it is gone', async () => (await left()).due === 0);
    assert.deepEqual(await left(), { ...NOTHING_LEFT, bindings: 3, queues: 3 });
  });

  it('comes once to a queue, however many patterns and keys match', async (t) => {
    const { bind, publish, start } = await createWorld(t);
    await bind('q', 'a', '#', 'route.*');
    const { read, reader } = createRecorder();
    await start(reader);
    await publish({ cc: ['route.x', 'a'], body: 1 }, { routingKey: 'no', body: 2 });
    await eventually('both were read', () => read.length === 2);
    assert.deepEqual(read, ['q:1', 'q:2']);
  });

  it('comes by its further keys alone', async (t) => {
    const { bind, publish, start } = await createWorld(t);
    await bind('q', 'route.*');
    const { read, reader } = createRecorder();
    await start(reader);
    await publish({ routingKey: 'primary', cc: ['other', 'route.x'], body: 1 });
    await eventually('it was read', () => read.length === 1);
  });

  it('that no queue is bound to is dropped, and counted', async (t) => {
    const { bind, publish, start, left } = await createWorld(t);
    await bind('q', 'a');
    const { metrics } = await start();
    await publish({ routingKey: 'b' }, { exchange: 'y' }, { routingKey: 'a' });
    await eventually('the outbox is empty', async () => (await left()).outbox === 0);
    const text = await metrics.registry.metrics();
    assert.match(text, /hookwright_messages_dropped_total 2/);
    assert.match(text, /hookwright_messages_routed_total 1/);
    assert.deepEqual(await left(), { outbox: 0, bodies: 1, deliveries: 1, due: 1, bindings: 1, queues: 1 });
  });

  it('of a transaction that was undone was never there', async (t) => {
    const { bind, database, start, publish } = await createWorld(t);
    await bind('q', '#');
    const { read, reader } = createRecorder();
    const { broker } = await start(reader);
    const undone = database.transaction(async (tx) => {
      await broker.publish(tx, [{ exchange: 'x', routingKey: '', body: 'undone' }]);
      throw new Error('undone');
    });
    await assert.rejects(undone, /undone/);
    await publish({ body: 'kept' });
    await eventually('the other was read', () => read.length === 1);
    assert.deepEqual(read, ['q:kept']);
  });

  it('committed after a later one was routed is not passed over', async (t) => {
    const { bind, database, start, publish } = await createWorld(t);
    await bind('q', '#');
    const { read, reader } = createRecorder();
    const { broker } = await start(reader);
    await database.transaction(async (tx) => {
      await broker.publish(tx, [{ exchange: 'x', routingKey: '', body: 'early' }]);
      await publish({ body: 'late' });
      await eventually('the late one was read', () => read.length === 1);
    });
    await eventually('the early one was read', () => read.length === 2);
    assert.deepEqual(read, ['q:late', 'q:early']);
  });

  it('that AMQP could not carry is refused', async (t) => {
    const { publish, bind } = await createWorld(t);
    await assert.rejects(publish({ routingKey: 'é'.repeat(128) }), RangeError);
    await assert.rejects(publish({ exchange: '' }), RangeError);
    await assert.rejects(publish({ cc: ['a\0b'] }), RangeError);
    await assert.rejects(publish({ body: undefined }), TypeError);
    await assert.rejects(bind('q', 'a\0b'), RangeError);
  });
});

describe('bindings', () => {
  it('count from the moment that they are set, and not any longer than that', async (t) => {
    const { bind, publish, start } = await createWorld(t);
    const { read, reader } = createRecorder();
    await bind('q', 'old');
    await bind('other', 'old', 'new');
    await start(reader);
    const both = async (from: string) => {
      await publish({ routingKey: 'old', body: from }, { routingKey: 'new', body: from });
      await eventually('they were read', () => read.filter((line) => line.endsWith(from)).length === 3);
    };
    await both('1');
    await bind('q', 'new');
    await both('2');
    await bind('q', 'new', 'old');
    await bind('other');
    await publish({ routingKey: 'old', body: '3' }, { routingKey: 'new', body: '3' });
    await eventually('they were read', () => read.length === 8);
    assert.deepEqual(read.filter((line) => line.startsWith('other:')).length, 4);
    assert.deepEqual(read.slice(-2), ['q:3', 'q:3']);
  });

  it('removed take the queue and what lies on it along; what others have of it stays', async (t) => {
    const { bind, publish, start, left, clock } = await createWorld(t);
    await bind('q', '#');
    await bind('other', 'both');
    const router = await start();
    await publish({ routingKey: 'both', body: 1 }, { routingKey: 'one', body: 2 });
    await eventually('they are routed', async () => (await left()).deliveries === 3);
    await bind('q');
    assert.deepEqual(await left(), { outbox: 0, bodies: 2, deliveries: 1, due: 1, bindings: 1, queues: 1 });
    await clock.advance(60 * SECOND);
    await eventually('the body that nobody has is swept', async () => (await left()).bodies === 1);
    await router.stop();
    await bind('q', '#');
    const { read, reader } = createRecorder();
    await start(reader);
    await eventually('the other one reads its own', () => read.length === 1);
    assert.deepEqual(read, ['other:1']);
  });

  it('of one queue that two set at the same time are those of one of them', async (t) => {
    const { bind, database } = await createWorld(t);
    const count = statement<{ patterns: string[] }>(
      'test.patterns',
      'select array_agg(pattern order by pattern) as patterns from broker_bindings',
    );
    for (let round = 0; round < 10; round += 1) {
      await Promise.all([bind('q', 'a', 'b'), bind('q', 'c', 'd'), bind('q', 'e', 'f')]);
      const [row] = await database.query(count);
      assert.ok(['a,b', 'c,d', 'e,f'].includes(`${row?.patterns}`), `${row?.patterns}`);
    }
  });
});

describe('a reader', () => {
  it('that fails gets the same delivery again after a pause, while other queues go on', async (t) => {
    const { bind, publish, start, clock, left } = await createWorld(t);
    await bind('bad', 'bad');
    await bind('good', 'good');
    const read: string[] = [];
    let isBroken = true;
    const { metrics } = await start(
      oneByOne(async (delivery) => {
        read.push(`${said(delivery)}`);
        if (isBroken && delivery.queue === 'bad') throw new Error('not yet');
      }),
    );
    await publish(
      { routingKey: 'bad', body: 'b1' },
      { routingKey: 'bad', body: 'b2' },
      { routingKey: 'good', body: 'g' },
    );
    await eventually('both were tried', () => read.length === 2);
    await clock.asleep(4);
    await publish({ routingKey: 'good', body: 'g2' });
    await eventually('the good one goes on', () => read.includes('g2'));
    assert.deepEqual([...read].sort(), ['b1', 'g', 'g2']);
    while (read.length < 5) {
      await clock.advance(SECOND);
      await clock.asleep(4);
    }
    assert.deepEqual(read.slice(3), ['b1', 'b1']);
    assert.match(await metrics.registry.metrics(), /hookwright_delivery_failures_total [3-9]/);
    isBroken = false;
    while (!read.includes('b2')) {
      await clock.advance(SECOND);
      await clock.asleep(4);
    }
    await eventually('nothing is left', async () => (await left()).due === 0);
    assert.deepEqual((await left()).deliveries, 0);
  });

  it('that acknowledged in a transaction that was undone gets it again', async (t) => {
    const { bind, publish, start, database } = await createWorld(t);
    await bind('q', '#');
    const overAlready: number[] = [];
    await start(async (deliveries, broker) => {
      const acknowledging = database.transaction(async (tx) => {
        overAlready.push((await broker.acknowledge(tx, deliveries)).size);
        if (overAlready.length === 1) throw new Error('undone');
      });
      await acknowledging.catch(() => {});
    });
    await publish({});
    await eventually('it came twice', () => overAlready.length === 2);
    assert.deepEqual(overAlready, [0, 0]);
  });

  it('may end deliveries in a statement of its own, which knows whether some had ended before', async (t) => {
    const { bind, publish, start, database, left } = await createWorld(t);
    await bind('q', '#');
    const whole: (boolean | undefined)[] = [];
    await start(async (deliveries, broker) => {
      for (let n = 0; n < 2; n += 1) {
        const [row] = await database.query(endDeliveries, broker.endings?.values(deliveries));
        whole.push(row?.whole);
      }
    });
    await publish({ body: 1 });
    await eventually('it has ended twice', () => whole.length === 2);
    assert.deepEqual(whole, [true, false]);
    await eventually('nothing is left', async () => (await left()).due === 0);
    assert.deepEqual(await left(), { ...NOTHING_LEFT, bindings: 1, queues: 1 });
  });

  it('that is slow keeps its queue, and the end waits for it', async (t) => {
    const { bind, publish, start, clock, left } = await createWorld(t);
    await bind('q', '#');
    const [entered, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let read = 0;
    const slow = await start(async () => {
      read += 1;
      entered.resolve();
      await leave.promise;
    });
    await publish({ body: 1 });
    await entered.promise;
    await publish({ body: 2 });
    const { read: others, reader } = createRecorder();
    await start(reader);
    const sleepers = clock.sleepers();
    for (let passed = 0; passed < 60; passed += 1) {
      await clock.asleep(sleepers);
      await clock.advance(SECOND);
    }
    assert.deepEqual(others, []);
    const stopped = slow.stop();
    leave.resolve();
    await stopped;
    assert.equal(read, 1);
    await eventually('the other process goes on', () => others.length === 1);
    assert.deepEqual(others, ['q:2']);
    await eventually('nothing is left', async () => (await left()).deliveries === 0);
  });

  it('is woken by what comes in, not by the passing of time', async (t) => {
    const { bind, publish, start, left } = await createWorld(t);
    const queues = Array.from({ length: 40 }, (_, n) => `q${n}`);
    for (const queue of queues) await bind(queue, queue);
    const { read, reader } = createRecorder();
    await start(reader);
    const publishMany = async (of: number) => {
      for (let n = 0; n < 100; n += 1) await publish({ routingKey: `q${(n * 7 + of) % 40}`, body: n });
    };
    await Promise.all([1, 2, 3, 4, 5, 6].map(publishMany));
    await eventually('all were read while the clock stood still', () => read.length === 600);
    await eventually('all are at rest', async () => (await left()).due === 0);
  });

  it('is not kept waiting when something comes in at the very moment at which its queue is left', async (t) => {
    const { bind, publish, start, left, clock, database } = await createWorld(t);
    await bind('q', '#');
    let releases = 0;
    const slow: Database = {
      ...database,
      query: async (one, values) => {
        const rows = await database.query(one, values);
        if (one.name === 'queues.release' && releases++ === 0) {
          const before = clock.sleepers();
          await publish({ body: 'late' });
          await eventually('it is routed', async () => (await left()).outbox === 0);
          await clock.asleep(before); // those who were woken by it have looked
        }
        return rows;
      },
    };
    const { read, reader } = createRecorder();
    await start(reader, slow);
    await publish({ body: 'early' });
    await eventually('both were read while the clock stood still', () => read.length === 2);
  });

  it('of some queues that never comes back does not hold up the others', async (t) => {
    const { bind, publish, start } = await createWorld(t);
    const never = Promise.withResolvers<void>();
    const queues = Array.from({ length: 40 }, (_, n) => `q${n}`);
    const hanging = Array.from({ length: 20 }, (_, n) => `hangs${n}`);
    for (const queue of [...hanging, ...queues]) await bind(queue, '#');
    const read: string[] = [];
    const { stop } = await start(
      oneByOne(async ({ queue }) => {
        if (hanging.includes(queue)) await never.promise;
        read.push(queue);
      }),
    );
    await publish({});
    await eventually('all others have it', () => read.length === 40);
    assert.deepEqual([...read].sort(), [...queues].sort());
    never.resolve();
    await stop();
  });
});

describe('brokers of several processes', () => {
  it('have each delivery take effect once and in order, though readers fail at random', async (t) => {
    const { bind, publish, start, clock, database, left } = await createWorld(t);
    await createEffects(database);
    const queues = Array.from({ length: 10 }, (_, n) => `q${n}`);
    for (const queue of queues) await bind(queue, '#');
    let random = 7;
    const chance = () => {
      random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
      return random / 2 ** 31;
    };
    const reader = effectsReader(database, () => {
      if (chance() < 0.02) throw new Error('bad luck');
    });
    for (let n = 0; n < 3; n += 1) await start(reader);
    const numbers = Array.from({ length: 100 }, (_, n) => n);
    for (const number of numbers) await publish({ body: number });
    await eventually('all is read', async () => {
      await clock.advance(SECOND);
      return (await left()).deliveries === 0 && (await left()).outbox === 0;
    });
    const effects = await listEffects(database);
    for (const queue of queues) {
      const of = effects.filter((row) => row.queue === queue).map(({ number }) => number);
      assert.deepEqual(of, numbers, queue);
    }
    await eventually('all are at rest', async () => (await left()).due === 0);
  });

  it('that both believe to hold a queue have one effect', async (t) => {
    const { bind, publish, start, clock, database, left } = await createWorld(t);
    await bind('q', '#');
    const [entered, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const answers: string[] = [];
    // Cannot renew its lease: to the others it looks dead.
    const cutOff: Database = {
      ...database,
      query: (one, values) =>
        one.name === 'queues.renew' ? Promise.reject(new Error('cut off')) : database.query(one, values),
    };
    const acknowledge: TestReader = async (deliveries, broker) => {
      const over = await database.transaction((tx) => broker.acknowledge(tx, deliveries));
      for (const delivery of deliveries) answers.push(over.has(delivery) ? 'over already' : 'ended here');
    };
    const first = await start(async (deliveries, broker) => {
      entered.resolve();
      await leave.promise;
      await acknowledge(deliveries, broker);
    }, cutOff);
    await publish({});
    await entered.promise;
    await start(acknowledge);
    while (answers.length === 0) {
      await clock.advance(SECOND);
      await clock.asleep(4);
    }
    leave.resolve();
    await first.stop();
    assert.deepEqual(answers, ['ended here', 'over already']);
    await eventually('all is at rest', async () => (await left()).due === 0);
  });

  it('outlive the loss of their database connections', async (t) => {
    const { bind, publish, start, clock, database } = await createWorld(t);
    await bind('q', '#');
    const { read, reader } = createRecorder();
    await start(reader);
    await publish({ body: 1 });
    await eventually('it was read', () => read.length === 1);
    await database.query(disconnectOthers); // among them the one that listens
    await eventually('something can be published again', () =>
      publish({ body: 2 }).then(
        () => true,
        () => false,
      ),
    );
    while (read.length < 2) {
      await clock.advance(SECOND);
      await clock.asleep(4);
    }
    assert.deepEqual(read, ['q:1', 'q:2']);
  });

  it('go on where they were when the database fails for a while', async (t) => {
    const { bind, publish, start, clock, database, left } = await createWorld(t);
    await bind('q', '#');
    let isDown = false;
    const check = () => {
      if (isDown) throw new Error('Connection terminated unexpectedly');
    };
    const failing: Database = {
      ...database,
      query: async (one, values) => {
        check();
        return database.query(one, values);
      },
      transaction: async (work) => {
        check();
        return database.transaction(work);
      },
    };
    const { read, reader } = createRecorder();
    await start(
      oneByOne(async (delivery, broker) => {
        await reader([delivery], broker);
        if (read.length === 2) isDown = true;
      }),
      failing,
    );
    await publish({ body: 1 }, { body: 2 }, { body: 3 });
    await eventually('it is down', () => isDown);
    for (let passed = 0; passed < 20; passed += 1) await clock.advance(SECOND);
    isDown = false;
    await eventually('all was read', async () => {
      await clock.advance(SECOND);
      return (await left()).deliveries === 0;
    });
    assert.deepEqual([...new Set(read)], ['q:1', 'q:2', 'q:3']);
  });
});
