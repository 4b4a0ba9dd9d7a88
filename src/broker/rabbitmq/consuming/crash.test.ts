// What RabbitMQ hands out again has no second effect, and two equal messages have two: at the
// moments that are worst for it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from 'amqplib';
import { type Cleanup, freshConnection } from '../../../../test/support/database.ts';
import { RABBITMQ_URL, WITHOUT_RABBITMQ } from '../../../../test/support/rabbitmq.ts';
import { startRabbitmqNode, WITHOUT_RABBITMQ_NODE } from '../../../../test/support/rabbitmq-node.ts';
import { eventually, lastFirst } from '../../../../test/support/wait.ts';
import { systemClock } from '../../../core/clock.ts';
import { silentLog } from '../../../core/log.ts';
import { openDatabase } from '../../../database/connection.ts';
import type { Database } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import type { Broker, Reader } from '../../broker.ts';
import { createAmqpWorld } from '../../test-support/amqp-world.ts';
import { createEffects, effectsReader, listEffects } from '../../test-support/effects.ts';

const VICTIM = fileURLToPath(new URL('../../test-support/amqp-victim.ts', import.meta.url));
const isBound = statement<{ state: string }>('test.amqp-states', 'select state from amqp_bindings');

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** A hook that is bound to everything, and brokers whose readers write effects. */
const createScene = async (t: Cleanup, given: { url?: string; database?: Database } = {}) => {
  const world = await createAmqpWorld(t, given);
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

describe('a process that reads', { skip: WITHOUT_RABBITMQ }, () => {
  it('may be killed again and again: another one goes on, in order, and nothing has two effects', async (t) => {
    const cleanup = lastFirst(t);
    const connection = await freshConnection(cleanup);
    const settings = { connection, address: 'the test database', poolSize: 8, clock: systemClock, log: silentLog };
    const database = openDatabase(settings);
    cleanup.after(async () => database[Symbol.asyncDispose]());
    const { start, publish, effects } = await createScene(cleanup, { database });
    let published = 0;
    for (let kills = 0; kills < 4; kills += 1) {
      const child = spawn(process.execPath, [VICTIM, JSON.stringify(connection), RABBITMQ_URL], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, NODE_TEST_CONTEXT: undefined },
      });
      cleanup.after(async () => {
        child.kill('SIGKILL');
      });
      const exited = once(child, 'exit');
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
      if (published === 0) {
        await eventually('it is bound', async () =>
          (await database.query(isBound)).every(({ state }) => state === 'active'),
        );
      }
      const publishing = (async () => {
        while (child.exitCode === null && child.signalCode === null) await publish('a', published++);
      })();
      for (let batches = 0; batches < 5 + kills; batches += 1) await lines.next();
      child.kill('SIGKILL');
      await exited;
      await publishing;
    }
    await start();
    await eventually('all had their effect', async () => (await effects()).length >= published);
    assert.deepEqual(await effects(), numbers(published));
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
    const { start, effects, bound, nameOf, hook } = await createScene(t, { url: node.url });
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
