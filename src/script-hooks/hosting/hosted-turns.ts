// Script hooks in the turns of channels, and in runs whose time has come: who holds which hook, and
// what is written with the commit.

import { hostOf } from '../../community/groups/membership.ts';
import type { HooksWrite, TurnHooks, TurnRuns } from '../../community/turns/turn-hooks.ts';
import type { Transaction } from '../../database/database.ts';
import { insertRunRows, storeFailedEffect } from '../library/run-rows.ts';
import { doStatesStand, type HookStates, type StateChange, storeStates } from './hook-states.ts';
import type { HostedHook, HostedHooks } from './hosted-hooks.ts';
import type { Jobs } from './jobs.ts';
import { endJobs, insertJobs, type Job, type NewJob } from './jobs-store.ts';
import type { RunsResult } from './run-hooks.ts';
import type { Ran } from './run-writer.ts';
import type { OpenStates, TurnGroups } from './turn-groups.ts';

export type HostedTurnsSettings = {
  /** Script hooks run on the channels of this ship. */
  readonly our: string;
  readonly hooks: HostedHooks;
  readonly states: HookStates;
  readonly groups: TurnGroups;
  readonly jobs: Pick<Jobs, 'lease' | 'add'>;
  readonly onRuns: (runs: readonly Ran[]) => void;
};

export type HostedTurns = TurnHooks & {
  /**
   * As `begin` and `beginLocked`, for one hook that no channel asks for. `origin`: a nest, or the
   * empty text.
   */
  readonly beginAlone: (hook: HostedHook, origin: string, tx?: Transaction) => TurnRuns;
};

/** What is written with a turn. */
type Write = HooksWrite & {
  readonly states: readonly StateChange[];
  readonly runs: readonly Ran[];
  /** Filled in by the commit. */
  jobs: readonly Job[];
};

/** Hooks run on the channels of one ship, and see nothing of others. */
export const isHostedBy = (nest: string, ship: string): boolean => hostOf(nest) === ship;

export const createHostedTurns = (settings: HostedTurnsSettings): HostedTurns => {
  const { our, hooks, states, groups, jobs, onRuns } = settings;
  const runsOf = (list: readonly HostedHook[], open: OpenStates, origin?: string): TurnRuns => {
    let result: RunsResult | undefined;
    let endTurn = (): void => {};
    return {
      run: async (turn) => {
        const running = groups.run({ hooks: list, turn: origin === undefined ? turn : { ...turn, origin } }, open);
        endTurn = running.release;
        result = await running.result;
        return result.verdict;
      },
      writes: () => writeOf(result),
      release: (isKept) => {
        // What the hooks have handed on is of a turn that nobody will commit.
        if (!isKept) states.forget();
        endTurn();
      },
    };
  };

  const lockedIn =
    (tx: Transaction, list: readonly HostedHook[]): OpenStates =>
    async () => {
      const ids = list.map(({ id }) => id);
      const locked = await states.readLocked(tx, ids);
      return async (hook) => locked.get(hook);
    };

  const writeOf = (result: RunsResult | undefined): Write => {
    const write: Write = {
      states: result?.states ?? [],
      runs: result?.runs ?? [],
      jobs: [],
      afterCommit: () => {
        jobs.add(write.jobs);
        onRuns(write.runs);
      },
    };
    return write;
  };

  const storeRuns = async (tx: Transaction, writes: readonly Write[]): Promise<void> => {
    const runs = writes.flatMap((write) => write.runs);
    const ids = await insertRunRows(
      tx,
      runs.map(({ row }) => row),
    );
    const idOf = new Map(runs.map((run, index) => [run, ids[index] as number]));
    const jobsOf = (write: Write): NewJob[] =>
      write.runs.flatMap((run) =>
        run.jobs.map((job) => ({ ...job, body: { ...job.body, run: idOf.get(run) as number } })),
      );
    const asked = writes.map(jobsOf);
    const stored = await insertJobs(tx, asked.flat(), jobs.lease());
    let from = 0;
    writes.forEach((write, index) => {
      const to = from + (asked[index]?.length ?? 0);
      write.jobs = stored.slice(from, to);
      from = to;
    });
  };

  return {
    begin: async (nest) => {
      const list = isHostedBy(nest, our) ? await hooks.ofChannel(nest) : [];
      return list.length === 0 ? undefined : runsOf(list, 'in memory');
    },
    beginLocked: async (nest, tx) => {
      const list = isHostedBy(nest, our) ? await hooks.ofChannel(nest) : [];
      return list.length === 0 ? undefined : runsOf(list, lockedIn(tx, list));
    },
    beginAlone: (hook, origin, tx) => runsOf([hook], tx ? lockedIn(tx, [hook]) : 'in memory', origin),
    stand: (tx, writes) =>
      doStatesStand(
        tx,
        (writes as readonly Write[]).map((write) => write.states),
      ),
    store: async (tx, writes) => {
      const all = writes as readonly Write[];
      const changes = all.flatMap((write) => write.states);
      await Promise.all([storeStates(tx, changes), storeRuns(tx, all)]);
    },
    forget: states.forget,
    endEffects: async (tx, effects) => {
      const ids = effects.map(({ id }) => id);
      const ended = await endJobs(tx, ids);
      for (const { id, refusal } of effects) {
        const body = ended.get(id);
        if (refusal !== undefined && body?.kind === 'effect') {
          await storeFailedEffect(tx, body.run, body.index, refusal);
        }
      }
      return new Set(ended.keys());
    },
  };
};
