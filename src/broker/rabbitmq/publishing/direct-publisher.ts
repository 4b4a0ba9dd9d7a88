// Publishes single messages and waits for their confirms. One message at a time on a channel, so
// that what comes back on it belongs to that message, and a refusal, which closes the channel, is
// nobody else's.
import type { ConfirmChannel } from 'amqplib';
import { type Clock, withDeadline } from '../../../core/clock.ts';
import { jsonBytesInTurns } from '../../../core/json.ts';
import { ApiError } from '../../../http/api-error.ts';
import type { OutgoingMessage } from '../../broker.ts';
import type { PublishResult } from '../../operator-tools.ts';
import type { AmqpSession } from '../connection/connection.ts';

export type DirectPublisher = {
  /** Rejects with RabbitMQ's refusal, or an ApiError when it does not confirm in time. */
  readonly publish: (session: AmqpSession, message: OutgoingMessage) => Promise<PublishResult>;
};

const MOST_CHANNELS = 64;
const CONFIRM_WITHIN_MS = 10_000;

export const createDirectPublisher = ({ clock, address }: { clock: Clock; address: string }): DirectPublisher => {
  const idle = new WeakMap<AmqpSession, ConfirmChannel[]>();
  const waiting: (() => void)[] = [];
  let busy = 0;

  const takeTurn = async () => {
    if (busy >= MOST_CHANNELS) return new Promise<void>((resolve) => waiting.push(resolve)); // is handed the turn of another
    busy += 1;
  };
  const endTurn = () => {
    const next = waiting.shift();
    if (next) next();
    else busy -= 1;
  };

  const takeChannel = async (session: AmqpSession): Promise<ConfirmChannel> => {
    const channels = idle.get(session) ?? [];
    idle.set(session, channels);
    const known = channels.pop();
    if (known) return known;
    const channel = await session.confirmChannel();
    channel.on('close', () => {
      const index = channels.indexOf(channel);
      if (index >= 0) channels.splice(index, 1);
    });
    return channel;
  };

  const publish: DirectPublisher['publish'] = async (session, message) => {
    await takeTurn();
    try {
      const content = await jsonBytesInTurns(message.body);
      const channel = await takeChannel(session);
      const late = () =>
        new ApiError(
          'ServiceUnavailable',
          `RabbitMQ at ${address} has not confirmed the message. It may or may not have been published.`,
        );
      try {
        const result = await withDeadline(
          clock,
          CONFIRM_WITHIN_MS,
          () => publishOn(channel, message, content, clock.now()),
          late,
        );
        idle.get(session)?.push(channel);
        return result;
      } catch (error) {
        if (error instanceof ApiError) channel.close().catch(() => {}); // nobody waits for it any more
        throw error;
      }
    } finally {
      endTurn();
    }
  };

  return { publish };
};

const publishOn = (
  channel: ConfirmChannel,
  message: OutgoingMessage,
  content: Buffer,
  now: number,
): Promise<PublishResult> =>
  new Promise((resolve, reject) => {
    const { exchange, routingKey, messageId, cc = [] } = message;
    let wasRouted = true;
    let refusal: unknown;
    const onReturn = () => {
      wasRouted = false; // it comes back before it is confirmed
    };
    const onError = (error: unknown) => {
      refusal = error;
    };
    const done = (error: unknown) => {
      channel.removeListener('return', onReturn);
      channel.removeListener('error', onError);
      if (error) reject(refusal ?? error);
      else resolve({ wasRouted });
    };
    channel.on('return', onReturn);
    channel.on('error', onError);
    const properties = {
      ...{ persistent: true, mandatory: true, contentType: 'application/json', timestamp: Math.floor(now / 1_000) },
      ...(messageId !== undefined && { messageId }),
      ...(cc.length > 0 && { CC: [...cc] }),
    };
    channel.publish(exchange, routingKey, content, properties, done);
  });
