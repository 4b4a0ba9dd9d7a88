// A transaction that is tried and leaves nothing behind.
import type { Database, Transaction } from './database.ts';

/** Runs `work` in a transaction, answers what it answers, and undoes all that it did. */
export const undone = async <T>(database: Database, work: (tx: Transaction) => Promise<T>): Promise<T> => {
  const undo = async (tx: Transaction): Promise<never> => {
    throw new Undone(await work(tx));
  };
  return database.transaction(undo).catch((thrown: unknown) => {
    if (thrown instanceof Undone) return thrown.result as T;
    throw thrown;
  });
};

class Undone extends Error {
  readonly result: unknown;

  constructor(result: unknown) {
    super('undone on purpose');
    this.result = result;
  }
}
