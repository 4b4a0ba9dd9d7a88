// Where the queue lives in our database a fire, its task and its outcome are one commit: nothing is
// half done, and nothing has to be taken up again. For events that come once; what may come again
// (a chosen taskId) is stored first, so that a repeat finds it.
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import { createBatch } from '../../database/batch.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { LedgerEntry } from '../../ledger/entry.ts';
import { type CreateTaskAnswer, errorOf, type Queue } from '../../queue/queue.ts';
import { hookRole } from '../definition.ts';
import type { CompiledHook } from '../evaluation/evaluator.ts';
import { sayEnded } from './fire-log.ts';
import { fireMetricsOf } from './fire-metrics.ts';
import type { Ended } from './fire-runner.ts';
import type { Fire } from './fire-store.ts';

/** undefined: the hook was changed or removed meanwhile, and nothing was done. */
export type FireAtOnce = (hook: CompiledHook, fire: Fire) => Promise<Ended | undefined>;

export type FireAtOnceSettings = {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly createTasksIn: NonNullable<Queue['createTasksIn']>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

type Item = { readonly hook: CompiledHook; readonly fire: Fire };

const MOST_AT_ONCE = 200;

const findCurrent = statement<{ uid: string; revision: number }>(
  'fires.current-hooks',
  'select uid, revision from hooks where uid = any($1::uuid[])',
);

/** Those of these whose hook is still at this revision. */
export const findUnchanged = async <Of extends { readonly hook: CompiledHook }>(
  tx: Transaction,
  items: readonly Of[],
): Promise<Of[]> => {
  const uids = [...new Set(items.map(({ hook }) => hook.uid))];
  const rows = await tx.query(findCurrent, [uids]);
  const revisions = new Map(rows.map(({ uid, revision }) => [uid, revision]));
  return items.filter(({ hook }) => revisions.get(hook.uid) === hook.revision);
};

export const createFireAtOnce = (settings: FireAtOnceSettings): FireAtOnce => {
  const { database, ledger, createTasksIn, clock, log } = settings;
  const metrics = fireMetricsOf(settings.metrics);

  const fireTogether = createBatch<Item, Ended | undefined>({
    maxItems: MOST_AT_ONCE,
    concurrency: 2,
    run: async (items) => {
      const ended = await database.transaction(async (tx) => {
        const unchanged = await findUnchanged(tx, items);
        const finished = await finishIn(
          tx,
          createTasksIn,
          unchanged.map(({ fire }) => fire),
          clock.now(),
        );
        const entries = finished.flatMap(({ entry }) => entry ?? []);
        if (entries.length > 0) await ledger.write(entries, tx);
        return new Map(finished.map(({ fire, ended }) => [fire, ended]));
      });
      const now = clock.now();
      for (const [fire, one] of ended) {
        metrics.ended(fire, one.outcome, now);
        sayEnded(log, fire, one.outcome, one.outcome === 'failed' ? errorOf(one.refusal) : undefined);
      }
      return items.map(({ fire }) => ended.get(fire));
    },
  });

  return (hook, fire) => {
    metrics.begun(fire, clock.now());
    return fireTogether({ hook, fire });
  };
};

/**
 * A fire that ended. Without an entry: its taskId was made by us, so its task comes of an earlier
 * commit of which we did not hear.
 */
export type FinishedFire = { readonly fire: Fire; readonly ended: Ended; readonly entry: FireEntry | undefined };
export type FireEntry = Extract<LedgerEntry, { kind: 'fire' }>;

/**
 * Creates the tasks of these fires in the transaction. Answers one for each, in order; their
 * entries are still to be written.
 */
export const finishIn = async (
  tx: Transaction,
  createTasksIn: NonNullable<Queue['createTasksIn']>,
  fires: readonly Fire[],
  at: number,
): Promise<FinishedFire[]> => {
  const answers = await createTasksIn(
    tx,
    fires.map((fire) => ({ taskId: fire.taskId, task: fire.task, authorizedScopes: [`assume:${hookRole(fire)}`] })),
  );
  return fires.map((fire, index) => finishedBy(fire, answers[index] as CreateTaskAnswer, at));
};

const finishedBy = (fire: Fire, answer: CreateTaskAnswer, at: number): FinishedFire => {
  const { hookUid, hookGroupId, hookId, cause, firedBy, taskId, arrived, clientId = null, requestId } = fire;
  const event = { hookUid, hookGroupId, hookId, cause, firedBy, taskId, arrived, clientId, requestId };
  const entry = { at, kind: 'fire', ...event, attempts: 1, payloadHash: null, detail: null } as const;
  if (answer.kind === 'refused') {
    const ended = { outcome: 'failed', refusal: answer } as const;
    return { fire, ended, entry: { ...entry, outcome: 'failed', error: errorOf(answer) } };
  }
  const created = answer.again ? undefined : ({ ...entry, outcome: 'created', error: null } as const);
  return { fire, ended: { outcome: 'created' }, entry: created };
};
