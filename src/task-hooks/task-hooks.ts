// Task hooks, put together: the API, firing, and what goes on in the background.
import type { FastifyInstance } from 'fastify';
import type { Broker } from '../broker/broker.ts';
import { newUuid } from '../core/ids.ts';
import type { SecretBox } from '../core/secret-box.ts';
import type { Base } from '../database/base.ts';
import type { ApiService } from '../http/api-method.ts';
import { createClientAddress } from '../http/senders/addresses.ts';
import type { Ledger } from '../ledger/create-ledger.ts';
import { createPayloads } from '../ledger/payloads/payloads.ts';
import { DEFAULT_PAYLOAD_DAYS } from '../ledger/retention.ts';
import { findLedgerEntry } from '../ledger/search/find-fire.ts';
import { createTail } from '../ledger/search/tail.ts';
import { createTellWritten } from '../ledger/search/tell-written.ts';
import type { Queue } from '../queue/queue.ts';
import type { Timers } from '../timers/create-timers.ts';
import { createHooksApi } from './api/api.ts';
import { createDefinitionWarnings, type ScopesOfRole } from './api/definition-warnings.ts';
import { createHookChanges, SCHEDULE_TIMER, scheduleTimer } from './api/hook-changes.ts';
import { createFollowFires } from './api/ledger/follow-fires.ts';
import { triggerError } from './api/trigger-error.ts';
import { serveDeliveries } from './api/webhooks/serve-deliveries.ts';
import { createWebhookChanges } from './api/webhooks/webhook-changes.ts';
import type { Hook, HookName } from './definition.ts';
import { createReceiveDelivery } from './deliveries/receive-delivery.ts';
import { createRecordRefusal } from './deliveries/refusals.ts';
import { createWebhookCache } from './deliveries/webhook-cache.ts';
import { createWebhookStore } from './deliveries/webhook-store.ts';
import { createDryRun } from './dry-run/dry-run.ts';
import type { FindWebhook, KeptEvents } from './dry-run/kept-event.ts';
import { createRenderLast } from './dry-run/render-last.ts';
import { createWhyNot } from './dry-run/why-not.ts';
import { createEvaluator } from './evaluation/evaluator.ts';
import { createEvaluationPool } from './evaluation/pool.ts';
import { createBacklogGauges } from './firing/backlog-gauges.ts';
import { createFailureMail, type EnqueueMail } from './firing/failure-mail.ts';
import { createFireCall } from './firing/fire-call.ts';
import { createFireStore } from './firing/fire-store.ts';
import { createFiring } from './firing/firing.ts';
import { createKnownEvents } from './firing/repeats/known-events.ts';
import { createHookCache } from './hooks/hook-cache.ts';
import { createHookStore } from './hooks/hook-store.ts';
import { createTriggerTokens } from './hooks/trigger-token.ts';
import { createBindingChanges } from './messages/binding-changes.ts';
import { createCommitMessages } from './messages/commit-messages.ts';
import { createEvaluateMessage } from './messages/evaluate-message.ts';
import { createMessageReader } from './messages/message-reader.ts';
import { createRejections, REJECTIONS_TIMER } from './messages/rejections.ts';
import { createReplayEvents } from './replay/replay-event.ts';
import { createReplayJobs, REPLAY_TIMER } from './replay/replay-jobs.ts';
import { createReplayOne } from './replay/replay-one.ts';
import { createScheduleHandler } from './schedule/schedule-handler.ts';
import { createTicks } from './schedule/tick.ts';

