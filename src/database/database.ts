// What the rest of the house knows of PostgreSQL: statements, transactions and notifications.
import type { OperatorError } from '../core/errors.ts';
import type { Statement } from './statement.ts';

/** Runs statements: the database itself (each statement its own transaction) or a transaction. */
export type Queryable = {
  readonly query: <Row>(statement: Statement<Row>, values?: readonly unknown[]) => Promise<Row[]>;
};

export type Transaction = Queryable;

export type Listener = {
  /** Called with the payload of each notification. */
  readonly onNotification: (payload: string) => void;
  /**
   * Called when the listening connection is lost, and again when it stands: whatever was cached on
   * the strength of notifications may be stale from the one moment until the other.
   */
  readonly onInterruption?: (state: 'lost' | 'restored') => void;
};

export type Database = Queryable &
  AsyncDisposable & {
    /**
     * Commits when `work` resolves, rolls back when it rejects. Statements that `work` has sent
     * without waiting for their answers share a round trip with the commit; when one of them fails,
     * all is undone and this rejects. Serialization failures and deadlocks are tried again (three
     * times in all), as they are of single statements; so `work` must not have effects outside the
     * transaction.
     */
    readonly transaction: <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>;
    /** Listens on a channel until disposed. The listening connection heals by itself. */
    readonly listen: (channel: string, listener: Listener) => Promise<AsyncDisposable>;
    /**
     * Why nothing can be written although the database answers (a full disk, a read-only server),
     * from the first write that failed of it until one succeeds again. Such writes reject with it.
     */
    readonly writeFault: () => OperatorError | undefined;
    /** How many connections are lent, how many lie ready, and how many statements wait for one. */
    readonly use: () => { readonly busy: number; readonly idle: number; readonly waiting: number };
    /** Where it is, without a password, for messages: `localhost:5432/hookwright`. */
    readonly address: string;
  };
