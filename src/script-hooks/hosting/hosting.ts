// Script hooks where they live: on the channels of the host, at their times, with what they ask for
// done afterwards.
import type { Community } from '../../community/community.ts';
import type { TurnHooks } from '../../community/turns/turn-hooks.ts';
import { createLoop } from '../../core/loop.ts';
import type { Base } from '../../database/base.ts';
import type { Timers } from '../../timers/create-timers.ts';
import { CRON_TIMER } from '../library/crons.ts';
import { WAIT_TIMER } from '../library/library.ts';
import { deleteRunsBefore } from '../library/run-rows.ts';
import { stopHook } from '../library/store.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { createDoJob, createGiveUpJob, type FireTaskHook } from './do-job.ts';
import { createHookStates } from './hook-states.ts';
import { createHostedHooks, type HostedHook } from './hosted-hooks.ts';
import { createHostedTurns } from './hosted-turns.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { createPrograms } from './programs.ts';
import { createRunHooks } from './run-hooks.ts';
import type { Ran } from './run-writer.ts';
import { createTurnGroups } from './turn-groups.ts';
import { createCronHandler, createWaitHandler } from './waits.ts';

export type HostingSettings = Base & {
  /** The host's ship. */
  readonly our: string;
  /** Gets the handlers of crons and wake-ups; runs after this. */
  readonly timers: Timers;
  readonly sandbox: Sandbox;
  /** Where effects are done; asked for when there are any. */
  readonly community: () => Community;
  readonly fireTaskHook: FireTaskHook;
  /** How long the ledger of runs is kept. */
  readonly retentionDays: number;
};

export type Hosting = AsyncDisposable & {
  /** For the turns of channels. */
  readonly turnHooks: TurnHooks;
  /** Does effects and runs until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** The library is another one now: what it has new is made ready to run. */
  readonly onLibraryChange: () => void;
  /** Resolves when no effect and no run is under way here. */
  readonly whenIdle: Jobs['whenIdle'];
};

const RETENTION_TIMER = { kind: 'script-runs.retention', key: 'all' } as const;
const DAY_MS = 86_400_000;
const MOST_DELETED = 5_000;
const PREPARE_EVERY_MS = 60_000;

export const createHosting = async (settings: HostingSettings): Promise<Hosting> => {
  const { our, database, timers, sandbox, community, fireTaskHook, clock, log, metrics } = settings;
  const hooks = createHostedHooks(database);
  const programs = createPrograms(hooks, sandbox);
  const counted = metrics.counter('hookwright_script_runs_total', 'Runs of script hooks', ['outcome']);
  const onRuns = (runs: readonly Ran[]) => {
    for (const { row } of runs) counted.inc({ outcome: row.outcome });
  };
  const onDisabled = (hook: HostedHook, reason: string) => {
    log.warn({ hook: hook.name, reason }, 'script hook stopped');
    void stopHook(database, hook.id, hook.version, reason).catch((error: unknown) => {
      log.warn({ hook: hook.name, err: error }, 'script hook is stopped in this process only');
    });
  };
  const runHooks = createRunHooks({ our, programs, sandbox, log, onDisabled });
  const jobs = createJobs({
    ...{ database, clock, log },
    doJob: (job) => doJob(job),
    giveUpJob: (job, reason) => giveUpJob(job, reason),
  });
  const states = createHookStates(database);
  const groups = createTurnGroups({ states, runHooks, programs });
  const turns = createHostedTurns({ our, hooks, states, groups, jobs, onRuns });
  const giveUpJob = createGiveUpJob({ database, turns, our, clock });
  const doJob = createDoJob({ our, database, timers, hooks, turns, community, fireTaskHook, clock, log });

  timers.handleBatch(CRON_TIMER, createCronHandler({ jobs, clock }));
  timers.handleBatch(WAIT_TIMER, createWaitHandler({ jobs, clock }));
  timers.handle(RETENTION_TIMER.kind, async (tx) => {
    const now = clock.now();
    const deleted = await deleteRunsBefore(tx, now - settings.retentionDays * DAY_MS, MOST_DELETED);
    return { next: deleted < MOST_DELETED ? now + DAY_MS : now };
  });
  await database.transaction((tx) => timers.set(tx, { ...RETENTION_TIMER, due: clock.now() }));

  // What other processes change is seen a little later: a run builds what it does not find.
  const preparing = createLoop({
    ...{ name: 'building of script hooks', clock, log, everyMs: PREPARE_EVERY_MS },
    turn: programs.prepare,
  });

  return {
    turnHooks: turns,
    run: async (signal) => {
      await Promise.all([jobs.run(signal), preparing.run(signal)]);
    },
    onLibraryChange: preparing.wake,
    whenIdle: jobs.whenIdle,
    [Symbol.asyncDispose]: () => programs[Symbol.asyncDispose](),
  };
};
