// Writing to the ledger: many entries in one statement, with the payloads that are kept of them.
import type { Queryable } from '../database/database.ts';
import { type Piece, statement } from '../database/statement.ts';
import { LEDGER_COLUMN_COUNT, LEDGER_COLUMNS, ledgerColumns, ledgerUnnest } from './columns.ts';
import type { NewEntry } from './entry.ts';
import {
  hasPayload,
  PAYLOAD_COLUMN_COUNT,
  PAYLOAD_COLUMNS,
  payloadColumns,
  payloadUnnest,
} from './payloads/columns.ts';

const recording = (first: number, where = ''): string =>
  `insert into ledger (${LEDGER_COLUMNS}) select entry.* from ${ledgerUnnest(first)} ${where}`;

const insertEntries = statement('ledger.insert', recording(1));

const insertWithPayloads = statement(
  'ledger.insert-with-payloads',
  `with kept as (
     insert into payloads (${PAYLOAD_COLUMNS}) select * from ${payloadUnnest(LEDGER_COLUMN_COUNT + 1)})
   ${recording(1)}`,
);

/**
 * Entries of the tasks that `tasks` (a query) answers, and their payloads, as a piece of a
 * statement; its values are `entryValues`.
 */
export const recordedPiece = (tasks: string): Piece => ({
  name: 'recorded',
  parameters: LEDGER_COLUMN_COUNT + PAYLOAD_COLUMN_COUNT,
  text: (first) => `recorded as (
     ${recording(first, `where entry.task_id = any(array(${tasks}))`)} returning hook_uid, cause), kept as (
     insert into payloads (${PAYLOAD_COLUMNS})
     select payload.* from ${payloadUnnest(first + LEDGER_COLUMN_COUNT)} join recorded using (hook_uid, cause))`,
});

export const entryValues = (entries: readonly NewEntry[]): unknown[] => [
  ...ledgerColumns(entries),
  ...payloadColumns(entries),
];

/** The months of the entries must have their partitions: `Ledger.write` sees to it. */
export const insertLedger = async (on: Queryable, entries: readonly NewEntry[]): Promise<void> => {
  if (entries.length === 0) return;
  if (!entries.some(hasPayload)) await on.query(insertEntries, ledgerColumns(entries));
  else await on.query(insertWithPayloads, entryValues(entries));
};
