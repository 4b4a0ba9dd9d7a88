// What becomes of a hook's bindings at the broker, in the ledger: each time that one becomes active
// or is refused.
import type { Broker } from '../../broker/broker.ts';
import { type Clock, toIso } from '../../core/clock.ts';
import { newUuid } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { LedgerEntry } from '../../ledger/entry.ts';
import type { HookStore } from '../hooks/hook-store.ts';

export type BindingChangesSettings = {
  readonly hooks: HookStore;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
  /** To those who follow the ledger. */
  readonly tellWritten?: () => void;
};

/** For Broker.onBindingChange. */
export const createBindingChanges =
  ({
    hooks,
    ledger,
    clock,
    log,
    tellWritten = () => {},
  }: BindingChangesSettings): Parameters<Broker['onBindingChange']>[0] =>
  async (tx, changes) => {
    const found = await hooks.findMany([...new Set(changes.map(({ queue }) => queue))], tx);
    const entries = changes.flatMap((change): LedgerEntry[] => {
      const hook = found.get(change.queue);
      if (!hook) return []; // it was removed, and its bindings with it
      const { hookGroupId, hookId } = hook.definition;
      const { exchange, routingKeyPattern, state, reason, since } = change;
      const requestId = newUuid();
      const what = { hookGroupId, hookId, exchange, routingKeyPattern, requestId };
      if (state === 'refused') log.warn({ ...what, reason }, 'binding refused; it is tried again');
      else log.info(what, `binding ${state}`);
      return [
        {
          at: clock.now(),
          kind: 'binding',
          outcome: null,
          hookUid: hook.uid,
          hookGroupId,
          hookId,
          hookRevision: hook.revision,
          cause: null,
          firedBy: null,
          taskId: null,
          arrived: since,
          attempts: 0,
          clientId: null,
          requestId,
          payloadHash: null,
          error: reason === undefined ? null : { message: reason },
          detail: { exchange, routingKeyPattern, state, since: toIso(since) },
        },
      ];
    });
    if (entries.length === 0) return;
    await ledger.write(entries, tx);
    tellWritten();
  };
