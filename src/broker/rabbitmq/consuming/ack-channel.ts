// A channel that many consumers share: in what order its deliveries end, and when RabbitMQ is known
// to have heard of it.
//
// Equal messages without an id are told apart by their number alone (receipts.ts): as long as one
// of them is under way none is acknowledged. Of two, the first one acknowledged and the second one
// handed out again would look like the first one handed out again. Those who publish twice do so in
// one moment, so an acknowledgement also waits for that long.
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Clock } from '../../../core/clock.ts';
import type { AmqpSession } from '../connection/connection.ts';
import type { ReceiptKey } from './receipts.ts';

export type Entry = {
  /** What is kept of the message while it waits here for others: no body. */
  readonly message: Pick<ConsumeMessage, 'fields'>;
  readonly key: ReceiptKey;
  /**
   * Equal for equal messages without an id, whose receipts wait for RabbitMQ to forget them.
   * Undefined: it has an id.
   */
  readonly likeness: string | undefined;
  isOver: boolean;
  isAcknowledged: boolean;
};

export type AckChannel = {
  readonly channel: Channel;
  /** In the order in which they came in. */
  readonly add: (entry: Entry) => void;
  /** They are acknowledged in a moment, in as few frames as can be. */
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
/** Unless so many wait that RabbitMQ might run out of what it may hand out. */
const ACKNOWLEDGE_AFTER_MS = 100;
const MOST_WAITING = 100;

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
  /** How many of a likeness are under way. */
  const underWay = new Map<string, number>();
  let unconfirmed: ReceiptKey[] = [];
  let confirming: Promise<void> | undefined;
  let isFlushing = false;

  const count = ({ likeness }: Entry, change: 1 | -1) => {
    if (likeness === undefined) return;
    const left = (underWay.get(likeness) ?? 0) + change;
    if (left > 0) underWay.set(likeness, left);
    else underWay.delete(likeness);
  };

  const isToWait = ({ likeness }: Entry) => likeness !== undefined && underWay.has(likeness);

  const flush = () => {
    const some = finished.filter((entry) => !isToWait(entry));
    if (!isOpen || some.length === 0) return;
    finished = finished.filter(isToWait);
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
      if (entry.likeness !== undefined) unconfirmed.push(entry.key);
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

  const flushSoon = async () => {
    await clock.sleep(ACKNOWLEDGE_AFTER_MS, session.ended);
    isFlushing = false;
    flush();
  };

  return {
    channel,
    add: (entry) => {
      count(entry, 1);
      outstanding.push(entry);
    },
    finish: (entries) => {
      for (const entry of entries) count(entry, -1);
      finished.push(...entries);
      if (finished.length >= MOST_WAITING) setImmediate(flush);
      if (isFlushing) return;
      isFlushing = true;
      void flushSoon();
    },
    giveBack: (entries) => {
      flush();
      const returned = new Set(entries.map(({ likeness }) => likeness));
      const isReturned = (entry: Entry) => isToWait(entry) && returned.has(entry.likeness);
      const equal = finished.filter(isReturned);
      finished = finished.filter((entry) => !isReturned(entry));
      for (const entry of entries) count(entry, -1);
      for (const entry of [...equal, ...entries]) {
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
