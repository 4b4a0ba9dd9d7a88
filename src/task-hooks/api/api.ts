// What the methods of the hooks API do. How they are called, by whom, and with what, is in
// declaration.ts.
import type { Broker } from '../../broker/broker.ts';
import type { Clock } from '../../core/clock.ts';
import { newSlugId, SLUG_ID } from '../../core/ids.ts';
import { sameJson } from '../../core/json.ts';
import type { Queryable } from '../../database/database.ts';
import { ApiError } from '../../http/api-error.ts';
import { type Admit, type ApiAnswer, type ApiRequest, type ApiService, implementApi } from '../../http/api-method.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { Queue } from '../../queue/queue.ts';
import type { Timers } from '../../timers/create-timers.ts';
import type { CreateHookRequest, Hook, HookDefinition, HookName } from '../definition.ts';
import { taskIdIn } from '../evaluation/evaluate.ts';
import type { Evaluator } from '../evaluation/evaluator.ts';
import type { HookCall } from '../firing/evaluate-call.ts';
import type { FireCall } from '../firing/fire-call.ts';
import type { FireStore } from '../firing/fire-store.ts';
import type { Actor } from '../hooks/audit.ts';
import type { HookStore } from '../hooks/hook-store.ts';
import type { TriggerTokens } from '../hooks/trigger-token.ts';
import { createVersionMethods } from '../versions/version-methods.ts';
import { checkDefinition } from './check-definition.ts';
import { HOOKS_API } from './declaration.ts';
import type { DefinitionWarnings } from './definition-warnings.ts';
import { createDryRunMethods, type DryRunsSettings } from './dry-runs.ts';
import { fireRecordOf, pendingFireOf } from './fire-records.ts';
import type { HookChanges } from './hook-changes.ts';
import { readHookStatus } from './hook-status.ts';
import { knownCallOf, REPLAYED } from './known-call.ts';
import { readLastFires } from './last-fires.ts';
import { createLedgerMethods, type LedgerMethodsSettings } from './ledger/ledger-methods.ts';
import { listHooks } from './list-hooks.ts';
import { createReplayMethods, type ReplaysSettings } from './replays.ts';
import { triggerError } from './trigger-error.ts';
import { type WebhookMethodsSettings, webhookMethods } from './webhooks/webhook-methods.ts';

export type HooksApiSettings = DryRunsSettings &
  WebhookMethodsSettings &
  ReplaysSettings & {
    readonly database: Queryable;
    readonly hooks: HookStore;
    readonly changes: HookChanges;
    readonly evaluator: Evaluator;
    readonly deniedExchanges: readonly string[];
    readonly fireCall: FireCall;
    readonly fires: Pick<FireStore, 'listUnfinished'>;
    readonly ledger: Ledger;
    readonly timers: Timers;
    readonly bindingStates: Broker['bindingStates'];
    readonly ownExchanges: Broker['ownExchanges'];
    readonly queue: Queue;
    readonly whenRecorded: (hookUid?: string) => Promise<void>;
    readonly warningsOf: DefinitionWarnings;
    readonly tokens: Pick<TriggerTokens, 'matches'>;
    readonly clock: Clock;
  } & LedgerMethodsSettings;

type Payload = Record<string, unknown>;

const LONGEST_PAGE = 1_000;
const MOST_PENDING = 100;

const nameIn = (request: ApiRequest<unknown>): HookName => ({
  hookGroupId: request.params.hookGroupId as string,
  hookId: request.params.hookId as string,
});

/** Methods that change a hook need scopes, so their caller has a name. */
const actorIn = ({ caller, requestId, origin }: ApiRequest<unknown>): Actor => ({
  clientId: caller.clientId ?? 'anonymous',
  requestId,
  ...(origin && { origin }),
});

const noSuchHook = () => new ApiError('ResourceNotFound', 'No such hook');

