// What came into the ledger after an entry, for who was away: oldest first, in pieces with pauses.
import { toIso } from '../../core/clock.ts';
import type { Base } from '../../database/base.ts';
import { statement } from '../../database/statement.ts';
import { FOUND_COLUMNS, type FoundRaw, type FoundRow, foundRow } from './found-row.ts';
import { LOOK_EVERY_MS } from './tell-written.ts';

const findAt = statement<{ at: number }>('ledger.at-of', 'select at from ledger where seq = $1 limit 1');

const findSince = statement<FoundRaw>(
  'ledger.since',
  `select ${FOUND_COLUMNS} from ledger where at >= $1 and (at, seq) > ($1, $2) order by at, seq limit $3`,
);

const PIECE = 500;
const MOST_PIECES = 20;
/** Entries are not committed in the order of their times: what is that near may have come since. */
const BACK_MS = 500;

/**
 * Calls with each piece, and goes on when it is taken, until the answer is false. Resolves with
 * undefined; or, where there is more than is caught up with or the entry is not there any more,
 * with the time until which something may be missing.
 */
export const readSince = async (
  { database, clock }: Pick<Base, 'database' | 'clock'>,
  seq: number,
  take: (rows: readonly FoundRow[]) => Promise<boolean>,
): Promise<number | undefined> => {
  const [entry] = await database.query(findAt, [seq]);
  if (!entry) return clock.now();
  let place = { at: entry.at - BACK_MS, seq: 0 };
  for (let pieces = 0; pieces < MOST_PIECES; pieces += 1) {
    const rows = (await database.query(findSince, [toIso(place.at), place.seq, PIECE])).map(foundRow);
    const others = rows.filter((row) => row.seq !== seq);
    if (!(await take(others)) || rows.length < PIECE) return undefined;
    place = rows.at(-1) as FoundRow;
    await clock.sleep(LOOK_EVERY_MS);
  }
  return clock.now();
};
