// The table of hooks.
import { toIso } from '../core/clock.ts';
import { newUuid } from '../core/ids.ts';
import type { Database } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { Hook, HookDefinition, HookName } from './definition.ts';

export type HookStore = {
  readonly find: (name: HookName) => Promise<Hook | undefined>;
  /** undefined: a hook of that name exists already. */
  readonly create: (definition: HookDefinition, nowMs: number) => Promise<Hook | undefined>;
};

type HookRow = { uid: string; revision: number; definition: HookDefinition };

const findHook = statement<HookRow>(
  'hooks.find',
  'select uid, revision, definition from hooks where hook_group_id = $1 and hook_id = $2',
);

const insertHook = statement<{ uid: string }>(
  'hooks.insert',
  `insert into hooks (hook_group_id, hook_id, uid, revision, definition, created, last_modified)
   values ($1, $2, $3, 1, $4, $5, $5)
   on conflict (hook_group_id, hook_id) do nothing
   returning uid`,
);

export const createHookStore = (database: Database): HookStore => ({
  find: async ({ hookGroupId, hookId }) => (await database.query(findHook, [hookGroupId, hookId]))[0],
  create: async (definition, nowMs) => {
    const { hookGroupId, hookId } = definition;
    const uid = newUuid();
    const values = [hookGroupId, hookId, uid, JSON.stringify(definition), toIso(nowMs)];
    const made = await database.query(insertHook, values);
    return made.length === 0 ? undefined : { uid, revision: 1, definition };
  },
});