export type TaskHooksSettings = Base & {
  readonly ledger: Ledger;
  /** Gets the handler of schedules; runs after this. */
  readonly timers: Timers;
  /** Gets the reader of messages; runs after this. */
  readonly broker: Broker;
  readonly queue: Queue;
  readonly secretBox: SecretBox;
  /** How long the payloads of fires are kept; 0: not at all. */
  readonly payloadDays?: number;
  /** undefined: nobody is mailed. */
  readonly enqueueMail: EnqueueMail | undefined;
  readonly deniedExchanges: readonly string[];
  /** Where roles live in our database; elsewhere nobody is warned of a role without scopes. */
  readonly scopesOfRole?: ScopesOfRole | undefined;
  readonly rootUrl: () => string;
  /** Aborts when the server ends: event streams do, too. */
  readonly ending?: AbortSignal;
  /** Networks of proxies whose word for the address of a sender is taken. */
  readonly trustedProxies?: readonly string[];
};

export type TaskHooks = AsyncDisposable & {
  readonly api: ApiService;
  /** The addresses of webhooks, where senders have none of the API's manners. */
  readonly serve: (server: FastifyInstance) => void;
  /**
   * Fires a hook for another part of the server, which has seen to it that it may; once for each
   * taskId. Answers why there is no task; undefined: there is, or will be, or the hook declined.
   * Rejects when trying again may help.
   */
  readonly fire: (asked: FireAsked) => Promise<string | undefined>;
  /** Takes up fires whose time has come, until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /**
   * For who looks for a task that is not there: its fire may be stored, and its process dead.
   * Resolves when the task is there or will not be for now.
   */
  readonly whenTaskMissing: (taskId: string) => Promise<void>;
  /** Resolves when this process attempts no fire. */
  readonly whenIdle: () => Promise<void>;
};

export type FireAsked = HookName & {
  readonly payload: unknown;
  /** In whose name, for the template and the ledger. */
  readonly clientId: string;
  readonly taskId: string;
};

/** How long who looks for a task waits for its fire. */
const PATIENCE_MS = 5_000;

