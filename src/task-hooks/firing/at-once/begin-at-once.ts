// Fires whose tasks are plain, in one statement: it sees that the hook is unchanged, makes the
// task, its messages and the row of the ledger. Whatever is not plain takes the long way
// (begin-fires.ts).
import type { Clock } from '../../../core/clock.ts';
import type { Database, Transaction } from '../../../database/database.ts';
import { joinPieces, type Piece, statement } from '../../../database/statement.ts';
import type { Ledger } from '../../../ledger/create-ledger.ts';
import { entryValues, recordedPiece } from '../../../ledger/write.ts';
import type { PlainForm, PlainTask, PlainTasks } from '../../../queue/queue.ts';
import type { HookRevision } from '../../definition.ts';
import type { TaskValue } from '../../evaluation/evaluate.ts';
import { unchangedPiece } from '../../hooks/hook-store.ts';
import { CREATED, endedBy, type Fire, ledgerEntryOf, taskRequestOf } from '../fire.ts';
import {
  eventValues,
  isKnownMeanwhile,
  isToRemember,
  knownPiece,
  rememberedPiece,
} from '../repeats/remember-events.ts';

export type PlainFire = {
  readonly fire: Fire;
  readonly task: PlainTask;
  /** At which its hook must be, its event being unknown; undefined: the caller sees to both. */
  readonly hook: HookRevision | undefined;
};

/**
 * `made`: it has ended, with a task. `changed`: the hook is at another revision, or gone, or the
 * event is known already. `left`: nothing was done, for a reason that the long way knows.
 */
export type BegunAtOnce = 'made' | 'changed' | 'left';

export type BeginAtOnce = {
  /** undefined: it is not plain. */
  readonly prepare: (fire: Fire, hook?: HookRevision, value?: TaskValue) => Promise<PlainFire | undefined>;
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

const MADE = 'select task_id from made';

/** What is made of each form, beforehand. */
export const perForm = <Made>({ forms }: PlainTasks, make: (form: PlainForm) => Made): ((form: PlainForm) => Made) => {
  const made = new Map(forms.map((form) => [form, make(form)]));
  return (form) => made.get(form) as Made;
};

/** Of `unchangedPiece` and of the piece of plain tasks. */
export const plainValues = async (form: PlainForm, fires: readonly PlainFire[]): Promise<unknown[]> => [
  fires.map(({ task }) => task.taskId),
  fires.map(({ fire }) => fire.hookUid),
  fires.map(({ hook }) => hook?.revision ?? null),
  ...(await form.values(fires.map(({ task }) => task))),
];

export const createBeginAtOnce = ({ database, ledger, plainTasks, clock }: BeginAtOnceSettings): BeginAtOnce => {
  const recorded = recordedPiece(MADE);
  const statementsOf = perForm(plainTasks, ({ piece, news }) => {
    // As JSON: the driver reads an array character by character.
    const beginning = (name: string, pieces: readonly Piece[]) =>
      statement<Answer>(
        `fires.${name}-${piece.name}`,
        `with ${joinPieces(name, pieces).text(1)}
     select array_to_json(array(${MADE})) as made, array(select task_id from unchanged except ${MADE}) as left, ${news}`,
      );
    return {
      beginFires: beginning('begin', [unchangedPiece(), piece, recorded]),
      beginOnce: beginning('begin-once', [
        knownPiece,
        unchangedPiece('select task_id from known'),
        ...[piece, recorded, rememberedPiece(MADE)],
      ]),
    };
  });

  return {
    prepare: async (fire, hook, value) => {
      const request = taskRequestOf(fire);
      const task = await plainTasks.prepare(value ? { ...request, value } : request);
      return task && { fire, task, hook };
    },
    begin: async (fires, tx) => {
      // The second of two with one taskId finds the task of the first, which the long way knows.
      const unique = new Map<string, PlainFire>();
      for (const one of fires) if (!unique.has(one.task.taskId)) unique.set(one.task.taskId, one);
      const given = [...unique.values()];
      const now = clock.now();
      const entries = given.map(({ fire }) => ledgerEntryOf(endedBy(fire, CREATED), now));
      const once = given.filter(isToRemember);
      const form = plainTasks.form();
      const { beginFires, beginOnce } = statementsOf(form);
      const values = [
        ...(once.length > 0 ? eventValues(once) : []),
        ...(await plainValues(form, given)),
        ...entryValues(entries),
      ];
      const begin = once.length > 0 ? beginOnce : beginFires;
      const write = async () => (await (tx ?? database).query(begin, values))[0] as Answer;
      const answer = await ledger.writeWith(entries, tx, write).catch((error: unknown) => {
        if (isKnownMeanwhile(error)) return undefined;
        throw error;
      });
      if (!answer) return fires.map(() => 'left');
      form.learn(answer);
      const [made, left] = [new Set(answer.made), new Set(answer.left)];
      return fires.map((one) => {
        const { taskId } = one.task;
        if (left.has(taskId) || unique.get(taskId) !== one) return 'left';
        return made.has(taskId) ? 'made' : 'changed';
      });
    },
  };
};
