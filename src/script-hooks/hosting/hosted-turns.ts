// Script hooks in the turns of channels, and in runs whose time has come: who holds which hook, and
// what is written with the commit.

import { createLocks } from '../../community/turns/locks.ts';
import type { HooksWrite, TurnHooks, TurnRuns } from '../../community/turns/turn-hooks.ts';
import type { Transaction } from '../../database/database.ts';
import { type HookState, type HookStates, type StateChange, storeStates } from './hook-states.ts';
import type { HostedHook, HostedHooks } from './hosted-hooks.ts';
import type { Jobs } from './jobs.ts';
import { endJobs, insertJobs, type Job, type NewJob } from './jobs-store.ts';
import type { Ran, RunHooks, RunsResult } from './run-hooks.ts';
import { insertRunRows, type RunRow } from './run-rows.ts';

export type HostedTurnsSettings = {
  /** Script hooks run on the channels of this ship. */
  readonly our: string;
  readonly hooks: HostedHooks;
  readonly states: HookStates;
  readonly runHooks: RunHooks;
  readonly jobs: Pick<Jobs, 'lease' | 'add'>;
  readonly onRuns: (rows: readonly (RunRow & { readonly id: number })[]) => void;
};

export type HostedTurns = TurnHooks & {
  /** As `begin`, for one hook that no channel asks for. */
  readonly beginAlone: (hook: HostedHook) => Promise<TurnRuns>;
};

/** What is written with a turn. */
type Write = HooksWrite & {
  readonly states: readonly StateChange[];
  readonly runs: readonly Ran[];
  /** Filled in by the commit. */
  stored: { jobs: readonly Job[]; rows: readonly (RunRow & { readonly id: number })[] };
};

export const createHostedTurns = (settings: HostedTurnsSettings): HostedTurns => {
  const { our, hooks, states, runHooks, jobs, onRuns } = settings;
  const held = createLocks();

  const runsOf = (
    list: readonly HostedHook[],
    read: (hook: string) => Promise<HookState | undefined>,
    giveBack: () => void,
  ): TurnRuns => {
    let result: RunsResult | undefined;
    return {
      run: async (turn) => {
        result = await runHooks(list, turn, read);
        return result.verdict;
      },
      writes: () => writeOf(result),
      release: (isKept) => {
        if (isKept && result) states.keep(result.states);
        giveBack();
      },
    };
  };

  const writeOf = (result: RunsResult | undefined): Write => {
    const write: Write = {
      states: result?.states ?? [],
      runs: result?.runs ?? [],
      stored: { jobs: [], rows: [] },
      afterCommit: () => {
        jobs.add(write.stored.jobs);
        onRuns(write.stored.rows);
      },
    };
    return write;
  };

  const idsOf = (list: readonly HostedHook[]) => list.map(({ id }) => id);
  const isOurs = (nest: string) => nest.split('/')[1] === our;

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
      const rows = write.runs.map((run) => ({ ...run.row, id: idOf.get(run) as number }));
      write.stored = { jobs: stored.slice(from, to), rows };
      from = to;
    });
  };

  return {
    begin: async (nest) => {
      if (!isOurs(nest)) return undefined;
      const list = await hooks.ofChannel(nest);
      if (list.length === 0) return undefined;
      return runsOf(list, states.read, await held.take(idsOf(list)));
    },
    beginLocked: async (nest, tx) => {
      const list = isOurs(nest) ? await hooks.ofChannel(nest) : [];
      if (list.length === 0) return undefined;
      const giveBack = await held.take(idsOf(list));
      try {
        const locked = await states.readLocked(tx, idsOf(list));
        return runsOf(list, async (hook) => locked.get(hook), giveBack);
      } catch (error) {
        giveBack();
        throw error;
      }
    },
    beginAlone: async (hook) => runsOf([hook], states.read, await held.take([hook.id])),
    commit: async (tx, writes) => {
      const all = writes as readonly Write[];
      const stands = await storeStates(
        tx,
        all.map((write) => write.states),
      );
      if (stands.every(Boolean)) await storeRuns(tx, all);
      return stands;
    },
    forget: states.forget,
    endEffects: endJobs,
  };
};
