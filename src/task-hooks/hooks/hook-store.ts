// The table of hooks. What belongs to a change besides its row (audit, timers, messages) is in
// hook-changes.ts.
import { toIso } from '../../core/clock.ts';
import { newUuid } from '../../core/ids.ts';
import type { Database, Queryable, Transaction } from '../../database/database.ts';
import { ofAnyLength, type Piece, statement } from '../../database/statement.ts';
import type { Hook, HookDefinition, HookName, HookRevision } from '../definition.ts';

export type HookStore = {
  readonly find: (name: HookName, on?: Queryable) => Promise<Hook | undefined>;
  /** Hooks by the uid of their incarnation. */
  readonly findMany: (uids: readonly string[], on?: Queryable) => Promise<ReadonlyMap<string, Hook>>;
  readonly groups: () => Promise<string[]>;
  /** Hooks of the group in the order of their ids, from the one after `after` on. */
  readonly page: (hookGroupId: string, after: string) => Promise<HookPage>;
  /** undefined: a hook of that name exists already. */
  readonly create: (definition: HookDefinition, now: number, on?: Queryable) => Promise<Hook | undefined>;
  /** The hook as nobody else can change it before the end of the transaction. */
  readonly lock: (tx: Transaction, name: HookName) => Promise<Hook | undefined>;
  /** Makes it the next revision. Given a sealed token, sets that too. */
  readonly replace: (tx: Transaction, hook: Hook, now: number) => Promise<Hook>;
  readonly remove: (tx: Transaction, hook: Hook) => Promise<void>;
};

export type HookPage = { readonly definitions: readonly HookDefinition[]; readonly hasMore: boolean };

type HookRow = { uid: string; revision: number; definition: HookDefinition; trigger_token: Buffer | null };

const COLUMNS = 'uid, revision, definition, trigger_token';

const findHook = statement<HookRow>(
  'hooks.find',
  `select ${COLUMNS} from hooks where hook_group_id = $1 and hook_id = $2`,
);

const findHooks = statement<HookRow>('hooks.find-many', `select ${COLUMNS} from hooks where uid = any($1::uuid[])`);

// From one group to the next through the index, so that a group with many hooks costs as much as
// one with few.
const listGroups = statement<{ hook_group_id: string }>(
  'hooks.groups',
  `with recursive known as (
     (select hook_group_id from hooks order by hook_group_id limit 1)
     union all
     select (select hook_group_id from hooks where hook_group_id > known.hook_group_id order by hook_group_id limit 1)
     from known where known.hook_group_id is not null)
   select hook_group_id from known where hook_group_id is not null`,
);

/** Bytes of definitions; a page has at least one. */
const LARGEST_PAGE = 1024 * 1024;
const MOST_IN_A_PAGE = 5_000;

// As they are stored they may be much smaller; measuring all that are not taken would take long.
const pageOfHooks = statement<{ definition: HookDefinition; found: number }>(
  'hooks.page',
  `select definition, found from (
    select *, sum(octet_length(definition::text)) over (order by hook_id) as bytes, row_number() over (order by hook_id) as place
    from (
      select *, sum(pg_column_size(definition)) over (order by hook_id) as stored, count(*) over ()::integer as found,
        row_number() over (order by hook_id) as n
      from (select hook_id, definition from hooks where hook_group_id = $1 and hook_id > $2
        order by hook_id limit ${MOST_IN_A_PAGE}) listed) kept
    where stored <= ${LARGEST_PAGE} or n = 1) measured
  where bytes <= ${LARGEST_PAGE} or place = 1 order by hook_id`,
);

const insertHook = statement<{ uid: string }>(
  'hooks.insert',
  `insert into hooks (hook_group_id, hook_id, uid, revision, definition, created, last_modified)
   values ($1, $2, $3, 1, $4, $5, $5)
   on conflict (hook_group_id, hook_id) do nothing
   returning uid`,
);

