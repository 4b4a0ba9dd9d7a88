// One attempt of a stored fire, and what follows from it: its end, or a later attempt.
import { backoff } from '../../core/backoff.ts';
import { type Clock, withDeadline } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import type { CreateTaskAnswer, Queue } from '../../queue/queue.ts';
import { type Evaluation, errorOf } from '../evaluation/evaluate.ts';
import type { Unrendered } from '../evaluation/template.ts';
import {
  type AttemptsEnd,
  type Ending,
  endBy,
  errorBy,
  type Fire,
  isRendered,
  type StoredFire,
  taskRequestOf,
  type UnrenderedFire,
} from './fire.ts';
import type { FireLog } from './fire-log.ts';
import type { FireMetrics } from './fire-metrics.ts';
import type { FireStore } from './fire-store.ts';
import { givesUpAt } from './task-times.ts';

export type AttemptSettings = {
  readonly store: Pick<FireStore, 'postpone' | 'setTask'>;
  readonly queue: Queue;
  /** Renders what was stored unrendered. Never rejects. */
  readonly render: (unrendered: Unrendered) => Promise<Evaluation>;
  readonly clock: Clock;
  readonly fireLog: FireLog;
  readonly fireMetrics: FireMetrics;
  /** Moves the fire to the ledger. */
  readonly record: (fire: StoredFire, ending: Ending) => Promise<void>;
  /** Tells those who wait for the end of the fire. */
  readonly answerWaiters: (fire: StoredFire, end: AttemptsEnd) => void;
};

/** A queue that has said nothing for so long is not going to. */
const ATTEMPT_DEADLINE_MS = 30_000;
const RETRY = { firstMs: 250, longestMs: 300_000 };

/**
 * Makes the function that attempts a fire once. It rejects only when the database cannot be told;
 * the lease then runs out.
 */
export const createAttempt = (settings: AttemptSettings): ((stored: StoredFire) => Promise<void>) => {
  const { store, queue, render, clock, fireLog, fireMetrics, record, answerWaiters } = settings;

  const requestTask = async (fire: Fire): Promise<CreateTaskAnswer> => {
    if (fire.attempts === 0) fireMetrics.begun(fire, clock.now());
    fireLog.attempted(fire, fire.attempts + 1);
    return withDeadline(
      clock,
      Math.min(ATTEMPT_DEADLINE_MS, Math.max(fire.givesUp - clock.now(), 1)),
      (signal) => queue.createTask(taskRequestOf(fire), signal),
      () => new Error(`the queue did not answer within ${ATTEMPT_DEADLINE_MS / 1000} s`),
    );
  };

  const end = async (fire: StoredFire, how: AttemptsEnd, error: unknown, attempts: number): Promise<void> => {
    const ending = { outcome: how.outcome, error, attempts };
    // A task that is there is durable, so the caller need not wait for the ledger. Should the row
    // be lost in a crash, the fire is finished again. Whoever reads the ledger through this process
    // waits for it (whenRecorded).
    if (how.outcome === 'created') answerWaiters(fire, how);
    await record(fire, ending);
    if (how.outcome !== 'created') answerWaiters(fire, how);
  };

  const exhaust = (fire: StoredFire): Promise<void> => {
    const message = `The task's deadline passed after ${fire.attempts} attempts.`;
    return end(fire, { outcome: 'exhausted' }, { message }, fire.attempts);
  };

  const postpone = (fire: StoredFire, error: unknown, what: string): Promise<void> => {
    const due = Math.min(clock.now() + backoff(fire.attempts, RETRY), Math.max(fire.givesUp, clock.now()));
    fireLog.postponed(fire, error, due, what);
    return store.postpone(fire, clock.now(), due, { message: describeError(error) });
  };

  /** undefined: it ended, or comes again. */
  const renderStored = async (stored: UnrenderedFire): Promise<Fire | undefined> => {
    const { unrendered, ...fire } = stored;
    const evaluation = await render(unrendered);
    if (evaluation.outcome === 'rendered') {
      const { task, deadline } = evaluation;
      const givesUp = givesUpAt(deadline, Math.max(Date.parse(unrendered.context.now), fire.arrived));
      return (await store.setTask(fire, task, givesUp)) ? { ...fire, task, givesUp } : undefined;
    }
    if (evaluation.outcome === 'limited' && evaluation.mayPass) {
      await postpone(stored, new Error(evaluation.message), 'template not rendered');
    } else {
      const { outcome } = evaluation;
      await record(stored, { outcome, error: errorOf(evaluation), attempts: fire.attempts });
    }
    return undefined;
  };

  return async (stored) => {
    if (clock.now() >= stored.givesUp) return exhaust(stored);
    const fire = isRendered(stored) ? stored : await renderStored(stored);
    if (!fire) return;
    if (clock.now() >= fire.givesUp) return exhaust(fire);
    let answer: CreateTaskAnswer;
    try {
      answer = await requestTask(fire);
    } catch (error) {
      return postpone(fire, error, 'task request failed');
    }
    return end(fire, endBy(answer), errorBy(answer), fire.attempts + 1);
  };
};
