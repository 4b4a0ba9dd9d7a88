// Channels for declaring, binding and deleting. A refusal closes the channel that it came on, so no
// consumer shares one of these.
import type { Channel } from 'amqplib';
import type { AmqpSession } from './connection.ts';

/** Why RabbitMQ does not do it: the code of AMQP (404, 403, 406, …) and its words. */
export type Refusal = { readonly code: number; readonly text: string };

export type ChannelPool = {
  /**
   * Answers what RabbitMQ refused, or undefined when it is done. Rejects when the connection is
   * gone.
   */
  readonly ask: (work: (channel: Channel) => Promise<unknown>) => Promise<Refusal | undefined>;
};

/** A call takes a round trip, and a channel one call at a time. */
const MOST_CHANNELS = 8;

export const createChannelPool = (session: AmqpSession): ChannelPool => {
  const idle: Channel[] = [];
  const waiting: (() => void)[] = [];
  let inUse = 0;

  const take = async (): Promise<Channel> => {
    while (inUse === MOST_CHANNELS) await new Promise<void>((resolve) => waiting.push(resolve));
    inUse += 1;
    return idle.pop() ?? session.channel();
  };

  return {
    ask: async (work) => {
      let channel: Channel | undefined;
      try {
        channel = await take();
        await work(channel);
        idle.push(channel);
        return undefined;
      } catch (error) {
        const refusal = refusalOf(error);
        // The channel is closed: by RabbitMQ when it refused.
        if (!refusal || session.ended.aborted) throw error;
        return refusal;
      } finally {
        inUse -= 1;
        waiting.shift()?.();
      }
    },
  };
};

const refusalOf = (error: unknown): Refusal | undefined => {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') return undefined;
  const [, text = error.message] = /with message "(.*)"$/s.exec(error.message) ?? [];
  return { code: error.code, text };
};
