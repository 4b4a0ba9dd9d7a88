// The columns of the ledger as arrays, one a column, so that one statement writes many entries;
// also together with something else.
import { toIso } from '../core/clock.ts';
import { ofAnyLength } from '../database/statement.ts';
import type { LedgerEntry } from './entry.ts';

type Column = {
  readonly name: string;
  readonly type: string;
  readonly value: (entry: LedgerEntry) => unknown;
};

const json = (value: unknown): string | null => (value === undefined || value === null ? null : JSON.stringify(value));

const COLUMNS: readonly Column[] = [
  { name: 'at', type: 'timestamptz', value: ({ at }) => toIso(at) },
  { name: 'kind', type: 'text', value: ({ kind }) => kind },
  { name: 'outcome', type: 'text', value: ({ outcome }) => outcome },
  { name: 'hook_uid', type: 'uuid', value: ({ hookUid }) => hookUid },
  { name: 'hook_group_id', type: 'text', value: ({ hookGroupId }) => hookGroupId },
  { name: 'hook_id', type: 'text', value: ({ hookId }) => hookId },
  { name: 'hook_revision', type: 'bigint', value: ({ hookRevision }) => hookRevision },
  { name: 'cause', type: 'text', value: ({ cause }) => cause },
  { name: 'fired_by', type: 'text', value: ({ firedBy }) => firedBy },
  { name: 'task_id', type: 'text', value: ({ taskId }) => taskId },
  { name: 'arrived', type: 'timestamptz', value: ({ arrived }) => toIso(arrived) },
  { name: 'attempts', type: 'integer', value: ({ attempts }) => attempts },
  { name: 'client_id', type: 'text', value: ({ clientId }) => clientId },
  { name: 'request_id', type: 'text', value: ({ requestId }) => requestId },
  { name: 'payload_hash', type: 'bytea', value: ({ payloadHash }) => payloadHash },
  { name: 'error', type: 'json', value: ({ error }) => json(error) },
  { name: 'detail', type: 'json', value: ({ detail }) => json(detail) },
];

/** How many parameters `ledgerUnnest` takes. */
export const LEDGER_COLUMN_COUNT = COLUMNS.length;

/** For `insert into ledger (…)`. All but `seq`, which the database gives. */
export const LEDGER_COLUMNS = COLUMNS.map(({ name }) => name).join(', ');

/**
 * The entries as rows `entry`, whose columns are LEDGER_COLUMNS in that order; the parameters from
 * `$first` on are what
 * `ledgerColumns` answers.
 *
 * @example
 * `with gone as (delete from fires … returning hook_uid, cause)
 *  insert into ledger (${LEDGER_COLUMNS})
 *  select entry.* from ${ledgerUnnest(2)} join gone using (hook_uid, cause)`
 */
export const ledgerUnnest = (first: number): string => {
  const [one, ...others] = COLUMNS.map(({ type }, index) => `$${first + index}::${type}[]`);
  return `unnest(${[ofAnyLength(one as string), ...others].join(', ')}) as entry (${LEDGER_COLUMNS})`;
};

/** One array a column. */
export const ledgerColumns = (entries: readonly LedgerEntry[]): unknown[][] =>
  COLUMNS.map(({ value }) => entries.map(value));
