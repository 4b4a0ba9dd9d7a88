// How processes hear that what they cache of clients and roles has changed: one channel, notified
// in the transaction of the change.
import type { Transaction } from '../database/database.ts';
import { type Statement, statement } from '../database/statement.ts';

export const AUTH_CHANGED = 'auth_changed';

export type Change =
  | { readonly kind: 'client'; readonly clientId: string }
  /** The role set has become this revision of itself. */
  | { readonly kind: 'roles'; readonly revision: number };

const notify: Statement<unknown> = statement('auth.notify', `select pg_notify('${AUTH_CHANGED}', $1)`);

/** Payloads are far below PostgreSQL's 8,000 bytes: client ids are bounded (clients.ts). */
export const announce = async (tx: Transaction, change: Change): Promise<void> => {
  const payload = change.kind === 'client' ? `client:${change.clientId}` : `roles:${change.revision}`;
  await tx.query(notify, [payload]);
};

/**
 * undefined: not one of ours, so perhaps of a newer version; whoever reads it should forget
 * everything.
 */
export const readChange = (payload: string): Change | undefined => {
  const at = payload.indexOf(':');
  const [kind, rest] = [payload.slice(0, at), payload.slice(at + 1)];
  if (kind === 'client') return { kind, clientId: rest };
  return kind === 'roles' ? { kind, revision: Number(rest) } : undefined;
};
