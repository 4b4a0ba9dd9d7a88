// One turn of a scheduler: claim what is due, let the handler do it, move or remove the timers; all
// in one transaction.
import { backoff } from '../core/backoff.ts';
import { type Clock, LATEST_MS } from '../core/clock.ts';
import { describeError, errorCode } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Database } from '../database/database.ts';
import { claim, earliestOf, moveOn, postpone } from './statements.ts';
import type { BatchTimerHandler, DueTimer, TimerAnswer } from './types.ts';

export type TurnSettings = {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly kind: string;
  readonly handler: BatchTimerHandler;
  /** How many timers one turn takes at most. */
  readonly limit: number;
  readonly onClaimed: (timer: DueTimer, lateMs: number) => void;
  readonly onFailed: (timer: DueTimer, error: unknown) => void;
};

const TRY_AGAIN = { firstMs: 1_000, longestMs: 300_000 };

export type Turn = {
  /** How many timers there were. */
  readonly handled: number;
  /** When the first one of this kind may be claimed after it; absent: not known. */
  readonly next?: { readonly due: number | undefined };
};

type Failure = {
  readonly error: unknown;
  /** The handler had answered before. */
  readonly isLate: boolean;
};
type Attempted = {
  readonly claimed: readonly DueTimer[];
  readonly failure?: Failure | undefined;
  readonly earliest?: number | undefined;
};

/**
 * Handles at most `limit` due timers. A failing handler undoes its whole transaction, so what it
 * was given is then tried in halves, down to the timer that fails alone: that one is postponed, and
 * the others are done. Rejects only when the database fails; then nothing is done that is not
 * committed.
 */
export const takeTurn = async (settings: TurnSettings): Promise<Turn> => {
  const hasty = await attempt(settings, { isHasty: true });
  const { claimed } = hasty;
  if (!hasty.failure) return { handled: claimed.length, next: { due: hasty.earliest } };
  const { failure } = hasty.failure.isLate ? await attempt(settings, { only: claimed }) : hasty;
  if (failure) await isolate(settings, claimed, failure.error);
  return { handled: claimed.length };
};

type Attempt = { readonly only?: readonly DueTimer[]; readonly isHasty?: boolean };

const attempt = async (settings: TurnSettings, { only, isHasty = false }: Attempt): Promise<Attempted> => {
  const { database, clock, kind, limit, handler } = settings;
  let claimed: readonly DueTimer[] = [];
  let answers: readonly TimerAnswer[] = [];
  let claimedAt = 0;
  let hasAnswered = false;
  let failure: Failure | undefined;
  let earliest: number | undefined;
  try {
    const { sent } = await database.transaction(async (tx) => {
      // The transaction may be a second try, after a deadlock.
      [failure, answers, hasAnswered] = [undefined, [], false];
      claimedAt = clock.now();
      const keys = only?.map(({ key }) => key);
      claimed = await claim(tx, { kind, now: claimedAt, limit, ...(keys ? { keys } : {}) });
      if (claimed.length > 0) {
        try {
          answers = checkAnswers(await handler(tx, claimed, isHasty), claimed.length);
        } catch (error) {
          failure = { error, isLate: false };
          throw error;
        }
      }
      hasAnswered = true;
      const turns = answers.map((answer, index) => ({ timer: claimed[index] as DueTimer, answer }));
      // In one round trip with the commit, and with what the handler has sent last.
      const sent = Promise.all([moveOn(tx, kind, turns), earliestOf(tx, kind)]);
      sent.catch(() => {}); // the transaction fails with it
      return { sent };
    });
    [, earliest] = await sent;
  } catch (error) {
    // A deferred constraint speaks at the commit, and what was sent ahead once the handler has
    // answered: either is the handler's doing as well (classes 22 and 23).
    if (hasAnswered && /^2[23]/.test(errorCode(error) ?? '')) failure ??= { error, isLate: true };
    if (!failure) throw error;
    return { claimed, failure };
  }
  for (const timer of claimed) settings.onClaimed(timer, claimedAt - timer.due);
  for (const { afterCommit } of answers) if (afterCommit) runAfterCommit(settings, afterCommit);
  return { claimed, earliest };
};

const isolate = async (settings: TurnSettings, failed: readonly DueTimer[], error: unknown): Promise<void> => {
  const [alone] = failed;
  if (failed.length === 1 && alone) return postponeAlone(settings, alone, error);
  const middle = Math.ceil(failed.length / 2);
  for (const half of [failed.slice(0, middle), failed.slice(middle)]) {
    const again = await attempt(settings, { only: half });
    if (again.failure) await isolate(settings, again.claimed, again.failure.error);
  }
};

const postponeAlone = async (settings: TurnSettings, timer: DueTimer, error: unknown): Promise<void> => {
  const { database, clock, log, kind } = settings;
  const again = clock.now() + backoff(timer.attempts, TRY_AGAIN);
  // When the database was lost this rejects too, and the timer is not blamed for it.
  await postpone(database, timer, describeError(error), again);
  log.error(
    { err: error, kind, key: timer.key, due: timer.due, attempts: timer.attempts + 1, again },
    'timer failed; postponed',
  );
  settings.onFailed(timer, error);
};

const checkAnswers = (answers: readonly TimerAnswer[], expected: number): readonly TimerAnswer[] => {
  if (answers.length !== expected) throw new Error(`the handler answered ${answers.length} of ${expected} timers`);
  for (const { next } of answers) {
    if (next !== 'never' && !(next >= 0 && next <= LATEST_MS)) throw new RangeError(`a timer cannot be due at ${next}`);
  }
  return answers;
};

const runAfterCommit = ({ log, kind }: TurnSettings, work: () => void | Promise<void>): void => {
  const failed = (error: unknown) => log.error({ err: error, kind }, 'work after a timer failed');
  try {
    Promise.resolve(work()).catch(failed);
  } catch (error) {
    failed(error);
  }
};
