// Task hooks, put together: the API, firing, and what goes on in the background.
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Database } from '../database/database.ts';
import type { ApiService } from '../http/api-method.ts';
import type { Ledger } from '../ledger/create-ledger.ts';
import type { Queue } from '../queue/queue.ts';
import { createHooksApi } from './api.ts';
import { createEvaluationPool } from './evaluation-pool.ts';
import { createEvaluator } from './evaluator.ts';
import { createFiring } from './fire.ts';
import { createFireStore } from './fire-store.ts';
import { createHookMemory } from './hook-memory.ts';
import { createHookStore } from './hook-store.ts';
import { createPursuit } from './pursue.ts';

export type TaskHooksSettings = {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly queue: Queue;
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

export const createTaskHooks = ({ database, ledger, queue, clock, log, metrics }: TaskHooksSettings): TaskHooks => {
  const pool = createEvaluationPool({ clock, log });
  const evaluator = createEvaluator(pool);
  const hooks = createHookStore(database);
  const memory = createHookMemory(hooks, evaluator);
  const fires = createFireStore(database, ledger);
  const pursuit = createPursuit({ fires, queue, clock, log, metrics });
  const firing = createFiring({ memory, evaluator, fires, ledger, pursuit, clock });
  return {
    api: createHooksApi({ hooks, evaluator, firing, ledger, queue, settled: pursuit.settled, clock }),
    run: pursuit.run,
    whenIdle: pursuit.whenIdle,
    [Symbol.asyncDispose]: async () => {
      await pursuit[Symbol.asyncDispose]();
      await pool[Symbol.asyncDispose]();
    },
  };
};