export const createHooksApi = (settings: HooksApiSettings): ApiService => {
  const { hooks, changes, fireCall, fires, ledger, timers, bindingStates, ownExchanges, queue } = settings;
  const { whenRecorded, warningsOf, tokens, clock } = settings;

  const findHook = async (request: ApiRequest<unknown>): Promise<Hook> => {
    const hook = await hooks.find(nameIn(request));
    if (!hook) throw noSuchHook();
    return hook;
  };

  const warn = async ({ log }: ApiRequest, definition: HookDefinition) => {
    const { hookGroupId, hookId } = definition;
    for (const warning of await warningsOf(definition)) log.warn({ hookGroupId, hookId }, warning);
  };

  const trigger = async (
    request: ApiRequest<Payload>,
    by: Pick<HookCall, 'firedBy' | 'clientId' | 'token'>,
  ): Promise<ApiAnswer> => {
    const name = nameIn(request);
    const { payload, payloadBytes, signed, requestId, idempotencyKey } = request;
    const chosenTaskId = taskIdIn(payload);
    const ownTaskId = chosenTaskId !== undefined && SLUG_ID.test(chosenTaskId) ? chosenTaskId : newSlugId();
    const came = typeof signed.body === 'function' ? await signed.body() : signed.body;
    const known = idempotencyKey === undefined ? undefined : knownCallOf(idempotencyKey, came, by, clock);
    const isParsed = payload !== undefined;
    const result = await fireCall({
      ...by,
      hookGroupId: name.hookGroupId,
      hookId: name.hookId,
      payload,
      body: isParsed ? undefined : came,
      raw: isParsed && came.length > 0 ? came : undefined,
      payloadBytes,
      taskId: ownTaskId,
      chosenTaskId,
      requestId,
      known,
      isImpatient: known !== undefined,
    });
    const { taskId = ownTaskId } = result;
    if (result.outcome === 'created' || result.outcome === 'pending') {
      return { body: { taskId, status: { taskId } }, ...(result.isCopy && REPLAYED) };
    }
    if (result.outcome === 'declined') return { body: {} };
    throw triggerError(name, taskId, result);
  };

  const versionMethods = createVersionMethods({
    database: settings.database,
    rollBack: async (request, former, rolledBackTo) => {
      const definition = (await checkDefinition(nameIn(request), former, settings))(undefined);
      const by = { ...actorIn(request), rolledBackTo };
      const isDone = (await changes.update(definition, () => definition, by)) ?? (await changes.create(definition, by));
      if (!isDone)
        throw new ApiError('RequestConflict', 'The hook was made again just now. Look at it, and try again.');
      await warn(request, definition);
      return definition;
    },
  });

  /** Whoever does not know the token cannot have a large body read. */
  const admitToken: Admit = async ({ hookGroupId = '', hookId = '', token = '' }) => {
    const name = { hookGroupId, hookId };
    const hook = await hooks.find(name);
    if (!hook || !tokens.matches(hook, token)) throw triggerError(name, '', { outcome: 'wrong-token' });
  };

  return implementApi(HOOKS_API, {
    ...createDryRunMethods(settings),
    ...versionMethods,
    ...createReplayMethods(settings),
    ...createLedgerMethods(settings),

    listHookGroups: async () => ({ body: { groups: await hooks.groups() } }),

    listHooks: ({ params }) => listHooks(hooks, params.hookGroupId as string),

    hook: async (request) => ({ body: (await findHook(request)).definition }),

    getHookStatus: async (request) => ({
      body: await readHookStatus(
        { ledger, timers, bindingStates, ownExchanges, whenRecorded, warningsOf },
        await findHook(request),
      ),
    }),

    createHook: async (request: ApiRequest<CreateHookRequest>) => {
      const definition = (await checkDefinition(nameIn(request), request.payload, settings))(undefined);
      if (!(await changes.create(definition, actorIn(request)))) {
        const known = await hooks.find(definition);
        if (!known || !sameJson(known.definition, definition)) {
          const { hookGroupId, hookId } = definition;
          throw new ApiError('RequestConflict', `hook \`${hookGroupId}/${hookId}\` already exists.`);
        }
      }
      await warn(request, definition);
      return { body: definition };
    },

    updateHook: async (request: ApiRequest<CreateHookRequest>) => {
      await findHook(request); // a hook that is missing is told of before what is wrong with its definition
      const checked = await checkDefinition(nameIn(request), request.payload, settings);
      const definition = await changes.update(nameIn(request), checked, actorIn(request));
      if (!definition) throw noSuchHook();
      await warn(request, definition);
      return { body: definition };
    },

    removeHook: async (request) => {
      await changes.remove(nameIn(request), actorIn(request));
      return { body: {} };
    },

    triggerHook: (request: ApiRequest<Payload>) =>
      trigger(request, { firedBy: 'triggerHook', clientId: request.caller.clientId }),

    getTriggerToken: async (request) => {
      const token = await changes.token(nameIn(request), actorIn(request));
      if (token === undefined) throw noSuchHook();
      return { body: { token } };
    },

    resetTriggerToken: async (request) => {
      const token = await changes.resetToken(nameIn(request), actorIn(request));
      if (token === undefined) throw noSuchHook();
      return { body: { token } };
    },

    triggerHookWithToken: {
      admit: admitToken,
      handle: (request: ApiRequest<Payload>) =>
        trigger(request, {
          firedBy: 'triggerHookWithToken',
          clientId: undefined,
          token: request.params.token as string,
        }),
    },

    ...webhookMethods(settings, { nameIn, actorIn, findHook }),

    listLastFires: async (request) => {
      const hook = await hooks.find(nameIn(request));
      const page = pageIn(request);
      const found =
        hook && page.limit > 0 ? await readLastFires({ ledger, queue, whenRecorded }, hook.uid, page) : undefined;
      if (!found || found.lastFires.length === 0) throw new ApiError('ResourceNotFound', 'No such hook or never fired');
      return { body: found };
    },

    listFires: async (request) => {
      const { uid } = await findHook(request);
      await whenRecorded(uid);
      const page = pageIn(request);
      // Before the ledger: a fire that ends in between is in both answers, not in neither.
      const pending = page.continuationToken === undefined ? await fires.listUnfinished(uid, MOST_PENDING) : [];
      const { entries, continuationToken } = await ledger.page({ hookUid: uid, kinds: ['fire', 'attempt'], ...page });
      return {
        body: {
          fires: entries.map(fireRecordOf),
          ...(pending.length > 0 && { pending: pending.map(pendingFireOf) }),
          ...(continuationToken !== undefined && { continuationToken }),
        },
      };
    },
  });
};

const pageIn = ({ query: { limit, continuationToken } }: ApiRequest<unknown>) => ({
  limit: limit === undefined ? LONGEST_PAGE : Number(limit),
  continuationToken,
});
