import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { onChannel, WITHOUT_RABBITMQ } from '../../../test/support/rabbitmq.ts';
import { eventually } from '../../../test/support/wait.ts';
import type { BindingChange, Broker, QueueIdentity, Reader } from '../broker.ts';
import { createAmqpWorld } from '../test-support/amqp-world.ts';

const createRecorder = () => {
  const read: string[] = [];
  const reader: Reader = async (deliveries) => {
    for (const { queue, body } of deliveries) read.push(`${queue}:${body}`);
  };
  return { read, reader };
};

const areActive = (broker: Broker, queue: QueueIdentity) => async () => {
  const states = await broker.bindingStates(queue.id);
  return states.length > 0 && states.every(({ state }) => state === 'active');
};

describe('bindings on RabbitMQ', { skip: WITHOUT_RABBITMQ }, () => {
  it('become active, bring what matches, and are gone with the queue when they are taken away', async (t) => {
    const { queue, start, bind, publish, isThere } = await createAmqpWorld(t);
    const { read, reader } = createRecorder();
    const { broker } = await start(reader);
    const hook = queue('one');
    await bind(hook, 'a.#');
    await eventually('it is bound', areActive(broker, hook));
    await publish('a.b', 1);
    await publish('b', 2);
    await publish('a', 3);
    await eventually('both came', () => read.length === 2);
    assert.deepEqual(read, [`${hook.id}:1`, `${hook.id}:3`]);
    await bind(hook);
    await eventually('the queue is gone', async () => !(await isThere(hook)));
  });

  it('that are changed bring what matches them now and nothing else', async (t) => {
    const { queue, start, bind, publish } = await createAmqpWorld(t);
    const { read, reader } = createRecorder();
    const { broker } = await start(reader);
    const hook = queue('one');
    await bind(hook, 'old', 'kept');
    await eventually('they are bound', areActive(broker, hook));
    await bind(hook, 'kept', 'new');
    await eventually('they are bound', areActive(broker, hook));
    await publish('old', 1);
    await publish('new', 2);
    await publish('kept', 3);
    await eventually('both came', () => read.length === 2);
    assert.deepEqual(read, [`${hook.id}:2`, `${hook.id}:3`]);
  });

  it('mean what they mean in RabbitMQ: further keys, fanout and headers exchanges, and exchanges that are bound to exchanges', async (t) => {
    const { queue, start, bind, publish, rabbitmq, exchange, exchangeName } = await createAmqpWorld(t);
    const [fanout, headers, upstream] = [exchangeName('fanout'), exchangeName('headers'), exchangeName('upstream')];
    await onChannel(rabbitmq, async (channel) => {
      await channel.assertExchange(fanout, 'fanout');
      await channel.assertExchange(headers, 'headers');
      await channel.assertExchange(upstream, 'topic');
      await channel.bindExchange(exchange, upstream, 'up.#');
    });
    const read: string[] = [];
    const { broker } = await start(async (deliveries) => {
      for (const { body, exchange: from, routingKey } of deliveries)
        read.push(`${body} ${from === upstream ? 'up' : ''}${routingKey}`);
    });
    const hook = queue('one');
    await bind(
      hook,
      'route.x',
      'up.*',
      { exchange: fanout, routingKeyPattern: 'any' },
      { exchange: headers, routingKeyPattern: '' },
    );
    await eventually('they are bound', areActive(broker, hook));
    await publish('primary', 1, { CC: ['other', 'route.x'] });
    await publish('primary', 2, { BCC: ['route.x'] });
    await publish('whatever', 3, {}, fanout);
    await publish('', 4, {}, headers);
    await publish('up.y', 5, {}, upstream);
    await publish('down', 6, {}, upstream);
    await publish('route.x', 7);
    await eventually('all came', () => read.length === 6);
    assert.deepEqual(read, ['1 primary', '2 primary', '3 whatever', '4 ', '5 upup.y', '7 route.x']);
  });

  it('to an exchange that does not exist are refused, with the reason, and work soon after it appears', async (t) => {
    const { queue, start, bind, publish, rabbitmq, exchangeName } = await createAmqpWorld(t);
    const missing = exchangeName('missing');
    const { read, reader } = createRecorder();
    const changes: BindingChange[] = [];
    const { broker } = await start(reader, {}, (broker) =>
      broker.onBindingChange(async (_, some) => {
        changes.push(...some);
      }),
    );
    const hook = queue('one');
    await bind(hook, 'a', { exchange: missing, routingKeyPattern: 'b' });
    const refused = await eventually('it is refused', async () =>
      (await broker.bindingStates(hook.id)).find(({ state }) => state === 'refused'),
    );
    assert.equal(refused.exchange, missing);
    assert.match(refused.reason ?? '', /has no exchange .*as soon as somebody makes it/);
    await publish('a', 1);
    await eventually('the other binding works', () => read.length === 1);
    await onChannel(rabbitmq, (channel) => channel.assertExchange(missing, 'topic'));
    await eventually('it is bound', areActive(broker, hook));
    await publish('b', 2, {}, missing);
    await eventually('it came', () => read.length === 2);
    const seen = changes.map(({ queue: id, exchange, state }) => `${id === hook.id} ${exchange === missing} ${state}`);
    assert.deepEqual(seen.sort(), ['true false active', 'true true active', 'true true refused']);
  });

  it('of a hook that was made anew under its name do not bring what its predecessor had not read', async (t) => {
    const { queue, start, bind, publish } = await createAmqpWorld(t);
    const first = queue('one');
    const second = { ...queue('one'), name: first.name };
    const { broker, stop } = await start(async () => {
      throw new Error('never read');
    });
    await bind(first, 'a');
    await eventually('it is bound', areActive(broker, first));
    await publish('a', 'of the first');
    await stop();
    await bind(first);
    await bind(second, 'a');
    const { read, reader } = createRecorder();
    const next = await start(reader);
    await eventually('it is bound', areActive(next.broker, second));
    await publish('a', 'of the second');
    await eventually('it came', () => read.length > 0);
    assert.deepEqual(read, [`${second.id}:"of the second"`]);
  });

  it('are made again when an operator deletes the queue', async (t) => {
    const { queue, start, bind, publish, rabbitmq, nameOf } = await createAmqpWorld(t);
    const { read, reader } = createRecorder();
    const { broker } = await start(reader);
    const hook = queue('one');
    await bind(hook, 'a');
    await eventually('it is bound', areActive(broker, hook));
    // RabbitMQ 3.10 may hand out nothing of a queue that was deleted just before it was first read.
    await publish('a', 1);
    await eventually('it is read', () => read.length > 0);
    await onChannel(rabbitmq, (channel) => channel.deleteQueue(nameOf(hook)));
    await eventually('it is bound again', async () => {
      await publish('a', 2);
      return read.includes(`${hook.id}:2`);
    });
  });

  it('of a queue that another service left with other arguments are refused; with replaceQueues it is emptied into the hook first', async (t) => {
    const { queue, start, bind, publish, rabbitmq, nameOf } = await createAmqpWorld(t);
    const hook = queue('one');
    await onChannel(rabbitmq, (channel) => channel.assertQueue(nameOf(hook), { durable: true, maxLength: 50 }));
    for (const n of [1, 2, 3]) await publish(nameOf(hook), n, {}, '');
    await bind(hook, 'a');
    const careful = await start(async () => {});
    const [state] = await eventually('it is refused', async () => {
      const states = await careful.broker.bindingStates(hook.id);
      return states[0]?.state === 'refused' && states;
    });
    assert.match(state?.reason ?? '', /other arguments/);
    await careful.stop();
    const { read, reader } = createRecorder();
    const { broker } = await start(reader, { replaceQueues: true });
    await eventually('it is bound', areActive(broker, hook));
    await publish('a', 4);
    await eventually('all came', () => read.length === 4);
    assert.deepEqual(
      read,
      [1, 2, 3, 4].map((n) => `${hook.id}:${n}`),
    );
  });

  it('of a queue that another service left are removed, and the queue stays with what lies on it', async (t) => {
    const { queue, start, bind, publish, rabbitmq, nameOf, database } = await createAmqpWorld(t);
    const [hook, after] = [queue('one'), queue('two')];
    await onChannel(rabbitmq, (channel) => channel.assertQueue(nameOf(hook), { durable: true, maxLength: 50 }));
    await publish(nameOf(hook), 1, {}, '');
    await bind(hook, 'a');
    const { broker } = await start(async () => {});
    await eventually('it is refused', async () => (await broker.bindingStates(hook.id))[0]?.state === 'refused');
    await database.transaction((tx) => broker.setBindings(tx, hook, []));
    const named = { name: 'test.known', text: 'select name from amqp_queues where queue = $1' };
    await eventually('RabbitMQ has answered', async () => (await database.query(named, [hook.id])).length === 0);
    await bind(after, 'a');
    await eventually('others go on', areActive(broker, after));
    const { messageCount } = await onChannel(rabbitmq, (channel) => channel.checkQueue(nameOf(hook)));
    assert.equal(messageCount, 1);
  });

  it('that were set while the broker in the database was at work follow at the first start', async (t) => {
    const { queue, start, bind, publish, database } = await createAmqpWorld(t);
    const hook = queue('one');
    await bind(hook, 'a');
    for (const table of ['amqp_queues', 'amqp_bindings']) {
      await database.query({ name: `test.empty-${table}`, text: `delete from ${table}` });
    }
    const { read, reader } = createRecorder();
    const { broker } = await start(reader);
    await eventually('it is bound', areActive(broker, hook));
    await publish('a', 1);
    await eventually('it came', () => read.length === 1);
  });
});

