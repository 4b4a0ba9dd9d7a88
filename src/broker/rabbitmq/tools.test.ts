import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  newRabbitmqName,
  onChannel,
  openRabbitmq,
  RABBITMQ_URL,
  WITHOUT_RABBITMQ,
} from '../../../test/support/rabbitmq.ts';
import { eventually, lastFirst } from '../../../test/support/wait.ts';
import { systemClock as clock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { MOST_KEPT } from '../operator-tools.ts';
import { createAmqpConnection } from './connection/connection.ts';
import { createAmqpTools } from './tools.ts';

const NEVER = new AbortController().signal;
const NOW = AbortSignal.abort();

const createWorld = async (test: TestContext) => {
  const t = lastFirst(test);
  const rabbitmq = await openRabbitmq(t);
  const start = () => {
    const metrics = createMetrics();
    const connection = createAmqpConnection({
      url: new URL(RABBITMQ_URL),
      clock,
      log: silentLog,
      metrics,
      name: 'test',
    });
    const ending = new AbortController();
    const running = connection.run(ending.signal);
    t.after(async () => {
      ending.abort();
      await running;
    });
    return { connection, tools: createAmqpTools({ connection, clock }) };
  };
  const { connection, tools } = start();
  await connection.session(AbortSignal.timeout(20_000));
  const newExchange = async (isDeclared = true) => {
    const exchange = newRabbitmqName('tools');
    if (isDeclared) await onChannel(rabbitmq, (channel) => channel.assertExchange(exchange, 'topic'));
    t.after(async () => {
      await onChannel(rabbitmq, (channel) => channel.deleteExchange(exchange));
    });
    return exchange;
  };
  return { t, rabbitmq, connection, tools, newExchange, start };
};

describe('the tools of RabbitMQ', { skip: WITHOUT_RABBITMQ }, () => {
  it('publish, and tell whether any queue got it', async (test) => {
    const { rabbitmq, tools, newExchange } = await createWorld(test);
    const exchange = await newExchange();
    assert.deepEqual(await tools.publish({ exchange, routingKey: 'a', body: {} }), { wasRouted: false });
    const channel = await rabbitmq.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, exchange, 'a.*');
    const publish = (n: number, routingKey: string) =>
      tools.publish({ exchange, routingKey, body: { n }, messageId: `m${n}` });
    const results = await Promise.all(Array.from({ length: 200 }, (_, n) => publish(n, n % 2 === 0 ? 'a.b' : 'b')));
    assert.deepEqual(
      results.map(({ wasRouted }) => wasRouted),
      results.map((_, n) => n % 2 === 0),
    );
    const message = await channel.get(queue, { noAck: true });
    assert.ok(message);
    const { messageId, deliveryMode, contentType } = message.properties;
    assert.match(messageId, /^m\d+$/);
    assert.deepEqual([deliveryMode, contentType], [2, 'application/json']);
  });

  it('say that there is no such exchange, and make it when asked to', async (test) => {
    const { rabbitmq, tools, newExchange } = await createWorld(test);
    const exchange = await newExchange(false);
    const message = { exchange, routingKey: 'a', body: {} };
    await assert.rejects(tools.publish(message), { code: 'ResourceNotFound', message: /no exchange .*declare/ });
    await assert.rejects(tools.openWatch(exchange, '#'), { code: 'ResourceNotFound' });
    assert.deepEqual(await tools.publish(message, { declare: true }), { wasRouted: false });
    await onChannel(rabbitmq, (channel) => channel.assertExchange(exchange, 'topic', { durable: true }));
    await tools.publish(message);
  });

  it('say what RabbitMQ does not allow', async (test) => {
    const { rabbitmq, tools, t } = await createWorld(test);
    const exchange = newRabbitmqName('internal');
    await onChannel(rabbitmq, (channel) => channel.assertExchange(exchange, 'topic', { internal: true }));
    t.after(async () => {
      await onChannel(rabbitmq, (channel) => channel.deleteExchange(exchange));
    });
    const refused = tools.publish({ exchange, routingKey: '', body: {} });
    await assert.rejects(refused, { code: 'InputError', message: /ACCESS_REFUSED/ });
  });

  it('watch what matches, each message once and in order, from any process', async (test) => {
    const { rabbitmq, tools, newExchange, start } = await createWorld(test);
    const exchange = await newExchange();
    const { connection, tools: others } = start();
    await connection.session(AbortSignal.timeout(20_000));
    const id = await tools.openWatch(exchange, 'a.#');
    const waiting = others.readWatch({ exchange, id }, NEVER);
    await tools.publish({ exchange, routingKey: 'a.1', body: { n: 1 }, messageId: 'mine', cc: ['a.2', 'other'] });
    const first = await waiting;
    assert.deepEqual(first, {
      messages: [
        {
          ...{ exchange, routingKey: 'a.1', cc: ['a.2', 'other'], messageId: 'mine', accepted: undefined },
          ...{ body: '{"n":1}', bytes: 7 },
        },
      ],
      isIncomplete: false,
    });
    await tools.publish({ exchange, routingKey: 'b', body: 2 });
    for (let n = 3; n < 6; n += 1) await tools.publish({ exchange, routingKey: 'a', body: n });
    await onChannel(rabbitmq, async (channel) => channel.publish(exchange, 'a', Buffer.from('no JSON')));
    const bodies: (string | undefined)[] = [];
    await eventually('all were read', async () => {
      const { messages } = await tools.readWatch({ exchange, id }, NEVER);
      bodies.push(...messages.map(({ body }) => body));
      return bodies.length === 4;
    });
    assert.deepEqual(bodies, ['3', '4', '5', 'no JSON']);
    assert.deepEqual((await others.readWatch({ exchange, id }, NOW)).messages, []);
    await tools.closeWatch({ exchange, id });
  });

  it('give a watch only with the exchange that it was made for', async (test) => {
    const { tools, newExchange } = await createWorld(test);
    const [mine, yours] = [await newExchange(), await newExchange()];
    const id = await tools.openWatch(yours, '#');
    await assert.rejects(tools.readWatch({ exchange: mine, id }, NOW), { code: 'ResourceNotFound' });
    await tools.closeWatch({ exchange: mine, id });
    await tools.readWatch({ exchange: yours, id }, NOW);
    await tools.closeWatch({ exchange: yours, id });
    await tools.closeWatch({ exchange: yours, id });
    await assert.rejects(tools.readWatch({ exchange: yours, id }, NOW), { code: 'ResourceNotFound' });
  });

  it('tell a reader who waits that the watch was closed', async (test) => {
    const { tools, newExchange } = await createWorld(test);
    const exchange = await newExchange();
    const id = await tools.openWatch(exchange, '#');
    const waiting = tools.readWatch({ exchange, id }, NEVER);
    const refused = assert.rejects(waiting, { code: 'ResourceNotFound' });
    await tools.closeWatch({ exchange, id });
    await refused;
  });

  it('keep the newest messages of a watch that is not read, and say that it is incomplete', async (test) => {
    const { rabbitmq, tools, newExchange } = await createWorld(test);
    const exchange = await newExchange();
    const id = await tools.openWatch(exchange, '#');
    const count = MOST_KEPT + 50;
    const channel = await rabbitmq.createConfirmChannel();
    for (let n = 0; n < count; n += 1) channel.publish(exchange, '', Buffer.from(String(n)));
    await channel.waitForConfirms();
    const first = await tools.readWatch({ exchange, id }, NOW);
    assert.equal(first.isIncomplete, true);
    assert.equal(first.messages[0]?.body, String(count - MOST_KEPT));
    assert.equal((await tools.readWatch({ exchange, id }, NOW)).isIncomplete, false);
    await tools.closeWatch({ exchange, id });
  });

  it('say that RabbitMQ cannot be reached', async (test) => {
    const { t } = await createWorld(test);
    const url = new URL('amqp://guest:secret@127.0.0.1:1');
    const connection = createAmqpConnection({ url, clock, log: silentLog, metrics: createMetrics(), name: 'test' });
    const ending = new AbortController();
    const running = connection.run(ending.signal);
    t.after(async () => {
      ending.abort();
      await running;
    });
    const tools = createAmqpTools({ connection, clock });
    await assert.rejects(tools.publish({ exchange: 'x', routingKey: '', body: {} }), (error: Error) => {
      assert.match(error.message, /RabbitMQ at 127.0.0.1:1 cannot be reached/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });
});
