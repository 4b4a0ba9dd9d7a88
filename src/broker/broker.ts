// Messages on topic exchanges, as the rest of the house knows them: the port behind which the in-process broker and RabbitMQ stand.
//
//   exchange   where messages are published, by name: `exchange/taskcluster-hooks/v1/hook-created`
//   queue      where messages wait for one reader, in order; here each hook with bindings has one, named by the hook's uid
//   binding    exchange and pattern: which messages of that exchange go to the queue. Words end at dots; `*` is one word, `#` any number of them
//   delivery   one message on one queue; delivered until it is acknowledged
import type { Transaction } from '../database/database.ts';

export type Binding = { readonly exchange: string; readonly routingKeyPattern: string };

export type OutgoingMessage = {
  readonly exchange: string;
  readonly routingKey: string;
  /** More routing keys by which it is routed (RabbitMQ's CC header). A queue gets it once, however many keys match. */
  readonly cc?: readonly string[];
  /** JSON. */
  readonly body: unknown;
  readonly messageId?: string;
};

export type Delivery = {
  readonly queue: string;
  /** The identity of this delivery: unique, and the same when it is delivered again. */
  readonly id: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly messageId: string | undefined;
  /** As it was sent; not necessarily JSON. */
  readonly body: Buffer;
  /** When the broker accepted the message, in ms. */
  readonly accepted: number;
  /**
   * Makes the end of this delivery part of the reader's transaction. false: it has ended already, through another process, so whatever the
   * transaction was to do must not be done.
   */
  readonly acknowledge: (tx: Transaction) => Promise<boolean>;
};

/**
 * Reads one delivery. When it resolves the delivery is over; when it rejects the delivery comes again, after a pause, before those behind
 * it. Deliveries of a queue come one after another in the order in which they were accepted; queues do not wait for each other.
 */
export type Reader = (delivery: Delivery) => Promise<void>;

export type Broker = {
  /** Accepts messages in the caller's transaction: no change without its message, no message without its change. */
  readonly publish: (tx: Transaction, messages: readonly OutgoingMessage[]) => Promise<void>;
  /**
   * Those of these exchanges that any queue is bound to, as of the caller's transaction: messages to the others would go nowhere, so whoever
   * publishes with every change of something need not make them. Absent: nobody can tell, and all are to be published.
   */
  readonly boundAmong?: (tx: Transaction, exchanges: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Makes the bindings of a queue exactly these; without any the queue and what lies on it are gone. In the caller's transaction. */
  readonly setBindings: (tx: Transaction, queue: string, bindings: readonly Binding[]) => Promise<void>;
  /** Who reads all queues. Given once, before `run`. */
  readonly consume: (reader: Reader) => void;
  /** Routes and delivers until the signal aborts, then finishes the deliveries under way. Outlives the loss of the database. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};
