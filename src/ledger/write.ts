// Writing to the ledger: many entries in one statement, with the payloads that are kept of them.
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { LEDGER_COLUMN_COUNT, LEDGER_COLUMNS, ledgerColumns, ledgerUnnest } from './columns.ts';
import type { NewEntry } from './entry.ts';
import { hasPayload, PAYLOAD_COLUMNS, payloadColumns, payloadUnnest } from './payloads/columns.ts';

const INSERT = `insert into ledger (${LEDGER_COLUMNS}) select entry.* from ${ledgerUnnest(1)}`;

const insertEntries = statement('ledger.insert', INSERT);

const insertWithPayloads = statement(
  'ledger.insert-with-payloads',
  `with kept as (
     insert into payloads (${PAYLOAD_COLUMNS}) select * from ${payloadUnnest(LEDGER_COLUMN_COUNT + 1)})
   ${INSERT}`,
);

/** The months of the entries must have their partitions: `Ledger.write` sees to it. */
export const insertLedger = async (on: Queryable, entries: readonly NewEntry[]): Promise<void> => {
  if (entries.length === 0) return;
  const columns = ledgerColumns(entries);
  if (!entries.some(hasPayload)) await on.query(insertEntries, columns);
  else await on.query(insertWithPayloads, [...columns, ...payloadColumns(entries)]);
};
