// Events that may come again are remembered in the commit of their fire, so that of all copies one
// fires, whatever the number of processes, and whenever they die.
import { toIso } from '../../../core/clock.ts';
import type { Transaction } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import { type Fire, type KnownEvent, keyOf } from '../fire.ts';

type Remembered = Fire & { readonly known: KnownEvent };

// A copy in a transaction that is under way makes this wait, and is known by then. In one order, so
// that two who remember the same events do not lock each other out.
const insertKnown = statement<{ hook_uid: string; cause: string }>(
  'known-events.insert',
  `insert into known_events (hook_uid, key, body_hash, cause, task_id, fired_by, forget)
   select * from unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
                 as event (hook_uid, key, body_hash, cause, task_id, fired_by, forget)
   order by event.hook_uid, event.key
   on conflict (hook_uid, key) do nothing
   returning hook_uid, cause`,
);

/** Answers the fires whose events are known already: copies. Of others nothing is asked. */
export const rememberEvents = async (tx: Transaction, fires: readonly Fire[]): Promise<ReadonlySet<Fire>> => {
  const remembered = fires.filter((fire): fire is Remembered => fire.known !== undefined);
  if (remembered.length === 0) return new Set();
  const rows = await tx.query(insertKnown, [
    remembered.map(({ hookUid }) => hookUid),
    remembered.map(({ known }) => known.key),
    remembered.map(({ known }) => known.bodyHash),
    remembered.map(({ cause }) => cause),
    remembered.map(({ taskId }) => taskId),
    remembered.map(({ firedBy }) => firedBy),
    remembered.map(({ known }) => toIso(known.forget)),
  ]);
  const fresh = new Set(rows.map(({ hook_uid, cause }) => keyOf({ hookUid: hook_uid, cause })));
  return new Set(remembered.filter((fire) => !fresh.has(keyOf(fire))));
};
