// An event of the ledger as a new fire: with its payload, at the hook of today or of then, and with
// the authority that the hook has today.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.ts';
import { newSlugId } from '../../core/ids.ts';
import type { Queryable } from '../../database/database.ts';
import type { LedgerRow } from '../../ledger/entry.ts';
import type { Payloads } from '../../ledger/payloads/payloads.ts';
import type { HookRevision } from '../definition.ts';
import { type EventAgain, evaluateTry, eventAgain, type FindWebhook, findWebhookOf } from '../dry-run/kept-event.ts';
import { errorOf } from '../evaluation/evaluate.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { EndedFire, Fire } from '../firing/fire.ts';
import { givesUpAt } from '../firing/task-times.ts';
import type { HookCache } from '../hooks/hook-cache.ts';
import type { HookStore } from '../hooks/hook-store.ts';
import { definitionAt } from '../hooks/hook-versions.ts';
import { causeOfReplay, type ReplayKey, type Revision } from './replay-store.ts';

/** An event that can come again. */
export type Found = {
  /** The hook of today: what checks that nobody has changed it meanwhile. */
  readonly hook: CompiledHook;
  /** The definition that the event meets. */
  readonly meets: CompiledHook;
  readonly row: LedgerRow;
  readonly event: EventAgain;
};

/** In whose name it comes again. */
export type ReplayedBy = { readonly clientId: string; readonly requestId: string };

export type ReplayEvents = {
  /** A text: why it cannot come again. */
  readonly find: (on: Queryable, row: LedgerRow, revision: Revision) => Promise<Found | string>;
  /** undefined: there is no room for it here and now; trying again may help. */
  readonly evaluate: (found: Found, key: ReplayKey, by: ReplayedBy) => Promise<Fire | EndedFire | undefined>;
};

export type ReplayEventsSettings = {
  readonly hooks: Pick<HookStore, 'find'>;
  readonly cache: Pick<HookCache, 'compiled'>;
  readonly evaluator: Evaluator;
  readonly payloads: Payloads;
  readonly findWebhook: FindWebhook;
  readonly clock: Clock;
};

/** Definitions of then that are kept compiled. */
const MOST_COMPILED = 50;

export const createReplayEvents = (settings: ReplayEventsSettings): ReplayEvents => {
  const { hooks, cache, evaluator, payloads, findWebhook, clock } = settings;
  const ofThen = new LRUCache<string, CompiledHook>({ max: MOST_COMPILED });

  const compileThen = async (on: Queryable, of: HookRevision): Promise<CompiledHook | undefined> => {
    const key = `${of.uid}:${of.revision}`;
    const known = ofThen.get(key);
    if (known) return known;
    const definition = await definitionAt(on, of);
    if (!definition) return undefined;
    const compiled = evaluator.compile({ ...of, definition, sealedToken: undefined });
    ofThen.set(key, compiled);
    return compiled;
  };

  return {
    find: async (on, row, revision) => {
      const today = await hooks.find(row, on);
      if (!today) return `The hook ${row.hookGroupId}/${row.hookId} is gone.`;
      const kept = await payloads.read(on, row);
      const webhook = await findWebhookOf(row, kept, findWebhook, on);
      const event = eventAgain(row, kept, { taskId: newSlugId(), now: clock.now(), webhook });
      if (typeof event === 'string') return event;
      if (event.isRedacted) return `Of the payload of fire ${row.seq}, parts were taken out before it was kept.`;
      const hook = cache.compiled(today);
      if (revision === 'now') return { hook, meets: hook, row, event };
      const { hookUid: uid, hookRevision } = row;
      const meets = hookRevision === null ? undefined : await compileThen(on, { uid, revision: hookRevision });
      return meets
        ? { hook, meets, row, event }
        : `It is not known how the hook was defined when fire ${row.seq} came.`;
    },

    evaluate: async ({ hook, meets, row, event }, key, by) => {
      const { context, body } = event;
      const { payload: _, ...rest } = context;
      const [taskId, now] = [context.taskId, Date.parse(context.now)];
      const identity = { hookUid: hook.uid, cause: causeOfReplay(key) };
      const ofHook = {
        ...identity,
        ...{ hookGroupId: row.hookGroupId, hookId: row.hookId, firedBy: context.firedBy, arrived: now, ...by },
        hookRevision: meets.uid === hook.uid ? meets.revision : undefined,
      };
      const { evaluation, seen } = await evaluateTry(evaluator, meets, event);
      if (evaluation.outcome === 'limited' && evaluation.mayPass) return undefined;
      const webhook = seen?.webhook ?? event.delivery?.webhook ?? rest.webhook;
      const came = { context: { ...rest, ...(webhook && { webhook }) }, body: seen?.payload ?? body };
      const kept = { payload: payloads.keep(identity, came), ...(webhook && { detail: { webhook: webhook.name } }) };
      if (evaluation.outcome !== 'rendered') {
        return {
          ...ofHook,
          ...kept,
          taskId,
          attempts: 0,
          outcome: evaluation.outcome,
          error: errorOf(evaluation),
        };
      }
      const { task, deadline } = evaluation;
      return {
        ...ofHook,
        ...kept,
        taskId,
        task,
        attempts: 0,
        payloadHash: undefined,
        givesUp: givesUpAt(deadline, now),
      };
    },
  };
};
