import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import { type Cleanup, freshDatabase } from '../../../../test/support/database.ts';
import {
  newRabbitmqName,
  onChannel,
  openRabbitmq,
  RABBITMQ_URL,
  WITHOUT_RABBITMQ,
} from '../../../../test/support/rabbitmq.ts';
import { type RabbitmqNode, startRabbitmqNode, WITHOUT_RABBITMQ_NODE } from '../../../../test/support/rabbitmq-node.ts';
import { eventually, lastFirst } from '../../../../test/support/wait.ts';
import { systemClock as clock } from '../../../core/clock.ts';
import { silentLog } from '../../../core/log.ts';
import { createMetrics } from '../../../core/metrics.ts';
import type { Database } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import type { OutgoingMessage } from '../../broker.ts';
import { publish } from '../../outbox.ts';
import { createAmqpConnection } from '../connection/connection.ts';
import { createAmqpRelay } from './relay.ts';

const countOutbox = statement<{ count: number }>('test.outbox', 'select count(*) as count from outbox');
const outboxOf = async (database: Database) => (await database.query(countOutbox))[0]?.count;

/** A process that relays, until the test ends or it is stopped. */
const startRelay = (t: Cleanup, database: Database, url: string, exchanges: readonly string[] = []) => {
  const metrics = createMetrics();
  const connection = createAmqpConnection({ url: new URL(url), clock, log: silentLog, metrics, name: 'test' });
  const relay = createAmqpRelay({ database, connection, clock, log: silentLog, metrics, exchanges });
  const [relaying, connected] = [new AbortController(), new AbortController()];
  const runs = [relay.run(relaying.signal), connection.run(connected.signal)];
  const stop = async () => {
    relaying.abort();
    await runs[0];
    connected.abort();
    await runs[1];
  };
  t.after(stop);
  return { connection, metrics, stop };
};

const publishAll = (database: Database, ...messages: readonly Partial<OutgoingMessage>[]) =>
  database.transaction((tx) =>
    publish(
      tx,
      messages.map((message) => ({ exchange: 'x', routingKey: '', body: {}, ...message })),
      clock.now(),
    ),
  );

const remove = async (rabbitmq: ChannelModel, exchange: string) => {
  await onChannel(rabbitmq, (channel) => channel.deleteExchange(exchange));
};

const createWorld = async (test: TestContext) => {
  const t = lastFirst(test);
  const database = await freshDatabase(t);
  const rabbitmq = await openRabbitmq(t);
  const declare = async (purpose: string, type = 'topic') => {
    const exchange = newRabbitmqName(purpose);
    await onChannel(rabbitmq, (channel) => channel.assertExchange(exchange, type));
    t.after(() => remove(rabbitmq, exchange));
    return exchange;
  };
  /** All that comes on these exchanges, from here on. */
  const listen = async (...exchanges: readonly string[]) => {
    const channel = await rabbitmq.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    for (const exchange of exchanges) await channel.bindQueue(queue, exchange, '#');
    const heard: ConsumeMessage[] = [];
    await channel.consume(queue, (message) => message && heard.push(message), { noAck: true });
    return heard;
  };
  return { t, database, rabbitmq, declare, listen };
};