export const createTaskHooks = (settings: TaskHooksSettings): TaskHooks => {
  const { database, ledger, timers, broker, queue, secretBox, clock, log, metrics } = settings;
  const { enqueueMail: enqueue, deniedExchanges, rootUrl, scopesOfRole } = settings;
  const base = { database, clock, log, metrics };

  const pool = createEvaluationPool({ clock, log });
  const evaluator = createEvaluator(pool, metrics);
  const hooks = createHookStore(database);
  const cache = createHookCache(hooks, evaluator);
  const tokens = createTriggerTokens(secretBox);
  const payloads = createPayloads({ secretBox, clock, days: settings.payloadDays ?? DEFAULT_PAYLOAD_DAYS });

  const store = createFireStore(database, ledger);
  const failureMail = createFailureMail({ hooks, enqueue, rootUrl, clock });
  const render = evaluator.renderStored;
  const tellWritten = createTellWritten(base);
  const { beginFires, endFires, runner } = createFiring({
    ...{ ...base, ledger, store, queue, render, failureMail, tellWritten },
  });
  const knownEvents = createKnownEvents({ database, endFires, clock, log });
  const fireCall = createFireCall({
    ...{ cache, evaluator, store, ledger, beginFires, payloads, runner, tokens, knownEvents, clock },
  });

  const ticks = createTicks({ cache, evaluator, beginFires, payloads });
  const changes = createHookChanges({ database, hooks, tokens, timers, ticks, broker, clock });
  timers.handleBatch(SCHEDULE_TIMER, createScheduleHandler({ hooks, cache, ticks, runner, clock }));

  const rejections = createRejections({ timers, beginFires, clock });
  timers.handleBatch(REJECTIONS_TIMER, rejections.handler);
  const { acknowledge, endings, bindingStates } = broker;
  const commitMessages = createCommitMessages({
    database,
    acknowledge,
    ...(endings && { endings }),
    beginFires,
    rejections,
    log,
  });
  const evaluateMessage = createEvaluateMessage({ evaluator, payloads, clock, log });
  broker.onBindingChange(createBindingChanges({ hooks, ledger, clock, log, tellWritten }));
  broker.consume(createMessageReader({ cache, evaluateMessage, commitMessages, runner, clock, log }));

  const { whenRecorded } = runner;
  const webhooks = createWebhookStore(database, secretBox);
  const findWebhook: FindWebhook = async (hookUid, name, on) => {
    const found = (await webhooks.list(hookUid, on)).find((webhook) => webhook.name === name)?.settings;
    return found && { when: found.when, map: found.map };
  };
  const events: KeptEvents = {
    find: async (seq) => {
      const row = await findLedgerEntry(database, seq);
      return row?.kind === 'fire' ? row : undefined;
    },
    read: (row) => payloads.read(database, row),
    findWebhook,
  };
  const dryRun = createDryRun({ evaluator, queue, store, ledger, whenRecorded, clock });
  const renderLast = createRenderLast({ ledger, events, dryRun, clock });
  const dueOf = (hook: Hook) => timers.dueOf(scheduleTimer(hook));
  const { ownExchanges = [] } = broker;
  const whyNot = createWhyNot({ database, bindingStates, ownExchanges, fires: store, dueOf, clock });

  const webhookCache = createWebhookCache(webhooks);
  const webhookChanges = createWebhookChanges({ database, hooks, webhooks, clock });
  const recordRefusal = createRecordRefusal({ database, rejections, beginFires });
  const receive = createReceiveDelivery({ cache: webhookCache, fireCall, recordRefusal, clock, metrics });
  const clientAddress = createClientAddress(settings.trustedProxies ?? []);

  const replayEvents = createReplayEvents({ hooks, cache, evaluator, payloads, findWebhook, clock });
  const replays = { database, events: replayEvents, beginFires, runner, clock };
  const replayOne = createReplayOne(replays);
  const replayJobs = createReplayJobs({ ...replays, timers });
  timers.handleBatch(REPLAY_TIMER, replayJobs.handler, 1); // a turn of one job is a transaction

  const runGauges = createBacklogGauges({ ...base, countOverdue: timers.countOverdue });
  const { ending = new AbortController().signal } = settings;
  const followFires = createFollowFires({ database, clock, tail: createTail(base), ending });

  return {
    api: createHooksApi({
      ...{ cache, dryRun, renderLast, whyNot, events, replayOne, replayJobs },
      ...{ database, hooks, changes, evaluator, deniedExchanges, fireCall, fires: store },
      ...{ ledger, timers, bindingStates, ownExchanges: broker.ownExchanges, queue, whenRecorded, clock },
      warningsOf: createDefinitionWarnings({ evaluator, scopesOfRole }),
      ...{ tokens, payloads, followFires, webhooks, webhookChanges, rootUrl },
    }),
    serve: (server) => serveDeliveries(server, { receive, cache: webhookCache, clientAddress, clock, log }),
    fire: async ({ taskId, ...asked }) => {
      const payloadBytes = Buffer.byteLength(JSON.stringify(asked.payload));
      const call = { ...asked, payloadBytes, taskId, chosenTaskId: taskId, requestId: newUuid() };
      const result = await fireCall({ ...call, firedBy: 'triggerHook' });
      const isDone = result.outcome === 'created' || result.outcome === 'pending' || result.outcome === 'declined';
      if (isDone) return undefined;
      const error = triggerError(asked, taskId, result);
      if (error.code === 'ServiceUnavailable') throw error;
      return error.message;
    },
    run: async (signal) => {
      await Promise.all([runner.run(signal), knownEvents.run(signal), runGauges(signal)]);
    },
    whenTaskMissing: async (taskId) => {
      const enough = new AbortController();
      await Promise.race([runner.takeOver(taskId), clock.sleep(PATIENCE_MS, enough.signal)]);
      enough.abort();
    },
    whenIdle: runner.whenIdle,
    [Symbol.asyncDispose]: async () => {
      await runner[Symbol.asyncDispose]();
      await pool[Symbol.asyncDispose]();
    },
  };
};
