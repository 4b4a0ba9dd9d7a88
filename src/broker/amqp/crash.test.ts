// What RabbitMQ hands out again has no second effect, and two equal messages have two: at the moments that are worst for it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect } from 'amqplib';
import type { Cleanup } from '../../../test/support/database.ts';
import { WITHOUT_RABBITMQ } from '../../../test/support/rabbitmq.ts';
import { startRabbitmqNode, WITHOUT_RABBITMQ_NODE } from '../../../test/support/rabbitmq-node.ts';
import { eventually } from '../../../test/support/wait.ts';
import type { Broker, Reader } from '../broker.ts';
import { createAmqpWorld } from '../test-support/amqp-world.ts';
import { createEffects, effectsReader, listEffects } from '../test-support/effects.ts';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** A hook that is bound to everything, and brokers whose readers write effects. */
const createScene = async (t: Cleanup, url?: string) => {
  const world = await createAmqpWorld(t, url === undefined ? {} : { url });
  const { database, queue, bind } = world;
  await createEffects(database);
  const hook = queue('one');
  await bind(hook, '#');
  const start = async (before: () => Promise<void> | void = () => {}, after: () => Promise<void> | void = () => {}) => {
    let broker: Broker | undefined;
    const read = effectsReader(database);
    const reader: Reader = async (deliveries) => {
      await before();
      await read(deliveries, broker as Broker);
      await after();
    };
    const running = await world.start(reader, {}, (one) => {
      broker = one;
    });
    return running;
  };
  const effects = async () => (await listEffects(database)).map(({ number }) => number);
  const bound = (broker: Broker) =>
    eventually('it is bound', async () =>
      (await broker.bindingStates(hook.id)).every(({ state }) => state === 'active'),
    );
  return { ...world, hook, start, effects, bound };
};

describe('a message that RabbitMQ hands out again', { skip: WITHOUT_RABBITMQ }, () => {
  for (const [what, options] of [
    ['with an id', { messageId: 'the same for all' }],
    ['without an id', {}],
  ] as const) {
    it(`${what} has no second effect when the connection broke between its effect and its acknowledgement`, async (t) => {
      const { start, publish, effects, bound } = await createScene(t);
      let isBroken = false;
      const running = await start(undefined, async () => {
        if (isBroken) return;
        isBroken = true;
        await running.breakConnection();
      });
      await bound(running.broker);
      await publish('a', 1, options);
      await eventually('it was handed out again', async () =>
        /deduplicated_total [1-9]/.test(await running.metrics.registry.metrics()),
      );
      await publish('a', 2, options);
      await eventually('the next one had its effect', async () => (await effects()).includes(2));
      assert.deepEqual(await effects(), [1, 2]);
    });
  }

  it('has its effect though the connection broke before', async (t) => {
    const { start, publish, effects, bound } = await createScene(t);
    let isBroken = false;
    const running = await start(async () => {
      if (isBroken) return;
      isBroken = true;
      await running.breakConnection();
    });
    await bound(running.broker);
    await publish('a', 1);
    await eventually('it had its effect', async () => (await effects()).length > 0);
    await publish('a', 2);
    await eventually('the next one had its effect', async () => (await effects()).includes(2));
    assert.deepEqual(await effects(), [1, 2]);
  });

  it('has one effect, in order, through many broken connections of two processes', async (t) => {
    const { start, publish, effects, bound } = await createScene(t);
    const [first, second] = [await start(), await start()];
    await bound(first.broker);
    for (const n of numbers(300)) {
      await publish('a', n);
      if (n % 40 === 20) await first.breakConnection();
      if (n % 60 === 50) await second.breakConnection();
    }
    await eventually('all had their effect', async () => (await effects()).length >= 300);
    assert.deepEqual(await effects(), numbers(300));
  });
});

describe('two equal messages', { skip: WITHOUT_RABBITMQ }, () => {
  it('have two effects, one after another or at once; two with the same id have one', async (t) => {
    const { start, publish, effects, bound } = await createScene(t);
    const running = await start();
    await bound(running.broker);
    await Promise.all([publish('a', 1), publish('a', 1), publish('a', 1)]);
    await publish('a', 1);
    await publish('a', 2, { messageId: 'x' });
    await publish('a', 2, { messageId: 'x' });
    await publish('a', 2, { messageId: 'y' });
    await publish('a', 3);
    await eventually('the last one had its effect', async () => (await effects()).includes(3));
    assert.deepEqual(await effects(), [1, 1, 1, 1, 2, 2, 3]);
  });

  it('have two effects also when both are handed out again', async (t) => {
    const { start, publish, effects, bound } = await createScene(t);
    let breaks = 0;
    const running = await start(async () => {
      if (breaks++ === 0) await running.breakConnection();
    });
    await bound(running.broker);
    await Promise.all([publish('a', 1), publish('a', 1)]);
    await publish('a', 3);
    await eventually('the last one had its effect', async () => (await effects()).includes(3));
    assert.deepEqual(await effects(), [1, 1, 3]);
  });
});

describe('a broker that is stopped, killed or made to forget', { skip: WITHOUT_RABBITMQ_NODE }, () => {
  it('loses nothing that it had confirmed, and nothing has two effects; the bindings are there again', {
    timeout: 180_000,
  }, async (t) => {
    const node = await startRabbitmqNode(t);
    const { start, effects, bound, nameOf, hook } = await createScene(t, node.url);
    const running = await start();
    await bound(running.broker);
    let next = 0;
    const publishSome = async (count: number) => {
      const fresh = await createPublisher(node.url, nameOf(hook));
      for (let n = 0; n < count; n += 1) await fresh.publish(next++);
      await fresh.close();
    };
    const all = () => eventually('all had their effect', async () => (await effects()).length >= next, 60_000);
    await publishSome(100);
    await node.kill();
    await node.start();
    await publishSome(100);
    await all();
    await publishSome(100);
    await node.stop();
    await node.start();
    await publishSome(100);
    await all();
    assert.deepEqual(await effects(), numbers(next));
    await node.stop();
    await node.forget();
    await node.start();
    const publisher = await createPublisher(node.url, nameOf(hook));
    await eventually(
      'the queue is there again',
      () =>
        publisher.publish(next).then(
          () => true,
          () => false,
        ),
      60_000,
    );
    await eventually('it had its effect', async () => (await effects()).includes(next));
  });
});

/** Straight onto the queue; a message is confirmed, or the publisher says that it is not. */
const createPublisher = async (url: string, queue: string) => {
  const connection = await connect(url);
  connection.on('error', () => {}); // the test that breaks it knows
  return {
    publish: async (body: unknown) => {
      const channel = await connection.createConfirmChannel();
      channel.on('error', () => {}); // what it refuses rejects the call
      await channel.checkQueue(queue);
      channel.sendToQueue(queue, Buffer.from(JSON.stringify(body)), { persistent: true });
      await channel.waitForConfirms();
      await channel.close();
    },
    close: () => connection.close(),
  };
};
