// Task hooks, put together: the API, firing, and what goes on in the background.
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Metrics } from '../core/metrics.ts';
import type { SecretBox } from '../core/secret-box.ts';
import type { Database } from '../database/database.ts';
import type { ApiService } from '../http/api-method.ts';
import type { Ledger } from '../ledger/create-ledger.ts';
import type { Queue } from '../queue/queue.ts';
import type { Timers } from '../timers/create-timers.ts';
import { createHooksApi } from './api/api.ts';
import { createDefinitionWarnings, type ScopesOfRole } from './api/definition-warnings.ts';
import { createHookChanges, SCHEDULE_TIMER } from './api/hook-changes.ts';
import { createEvaluator } from './evaluation/evaluator.ts';
import { createEvaluationPool } from './evaluation/pool.ts';
import { createGauges } from './firing/backlog-gauges.ts';
import { createFailureMail, type EnqueueMail } from './firing/failure-mail.ts';
import { createFireAtOnce } from './firing/fire-at-once.ts';
import { createFiring } from './firing/fire-call.ts';
import { createPursuit } from './firing/fire-runner.ts';
import { createFireStore } from './firing/fire-store.ts';
import { createHookMemory } from './hooks/hook-cache.ts';
import { createHookStore } from './hooks/hook-store.ts';
import { createTriggerTokens } from './hooks/trigger-token.ts';
import { createBindingChanges } from './messages/binding-changes.ts';
import { createReadingStore } from './messages/commit-messages.ts';
import { createMessageEvaluation } from './messages/evaluate-message.ts';
import { createMessageReader } from './messages/message-reader.ts';
import { createRejections, REJECTIONS_TIMER } from './messages/rejections.ts';
import { createScheduleHandler } from './schedule/schedule-handler.ts';
import { createTicks } from './schedule/tick.ts';

export type TaskHooksSettings = {
  readonly database: Database;
  readonly ledger: Ledger;
  /** Gets the handler of schedules; runs after this. */
  readonly timers: Timers;
  /** Gets the reader of messages; runs after this. */
  readonly broker: Broker;
  readonly queue: Queue;
  readonly secretBox: SecretBox;
  /** undefined: nobody is mailed. */
  readonly enqueueMail: EnqueueMail | undefined;
  readonly deniedExchanges: readonly string[];
  /** Where roles live in our database; elsewhere nobody is warned of a role without scopes. */
  readonly scopesOfRole?: ScopesOfRole | undefined;
  readonly rootUrl: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

export type TaskHooks = AsyncDisposable & {
  readonly api: ApiService;
  /** Takes up fires whose time has come, until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Resolves when this process pursues no fire. */
  readonly whenIdle: () => Promise<void>;
};

export const createTaskHooks = (settings: TaskHooksSettings): TaskHooks => {
  const { database, ledger, timers, broker, queue, secretBox, clock, log, metrics } = settings;
  const { enqueueMail: enqueue, deniedExchanges, rootUrl, scopesOfRole } = settings;

  const pool = createEvaluationPool({ clock, log });
  const evaluator = createEvaluator(pool);
  const hooks = createHookStore(database);
  const memory = createHookMemory(hooks, evaluator);
  const fires = createFireStore(database, ledger);
  const tokens = createTriggerTokens(secretBox);
  const notice = createFailureMail({ hooks, enqueue, rootUrl, clock });
  const render = evaluator.renderStored;
  const pursuit = createPursuit({ fires, queue, render, notice, clock, log, metrics });
  const { createTasksIn } = queue;
  const fireAtOnce = createTasksIn && createFireAtOnce({ database, ledger, createTasksIn, clock, log, metrics });
  const firing = createFiring({ memory, evaluator, fires, ledger, pursuit, fireAtOnce, tokens, clock, log, metrics });
  const ticks = createTicks({ memory, evaluator, fires, ledger });
  const changes = createHookChanges({ database, hooks, tokens, timers, ticks, broker, clock });

  timers.handleBatch(SCHEDULE_TIMER, createScheduleHandler({ hooks, ticks, pursuit, clock, log, metrics }));
  const rejections = createRejections({ timers, ledger, clock });
  timers.handleBatch(REJECTIONS_TIMER, rejections.handler);
  const { acknowledge } = broker;
  const store = createReadingStore({
    ...{ database, acknowledge, fires, ledger, rejections, notice, createTasksIn, clock, log, metrics },
  });
  const evaluation = createMessageEvaluation({ evaluator, clock, log });
  broker.onBindingChange(createBindingChanges({ hooks, ledger, clock, log }));
  broker.consume(createMessageReader({ memory, evaluation, store, pursuit, clock, log }));

  const { countOverdue } = timers;
  const lookAtWhatWaits = createGauges({ database, countOverdue, clock, log, metrics });

  return {
    api: createHooksApi({
      hooks,
      changes,
      evaluator,
      deniedExchanges,
      firing,
      fires,
      ledger,
      timers,
      bindingStates: broker.bindingStates,
      queue,
      settled: pursuit.settled,
      warningsOf: createDefinitionWarnings({ evaluator, scopesOfRole }),
      tokens,
      clock,
    }),
    run: async (signal) => {
      await Promise.all([pursuit.run(signal), lookAtWhatWaits(signal)]);
    },
    whenIdle: pursuit.whenIdle,
    [Symbol.asyncDispose]: async () => {
      await pursuit[Symbol.asyncDispose]();
      await pool[Symbol.asyncDispose]();
    },
  };
};
