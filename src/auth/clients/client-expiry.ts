// Clients that are to be deleted when they expire: each has a durable timer, set and taken away
// with the change that wants it.
import type { Clock } from '../../core/clock.ts';
import type { Transaction } from '../../database/database.ts';
import type { Timers } from '../../timers/create-timers.ts';
import type { TimerHandler } from '../../timers/types.ts';
import type { RecordChange } from '../record-change.ts';
import type { ClientRecord, ClientStore } from './clients.ts';

export const CLIENT_EXPIRY_TIMER = 'auth.client-expiry';

/** Who deletes them, in the audit. No client of that name can be made. */
const OURSELVES = { clientId: 'static/hookwright/auth', requestId: CLIENT_EXPIRY_TIMER };

export type ClientExpiry = {
  /** Sets the timer of a client, or takes it away, as `deleteOnExpiration` says. */
  readonly arrange: (
    tx: Transaction,
    client: Pick<ClientRecord, 'clientId' | 'expires' | 'deleteOnExpiration'>,
  ) => Promise<void>;
  readonly cancel: (tx: Transaction, clientId: string) => Promise<void>;
};

export const createClientExpiry = (timers: Timers): ClientExpiry => {
  const timerOf = (clientId: string) => ({ kind: CLIENT_EXPIRY_TIMER, key: clientId });
  const cancel = async (tx: Transaction, clientId: string) => {
    await timers.cancel(tx, timerOf(clientId));
  };
  return {
    arrange: (tx, { clientId, expires, deleteOnExpiration }) =>
      deleteOnExpiration ? timers.set(tx, { ...timerOf(clientId), due: expires }) : cancel(tx, clientId),
    cancel,
  };
};

/** A turn of the timer of one client. */
export const createClientExpiryHandler =
  (clients: ClientStore, record: RecordChange, clock: Clock): TimerHandler =>
  async (tx, { key: clientId }) => {
    const client = await clients.lock(tx, clientId);
    if (!client?.deleteOnExpiration) return { next: 'never' };
    const now = clock.now();
    if (client.expires > now) return { next: client.expires };
    await clients.remove(tx, clientId);
    await record(tx, { entity: 'client', action: 'expired', before: client, by: OURSELVES, at: now });
    return { next: 'never' };
  };
