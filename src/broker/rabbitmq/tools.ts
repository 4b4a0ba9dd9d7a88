// The tools of RabbitMQ: publishing is answered after the confirm, and a watch is a queue of
// RabbitMQ that expires.
import type { Channel, GetMessage, Message } from 'amqplib';
import { type Clock, withDeadline } from '../../core/clock.ts';
import { newAccessToken } from '../../core/ids.ts';
import { ApiError } from '../../http/api-error.ts';
import {
  type BrokerTools,
  digestOfWatch,
  LONGEST_WAIT_MS,
  MOST_BYTES_KEPT,
  MOST_BYTES_READ,
  MOST_KEPT,
  MOST_READ,
  NO_SUCH_WATCH,
  shownBody,
  WATCH_LIVES_MS,
  type WatchedMessage,
  type WatchId,
} from '../operator-tools.ts';
import type { AmqpConnection, AmqpSession } from './connection/connection.ts';
import { asApiError, codeOf } from './publishing/api-errors.ts';
import { createDirectPublisher } from './publishing/direct-publisher.ts';
import { queueNameOf } from './topology/queue-name.ts';

export type AmqpToolsSettings = { readonly connection: AmqpConnection; readonly clock: Clock };

const ANSWER_WITHIN_MS = 10_000;
/** Each has a channel, of which a connection has some two thousand. */
const MOST_READERS = 200;
/** In one process. As long as they live they take what comes. */
const MOST_OPENED_A_MINUTE = 200;

export const createAmqpTools = ({ connection, clock }: AmqpToolsSettings): BrokerTools => {
  const publisher = createDirectPublisher({ clock, address: connection.address });
  let readers = 0;
  /** When watches were opened, the oldest first. */
  let opened: readonly number[] = [];

  const standing = async (): Promise<AmqpSession> => {
    await connection.checkHealth();
    const away = () => new ApiError('ServiceUnavailable', `RabbitMQ at ${connection.address} does not answer`);
    return withDeadline(clock, ANSWER_WITHIN_MS, (signal) => connection.session(signal), away);
  };

  /** On a channel of its own, which a refusal closes without harm to others. */
  const onChannel = async <T>(exchange: string, work: (channel: Channel) => Promise<T>): Promise<T> => {
    const session = await standing();
    try {
      const channel = await session.channel();
      let isClosed = false;
      channel.on('close', () => {
        isClosed = true;
      });
      try {
        return await work(channel);
      } finally {
        if (!isClosed) await channel.close();
      }
    } catch (error) {
      throw asApiError(error, exchange);
    }
  };

  const queueOf = (watch: WatchId) => queueNameOf(connection.user, `watch/${digestOfWatch(watch)}`);

  const read = async (channel: Channel, queue: string, signal: AbortSignal) => {
    const { messageCount } = await channel.checkQueue(queue).catch((error: unknown) => {
      throw codeOf(error) === 404 ? new ApiError('ResourceNotFound', NO_SUCH_WATCH) : error;
    });
    const messages: Message[] = await takeWhatIsThere(channel, queue);
    if (messages.length > 0) return { messages: messages.map(shown), isIncomplete: wasFull(messageCount, messages) };
    const first = await waitForOne(channel, queue, clock, signal);
    if (first) messages.push(first, ...(await takeWhatIsThere(channel, queue)));
    return { messages: messages.map(shown), isIncomplete: false };
  };

  return {
    publish: async (message, { declare = false } = {}) => {
      const { exchange } = message;
      const session = await standing();
      try {
        return await publisher.publish(session, message);
      } catch (error) {
        if (!declare || codeOf(error) !== 404) throw asApiError(error, exchange);
      }
      await onChannel(exchange, (channel) => channel.assertExchange(exchange, 'topic', { durable: true }));
      return publisher.publish(session, message).catch((error: unknown) => {
        throw asApiError(error, exchange);
      });
    },
    openWatch: async (exchange, routingKeyPattern) => {
      const now = clock.monotonic();
      opened = opened.filter((at) => at > now - WATCH_LIVES_MS);
      if (opened.length >= MOST_OPENED_A_MINUTE) {
        throw new ApiError('TooManyRequests', `${opened.length} watches were opened in this minute. Wait a little.`);
      }
      opened = [...opened, now];
      const id = newAccessToken();
      const queue = queueOf({ exchange, id });
      await onChannel(exchange, async (channel) => {
        // Durable, because newer RabbitMQs have no others that several connections may read.
        await channel.assertQueue(queue, {
          durable: true,
          expires: WATCH_LIVES_MS,
          maxLength: MOST_KEPT,
          arguments: { 'x-max-length-bytes': MOST_BYTES_KEPT, 'x-queue-type': 'classic' },
        });
        await channel.bindQueue(queue, exchange, routingKeyPattern);
      });
      return id;
    },
    readWatch: async (watch, signal) => {
      if (readers >= MOST_READERS) {
        throw new ApiError('TooManyRequests', `${MOST_READERS} watches are being read already. Try again in a moment.`);
      }
      readers += 1;
      try {
        return await onChannel(watch.exchange, (channel) => read(channel, queueOf(watch), signal));
      } finally {
        readers -= 1;
      }
    },
    closeWatch: async (watch) => {
      await onChannel(watch.exchange, (channel) => channel.deleteQueue(queueOf(watch)));
    },
  };
};

const takeWhatIsThere = async (channel: Channel, queue: string): Promise<GetMessage[]> => {
  const messages: GetMessage[] = [];
  let bytes = 0;
  while (messages.length < MOST_READ && bytes < MOST_BYTES_READ) {
    const message = await channel.get(queue, { noAck: true });
    if (!message) break;
    messages.push(message);
    bytes += message.content.length;
  }
  return messages;
};

const waitForOne = async (
  channel: Channel,
  queue: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Message | undefined> => {
  const waking = new AbortController();
  const wake = () => waking.abort();
  signal.addEventListener('abort', wake, { once: true });
  channel.on('close', wake);
  let first: Message | undefined;
  let isGone = false;
  const onMessage = (message: Message | null) => {
    if (message) first = message;
    else isGone = true;
    wake();
  };
  if (!signal.aborted) {
    await channel.prefetch(1); // the others stay where they are
    const { consumerTag } = await channel.consume(queue, onMessage);
    await clock.sleep(LONGEST_WAIT_MS, waking.signal);
    if (!isGone) await channel.cancel(consumerTag); // after which nothing comes any more
  }
  signal.removeEventListener('abort', wake);
  if (isGone) throw new ApiError('ResourceNotFound', NO_SUCH_WATCH);
  if (first) channel.ack(first);
  return first;
};

/**
 * RabbitMQ drops without telling. A queue that holds as much as it may, or would with one more like
 * these, may have lost some.
 */
const wasFull = (messageCount: number, messages: readonly Message[]): boolean => {
  const bytes = messages.reduce((sum, { content }) => sum + content.length, 0);
  const average = bytes / messages.length;
  return messageCount >= MOST_KEPT || (messageCount + 1) * average > MOST_BYTES_KEPT;
};

const shown = ({ fields, properties, content }: Message): WatchedMessage => {
  const cc: unknown = properties.headers?.CC;
  return {
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    cc: Array.isArray(cc) ? cc.filter((key) => typeof key === 'string') : [],
    messageId: typeof properties.messageId === 'string' ? properties.messageId : undefined,
    accepted: undefined,
    ...shownBody(content),
  };
};
