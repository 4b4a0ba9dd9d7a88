// One fire by its number in the ledger.
import type { Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { LedgerRow } from './entry.ts';
import { fromRow, type RawRow } from './read.ts';

const findBySeq = statement<RawRow>('ledger.fire-by-seq', `select * from ledger where seq = $1 and kind = 'fire'`);

/** undefined: there is none of this number, or its month is over. */
export const findFire = async (on: Queryable, seq: number): Promise<LedgerRow | undefined> => {
  const [row] = await on.query(findBySeq, [seq]);
  return row && fromRow(row);
};
