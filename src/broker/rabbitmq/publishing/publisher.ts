// Publishes a batch of messages with confirms, in one session, so that an exchange that is refused
// holds up no other. A refusal closes the channel on which it came, with all that is under way on
// it; what was not confirmed is then published once more, each exchange by itself.
import type { Channel, ConfirmChannel, Options } from 'amqplib';
import { ownPrefixOf } from '../../names.ts';
import type { Outgoing } from '../../outbox.ts';
import type { AmqpSession } from '../connection/connection.ts';
import type { RejectedAt, RestingExchanges } from './resting-exchanges.ts';

export type Publisher = {
  /** Makes these exchanges, which are the server's own, unless they are known to be there. */
  readonly prepare: (exchanges: readonly string[]) => Promise<void>;
  /** Adds the ids of messages to `sent` as they are confirmed. Rejects when the session ends. */
  readonly publish: (messages: readonly Outgoing[], sent: Set<number>) => Promise<void>;
  /** Nothing is waited for on the present channel any more. */
  readonly discard: () => void;
};

export const createPublisher = ({
  session,
  restingExchanges,
}: {
  session: AmqpSession;
  restingExchanges: RestingExchanges;
}): Publisher => {
  /** Exchanges that are there. */
  const known = new Set<string>();
  let asking: Channel | undefined;
  let confirming: ConfirmChannel | undefined;
  /** Grows when nobody waits for the batch under way any more. */
  let batch = 0;

  const askingChannel = async (): Promise<Channel> => {
    if (asking) return asking;
    const channel = await session.channel();
    channel.on('close', () => {
      if (asking === channel) asking = undefined;
    });
    asking = channel;
    return channel;
  };

  const confirmingChannel = async (): Promise<ConfirmChannel> => {
    if (confirming) return confirming;
    const channel = await session.confirmChannel();
    channel.on('close', () => {
      if (confirming === channel) confirming = undefined;
    });
    confirming = channel;
    return channel;
  };

  const refuse = (exchange: string, at: RejectedAt, error: unknown) => {
    if (session.ended.aborted) throw session.ended.reason; // it is no matter of the exchange
    known.delete(exchange);
    restingExchanges.rejected(exchange, at, error);
  };

  /** Own exchanges are made; of others it is only asked whether they are there. */
  const ensure = async (exchange: string): Promise<boolean> => {
    if (known.has(exchange)) return true;
    const channel = await askingChannel();
    try {
      if (ownPrefixOf(exchange) === undefined) await channel.checkExchange(exchange);
      else await channel.assertExchange(exchange, 'topic', { durable: true });
    } catch (error) {
      refuse(exchange, 'declaring', error);
      return false;
    }
    known.add(exchange);
    return true;
  };

  const publishTogether = async (messages: readonly Outgoing[], sent: Set<number>): Promise<unknown> => {
    const channel = await confirmingChannel();
    let refusal: unknown;
    const onError = (error: unknown) => {
      refusal = error;
    };
    channel.on('error', onError);
    try {
      const outcomes = await Promise.allSettled(messages.map((message) => confirmed(channel, message)));
      for (const [index, outcome] of outcomes.entries()) {
        const message = messages[index];
        if (outcome.status === 'rejected') refusal ??= outcome.reason;
        else if (message) restingExchanges.accepted(message.exchange, 'publishing');
      }
    } finally {
      channel.removeListener('error', onError);
    }
    return refusal;

    function confirmed(on: ConfirmChannel, message: Outgoing): Promise<void> {
      return new Promise((resolve, reject) => {
        const { exchange, routing_key, body } = message;
        on.publish(exchange, routing_key, Buffer.from(body), propertiesOf(message), (error: unknown) => {
          if (error) return reject(error);
          sent.add(message.id);
          resolve();
        });
      });
    }
  };

  return {
    prepare: async (exchanges) => {
      const resting = new Set(restingExchanges.resting());
      try {
        for (const exchange of exchanges) {
          if (!resting.has(exchange) && (await ensure(exchange))) restingExchanges.accepted(exchange, 'declaring');
        }
      } catch (error) {
        if (!session.ended.aborted) throw error; // the next session begins again
      }
    },
    publish: async (messages, sent) => {
      const own = batch;
      const there = new Set<string>();
      for (const exchange of new Set(messages.map((message) => message.exchange))) {
        if (await ensure(exchange)) there.add(exchange);
      }
      const toSend = messages.filter(({ exchange }) => there.has(exchange));
      if (toSend.length === 0) return;
      const refusal = await publishTogether(toSend, sent);
      if (refusal === undefined) return;
      for (const exchange of there) {
        if (session.ended.aborted) throw session.ended.reason;
        if (batch !== own) return;
        const left = toSend.filter((message) => message.exchange === exchange && !sent.has(message.id));
        if (left.length === 0) continue;
        const reason = there.size === 1 ? refusal : await publishTogether(left, sent);
        if (reason !== undefined && batch === own) refuse(exchange, 'publishing', reason);
      }
    },
    discard: () => {
      const late = confirming;
      confirming = undefined;
      batch += 1;
      late?.close().catch(() => {}); // it is of no use, whatever becomes of it
    },
  };
};

const propertiesOf = ({ id, cc, message_id, accepted }: Outgoing): Options.Publish => ({
  persistent: true,
  contentType: 'application/json',
  // A message keeps it; after the database began anew, no other message gets the same.
  messageId: message_id ?? `hookwright-${id}-${accepted}`,
  timestamp: Math.floor(accepted / 1_000),
  ...(cc.length > 0 && { CC: [...cc] }),
});