describe('the relay to RabbitMQ', { skip: WITHOUT_RABBITMQ }, () => {
  it('publishes what is in the outbox, in order, durable, with all that belongs to a message', async (test) => {
    const { t, database, declare, listen } = await createWorld(test);
    const [a, b] = [await declare('a'), await declare('b')];
    const heard = await listen(a, b);
    startRelay(t, database, RABBITMQ_URL);
    await publishAll(
      database,
      { exchange: a, routingKey: 'k.1', body: { n: 1 }, messageId: 'mine', cc: ['route.x', 'route.y'] },
      { exchange: b, routingKey: 'k.2', body: { n: 2 } },
      { exchange: a, routingKey: 'k.3', body: [3, 'é'] },
    );
    await eventually('all have arrived', () => heard.length === 3);
    assert.deepEqual(
      heard.map(({ fields, content }) => [fields.exchange, fields.routingKey, content.toString()]),
      [
        [a, 'k.1', '{"n":1}'],
        [b, 'k.2', '{"n":2}'],
        [a, 'k.3', '[3,"é"]'],
      ],
    );
    const [first, second, third] = heard.map(({ properties }) => properties);
    assert.deepEqual([first?.messageId, first?.deliveryMode, first?.contentType], ['mine', 2, 'application/json']);
    assert.deepEqual(first?.headers, { CC: ['route.x', 'route.y'] });
    assert.ok(Math.abs(Number(first?.timestamp) * 1_000 - clock.now()) < 60_000);
    assert.match(second?.messageId, /^hookwright-\d+-\d+$/);
    assert.notEqual(second?.messageId, third?.messageId);
    await eventually('the outbox is empty', async () => (await outboxOf(database)) === 0);
  });

  it('makes the server’s own exchanges before anything is published there', async (test) => {
    const { t, database, rabbitmq, listen } = await createWorld(test);
    const exchange = `exchange/taskcluster-hooks/${newRabbitmqName('own')}`;
    t.after(() => remove(rabbitmq, exchange));
    startRelay(t, database, RABBITMQ_URL, [exchange]);
    await eventually('it is there, a durable topic exchange', () =>
      onChannel(rabbitmq, (channel) => channel.checkExchange(exchange)).then(
        () => true,
        () => false,
      ),
    );
    await onChannel(rabbitmq, (channel) => channel.assertExchange(exchange, 'topic', { durable: true }));
    const heard = await listen(exchange);
    await publishAll(database, { exchange });
    await eventually('it has arrived', () => heard.length === 1);
  });

  it('makes an own exchange again that somebody deleted', async (test) => {
    const { t, database, rabbitmq, listen } = await createWorld(test);
    const exchange = `exchange/taskcluster-queue/${newRabbitmqName('own')}`;
    t.after(() => remove(rabbitmq, exchange));
    startRelay(t, database, RABBITMQ_URL);
    await publishAll(database, { exchange });
    await eventually('it was published', async () => (await outboxOf(database)) === 0);
    await onChannel(rabbitmq, (channel) => channel.deleteExchange(exchange));
    await publishAll(database, { exchange });
    await eventually('it was published again', async () => (await outboxOf(database)) === 0);
    const heard = await listen(exchange);
    await publishAll(database, { exchange });
    await eventually('it has arrived', () => heard.length === 1);
  });

  it('lets an exchange that does not exist hold up no other, and catches up when it does', async (test) => {
    const { t, database, rabbitmq, declare, listen } = await createWorld(test);
    const [there, deleted, missing] = [await declare('there'), newRabbitmqName('deleted'), newRabbitmqName('missing')];
    await onChannel(rabbitmq, (channel) => channel.assertExchange(deleted, 'topic'));
    const heard = await listen(there);
    const { metrics } = startRelay(t, database, RABBITMQ_URL);
    await publishAll(database, { exchange: deleted });
    await eventually('the relay knows it', async () => (await outboxOf(database)) === 0);
    await onChannel(rabbitmq, (channel) => channel.deleteExchange(deleted));
    const bodies = Array.from({ length: 50 }, (_, n) => n);
    await publishAll(
      database,
      ...bodies.flatMap((body) => [missing, there, deleted].map((exchange) => ({ exchange, body }))),
    );
    await eventually('all for those that are there have arrived', () => heard.length >= bodies.length);
    const first = new Map(heard.map(({ content, properties }) => [properties.messageId, Number(content.toString())]));
    assert.deepEqual([...first.values()], bodies);
    await eventually('the others wait', async () => (await outboxOf(database)) === 100);
    assert.match(await metrics.registry.getSingleMetricAsString('hookwright_exchanges_refused'), / 2$/m);
    for (const exchange of [missing, deleted]) {
      await onChannel(rabbitmq, (channel) => channel.assertExchange(exchange, 'topic'));
      t.after(() => remove(rabbitmq, exchange));
    }
    await eventually('they have gone too', async () => (await outboxOf(database)) === 0);
  });

  it('of many processes one relays at a time, and each message goes once', async (test) => {
    const { t, database, declare, listen } = await createWorld(test);
    const exchange = await declare('many');
    const heard = await listen(exchange);
    for (let n = 0; n < 3; n += 1) startRelay(t, database, RABBITMQ_URL);
    const bodies = Array.from({ length: 1_200 }, (_, n) => n);
    await publishAll(database, ...bodies.map((body) => ({ exchange, body })));
    await eventually('all have arrived', () => heard.length >= bodies.length);
    assert.deepEqual(
      heard.map(({ content }) => Number(content.toString())),
      bodies,
    );
  });

  it('goes on on a new connection when the broker has closed the old one', async (test) => {
    const { t, database, declare, listen } = await createWorld(test);
    const exchange = await declare('cut');
    const heard = await listen(exchange);
    const { connection } = startRelay(t, database, RABBITMQ_URL);
    const session = await connection.session(AbortSignal.timeout(20_000));
    const channel = await session.channel();
    // What no broker forgives: an answer to a question that it did not ask closes the connection.
    (channel as unknown as { sendImmediately: (method: number, fields: object) => void }).sendImmediately(0x0014000b, {
      active: true,
    });
    await publishAll(database, { exchange });
    await eventually('it has arrived', () => heard.length >= 1);
    await eventually('the old session ended', () => session.ended.aborted);
  });
});

