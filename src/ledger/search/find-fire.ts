// One entry by its number, and those that belong to it.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { LedgerRow } from '../entry.ts';
import { fromRow, type RawRow } from '../read.ts';
import { FOUND_COLUMNS, type FoundRaw, type FoundRow, foundRow } from './found-row.ts';

const MOST_RELATED = 100;

const findEntry = statement<RawRow>('ledger.entry', 'select * from ledger where seq = $1 limit 1');

const findAttempts = statement<FoundRaw>(
  'ledger.attempts-of',
  `with those as materialized (select * from ledger where cause = $2)
   select ${FOUND_COLUMNS} from those where hook_uid = $1 and kind = 'attempt' order by at, seq limit ${MOST_RELATED}`,
);

// By the index of replays alone: `cause` is compared byte by byte, and ; follows :.
const findReplays = statement<FoundRaw>(
  'ledger.replays-of',
  `select ${FOUND_COLUMNS} from ledger
   where cause like 'replay:%' and cause > 'replay:' || $1::text || ':' and cause < 'replay:' || $1::text || ';' and kind = 'fire'
   order by cause limit ${MOST_RELATED}`,
);

export const findLedgerEntry = async (on: Queryable, seq: number): Promise<LedgerRow | undefined> => {
  const [row] = await on.query(findEntry, [seq]);
  return row && fromRow(row);
};

/** Those that ended no fire, oldest first, at most a hundred. */
export const findAttemptsOf = async (
  on: Queryable,
  { hookUid, cause }: Pick<LedgerRow, 'hookUid' | 'cause'>,
): Promise<FoundRow[]> => (await on.query(findAttempts, [hookUid, cause])).map(foundRow);

/** The fires that were made of this one, at most a hundred. */
export const findReplaysOf = async (on: Queryable, seq: number): Promise<FoundRow[]> =>
  (await on.query(findReplays, [seq])).map(foundRow);
