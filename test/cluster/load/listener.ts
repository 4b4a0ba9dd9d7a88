// Hears what the service publishes about its hooks, on a durable queue of its own on RabbitMQ,
// whatever happens to that.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import type { Cleanup } from '../../support/database.ts';
import { ACTIONS, type Action, type Told } from '../oracle/events.ts';

const QUEUE = 'chaos/oracle';
const exchangeOf = (action: Action) => `exchange/taskcluster-hooks/v1/hook-${action}`;

export type Listener = {
  /** Whether nothing waits for it. Only of use while RabbitMQ is there. */
  readonly hasHeardAll: () => Promise<boolean>;
};

/** Resolves when the queue is bound: nothing that is published from then on is missed. */
export const startListener = async (t: Cleanup, url: string, told: Told[]): Promise<Listener> => {
  const ending = new AbortController();
  const { promise: bound, resolve: isBound } = Promise.withResolvers<void>();
  let waiting: () => Promise<number> = async () => Number.POSITIVE_INFINITY;

  const listen = async (): Promise<void> => {
    const connection = await connect(url, { timeout: 5_000 });
    const broken = new Promise<void>((resolve) => {
      connection.on('close', () => resolve());
      ending.signal.addEventListener('abort', () => void connection.close().catch(() => {}), { once: true });
    });
    connection.on('error', () => {}); // 'close' follows
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    await channel.assertQueue(QUEUE, { durable: true });
    for (const action of ACTIONS) {
      await channel.assertExchange(exchangeOf(action), 'topic', { durable: true });
      await channel.bindQueue(QUEUE, exchangeOf(action), '#');
    }
    waiting = async () => (await channel.checkQueue(QUEUE)).messageCount;
    isBound();
    await channel.consume(QUEUE, (message) => {
      if (!message) return;
      const action = ACTIONS.find((one) => exchangeOf(one) === message.fields.exchange);
      const { hookGroupId, hookId, ...rest } = JSON.parse(message.content.toString());
      if (!action || hookGroupId !== 'chaos' || Object.keys(rest).length > 0) {
        throw new Error(`strange: ${message.fields.exchange} ${message.content.toString()}`);
      }
      told.push({ hookId, action });
      channel.ack(message);
    });
    await broken;
  };
  const keepOn = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await listen().catch(() => {}); // RabbitMQ is away
      waiting = async () => Number.POSITIVE_INFINITY;
      await sleep(50);
    }
  };
  const running = keepOn();
  t.after(async () => {
    ending.abort();
    await running;
  });
  await bound;
  return { hasHeardAll: async () => (await waiting()) === 0 };
};
