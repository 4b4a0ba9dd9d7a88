// Messages of conversations that a ship does not want to see.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { type ActIn, DONE, refuse } from '../acting.ts';
import { recordChanges } from '../changes/record-changes.ts';
import { lockShip } from '../ships/lock-ship.ts';

const MOST = 10_000;

const insertHidden = statement<{ id: string }>(
  'hidden-messages.insert',
  `insert into hidden_messages (ship, id) select $1, $2
   where (select count(*) from hidden_messages where ship = $1) < ${MOST} on conflict do nothing returning id`,
);
const deleteHidden = statement<{ id: string }>(
  'hidden-messages.delete',
  'delete from hidden_messages where ship = $1 and id = $2 returning id',
);
const listHidden = statement<{ id: string }>(
  'hidden-messages.list',
  'select id from hidden_messages where ship = $1 order by id',
);

/** `id`: of any message. */
export const hideMessage: ActIn<{ readonly id: string; readonly isHidden: boolean }> = async (
  tx,
  { id, isHidden },
  { actor: owner },
) => {
  await lockShip(tx, owner);
  const rows = await tx.query(isHidden ? insertHidden : deleteHidden, [owner, id]);
  await recordChanges(
    tx,
    rows.map(() => ({ kind: 'hidden-message', owner, id, isHidden })),
  );
  const isFull = isHidden && rows.length === 0 && !(await readHiddenMessages(tx, owner)).includes(id);
  return isFull ? refuse(`A ship hides at most ${MOST} messages.`) : DONE;
};

export const readHiddenMessages = async (on: Queryable, owner: string): Promise<readonly string[]> =>
  (await on.query(listHidden, [owner])).map(({ id }) => id);
