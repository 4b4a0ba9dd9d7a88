// Where the queue lives in our database a fire, its task and its outcome are one commit: nothing is half done, and nothing has to be taken
// up again. For events that come once; what may come again (a chosen taskId) is stored first, so that a repeat finds it.
import type { Clock } from '../core/clock.ts';
import type { Metrics } from '../core/metrics.ts';
import { createBatch } from '../database/batch.ts';
import type { Database, Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { Ledger } from '../ledger/create-ledger.ts';
import type { LedgerEntry } from '../ledger/entry.ts';
import { type CreateTaskAnswer, errorOf, type Queue } from '../queue/queue.ts';
import { hookRole } from './definition.ts';
import type { CompiledHook } from './evaluator.ts';
import { fireMetricsOf } from './fire-metrics.ts';
import type { Fire } from './fire-store.ts';
import type { Ended } from './pursue.ts';

/** undefined: the hook was changed or removed meanwhile, and nothing was done. */
export type FireAtOnce = (hook: CompiledHook, fire: Fire) => Promise<Ended | undefined>;

export type FireAtOnceSettings = {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly createTasksIn: NonNullable<Queue['createTasksIn']>;
  readonly clock: Clock;
  readonly metrics: Metrics;
};

type Item = { readonly hook: CompiledHook; readonly fire: Fire };

const MOST_AT_ONCE = 200;

const findCurrent = statement<{ uid: string; revision: number }>(
  'fires.current-hooks',
  'select uid, revision from hooks where uid = any($1::uuid[])',
);

export const createFireAtOnce = (settings: FireAtOnceSettings): FireAtOnce => {
  const { database, ledger, createTasksIn, clock } = settings;
  const metrics = fireMetricsOf(settings.metrics);

  const findUnchanged = async (tx: Transaction, items: readonly Item[]): Promise<Item[]> => {
    const uids = [...new Set(items.map(({ hook }) => hook.uid))];
    const rows = await tx.query(findCurrent, [uids]);
    const revisions = new Map(rows.map(({ uid, revision }) => [uid, revision]));
    return items.filter(({ hook }) => revisions.get(hook.uid) === hook.revision);
  };

  const fireTogether = createBatch<Item, Ended | undefined>({
    maxItems: MOST_AT_ONCE,
    concurrency: 2,
    run: async (items) => {
      const ended = await database.transaction(async (tx) => {
        const unchanged = await findUnchanged(tx, items);
        const answers = await createTasksIn(
          tx,
          unchanged.map(({ fire }) => ({
            taskId: fire.taskId,
            task: fire.task,
            authorizedScopes: [`assume:${hookRole(fire)}`],
          })),
        );
        const at = clock.now();
        const entries = unchanged.flatMap(({ fire }, index) => entryOf(fire, answers[index] as CreateTaskAnswer, at));
        if (entries.length > 0) await ledger.write(entries, tx);
        return new Map(unchanged.map(({ fire }, index) => [fire, endedBy(answers[index] as CreateTaskAnswer)]));
      });
      const now = clock.now();
      for (const [fire, { outcome }] of ended) metrics.ended(fire, outcome, now);
      return items.map(({ fire }) => ended.get(fire));
    },
  });

  return (hook, fire) => {
    metrics.begun(fire, clock.now());
    return fireTogether({ hook, fire });
  };
};

const endedBy = (answer: CreateTaskAnswer): Ended =>
  answer.kind === 'created' ? { outcome: 'created' } : { outcome: 'failed', refusal: answer };

/** Nothing for a task that was there: its taskId was made by us, so it comes of an earlier commit of which we did not hear. */
const entryOf = (fire: Fire, answer: CreateTaskAnswer, at: number): LedgerEntry[] => {
  if (answer.kind === 'created' && answer.again) return [];
  const { hookUid, hookGroupId, hookId, cause, firedBy, taskId, arrived, clientId = null, requestId } = fire;
  const outcome = answer.kind === 'created' ? 'created' : 'failed';
  const error = answer.kind === 'created' ? null : errorOf(answer);
  const event = { hookUid, hookGroupId, hookId, cause, firedBy, taskId, arrived, clientId, requestId };
  return [{ at, kind: 'fire', outcome, ...event, attempts: 1, payloadHash: null, error, detail: null }];
};
