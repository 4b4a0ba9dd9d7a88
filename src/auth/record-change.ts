// What belongs to each change of a client or a role, in its transaction: a row of the audit, and a
// message.
import type { Broker, OutgoingMessage } from '../broker/broker.ts';
import { exchangeOf } from '../broker/names.ts';
import type { Transaction } from '../database/database.ts';
import { type AuthAuditEntry, auditedId, writeAuthAudit } from './audit.ts';

export type RecordChange = (tx: Transaction, change: AuthAuditEntry) => Promise<void>;

/** Without a broker nothing is published. */
export const createRecordChange =
  (broker: Pick<Broker, 'publish'> | undefined): RecordChange =>
  async (tx, change) => {
    await writeAuthAudit(tx, change);
    await broker?.publish(tx, [messageOf(change)]);
  };

const VERSION = 1;
/** All that a routing key says: whoever binds takes every message of an exchange. */
const ROUTING_KEY = '_';

const messageOf = (change: AuthAuditEntry): OutgoingMessage => {
  const { entity } = change;
  const id = auditedId(change);
  return {
    exchange: exchangeOf('auth', `${entity}-${eventOf(change)}`),
    routingKey: ROUTING_KEY,
    body: { version: VERSION, ...(entity === 'client' ? { clientId: id } : { roleId: id }) },
  };
};

const eventOf = ({ action }: AuthAuditEntry): 'created' | 'updated' | 'deleted' => {
  if (action === 'created') return 'created';
  return action === 'deleted' || action === 'expired' ? 'deleted' : 'updated';
};
