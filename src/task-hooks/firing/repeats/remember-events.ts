// Events that may come again are remembered in the commit of their fire, so that of all copies one
// fires, whatever the number of processes, and whenever they die.
import { toIso } from '../../../core/clock.ts';
import { errorCode } from '../../../core/errors.ts';
import type { Transaction } from '../../../database/database.ts';
import { joinPieces, type Piece, statement } from '../../../database/statement.ts';
import type { HookRevision } from '../../definition.ts';
import { type Fire, type KnownEvent, keyOf } from '../fire.ts';

export type ToRemember = { readonly hook: HookRevision; readonly fire: Fire & { readonly known: KnownEvent } };

type Item = { readonly hook: HookRevision | undefined; readonly fire: Fire };

/** Whether its event may come again. Without a hook the caller sees to that. */
export const isToRemember = <One extends Item>(item: One): item is One & ToRemember =>
  item.hook !== undefined && item.fire.known !== undefined;

/** The events of `eventValues`, as a relation `events`. */
const events: Piece = {
  name: 'events',
  parameters: 8,
  text: (first) => {
    const $ = (offset: number) => `$${first + offset}`;
    return `events as (
     select * from unnest(${$(0)}::uuid[], ${$(1)}::bigint[], ${$(2)}::bytea[], ${$(3)}::bytea[], ${$(4)}::text[], ${$(5)}::text[],
                          ${$(6)}::text[], ${$(7)}::timestamptz[])
                   as event (hook_uid, revision, key, body_hash, cause, task_id, fired_by, forget))`;
  },
};

export const eventValues = (items: readonly ToRemember[]): unknown[] => [
  items.map(({ hook }) => hook.uid),
  items.map(({ hook }) => hook.revision),
  items.map(({ fire }) => fire.known.key),
  items.map(({ fire }) => fire.known.bodyHash),
  items.map(({ fire }) => fire.cause),
  items.map(({ fire }) => fire.taskId),
  items.map(({ fire }) => fire.firedBy),
  items.map(({ fire }) => toIso(fire.known.forget)),
];

const COLUMNS = 'hook_uid, key, body_hash, cause, task_id, fired_by, forget';

/** For a larger statement: `events`, and of them `known (task_id)`, those that came before. */
export const knownPiece: Piece = joinPieces('known', [
  events,
  {
    ...{ name: 'known', parameters: 0 },
    text: () => `known as (
     select events.task_id from events
     where exists (select from known_events k where k.hook_uid = events.hook_uid and k.key = events.key))`,
  },
]);

/**
 * Remembers those of `events` whose tasks are in `tasks` (a query). The statement fails when one of
 * them became known meanwhile (`isKnownMeanwhile`).
 */
export const rememberedPiece = (tasks: string): Piece => ({
  name: 'remembered',
  parameters: 0,
  text: () => `remembered as (
     insert into known_events (${COLUMNS})
     select ${COLUMNS} from events where task_id in (${tasks}) order by hook_uid, key)`,
});

const UNIQUE_VIOLATION = '23505';

export const isKnownMeanwhile = (error: unknown): boolean =>
  errorCode(error) === UNIQUE_VIOLATION && (error as { table?: string }).table === 'known_events';

// A copy in a transaction that is under way makes this wait, and is known by then. In one order, so
// that two who remember the same events do not lock each other out.
const insertKnown = statement<{ hook_uid: string; cause: string }>(
  'known-events.insert',
  `with ${events.text(1)}
   insert into known_events (${COLUMNS})
   select ${COLUMNS} from events join hooks hook on hook.uid = events.hook_uid and hook.revision = events.revision
   order by hook_uid, key
   on conflict (hook_uid, key) do nothing
   returning hook_uid, cause`,
);

/**
 * Answers those whose hook is still at this revision and whose event was not known: not the copies.
 */
export const rememberEvents = async (tx: Transaction, items: readonly ToRemember[]): Promise<ToRemember[]> => {
  if (items.length === 0) return [];
  const rows = await tx.query(insertKnown, eventValues(items));
  const fresh = new Set(rows.map(({ hook_uid, cause }) => keyOf({ hookUid: hook_uid, cause })));
  return items.filter(({ fire }) => fresh.has(keyOf(fire)));
};
