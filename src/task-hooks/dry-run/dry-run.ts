// An event is tried on a definition: evaluated as a fire of it is, and the queue asked what it
// would say to the task. Nothing comes of it.
import type { Clock } from '../../core/clock.ts';
import { withDeadline } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { Queue, TriedTask } from '../../queue/queue.ts';
import type { Hook, HookName } from '../definition.ts';
import { type Evaluation, hashOfPayload } from '../evaluation/evaluate.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import { type CallResult, repeated, resultOf, resultOfUnfired } from '../firing/evaluate-call.ts';
import { endBy, taskRequestOf } from '../firing/fire.ts';
import { causeOf } from '../firing/fire-call.ts';
import type { FireStore } from '../firing/fire-store.ts';
import { givesUpAt } from '../firing/task-times.ts';
import { type EventToTry, evaluateTry } from './kept-event.ts';

/** What a fire would be told, and what else is known of it. */
export type Tried = {
  readonly evaluation: Evaluation;
  readonly result: CallResult;
  readonly ranIn: 'server' | 'process';
  /** What of the queue's verdict cannot be known before. */
  readonly unchecked?: string;
};

/** `firesOf`: the saved hook whose fires went before; undefined: there is none. */
export type DryRun = (hook: CompiledHook, event: EventToTry, firesOf: Pick<Hook, 'uid'> | undefined) => Promise<Tried>;

export type DryRunSettings = {
  readonly evaluator: Evaluator;
  readonly queue: Pick<Queue, 'tryTasks' | 'createTasksIn'>;
  readonly store: Pick<FireStore, 'findUnfinished'>;
  readonly ledger: Pick<Ledger, 'findFireByTask'>;
  readonly whenRecorded: (hookUid: string) => Promise<void>;
  readonly clock: Clock;
};

const DEADLINE_MS = 10_000;
/** Queues take no task that says it was created long ago, or is to be. */
const LARGEST_DRIFT_MS = 10 * 60 * 1000;

export const createDryRun = (settings: DryRunSettings): DryRun => {
  const { evaluator, queue, store, ledger, whenRecorded, clock } = settings;

  /** The first answer to a taskId of the caller's choice is that to all that come after it. */
  const findRepeat = async (hookUid: string | undefined, event: EventToTry): Promise<CallResult | undefined> => {
    const { chosenTaskId, context } = event;
    if (hookUid === undefined || chosenTaskId === undefined) return undefined;
    const { taskId, payload } = context;
    await whenRecorded(hookUid);
    const unfinished = await store.findUnfinished({ hookUid, cause: causeOf({ taskId, chosenTaskId }) });
    const finished = unfinished ? undefined : await ledger.findFireByTask(hookUid, taskId);
    const known = unfinished ?? finished;
    if (!known) return undefined;
    if (known.payloadHash?.equals(hashOfPayload(payload)) !== true) return { outcome: 'conflict' };
    return finished ? repeated(finished.outcome, finished.error) : { outcome: 'pending' };
  };

  const askQueue = async (name: HookName, taskId: string, task: string): Promise<TriedTask> => {
    const { tryTasks } = queue;
    const request = taskRequestOf({ ...name, taskId, task });
    if (!tryTasks)
      return { answer: { kind: 'created' }, unchecked: 'This queue cannot be asked without creating tasks.' };
    const [tried] = await withDeadline(
      clock,
      DEADLINE_MS,
      (signal) => tryTasks([request], signal),
      () => new Error(`the queue did not answer within ${DEADLINE_MS / 1000} s`),
    );
    return tried as TriedTask;
  };

  /** Fires that are stored first give up at the deadline of their task before the queue sees it. */
  const isOver = (deadline: unknown, moment: number, { chosenTaskId }: EventToTry): boolean =>
    (!queue.createTasksIn || chosenTaskId !== undefined) && clock.now() >= givesUpAt(deadline, moment);

  return async (hook, event, firesOf) => {
    const { context } = event;
    const { evaluation } = await evaluateTry(evaluator, hook, event);
    const { ranIn = 'process' } = evaluation;
    if (evaluation.outcome !== 'rendered') return { evaluation, result: resultOfUnfired(evaluation), ranIn };
    const repeat = await findRepeat(firesOf?.uid, event);
    if (repeat) return { evaluation, result: repeat, ranIn };
    const moment = Date.parse(context.now);
    if (Math.abs(moment - clock.now()) > LARGEST_DRIFT_MS) {
      const unchecked = 'The queue was not asked: it takes tasks of the present alone, and `now` is another time.';
      return { evaluation, result: { outcome: 'created' }, ranIn, unchecked };
    }
    if (isOver(evaluation.deadline, moment, event)) return { evaluation, result: { outcome: 'exhausted' }, ranIn };
    const { definition } = hook;
    try {
      const { answer, unchecked } = await askQueue(definition, context.taskId, evaluation.task);
      return { evaluation, result: resultOf(endBy(answer)), ranIn, ...(unchecked !== undefined && { unchecked }) };
    } catch (error) {
      if (queue.createTasksIn) throw error; // no fire would be stored either
      const unchecked = `The queue does not answer, so a fire would be stored and tried again: ${describeError(error)}`;
      return { evaluation, result: { outcome: 'pending' }, ranIn, unchecked };
    }
  };
};
