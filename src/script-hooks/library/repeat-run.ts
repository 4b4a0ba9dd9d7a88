// Repeats a run of the ledger: its source, its event and what it read, once more.
import type { Database } from '../../database/database.ts';
import { buildHook } from '../build-hook.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Outcome } from '../types.ts';
import { bowlOfReplay, stateHash } from './replay.ts';
import { outcomeOf, reasonOf } from './run-rows.ts';
import { readReplayOf, readRun, type WholeRun } from './runs.ts';

export type Repeated =
  | { readonly kind: 'impossible'; readonly reason: string }
  /** `differs`: of `outcome`, `event`, `effects`, `state`, `prints`; empty: the same came out. */
  | {
      readonly kind: 'repeated';
      readonly run: WholeRun;
      readonly outcome: Outcome;
      readonly differs: readonly string[];
    };

export type RepeatSettings = { readonly database: Database; readonly sandbox: Sandbox };

/** Answers undefined when there is no such run. Touches nothing. */
export const repeatRun = async ({ database, sandbox }: RepeatSettings, id: number): Promise<Repeated | undefined> => {
  const run = await readRun(database, id);
  const found = await readReplayOf(database, id);
  if (run === undefined || found === undefined) return undefined;
  const { replay, source } = found;
  const { event, seed } = run;
  if (run.outcome === 'skipped') return impossible('the hook did not run');
  if (event === null) return impossible('its event was larger than is kept');
  if (replay === null) return impossible('it read more than the 64 KB that are kept of a run');
  if (source === null) return impossible('its source is not kept any more: the hook was deleted, or edited too often');
  await using hook = await buildHook(source, { sandbox });
  // Patient, so that a busy machine makes no difference; unless it was the deadline that ended it.
  const isLate = run.result.failure?.kind === 'deadline';
  const deadline = isLate ? {} : { deadlineMs: sandbox.limits.timerDeadlineMs };
  const outcome = await hook.run({ event, bowl: bowlOfReplay(replay), seed, hasOwnIds: true, ...deadline });
  const same: Readonly<Record<string, boolean>> = {
    outcome: run.outcome === outcomeOf(outcome) && run.reason === reasonOf(outcome),
    event: outcome.outcome !== 'allowed' || sameJson(outcome.event, run.result.event ?? event),
    effects: sameJson(outcome.effects, run.result.effects),
    state: replay.stateAfter === stateHash(outcome),
    prints: sameJson(outcome.prints, run.result.prints),
  };
  return { kind: 'repeated', run, outcome, differs: Object.keys(same).filter((what) => !same[what]) };
};

const impossible = (reason: string): Repeated => ({ kind: 'impossible', reason });

/** Both have been JSON, and keep the order of their keys. */
const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
