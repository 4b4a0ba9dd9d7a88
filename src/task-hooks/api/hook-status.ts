// How a hook is: its last fire, when it is next due, and what keeps it from firing as its
// definition suggests.
import type { BindingState, Broker } from '../../broker/broker.ts';
import { whySilent } from '../../broker/names.ts';
import { toIso } from '../../core/clock.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { LedgerRow } from '../../ledger/entry.ts';
import type { Timers } from '../../timers/create-timers.ts';
import type { Hook, HookStatus } from '../definition.ts';
import type { DefinitionWarnings } from './definition-warnings.ts';
import { scheduleTimer } from './hook-changes.ts';
import { ATTEMPTED } from './last-fires.ts';

export type HookStatusSources = {
  readonly ledger: Ledger;
  readonly timers: Timers;
  readonly bindingStates: Broker['bindingStates'];
  readonly ownExchanges?: Broker['ownExchanges'];
  readonly whenRecorded: (hookUid: string) => Promise<void>;
  readonly warningsOf: DefinitionWarnings;
};

export const readHookStatus = async (
  { ledger, timers, bindingStates, ownExchanges = [], whenRecorded, warningsOf }: HookStatusSources,
  hook: Hook,
): Promise<HookStatus> => {
  await whenRecorded(hook.uid);
  const latest = { hookUid: hook.uid, kinds: ['fire', 'attempt'], limit: 1 } as const;
  const [attempted, any, due, bindings, ofDefinition] = await Promise.all([
    ledger.page({ ...latest, outcomes: ATTEMPTED }),
    ledger.page(latest),
    timers.dueOf(scheduleTimer(hook)),
    hook.definition.bindings.length > 0 ? bindingStates(hook.uid) : [],
    warningsOf(hook.definition),
  ]);
  const warnings = [
    ...ofDefinition,
    ...bindings.flatMap(refusalOf),
    ...bindings.flatMap(silenceOf(ownExchanges)),
    ...rejectionOf(any.entries[0]),
  ];
  return {
    lastFire: lastFireOf(attempted.entries[0]),
    ...(due !== undefined && { nextScheduledDate: toIso(due) }),
    ...(warnings.length > 0 && { warnings }),
    ...(bindings.length > 0 && { bindings: bindings.map((one) => ({ ...one, since: toIso(one.since) })) }),
  };
};

const refusalOf = ({ exchange, routingKeyPattern, state, reason = 'no reason is known' }: BindingState): string[] =>
  state === 'refused' ? [`The binding to ${exchange} with "${routingKeyPattern}" is refused: ${reason}`] : [];

const silenceOf =
  (ownExchanges: readonly string[]) =>
  ({ exchange, routingKeyPattern }: BindingState): string[] => {
    const why = whySilent(exchange, ownExchanges);
    return why === undefined
      ? []
      : [`The binding to ${exchange} with "${routingKeyPattern}" never brings a message: ${why}.`];
  };

const lastFireOf = (row: LedgerRow | undefined): HookStatus['lastFire'] => {
  if (!row) return { result: 'no-fire' };
  const time = toIso(row.arrived);
  if (row.outcome === 'created') return { result: 'success', taskId: row.taskId ?? '', time };
  return { result: 'error', error: (row.error ?? {}) as object, time };
};

const rejectionOf = (row: LedgerRow | undefined): string[] => {
  if (row?.outcome !== 'rejected' || row.firedBy !== 'pulseMessage') return [];
  const { message = '' } = (row.error ?? {}) as { message?: string };
  return [`The latest message, of ${toIso(row.arrived)}, did not fit the trigger schema: ${message}`];
};
