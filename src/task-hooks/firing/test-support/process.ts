// Firing with the queue and the broker in the database, as in one process of a standalone server;
// none of its loops runs.
import { satisfies } from '../../../auth/scopes.ts';
import type { Broker } from '../../../broker/broker.ts';
import { createDatabaseBroker } from '../../../broker/in-database/database-broker.ts';
import type { Clock } from '../../../core/clock.ts';
import { newSlugId, newUuid } from '../../../core/ids.ts';
import { silentLog } from '../../../core/log.ts';
import { createMetrics } from '../../../core/metrics.ts';
import type { Database } from '../../../database/database.ts';
import type { Piece } from '../../../database/statement.ts';
import { createLedger, type Ledger } from '../../../ledger/create-ledger.ts';
import { createStandaloneQueue } from '../../../queue/standalone/standalone-queue.ts';
import { createTimers } from '../../../timers/create-timers.ts';
import type { Hook, HookDefinition } from '../../definition.ts';
import { createHookStore } from '../../hooks/hook-store.ts';
import type { Fire } from '../fire.ts';
import { createFireStore } from '../fire-store.ts';
import { createFiring, type Firing } from '../firing.ts';

export type FiringProcess = Firing & { readonly broker: Broker; readonly ledger: Ledger };

/** `heard`: of whom the broker believes that they are bound, in place of those that are. */
export const createFiringProcess = (database: Database, clock: Clock, heard?: Piece): FiringProcess => {
  const base = { database, clock, log: silentLog, metrics: createMetrics() };
  const ledger = createLedger(database);
  const own = createDatabaseBroker(base);
  const broker = heard && own.pieces ? { ...own, pieces: { ...own.pieces, heard } } : own;
  const queue = createStandaloneQueue({
    ...{ database, timers: createTimers(base), broker, clock, satisfies },
    clients: { find: async () => ({ accessToken: 'queue-token' }) as never, add: async () => true },
    callerWith: async (clientId) => ({ clientId, scopes: ['*'] }),
    rootUrl: () => 'http://example.com',
    ending: new AbortController().signal,
  });
  const firing = createFiring({
    ...{ ...base, ledger, queue, store: createFireStore(database, ledger) },
    render: () => Promise.reject(new Error('nothing is rendered here')),
    failureMail: async () => {},
  });
  return { ...firing, broker, ledger };
};

export const createHook = async (database: Database, clock: Clock): Promise<Hook> => {
  const definition: HookDefinition = {
    ...{ hookGroupId: 'g', hookId: 'h', task: {}, bindings: [], schedule: [], triggerSchema: {} },
    metadata: { name: 'n', description: '', owner: 'o@example.com', emailOnError: false },
  };
  return (await createHookStore(database).create(definition, clock.now())) as Hook;
};

/** A fire of the hook with the least that is a task, and what else the task is to have. */
export const fireOf = (hook: Hook, clock: Clock, task: object = {}, taskId = newSlugId()): Fire => {
  const arrived = clock.now();
  const [created, deadline] = [new Date(arrived).toISOString(), new Date(arrived + 3_600_000).toISOString()];
  const metadata = { name: 'n', description: '', owner: 'o@example.com', source: 'https://example.com/' };
  return {
    ...{ hookUid: hook.uid, cause: taskId, hookGroupId: 'g', hookId: 'h', hookRevision: hook.revision },
    ...{ firedBy: 'triggerHook', clientId: 'me', requestId: newUuid(), arrived, attempts: 0 },
    ...{ taskId, payloadHash: undefined, givesUp: arrived + 3_600_000, payload: Buffer.from('sealed') },
    task: JSON.stringify({ taskQueueId: 'proj/worker', created, deadline, payload: {}, metadata, ...task }),
  };
};