describe('a reader on RabbitMQ', { skip: WITHOUT_RABBITMQ }, () => {
  it('that fails gets the same deliveries again, in order, while other queues go on', async (t) => {
    const { queue, start, bind, publish } = await createAmqpWorld(t);
    const [bad, good] = [queue('bad'), queue('good')];
    const read: string[] = [];
    const ids = new Set<string>();
    let failures = 0;
    const { broker } = await start(async (deliveries) => {
      for (const { queue: id, body, id: delivery } of deliveries) {
        if (id === bad.id) ids.add(delivery);
        if (id === bad.id && failures++ < 2) throw new Error('not yet');
        read.push(`${id === bad.id ? 'bad' : 'good'} ${body}`);
      }
    });
    await bind(bad, 'bad');
    await bind(good, 'good');
    await eventually(
      'both are bound',
      async () => (await areActive(broker, bad)()) && (await areActive(broker, good)()),
    );
    await publish('bad', 1);
    await eventually('it was tried', () => failures > 0);
    await publish('bad', 2);
    await publish('good', 3);
    await eventually('the good one goes on', () => read.length > 0);
    assert.deepEqual(read, ['good 3']);
    await eventually('all came', () => read.length === 3);
    assert.deepEqual(read, ['good 3', 'bad 1', 'bad 2']);
    assert.equal(ids.size, 2);
  });

  it('of two processes has each queue to itself, and the other goes on where it ends', async (t) => {
    const { queue, start, bind, publish } = await createAmqpWorld(t);
    const hook = queue('one');
    const read: string[] = [];
    const readerOf =
      (name: string): Reader =>
      async (deliveries) => {
        for (const { body } of deliveries) read.push(`${name}${body}`);
      };
    const first = await start(readerOf('first '));
    await bind(hook, '#');
    await eventually('it is bound', areActive(first.broker, hook));
    await publish('a', 1);
    await eventually('it came', () => read.length === 1);
    await start(readerOf('second '));
    await publish('a', 2);
    await eventually('it came', () => read.length === 2);
    await first.stop();
    await publish('a', 3);
    await eventually('it came', () => read.length === 3);
    assert.deepEqual(read, ['first 1', 'first 2', 'second 3']);
  });

  it('that is slow makes RabbitMQ wait: what is in flight stays within a budget, however large the messages', async (t) => {
    const { queue, start, bind, publish } = await createAmqpWorld(t);
    const hook = queue('one');
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const sizes: number[] = [];
    const reader: Reader = async (deliveries) => {
      await released;
      sizes.push(...deliveries.map(({ body }) => body.length));
    };
    const { broker, metrics } = await start(reader, { mostBytesInFlight: 4_000_000 });
    const inFlight = async () => Number(/in_flight_bytes (\d+)/.exec(await metrics.registry.metrics())?.[1]);
    await bind(hook, '#');
    await eventually('it is bound', areActive(broker, hook));
    const body = 'x'.repeat(1_000_000);
    for (let n = 0; n < 30; n += 1) await publish('a', body);
    await eventually('the budget is used', async () => (await inFlight()) > 4_000_000);
    assert.ok((await inFlight()) <= 6_000_000, `${await inFlight()}`);
    release();
    await eventually('all came', () => sizes.length === 30);
    assert.equal(await inFlight(), 0);
  });

  it('that has its first transaction undone and does the same in another one is done with the message', async (t) => {
    const { queue, start, bind, publish, database } = await createAmqpWorld(t);
    const hook = queue('one');
    let broker: Broker | undefined;
    let handed = 0;
    let isDone = false;
    const reader: Reader = async (deliveries) => {
      handed += 1;
      const acknowledge = (isUndone: boolean) =>
        database.transaction(async (tx) => {
          await broker?.acknowledge(tx, deliveries);
          if (isUndone) throw new Error('undone');
        });
      await assert.rejects(acknowledge(true), /undone/);
      await acknowledge(false);
      isDone = true;
    };
    const running = await start(reader, {}, (one) => {
      broker = one;
    });
    await bind(hook, '#');
    await eventually('it is bound', areActive(running.broker, hook));
    await publish('a', 1);
    await eventually('it is done', () => isDone);
    assert.equal(handed, 1);
  });

  it('ends in order while the budget is used up: what it did not read comes to another one', async (t) => {
    const { queue, start, bind, publish } = await createAmqpWorld(t);
    const hook = queue('one');
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const first = await start(() => released, { mostBytesInFlight: 100_000 });
    await bind(hook, '#');
    await eventually('it is bound', areActive(first.broker, hook));
    for (let n = 0; n < 20; n += 1) await publish('a', 'x'.repeat(50_000));
    await eventually('the budget is used', async () =>
      /in_flight_bytes [1-9]\d{5}/.test(await first.metrics.registry.metrics()),
    );
    const stopping = first.stop();
    release();
    await stopping;
    let read = 0;
    await start(async (deliveries) => {
      read += deliveries.length;
    });
    await publish('a', 'last');
    await eventually('the rest came', () => read > 1);
  });
});
