// Events that may come again are remembered in the commit of their fire, so that of all copies one
// fires, whatever the number of processes, and whenever they die.
import { toIso } from '../../../core/clock.ts';
import type { Transaction } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import type { HookRevision } from '../../definition.ts';
import { type Fire, type KnownEvent, keyOf } from '../fire.ts';

export type ToRemember = { readonly hook: HookRevision; readonly fire: Fire & { readonly known: KnownEvent } };

/** Whether its event may come again. */
export const isToRemember = (item: { readonly hook: HookRevision; readonly fire: Fire }): item is ToRemember =>
  item.fire.known !== undefined;

// A copy in a transaction that is under way makes this wait, and is known by then. In one order, so
// that two who remember the same events do not lock each other out.
const insertKnown = statement<{ hook_uid: string; cause: string }>(
  'known-events.insert',
  `insert into known_events (hook_uid, key, body_hash, cause, task_id, fired_by, forget)
   select event.hook_uid, key, body_hash, cause, task_id, fired_by, forget
   from unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
        as event (hook_uid, revision, key, body_hash, cause, task_id, fired_by, forget)
   join hooks hook on hook.uid = event.hook_uid and hook.revision = event.revision
   order by event.hook_uid, event.key
   on conflict (hook_uid, key) do nothing
   returning hook_uid, cause`,
);

/**
 * Answers those whose hook is still at this revision and whose event was not known: not the copies.
 */
export const rememberEvents = async (tx: Transaction, items: readonly ToRemember[]): Promise<ToRemember[]> => {
  if (items.length === 0) return [];
  const rows = await tx.query(insertKnown, [
    items.map(({ hook }) => hook.uid),
    items.map(({ hook }) => hook.revision),
    items.map(({ fire }) => fire.known.key),
    items.map(({ fire }) => fire.known.bodyHash),
    items.map(({ fire }) => fire.cause),
    items.map(({ fire }) => fire.taskId),
    items.map(({ fire }) => fire.firedBy),
    items.map(({ fire }) => toIso(fire.known.forget)),
  ]);
  const fresh = new Set(rows.map(({ hook_uid, cause }) => keyOf({ hookUid: hook_uid, cause })));
  return items.filter(({ fire }) => fresh.has(keyOf(fire)));
};
