// What a ship keeps for itself is counted and changed under one lock.
import type { Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';

// A row that is always there: what is kept may not be there yet.
const lock = statement('ships.lock', 'select from ships where ship = $1 for no key update');

/** Nobody else who asks goes on with what belongs to the ship until the transaction ends. */
export const lockShip = async (tx: Transaction, ship: string): Promise<void> => void (await tx.query(lock, [ship]));
