// A channel that many consumers share: in what order its deliveries end, and when RabbitMQ is known
// to have heard of it.
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Clock } from '../../../core/clock.ts';
import type { AmqpSession } from '../connection/connection.ts';
import type { ReceiptKey } from './receipts.ts';

export type Entry = {
  /** Of the message, without its body: this one may wait here for others to be over. */
  readonly message: Pick<ConsumeMessage, 'fields'>;
  readonly key: ReceiptKey;
  /** Its receipt waits for RabbitMQ to forget the message. */
  readonly needsCleanup: boolean;
  isOver: boolean;
  isAcknowledged: boolean;
};

export type AckChannel = {
  readonly channel: Channel;
  /** In the order in which they came in. */
  readonly add: (entry: Entry) => void;
  /**
   * They are acknowledged at the end of this turn of the event loop, in as few frames as can be.
   */
  readonly finish: (entries: readonly Entry[]) => void;
  /** They go back to the queue. */
  readonly giveBack: (entries: readonly Entry[]) => void;
  /** Resolves when RabbitMQ has processed all acknowledgements so far, or the channel is gone. */
  readonly whenAcknowledged: () => Promise<void>;
};

export type AckChannelSettings = {
  readonly session: AmqpSession;
  readonly clock: Clock;
  readonly prefetch: number;
  /** RabbitMQ has processed their acknowledgements. */
  readonly onAcknowledged: (keys: readonly ReceiptKey[]) => Promise<void>;
  readonly onClose: () => void;
};

/** A round trip for all that was acknowledged meanwhile. */
const CONFIRM_EVERY_MS = 50;

export const openAckChannel = async (settings: AckChannelSettings): Promise<AckChannel> => {
  const { session, clock, prefetch, onAcknowledged, onClose } = settings;
  const channel = await session.channel();
  let isOpen = true;
  channel.on('close', () => {
    isOpen = false;
    onClose();
  });
  await channel.prefetch(prefetch);
  const outstanding: Entry[] = [];
  let first = 0;
  let finished: Entry[] = [];
  let unconfirmed: ReceiptKey[] = [];
  let confirming: Promise<void> | undefined;
  let isFlushing = false;

  const flush = () => {
    isFlushing = false;
    if (!isOpen || finished.length === 0) return;
    const some = finished;
    finished = [];
    for (const entry of some) entry.isOver = true;
    // `multiple` with a tag that RabbitMQ does not know any more would acknowledge too much: the
    // last one must be new.
    let last: Entry | undefined;
    for (let head = outstanding[first]; head?.isOver; head = outstanding[first]) {
      if (!head.isAcknowledged) last = head;
      head.isAcknowledged = true;
      first += 1;
    }
    if (first > 1_000 && first * 2 > outstanding.length) {
      outstanding.splice(0, first);
      first = 0;
    }
    if (last) channel.ack(last.message as ConsumeMessage, true);
    for (const entry of some) {
      if (!entry.isAcknowledged) channel.ack(entry.message as ConsumeMessage);
      entry.isAcknowledged = true;
      if (entry.needsCleanup) unconfirmed.push(entry.key);
    }
    if (unconfirmed.length > 0)
      confirming ??= confirm().finally(() => {
        confirming = undefined;
      });
  };

  const confirm = async () => {
    while (unconfirmed.length > 0 && isOpen) {
      const keys = unconfirmed;
      unconfirmed = [];
      try {
        await channel.prefetch(prefetch); // says the same again; its answer comes after what was sent before
      } catch {
        return; // the channel is gone, and whether it heard of them is unknown for ever
      }
      await onAcknowledged(keys);
      await clock.sleep(CONFIRM_EVERY_MS, session.ended);
    }
  };

  return {
    channel,
    add: (entry) => outstanding.push(entry),
    finish: (entries) => {
      finished.push(...entries);
      if (isFlushing) return;
      isFlushing = true;
      setImmediate(flush);
    },
    giveBack: (entries) => {
      flush();
      for (const entry of entries) {
        if (isOpen && !entry.isAcknowledged) channel.nack(entry.message as ConsumeMessage, false, true);
        entry.isOver = true;
        entry.isAcknowledged = true;
      }
    },
    whenAcknowledged: async () => {
      flush();
      while (confirming && isOpen) await confirming;
    },
  };
};