describe('the relay and a RabbitMQ that is stopped', { skip: WITHOUT_RABBITMQ_NODE }, () => {
  let node: RabbitmqNode;
  const undo = new AsyncDisposableStack();
  before(async () => {
    node = await startRabbitmqNode({ after: (step) => undo.defer(step) });
  });
  after(() => undo.disposeAsync());

  it('loses nothing, whether the broker is stopped in order or killed', { timeout: 240_000 }, async (test) => {
    const t = lastFirst(test);
    const database = await freshDatabase(t);
    const exchange = 'exchange/taskcluster-hooks/v1/test';
    const { metrics } = startRelay(t, database, node.url, [exchange]);
    const declareQueue = async () => {
      const rabbitmq = await openRabbitmq(t, node.url);
      await onChannel(rabbitmq, async (channel) => {
        await channel.assertExchange(exchange, 'topic', { durable: true });
        await channel.assertQueue('all', { durable: true });
        await channel.bindQueue('all', exchange, '#');
      });
      await rabbitmq.close();
    };
    await declareQueue();
    let next = 0;
    const publishSome = () =>
      publishAll(database, ...Array.from({ length: 40 }, () => ({ exchange, body: next++, messageId: `m${next}` })));
    for (const how of ['stop', 'kill'] as const) {
      await publishSome();
      const ending = node[how]();
      await publishSome();
      await ending;
      await publishSome();
      await node.start();
      await publishSome();
      await eventually('all were published', async () => (await outboxOf(database)) === 0, 60_000);
    }
    const rabbitmq = await openRabbitmq(t, node.url);
    const bodies = new Set<number>();
    await onChannel(rabbitmq, async (channel) => {
      for (let message = await channel.get('all', { noAck: true }); message; ) {
        bodies.add(Number(message.content.toString()));
        message = await channel.get('all', { noAck: true });
      }
    });
    assert.equal(bodies.size, next);
    assert.match(await metrics.registry.getSingleMetricAsString('hookwright_broker_reconnects_total'), / [2-9]$/m);
  });

  it('publishes elsewhere what it may when it may not publish everywhere', { timeout: 120_000 }, async (test) => {
    const t = lastFirst(test);
    const database = await freshDatabase(t);
    const [allowed, forbidden] = ['exchange/taskcluster-hooks/v1/a', 'exchange/taskcluster-queue/v1/b'];
    await node.ctl('add_user', 'limited', 'secret');
    await node.ctl('set_permissions', 'limited', '.*', 'hooks', '.*');
    const url = new URL(node.url);
    url.username = 'limited';
    url.password = 'secret';
    const { metrics } = startRelay(t, database, url.href, [allowed, forbidden]);
    const bodies = Array.from({ length: 100 }, (_, n) => n);
    await publishAll(
      database,
      ...bodies.flatMap((body) => [forbidden, allowed].map((exchange) => ({ exchange, body }))),
    );
    await eventually('what may be published was', async () => (await outboxOf(database)) === 100);
    const tries = async () =>
      Number(/ (\d+)$/.exec(await metrics.registry.getSingleMetricAsString('hookwright_exchange_refusals_total'))?.[1]);
    await eventually('it was tried again', async () => (await tries()) >= 3);
    await node.ctl('set_permissions', 'limited', '.*', '.*', '.*');
    await eventually('the rest was published too', async () => (await outboxOf(database)) === 0);
    assert.ok((await tries()) < 20, 'it was tried with pauses');
  });
});
