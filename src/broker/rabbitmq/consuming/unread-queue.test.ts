import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { it, type TestContext } from 'node:test';
import type { Channel, ConsumeMessage } from 'amqplib';
import { freshDatabase } from '../../../../test/support/database.ts';
import { eventually } from '../../../../test/support/wait.ts';
import { systemClock as clock } from '../../../core/clock.ts';
import { silentLog } from '../../../core/log.ts';
import { createMetrics } from '../../../core/metrics.ts';
import { createBrokerMetrics } from '../../metrics.ts';
import type { AmqpConnection, AmqpSession } from '../connection/connection.ts';
import { createAmqpMetrics } from '../metrics.ts';
import { declareQueue } from '../topology/declare-queue.ts';
import { createAmqpConsumer } from './consumer.ts';

const RECORD = { name: 'g/h', wanted: 'uid', there: null, bindings: [] };

type Reading = { readonly tag: string; readonly onMessage: (message: ConsumeMessage | null) => void };

/** A consumer on a RabbitMQ that says so many readers of each queue that is declared. */
const start = async (t: TestContext) => {
  const database = await freshDatabase(t);
  const readings: Reading[] = [];
  const cancelled: string[] = [];
  let consumerCount = 0;
  let beforeAnswer = async () => {};
  const nothing = async () => ({});
  const channel = () =>
    Object.assign(new EventEmitter(), {
      ...{ prefetch: nothing, checkExchange: nothing, assertExchange: nothing, close: nothing },
      ...{ ack: () => {}, nack: () => {} },
      assertQueue: async () => {
        const answer = { consumerCount };
        await beforeAnswer();
        return answer;
      },
      consume: async (_queue: string, onMessage: Reading['onMessage']) => {
        const tag = `tag-${readings.length}`;
        readings.push({ tag, onMessage });
        return { consumerTag: tag };
      },
      cancel: async (tag: string) => cancelled.push(tag),
    }) as unknown as Channel;
  const session = {
    ...{ channel: async () => channel(), incoming: new PassThrough(), ended: new AbortController().signal },
    afterOutage: false,
  } as unknown as AmqpSession;
  const connection = { user: 'me', onSession: (begun: (one: AmqpSession) => void) => begun(session) };
  const metrics = createMetrics();
  const read: string[] = [];
  const begun = Promise.withResolvers<void>();
  const consumer = createAmqpConsumer({
    ...{ database, clock, log: silentLog, connection: connection as AmqpConnection },
    metrics: { ...createBrokerMetrics(metrics), ...createAmqpMetrics(metrics) },
    reader: async (deliveries) => void read.push(...deliveries.map(({ body }) => body.toString())),
    onSession: begun.resolve,
    onGone: () => {},
  });
  const ending = new AbortController();
  const running = consumer.run(ending.signal);
  t.after(async () => {
    ending.abort();
    await running;
  });
  await begun.promise;
  const declare = async (readers: number, before: () => Promise<void> = async () => {}) => {
    consumerCount = readers;
    beforeAnswer = before;
    const ask = async (work: (channel: Channel) => Promise<unknown>) => void (await work(channel()));
    const { ready } = await declareQueue(RECORD, {
      ...{ channelPool: { ask }, clock, user: 'me', queueType: 'classic', isForced: true },
      ...{ isMissing: async () => false, replace: async () => false },
    });
    if (ready) consumer.ensure(ready);
  };
  return { declare, readings, cancelled, read };
};

it('a queue that nobody reads any more when it is declared again is read anew', async (t) => {
  const { declare, readings, cancelled, read } = await start(t);
  await declare(0);
  await eventually('it is read', () => readings.length === 1);
  await declare(1);
  assert.deepEqual([readings.length, cancelled], [1, []]);
  await declare(0);
  await eventually('it is read anew', () => readings.length === 2);
  assert.deepEqual(cancelled, ['tag-0']);
  readings[1]?.onMessage({
    fields: { deliveryTag: 1, redelivered: false, exchange: 'x', routingKey: 'a', consumerTag: 'tag-1' },
    properties: { headers: {} },
    content: Buffer.from('a message'),
  } as ConsumeMessage);
  await eventually('its message is read', () => read.includes('a message'));
});

it('a queue is left alone that was unread when it was declared, and is read by the time of the answer', async (t) => {
  const { declare, readings, cancelled } = await start(t);
  await declare(0, async () => {
    await declare(0);
    await eventually('it is read', () => readings.length === 1);
    await new Promise((resolve) => setImmediate(resolve));
  });
  assert.deepEqual([readings.length, cancelled], [1, []]);
});
