// Messages on topic exchanges, as the rest of the house knows them: the port behind which the
// broker in the database and RabbitMQ stand.
//
//   exchange   where messages are published, by name: `exchange/taskcluster-hooks/v1/hook-created`
//   queue      where messages wait for one reader, in order; each hook with bindings has one, known
//              by the hook's uid
//   binding    exchange and pattern: which messages of that exchange go to the queue. Words end at
//              dots; `*` is one word, `#` any number of them
//   delivery   one message on one queue; delivered until it is acknowledged

import type { Transaction } from '../database/database.ts';
import type { Piece, WholePiece } from '../database/statement.ts';
import type { BrokerTools } from './operator-tools.ts';

/** What waits for one reader. */
export type QueueIdentity = {
  /** The hook's uid: unique for ever. */
  readonly id: string;
  /** For people, and for RabbitMQ: `<hookGroupId>/<hookId>`. */
  readonly name: string;
};

export type Binding = { readonly exchange: string; readonly routingKeyPattern: string };

export type OutgoingMessage = {
  readonly exchange: string;
  readonly routingKey: string;
  /**
   * More routing keys by which it is routed (RabbitMQ's CC header). A queue gets it once, however
   * many keys match.
   */
  readonly cc?: readonly string[];
  /** JSON. */
  readonly body: unknown;
  readonly messageId?: string;
};

export type Delivery = {
  /** The id of its queue. */
  readonly queue: string;
  /** The identity of this delivery: unique, and the same when it is delivered again. */
  readonly id: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly messageId: string | undefined;
  /** As it was sent; not necessarily JSON. */
  readonly body: Buffer;
  /** When the broker accepted the message (where it does not say: when it arrived here), in ms. */
  readonly accepted: number;
};

/**
 * Reads deliveries of one queue, in the order in which they were accepted. When it resolves all of
 * them are over. When it rejects, those that were acknowledged in a committed transaction are over;
 * the others come again after a pause, before those behind them. Queues do not wait for each other.
 */
export type Reader = (deliveries: readonly Delivery[]) => Promise<void>;

export type BindingState = Binding & {
  /** `pending`: not tried yet. `refused`: `reason` says why; it is tried again. */
  readonly state: 'active' | 'pending' | 'refused';
  /** For the owner of the hook: what the broker said, and what to do. */
  readonly reason?: string;
  /** When it came into this state, in ms. */
  readonly since: number;
};

/** `queue`: its id. */
export type BindingChange = { readonly queue: string } & BindingState;

export type Broker = {
  /**
   * Accepts messages in the caller's transaction: no change without its message, no message without
   * its change.
   */
  readonly publish: (tx: Transaction, messages: readonly OutgoingMessage[]) => Promise<void>;
  /**
   * Those of these exchanges that any queue is bound to, as of the caller's transaction: messages
   * to the others would go nowhere, so whoever publishes with every change of something need not
   * make them. Absent: nobody can tell, and all are to be published.
   */
  readonly boundAmong?: (tx: Transaction, exchanges: readonly string[]) => Promise<ReadonlySet<string>>;
  /**
   * Makes the bindings of a queue exactly these; without any the queue and what lies on it are
   * gone. In the caller's transaction.
   */
  readonly setBindings: (tx: Transaction, queue: QueueIdentity, bindings: readonly Binding[]) => Promise<void>;
  /**
   * For a statement that publishes besides what else it does: of the exchanges that are its one
   * parameter, those that `boundAmong` answers, as a relation `heard (exchange)`; outbox.ts has the
   * messages. `accepted`: so many were published and committed.
   */
  readonly pieces?: { readonly heard: Piece; readonly accepted: (messages: number) => void };
  /** All exchanges on which the services of this server publish. Absent: unknown. */
  readonly ownExchanges?: readonly string[];
  /** How the bindings of the queue of this id stand, ordered by exchange and pattern. */
  readonly bindingStates: (queue: string) => Promise<readonly BindingState[]>;
  /**
   * Makes the end of these deliveries, of any queues, part of the caller's transaction. Answers
   * those that had ended before, through another process: whatever was to be done for them must not
   * be done.
   */
  readonly acknowledge: (tx: Transaction, deliveries: readonly Delivery[]) => Promise<ReadonlySet<Delivery>>;
  /**
   * As `acknowledge`, as a part of the caller's statement, which does nothing if any of them had
   * ended before. `values`: of the piece; undefined: these need `acknowledge`.
   */
  readonly endings?: {
    readonly piece: WholePiece;
    readonly values: (deliveries: readonly Delivery[]) => readonly unknown[] | undefined;
  };
  /** Who reads all queues. Given once, before `run`. */
  readonly consume: (reader: Reader) => void;
  /**
   * Who is told, in the transaction that records it, that a binding became active or refused (not
   * of each retry). Given once, before `run`. Where bindings are active as soon as they are set
   * nobody is told.
   */
  readonly onBindingChange: (changed: (tx: Transaction, changes: readonly BindingChange[]) => Promise<void>) => void;
  /** Throws ServiceUnavailable, with the reason, while the broker cannot be reached. */
  readonly checkHealth: () => Promise<void>;
  /** What people do with it by hand. */
  readonly tools: BrokerTools;
  /**
   * Routes and delivers until the signal aborts, then finishes the deliveries under way. Outlives
   * the loss of the database.
   */
  readonly run: (signal: AbortSignal) => Promise<void>;
};
