// Changes of hooks. Whatever belongs to a change is in its transaction: the row, when it is next
// due, its bindings, the audit, the message.
import type { Broker, QueueIdentity } from '../../broker/broker.ts';
import type { Clock } from '../../core/clock.ts';
import type { Database, Transaction } from '../../database/database.ts';
import type { Timers } from '../../timers/create-timers.ts';
import { nextOccurrence } from '../../timers/schedule/schedule.ts';
import type { Hook, HookDefinition, HookName } from '../definition.ts';
import { forgetWebhooks } from '../deliveries/webhook-store.ts';
import type { AfterCommit } from '../firing/end-fires.ts';
import { type Actor, type AuditEntry, writeAudit } from '../hooks/audit.ts';
import { forgetHookState, lastOccurrence, resetLastOccurrence } from '../hooks/hook-state.ts';
import type { HookStore } from '../hooks/hook-store.ts';
import type { TriggerTokens } from '../hooks/trigger-token.ts';
import { forgetRejections } from '../messages/rejections.ts';
import type { Ticks } from '../schedule/tick.ts';

export type HookChanges = {
  /** false: a hook of that name exists already. */
  readonly create: (definition: HookDefinition, by: Actor) => Promise<boolean>;
  /** Replaces the definition by what `change` makes of it. undefined: no such hook. */
  readonly update: (
    name: HookName,
    change: (known: HookDefinition) => HookDefinition,
    by: Actor,
  ) => Promise<HookDefinition | undefined>;
  /** Does nothing when there is no such hook. */
  readonly remove: (name: HookName, by: Actor) => Promise<void>;
  /** The trigger token, made if there is none yet. undefined: no such hook. */
  readonly token: (name: HookName, by: Actor) => Promise<string | undefined>;
  readonly resetToken: (name: HookName, by: Actor) => Promise<string | undefined>;
};

export type HookChangesSettings = {
  readonly database: Database;
  readonly hooks: HookStore;
  readonly tokens: TriggerTokens;
  readonly timers: Timers;
  readonly ticks: Ticks;
  readonly broker: Broker;
  readonly clock: Clock;
};

export const SCHEDULE_TIMER = 'hooks.schedule';
export const scheduleTimer = ({ uid }: Pick<Hook, 'uid'>) => ({ kind: SCHEDULE_TIMER, key: uid });

const queueOf = ({ uid, definition }: Hook): QueueIdentity => ({
  id: uid,
  name: `${definition.hookGroupId}/${definition.hookId}`,
});

/** The service's own exchanges. */
const EXCHANGES = 'exchange/taskcluster-hooks/v1';
/** No skew between processes explains more; a clock was wrong. */
const TOO_FAR_AHEAD_MS = 60 * 60 * 1000;

