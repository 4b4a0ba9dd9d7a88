// Fires whose tasks are plain, in one statement: it sees that the hook is unchanged, makes the
// task, its messages and the row of the ledger. Whatever is not plain takes the long way
// (begin-fires.ts).
import type { Clock } from '../../../core/clock.ts';
import type { Database, Transaction } from '../../../database/database.ts';
import { joinPieces, statement } from '../../../database/statement.ts';
import type { Ledger } from '../../../ledger/create-ledger.ts';
import { entryValues, recordedPiece } from '../../../ledger/write.ts';
import type { PlainTask, PlainTasks } from '../../../queue/queue.ts';
import { unchangedHooks } from '../../hooks/hook-store.ts';
import { CREATED, endedBy, type Fire, ledgerEntryOf, taskRequestOf } from '../fire.ts';

export type PlainFire = {
  readonly fire: Fire;
  readonly task: PlainTask;
  /** At which its hook must be; undefined: the caller sees to that. */
  readonly revision: number | undefined;
};

/**
 * `made`: it has ended, with a task. `changed`: the hook is at another revision, or gone. `left`:
 * nothing was done, for a reason that the long way knows.
 */
export type BegunAtOnce = 'made' | 'changed' | 'left';

export type BeginAtOnce = {
  /** undefined: it is not plain. */
  readonly prepare: (fire: Fire, revision?: number) => Promise<PlainFire | undefined>;
  /** One answer a fire, in order: in the caller's transaction, or in one of its own. */
  readonly begin: (fires: readonly PlainFire[], tx?: Transaction) => Promise<readonly BegunAtOnce[]>;
};

export type BeginAtOnceSettings = {
  readonly database: Database;
  readonly ledger: Pick<Ledger, 'writeWith'>;
  readonly plainTasks: PlainTasks;
  readonly clock: Clock;
};

type Answer = { readonly made: readonly string[]; readonly left: readonly string[] };

export const createBeginAtOnce = ({ database, ledger, plainTasks, clock }: BeginAtOnceSettings): BeginAtOnce => {
  const recorded = recordedPiece('select task_id from made');
  const { text, name } = joinPieces(plainTasks.piece.name, [unchangedHooks, plainTasks.piece, recorded]);
  const beginFires = statement<Answer>(
    `fires.begin-${name}`,
    `with ${text(1)}
     select array(select task_id from made) as made,
            array(select task_id from unchanged except select task_id from made) as left, ${plainTasks.news}`,
  );

  return {
    prepare: async (fire, revision) => {
      const task = await plainTasks.prepare(taskRequestOf(fire));
      return task && { fire, task, revision };
    },
    begin: async (fires, tx) => {
      // The second of two with one taskId finds the task of the first, which the long way knows.
      const unique = new Map(fires.toReversed().map((one) => [one.task.taskId, one]));
      const given = [...unique.values()].toReversed();
      const now = clock.now();
      const entries = given.map(({ fire }) => ledgerEntryOf(endedBy(fire, CREATED), now));
      const values = [
        given.map(({ task }) => task.taskId),
        given.map(({ fire }) => fire.hookUid),
        given.map(({ revision }) => revision ?? null),
        ...(await plainTasks.values(given.map(({ task }) => task))),
        ...entryValues(entries),
      ];
      const rows = await ledger.writeWith(entries, tx, () => (tx ?? database).query(beginFires, values));
      const answer = rows[0] as Answer;
      plainTasks.learn(answer);
      const [made, left] = [new Set(answer.made), new Set(answer.left)];
      return fires.map((one) => {
        const { taskId } = one.task;
        if (left.has(taskId) || unique.get(taskId) !== one) return 'left';
        return made.has(taskId) ? 'made' : 'changed';
      });
    },
  };
};
