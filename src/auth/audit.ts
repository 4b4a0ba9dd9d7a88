// Who changed which client or role: a row in the transaction of the change, with what there was
// before and after, without secrets.
import { toIso } from '../core/clock.ts';
import type { Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { ApiRequest } from '../http/api-method.ts';

/** Who makes a change. */
export type Actor = { readonly clientId: string; readonly requestId: string };

/**
 * Methods that change something need scopes, so their caller has a name as a rule; the anonymous
 * role may be given such scopes too.
 */
export const actorIn = ({ caller, requestId }: ApiRequest<unknown>): Actor => ({
  clientId: caller.clientId ?? 'anonymous',
  requestId,
});

/** What is recorded of a client. Without its access token. */
type AuditedClient = {
  readonly clientId: string;
  readonly description: string;
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expires: number;
  readonly deleteOnExpiration: boolean;
  readonly disabled: boolean;
};

type AuditedRole = { readonly roleId: string; readonly description: string; readonly scopes: readonly string[] };

export type AuthAuditEntry = { readonly by: Actor; readonly at: number } & (
  | {
      readonly entity: 'client';
      /** As Taskcluster calls them. */
      readonly action:
        | 'created'
        | 'updated'
        | 'deleted'
        | 'client enabled'
        | 'client disabled'
        | 'access token reset'
        | 'expired';
      readonly before?: AuditedClient;
      readonly after?: AuditedClient;
    }
  | {
      readonly entity: 'role';
      readonly action: 'created' | 'updated' | 'deleted';
      readonly before?: AuditedRole;
      readonly after?: AuditedRole;
    }
);

const insertAudit = statement(
  'auth-audit.insert',
  `insert into auth_audit (at, action, entity_type, entity_id, client_id, request_id, before, after)
   values ($1, $2, $3, $4, $5, $6, $7, $8)`,
);

export const writeAuthAudit = async (tx: Transaction, entry: AuthAuditEntry): Promise<void> => {
  const { at, action, entity, by } = entry;
  const [before, after] =
    entry.entity === 'client'
      ? [describeClient(entry.before), describeClient(entry.after)]
      : [describeRole(entry.before), describeRole(entry.after)];
  const values = [toIso(at), action, entity, auditedId(entry), by.clientId, by.requestId, before, after];
  await tx.query(insertAudit, values);
};

/** Of the client or the role. */
export const auditedId = (entry: AuthAuditEntry): string => {
  if (entry.entity === 'client') return (entry.after ?? entry.before)?.clientId ?? '';
  return (entry.after ?? entry.before)?.roleId ?? '';
};

/** Names each field, so that one that a client will have some day is not told by accident. */
const describeClient = (client: AuditedClient | undefined): string | null => {
  if (!client) return null;
  const { description, scopes, expires, disabled, deleteOnExpiration } = client;
  return JSON.stringify({ description, scopes, expires: toIso(expires), deleteOnExpiration, disabled });
};

const describeRole = (role: AuditedRole | undefined): string | null => {
  if (!role) return null;
  const { description, scopes } = role;
  return JSON.stringify({ description, scopes });
};