const lockHook = statement<HookRow>(
  'hooks.lock',
  `select ${COLUMNS} from hooks where hook_group_id = $1 and hook_id = $2 for update`,
);

const replaceHook = statement(
  'hooks.replace',
  'update hooks set revision = $2, definition = $3, trigger_token = $4, last_modified = $5 where uid = $1',
);

const removeHook = statement('hooks.remove', 'delete from hooks where uid = $1');

export const createHookStore = (database: Database): HookStore => ({
  find: async ({ hookGroupId, hookId }, on = database) => fromRow((await on.query(findHook, [hookGroupId, hookId]))[0]),
  findMany: async (uids, on = database) => {
    const rows = await on.query(findHooks, [uids]);
    return new Map(rows.map((row) => [row.uid, fromRow(row)]));
  },
  groups: async () => (await database.query(listGroups)).map(({ hook_group_id }) => hook_group_id),
  page: async (hookGroupId, after) => {
    const rows = await database.query(pageOfHooks, [hookGroupId, after]);
    const found = rows[0]?.found ?? 0;
    return {
      definitions: rows.map(({ definition }) => definition),
      hasMore: found > rows.length || found === MOST_IN_A_PAGE,
    };
  },
  create: async (definition, now, on = database) => {
    const { hookGroupId, hookId } = definition;
    const uid = newUuid();
    const values = [hookGroupId, hookId, uid, JSON.stringify(definition), toIso(now)];
    const made = await on.query(insertHook, values);
    return made.length === 0 ? undefined : { uid, revision: 1, definition, sealedToken: undefined };
  },
  lock: async (tx, { hookGroupId, hookId }) => fromRow((await tx.query(lockHook, [hookGroupId, hookId]))[0]),
  replace: async (tx, hook, now) => {
    const next = { ...hook, revision: hook.revision + 1 };
    const { uid, revision, definition, sealedToken } = next;
    await tx.query(replaceHook, [uid, revision, JSON.stringify(definition), sealedToken ?? null, toIso(now)]);
    return next;
  },
  remove: async (tx, { uid }) => {
    await tx.query(removeHook, [uid]);
  },
});

const findRevisions = statement<{ uid: string; revision: number }>(
  'hooks.find-revisions',
  'select uid, revision from hooks where uid = any($1::uuid[])',
);

/** Those of these whose hook is still at this revision. */
export const findUnchanged = async <Item extends { readonly hook: HookRevision }>(
  tx: Transaction,
  items: readonly Item[],
): Promise<Item[]> => {
  const rows = await tx.query(findRevisions, [[...new Set(items.map(({ hook }) => hook.uid))]]);
  const revisions = new Map(rows.map(({ uid, revision }) => [uid, revision]));
  return items.filter(({ hook }) => revisions.get(hook.uid) === hook.revision);
};

/**
 * As a relation `unchanged (task_id)`: of fires with these taskIds, those whose hook is at this
 * revision, or which need none, without those that the query `except` answers. Takes taskIds, uids
 * and revisions (null: any).
 */
export const unchangedPiece = (except?: string): Piece => ({
  name: 'unchanged',
  parameters: 3,
  text: (first) => `unchanged as (
     select fire.task_id
     from unnest(${ofAnyLength(`$${first}::text[]`)}, $${first + 1}::uuid[], $${first + 2}::bigint[]) as fire (task_id, uid, revision)
     where (fire.revision is null or fire.revision = (select hook.revision from hooks hook where hook.uid = fire.uid))
       ${except ? `and fire.task_id not in (${except})` : ''})`,
});

const fromRow = <Row extends HookRow | undefined>(row: Row): Row extends HookRow ? Hook : Hook | undefined =>
  (row && {
    uid: row.uid,
    revision: row.revision,
    definition: row.definition,
    sealedToken: row.trigger_token ?? undefined,
  }) as Row extends HookRow ? Hook : Hook | undefined;
