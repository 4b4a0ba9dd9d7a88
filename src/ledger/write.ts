// Writing to the ledger: many entries in one statement.
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { LEDGER_COLUMNS, ledgerColumns, ledgerUnnest } from './columns.ts';
import type { LedgerEntry } from './entry.ts';

const insertEntries = statement(
  'ledger.insert',
  `insert into ledger (${LEDGER_COLUMNS}) select entry.* from ${ledgerUnnest(1)}`,
);

/** The months of the entries must have their partitions: `Ledger.write` sees to it. */
export const insertLedger = async (on: Queryable, entries: readonly LedgerEntry[]): Promise<void> => {
  if (entries.length > 0) await on.query(insertEntries, ledgerColumns(entries));
};
