// The states of hooks, in memory ahead of the database: the next run of a hook need not wait for
// the commit of the one before it. Commits keep the order of the runs, and check what each has
// read.
import { LRUCache } from 'lru-cache';
import { newUuid } from '../../core/ids.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';

/** `version`: no two states ever have the same. */
export type HookState = { readonly version: string; readonly json: string };

/** What a turn leaves of a hook that it ran; `after` is `before` when the hook set no state. */
export type StateChange = { readonly hook: string; readonly before: HookState; readonly after: HookState };

export type HookStates = {
  /**
   * As the last run here left it, or as it is in the database. undefined: there is no such hook.
   * Only for who holds the hook.
   */
  readonly read: (hook: string) => Promise<HookState | undefined>;
  /** For those who hold it in the database too: what is in memory does not count. */
  readonly readLocked: (tx: Transaction, hooks: readonly string[]) => Promise<ReadonlyMap<string, HookState>>;
  /** Those that come next read this; its commit is under way. */
  readonly keep: (changes: readonly StateChange[]) => void;
  readonly forget: () => void;
};

type Row = { readonly hook: string; readonly version: string; readonly json: string };

const find = statement<Row>(
  'script-states.find',
  'select hook, version, state::text as json from script_states where hook = $1',
);
const lock = statement<Row>(
  'script-states.lock',
  `select hook, version, state::text as json from script_states
   where hook = any($1::numeric[]) order by hook for update`,
);
const lockVersions = statement<Pick<Row, 'hook' | 'version'>>(
  'script-states.versions',
  'select hook, version from script_states where hook = any($1::numeric[]) order by hook for update',
);
const update = statement(
  'script-states.update',
  `with given as (select * from unnest($1::numeric[], $2::uuid[], $3::text[]) as given (hook, version, json))
   update script_states s set version = given.version, state = given.json::json from given where s.hook = given.hook`,
);

const MOST_BYTES = 64 * 1024 * 1024;

export const createHookStates = (database: Database): HookStates => {
  const cache = new LRUCache<string, HookState>({
    maxSize: MOST_BYTES,
    sizeCalculation: ({ json }) => json.length + 1,
  });
  return {
    read: async (hook) => {
      const known = cache.get(hook);
      if (known) return known;
      const [row] = await database.query(find, [hook]);
      if (row) cache.set(hook, row);
      return row;
    },
    readLocked: async (tx, hooks) =>
      new Map((await tx.query(lock, [hooks])).map(({ hook, version, json }) => [hook, { version, json }])),
    keep: (changes) => {
      for (const { hook, after } of changes) cache.set(hook, after);
    },
    forget: () => cache.clear(),
  };
};

/** The state after a run that left `json`; undefined: it set none. */
export const nextState = (before: HookState, json: string | undefined): HookState =>
  json === undefined ? before : { version: newUuid(), json };

/**
 * Answers for each turn, in their order, whether it stands: whether every state that it read is
 * still the one in the database, or one that a turn before it leaves. Locks them.
 */
export const doStatesStand = async (
  tx: Transaction,
  turns: readonly (readonly StateChange[])[],
): Promise<readonly boolean[]> => {
  const ids = [...new Set(turns.flat().map(({ hook }) => hook))];
  if (ids.length === 0) return turns.map(() => true);
  const now = new Map((await tx.query(lockVersions, [ids])).map(({ hook, version }) => [hook, version]));
  return turns.map((changes) => {
    if (changes.some(({ hook, before }) => now.get(hook) !== before.version)) return false;
    for (const { hook, after } of changes) now.set(hook, after.version);
    return true;
  });
};

/** Writes what turns left that all stand, in their order. */
export const storeStates = async (tx: Transaction, changes: readonly StateChange[]): Promise<void> => {
  const last = new Map(
    changes.flatMap(({ hook, before, after }) => (after === before ? [] : [[hook, after] as const])),
  );
  if (last.size === 0) return;
  const rows = [...last];
  await tx.query(update, [
    rows.map(([hook]) => hook),
    rows.map(([, { version }]) => version),
    rows.map(([, { json }]) => json),
  ]);
};
