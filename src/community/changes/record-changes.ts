// Changes are recorded in the transaction that makes them, and told in the order of the commits.
import type { Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Change } from './change.ts';

export const CHANGES_CHANNEL = 'community_changes';

const insert = statement(
  'changes.insert',
  `with recorded as (insert into community_changes (changes) values ($1) returning id)
   select pg_notify('${CHANGES_CHANNEL}', id::text) from recorded`,
);

export const recordChanges = async (tx: Transaction, changes: readonly Change[]): Promise<void> => {
  if (changes.length > 0) await tx.query(insert, [JSON.stringify(changes)]);
};
