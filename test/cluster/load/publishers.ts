// Those who publish messages, over AMQP as other services do, or over HTTP where the broker lives
// in the server's database.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConfirmChannel, connect } from 'amqplib';
import { createRandom, type Random } from '../../chaos/random.ts';
import type { Cleanup } from '../../support/database.ts';
import { type Events, EXCHANGE, type Message } from '../oracle/events.ts';
import type { Api } from './api.ts';
import { fillingOf, type Load } from './callers.ts';
import { BOUND } from './hooks.ts';

/** Puts it on the wire once. Resolves with whether the broker said that it has it. */
export type Publish = (message: Message) => Promise<boolean>;

export const publishOverHttp =
  (api: Api): Publish =>
  async (message) => {
    const query = new URLSearchParams({ routingKey: message.routingKey });
    const path = `/api/broker/v1/publish/${encodeURIComponent(EXCHANGE)}?${query}`;
    const request = { method: 'POST', path, body: message.payload };
    const reply = await api.ask(request, () => {
      message.published += 1;
    });
    if (reply && reply.status !== 200) throw new Error(`publishing was answered ${reply.status} ${reply.text}`);
    if (reply) message.confirmed += 1;
    return reply !== undefined;
  };

/**
 * Persistent messages on a channel with confirms; a connection that breaks is made anew, and what
 * was not confirmed by then never is.
 */
export const publishOverAmqp = (t: Cleanup, url: string): Publish => {
  const ending = new AbortController();
  t.after(async () => ending.abort());
  let opening: Promise<Session> | undefined;
  const session = async (): Promise<Session> => {
    opening ??= openSession(url, ending.signal, () => {
      opening = undefined;
    });
    return opening;
  };
  return async (message) => {
    const { channel, broken } = await session();
    const { promise: confirmed, resolve } = Promise.withResolvers<boolean>();
    const { routingKey, messageId, payload } = message;
    const options = {
      persistent: true,
      contentType: 'application/json',
      ...(messageId !== undefined && { messageId }),
    };
    try {
      channel.publish(EXCHANGE, routingKey, Buffer.from(JSON.stringify(payload)), options, (error) => resolve(!error));
    } catch {
      return false; // the channel had closed before anything went out
    }
    message.published += 1;
    const isConfirmed = await Promise.race([confirmed, broken]);
    if (isConfirmed) message.confirmed += 1;
    return isConfirmed;
  };
};

type Session = {
  readonly channel: ConfirmChannel;
  /** Resolves when nothing more is confirmed on it. */
  readonly broken: Promise<false>;
};

const openSession = async (url: string, signal: AbortSignal, onBroken: () => void): Promise<Session> => {
  for (;;) {
    if (signal.aborted) throw new Error('the test is over');
    try {
      const connection = await connect(url, { timeout: 5_000 });
      const { promise: broken, resolve } = Promise.withResolvers<false>();
      const end = () => {
        onBroken();
        resolve(false);
      };
      connection.on('error', () => {}); // 'close' follows
      connection.on('close', end);
      signal.addEventListener('abort', () => connection.close().catch(() => {}), { once: true });
      const channel = await connection.createConfirmChannel();
      channel.on('error', () => {});
      channel.on('close', end);
      await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
      return { channel, broken };
    } catch {
      await sleep(50); // the broker is away, or has just gone
    }
  }
};

const PUBLISHERS = 2;
const MOST_AT_ONCE = 5;
const LONGEST_PAUSE_MS = 250;

export type PublisherOptions = {
  readonly seed: number;
  /** Whether the broker knows a message again by its messageId. */
  readonly knowsMessageIds: boolean;
};

export const startPublishers = (publish: Publish, { messages }: Events, options: PublisherOptions): Load => {
  const { seed, knowsMessageIds } = options;
  let isOver = false;

  /** Until it is confirmed; and at times once more, under the same messageId. */
  const publishPatiently = async (message: Message, twice: boolean): Promise<void> => {
    while (!(await publish(message))) await sleep(20);
    if (twice) await publish(message);
  };

  const newMessage = (mark: string, messageId: string | undefined, random: Random): Message => {
    const isForSome = random.isTrue(0.5);
    const routingKey = isForSome ? 'some.thing' : 'other.thing';
    const hookIds = Object.entries(BOUND).flatMap(([id, pattern]) =>
      isForSome || pattern.startsWith('*') ? [id] : [],
    );
    const payload = fillingOf(mark, random.between(0, 9), random);
    const message = { hookIds, routingKey, payload, messageId, published: 0, confirmed: 0 };
    messages.push(message);
    return message;
  };

  const runPublisher = async (publisher: number): Promise<void> => {
    const random = createRandom(seed + publisher);
    for (let number = 0; !isOver; number += 1) {
      const batch = Array.from({ length: random.between(1, MOST_AT_ONCE) }, async (_, index) => {
        const mark = `message ${publisher}-${number}-${index}`;
        const dice = random.between(0, 9);
        const hasId = knowsMessageIds && dice < 4;
        const message = newMessage(mark, hasId ? mark : undefined, random);
        if (hasId) return publishPatiently(message, dice < 2);
        // The same body again without a messageId is another message.
        await Promise.all(dice > 7 ? [publish(message), publish(message)] : [publish(message)]);
      });
      await Promise.all(batch);
      await sleep(random.between(0, LONGEST_PAUSE_MS));
    }
  };

  const running = Promise.all(Array.from({ length: PUBLISHERS }, (_, publisher) => runPublisher(publisher)));
  running.catch(() => {}); // whoever waits for the end hears of it
  return {
    finish: async () => {
      isOver = true;
      await running;
    },
  };
};