export const createHookChanges = (settings: HookChangesSettings): HookChanges => {
  const { database, hooks, tokens, timers, ticks, broker, clock } = settings;

  const publish = (tx: Transaction, event: 'created' | 'updated' | 'deleted', { hookGroupId, hookId }: HookName) =>
    broker.publish(tx, [{ exchange: `${EXCHANGES}/hook-${event}`, routingKey: '', body: { hookGroupId, hookId } }]);

  const audit = (tx: Transaction, hook: Hook, by: Actor, entry: Pick<AuditEntry, 'action' | 'before' | 'after'>) => {
    const { hookGroupId, hookId } = hook.definition;
    const revision = entry.action === 'removed' ? {} : { revision: hook.revision };
    return writeAudit(tx, { ...entry, ...revision, hookGroupId, hookId, hookUid: hook.uid, by, at: clock.now() });
  };

  /** Sets when the hook is next due after `now`. Its timer must not exist. */
  const arm = async (tx: Transaction, hook: Hook, now: number): Promise<void> => {
    const { schedule } = hook.definition;
    if (schedule.length === 0) return;
    const last = await lastOccurrence(tx, hook.uid);
    const isFromWrongClock = last !== undefined && last > now + TOO_FAR_AHEAD_MS;
    if (isFromWrongClock) await resetLastOccurrence(tx, hook.uid); // saving the hook again is the cure after such a time
    const due = nextOccurrence(schedule, last === undefined || isFromWrongClock ? now : Math.max(now, last));
    if (due !== undefined) await timers.set(tx, { ...scheduleTimer(hook), due });
  };

  /**
   * Takes the hook's timer away. When it was due and no scheduler had come to it yet, the
   * occurrence fires as the hook was: it came before the change. Waits for a turn that handles the
   * hook at this moment. `now` is the moment of the change: what comes due after it is the changed
   * hook's.
   */
  const disarm = async (tx: Transaction, hook: Hook): Promise<{ now: number; afterCommit: AfterCommit }> => {
    const due = await timers.take(tx, scheduleTimer(hook));
    const now = clock.now();
    if (due === undefined || due > now) return { now, afterCommit: () => {} };
    const how = { atOnce: false, leaseOf: 'anybody' } as const; // a change does not depend on the task queue
    return { now, afterCommit: await ticks.record(tx, [{ hook, due }], now, how) };
  };

  const commit = async <Result>(
    work: (tx: Transaction) => Promise<{ readonly result: Result; readonly afterCommit: AfterCommit } | undefined>,
  ): Promise<Result | undefined> => {
    const done = await database.transaction(work);
    done?.afterCommit();
    return done?.result;
  };

  const withToken = (name: HookName, by: Actor, action: 'token made' | 'token reset') =>
    database.transaction(async (tx) => {
      const hook = await hooks.lock(tx, name);
      if (!hook) return undefined;
      const known = action === 'token made' ? tokens.open(hook) : undefined;
      if (known !== undefined) return known; // somebody else has just made it
      const { token, sealed } = tokens.make(hook);
      const changed = await hooks.replace(tx, { ...hook, sealedToken: sealed }, clock.now());
      await audit(tx, changed, by, { action });
      return token;
    });

  return {
    create: (definition, by) =>
      database.transaction(async (tx) => {
        const now = clock.now();
        const hook = await hooks.create(definition, now, tx);
        if (!hook) return false;
        await arm(tx, hook, now);
        if (definition.bindings.length > 0) await broker.setBindings(tx, queueOf(hook), definition.bindings);
        await audit(tx, hook, by, { action: 'created', after: definition });
        await publish(tx, 'created', definition);
        return true;
      }),

    update: (name, change, by) =>
      commit(async (tx) => {
        const known = await hooks.lock(tx, name);
        if (!known) return undefined;
        const { now, afterCommit } = await disarm(tx, known);
        const definition = change(known.definition);
        const hook = await hooks.replace(tx, { ...known, definition }, now);
        await arm(tx, hook, now);
        await broker.setBindings(tx, queueOf(hook), definition.bindings);
        await audit(tx, hook, by, { action: 'changed', before: known.definition, after: definition });
        await publish(tx, 'updated', definition);
        return { result: definition, afterCommit };
      }),

    remove: (name, by) =>
      commit(async (tx) => {
        const hook = await hooks.lock(tx, name);
        if (!hook) return undefined;
        const { afterCommit } = await disarm(tx, hook);
        await broker.setBindings(tx, queueOf(hook), []);
        await forgetHookState(tx, hook.uid);
        await forgetRejections(tx, hook.uid);
        await forgetWebhooks(tx, hook.uid);
        await hooks.remove(tx, hook);
        await audit(tx, hook, by, { action: 'removed', before: hook.definition });
        await publish(tx, 'deleted', name);
        return { result: undefined, afterCommit };
      }),

    token: async (name, by) => {
      const hook = await hooks.find(name);
      if (!hook) return undefined;
      return tokens.open(hook) ?? withToken(name, by, 'token made');
    },
    resetToken: (name, by) => withToken(name, by, 'token reset'),
  };
};
