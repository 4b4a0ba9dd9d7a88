// A queue that is read on RabbitMQ in one session: what has come of it, and what of that the reader
// gets next.

import { newUuid } from '../../../core/ids.ts';
import type { Delivery } from '../../broker.ts';
import type { AmqpSession } from '../connection/connection.ts';
import type { ReadyQueue } from '../topology/declare-queue.ts';
import type { AckChannel, Entry } from './ack-channel.ts';

export type Item = { readonly delivery: Delivery; readonly entry: Entry; readonly bytes: number };

/** A queue that is read. */
export type Subscription = {
  readonly queue: ReadyQueue;
  readonly session: Session;
  /** Identifies this subscription in the receipts. */
  readonly reading: string;
  /** Of the last delivery. */
  number: number;
  /** What has come and is not over, in order. */
  items: Item[];
  isWorking: boolean;
  /** Nothing more of it is handed to the reader. */
  readonly over: AbortController;
  shared?: SharedChannel;
  channel?: AckChannel;
  /** Resolves when RabbitMQ has answered whether it is read. */
  beginning?: Promise<void>;
  consumerTag?: string;
  /** Monotonic ms: RabbitMQ has answered that it is read. */
  readSince?: number;
  /** This reading has the queue's row, in a transaction that may be undone. */
  isBeingTaken: boolean;
  /** The same, committed. */
  isTaken: boolean;
  /** Only new messages come by now. */
  isPastRedelivery: boolean;
  hasDroppedEarlier: boolean;
};

/** `consumers`: how many read on it, or are about to. */
export type SharedChannel = { readonly opening: Promise<AckChannel>; consumers: number };

/** A connection, while it stands. */
export type Session = {
  /** Of RabbitMQ: another one after it was started anew. */
  readonly run: string;
  readonly amqp: AmqpSession;
  readonly subscriptions: Map<string, Subscription>;
  channels: SharedChannel[];
};

export const createSubscription = (queue: ReadyQueue, session: Session): Subscription => ({
  queue,
  session,
  reading: newUuid(),
  number: 0,
  items: [],
  isWorking: false,
  over: new AbortController(),
  isBeingTaken: false,
  isTaken: false,
  isPastRedelivery: false,
  hasDroppedEarlier: false,
});

export const bytesOf = (items: readonly Item[]): number => items.reduce((sum, { bytes }) => sum + bytes, 0);

/** What the reader gets at once. */
const MOST_AT_ONCE = 100;
const MOST_BYTES_AT_ONCE = 4 * 1024 * 1024;

/** As much as the reader gets at once. */
export const firstOf = (items: readonly Item[]): Item[] => {
  let bytes = 0;
  let count = 0;
  for (const item of items) {
    bytes += item.bytes;
    if (count > 0 && (count === MOST_AT_ONCE || bytes > MOST_BYTES_AT_ONCE)) break;
    count += 1;
  }
  return items.slice(0, count);
};

/** So many at once; the others wait in the order in which they came. */
export const createPlaces = (most: number) => {
  const waiting: (() => void)[] = [];
  let taken = 0;
  return {
    /** Resolves with how to leave again; leaving twice is leaving once. */
    enter: async (): Promise<() => void> => {
      if (taken >= most) await new Promise<void>((resolve) => waiting.push(resolve));
      else taken += 1;
      let isLeft = false;
      return () => {
        if (isLeft) return;
        isLeft = true;
        const next = waiting.shift();
        if (next) next();
        else taken -= 1;
      };
    },
  };
};
