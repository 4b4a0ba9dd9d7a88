// Whom a ship does not want to hear from.
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { recordChanges } from '../changes/record-changes.ts';

const insertBlock = statement<{ ship: string }>(
  'blocks.insert',
  'insert into blocked_ships (owner, ship) values ($1, $2) on conflict do nothing returning ship',
);
const deleteBlock = statement<{ ship: string }>(
  'blocks.delete',
  'delete from blocked_ships where owner = $1 and ship = $2 returning ship',
);
const listBlocked = statement<{ ship: string }>(
  'blocks.list',
  'select ship from blocked_ships where owner = $1 order by ship limit 10000',
);
const listAllBlockers = statement<{ owner: string }>(
  'blocks.all-blockers',
  'select owner from blocked_ships where ship = $1 order by owner limit 10000',
);
const listBlockers = statement<{ owner: string }>(
  'blocks.blockers',
  'select owner from blocked_ships where ship = $1 and owner = any($2)',
);
export const blockShip = async (tx: Transaction, owner: string, ship: string): Promise<void> => {
  const rows = await tx.query(insertBlock, [owner, ship]);
  await recordChanges(
    tx,
    rows.map(() => ({ kind: 'block', owner, ship, isBlocked: true })),
  );
};

export const unblockShip = async (tx: Transaction, owner: string, ship: string): Promise<void> => {
  const rows = await tx.query(deleteBlock, [owner, ship]);
  await recordChanges(
    tx,
    rows.map(() => ({ kind: 'block', owner, ship, isBlocked: false })),
  );
};

export const readBlocked = async (on: Queryable, owner: string): Promise<readonly string[]> =>
  (await on.query(listBlocked, [owner])).map(({ ship }) => ship);

/** All that take nothing from the ship. */
export const readBlockers = async (on: Queryable, ship: string): Promise<readonly string[]> =>
  (await on.query(listAllBlockers, [ship])).map(({ owner }) => owner);

/** Those of `owners` that take nothing from the ship. */
export const blockersOf = async (
  on: Queryable,
  ship: string,
  owners: readonly string[],
): Promise<ReadonlySet<string>> => new Set((await on.query(listBlockers, [ship, owners])).map(({ owner }) => owner));
