// The definitions that a hook had, by whom and when: rows of the audit. Also those of a hook that
// was removed, and of one made later under the same name.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Origin } from '../../http/api-method.ts';
import type { HookDefinition, HookName, HookRevision } from '../definition.ts';

export type HookVersion = {
  /** Grows with each change on a server, whichever hook it is of. */
  readonly version: number;
  readonly hookUid: string;
  /** null: it was removed, or changed by a server that did not write it down. */
  readonly revision: number | null;
  readonly action: 'created' | 'changed' | 'removed';
  readonly at: number;
  readonly clientId: string;
  readonly requestId: string;
  readonly origin: Origin | null;
  readonly rolledBackTo: number | null;
};

export type WholeVersion = HookVersion & {
  readonly before: HookDefinition | null;
  /** null: it was removed. */
  readonly after: HookDefinition | null;
};

const COLUMNS =
  'id as version, hook_uid as "hookUid", revision, action, at, client_id as "clientId", request_id as "requestId", ' +
  'origin, rolled_back_to as "rolledBackTo"';
const OF_HOOK = `hook_group_id = $1 and hook_id = $2 and action in ('created', 'changed', 'removed')`;

const listBefore = statement<HookVersion>(
  'hook-versions.list',
  `select ${COLUMNS} from audit where ${OF_HOOK} and id < $3 order by id desc limit $4`,
);

/** At most `limit`, newest first, of those before the version `before`. */
export const listVersions = (
  on: Queryable,
  { hookGroupId, hookId }: HookName,
  { before, limit }: { readonly before: number; readonly limit: number },
): Promise<readonly HookVersion[]> => on.query(listBefore, [hookGroupId, hookId, before, limit]);

const findOne = statement<WholeVersion>(
  'hook-versions.find',
  `select ${COLUMNS}, before, after from audit where ${OF_HOOK} and id = $3`,
);

export const findVersion = async (
  on: Queryable,
  { hookGroupId, hookId }: HookName,
  version: number,
): Promise<WholeVersion | undefined> => (await on.query(findOne, [hookGroupId, hookId, version]))[0];

const findDefinition = statement<{ after: HookDefinition }>(
  'hook-versions.definition-at',
  `select after from audit where hook_uid = $1 and revision <= $2 and action in ('created', 'changed')
   order by revision desc limit 1`,
);

/** What the hook was defined as at this revision; undefined: nothing is known of it. */
export const definitionAt = async (
  on: Queryable,
  { uid, revision }: HookRevision,
): Promise<HookDefinition | undefined> => (await on.query(findDefinition, [uid, revision]))[0]?.after;
