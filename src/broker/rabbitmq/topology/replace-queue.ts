// A queue that exists with other arguments, as another service or another queue type left it: read
// until it is empty, then deleted.
import type { Log } from '../../../core/log.ts';
import type { ChannelPool } from '../connection/channel-pool.ts';
import type { ReadyQueue } from './declare-queue.ts';

/** What reads the queue meanwhile. */
export type QueueReader = {
  /** Reads it, if it does not already. */
  readonly ensure: (queue: ReadyQueue) => void;
  readonly isIdle: (id: string) => boolean;
  readonly stop: (id: string) => Promise<void>;
};

type Settings = { readonly consumer: QueueReader; readonly channelPool: ChannelPool; readonly log: Log };

/**
 * Answers whether it is gone; if not, it is being read, and this is to be asked again. Its bindings
 * go with it: what is published in the moment until the new one is bound is not kept for the hook.
 */
export const replaceQueue = async (queue: ReadyQueue, { consumer, channelPool, log }: Settings): Promise<boolean> => {
  const { id, brokerName } = queue;
  const count = async (): Promise<number | undefined> => {
    let waiting: number | undefined;
    await channelPool.ask(async (channel) => {
      waiting = (await channel.checkQueue(brokerName)).messageCount;
    });
    return waiting;
  };
  const before = await count();
  if (before === undefined) return true;
  if (before > 0 || !consumer.isIdle(id)) {
    consumer.ensure(queue);
    return false;
  }
  await consumer.stop(id); // what was handed out and not read goes back, and then it is not empty
  if (await count()) return false;
  // Not `ifEmpty`: RabbitMQ does not have it for quorum queues, and ends the connection of whoever
  // asks for it.
  const kept = await channelPool.ask((channel) => channel.deleteQueue(brokerName));
  if (!kept) log.info({ queue: brokerName }, 'queue with other arguments was empty and is replaced');
  return !kept;
};
