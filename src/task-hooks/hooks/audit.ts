// Who created, changed, removed or reset what: a row in the transaction of the change, with the
// definition before and after.
import { toIso } from '../../core/clock.ts';
import type { Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Origin } from '../../http/api-method.ts';
import type { HookName } from '../definition.ts';

/** Who makes a change, and how. */
export type Actor = {
  readonly clientId: string;
  readonly requestId: string;
  readonly origin?: Origin;
  /** The version (hook-versions.ts) whose definition they take again. */
  readonly rolledBackTo?: number;
};

export type AuditEntry = HookName & {
  readonly action:
    | 'created'
    | 'changed'
    | 'removed'
    | 'token made'
    | 'token reset'
    | 'webhook set'
    | 'webhook removed'
    | 'webhook secret rotated';
  readonly hookUid: string;
  /** Which the hook has from now on; absent when it is gone. */
  readonly revision?: number;
  readonly by: Actor;
  /** ms. */
  readonly at: number;
  /** The definition of the hook, or the settings of a webhook without its secrets. */
  readonly before?: object;
  readonly after?: object;
};

const insertAudit = statement(
  'audit.insert',
  `insert into audit (at, action, hook_uid, hook_group_id, hook_id, client_id, request_id, before, after,
                      revision, origin, rolled_back_to)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
);

export const writeAudit = async (tx: Transaction, entry: AuditEntry): Promise<void> => {
  const { at, action, hookUid, hookGroupId, hookId, by, before, after, revision } = entry;
  const { clientId, requestId, origin, rolledBackTo } = by;
  const definitions = [before, after].map((definition) => definition && JSON.stringify(definition));
  const [was, is] = definitions.map((definition) => definition ?? null);
  await tx.query(insertAudit, [
    ...[toIso(at), action, hookUid, hookGroupId, hookId, clientId, requestId, was, is],
    ...[revision ?? null, origin ?? null, rolledBackTo ?? null],
  ]);
};
