// A database in which something happens between the statements of a transaction.
import type { Database } from '../../database/database.ts';

/**
 * `after` is called with the name of each statement in a transaction when it has been carried out;
 * the transaction waits.
 */
export const meddle = (database: Database, after: (name: string) => void | Promise<void>): Database => ({
  ...database,
  transaction: (work) =>
    database.transaction((tx) =>
      work({
        query: async (one, values) => {
          const rows = await tx.query(one, values);
          await after(one.name);
          return rows;
        },
      }),
    ),
});
