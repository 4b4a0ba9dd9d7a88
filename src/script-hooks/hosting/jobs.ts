// Does what is to be done after commits: effects and runs, each lane in its order, lanes side by
// side. Another process takes over what this one leaves behind.
import { describeError } from '../../core/errors.ts';
import { newUuid } from '../../core/ids.ts';
import { createLoop } from '../../core/loop.ts';
import type { Base } from '../../database/base.ts';
import { isDatabaseAway } from '../../database/is-away.ts';
import { claimJobs, type Job, type Lease, renewJobs } from './jobs-store.ts';

export type Jobs = {
  /** With which jobs are stored that this process is to do. */
  readonly lease: () => Lease;
  /** They are stored, and committed. */
  readonly add: (jobs: readonly Job[]) => void;
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Resolves when nothing is under way here. */
  readonly whenIdle: () => Promise<void>;
};

export type JobsSettings = Pick<Base, 'database' | 'clock' | 'log'> & {
  /** Does it, and deletes it in the same transaction; again after an error. */
  readonly doJob: (job: Job) => Promise<void>;
  /** Ends one that cannot be done, and writes the reason down. */
  readonly giveUpJob: (job: Job, reason: string) => Promise<void>;
};

/** How long a process may be silent before others take over its jobs. */
const LEASE_MS = 5_000;
const EVERY_MS = 1_500;
const MOST_LANES = 16;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Of a job that fails though the database is there. */
const MOST_ATTEMPTS = 8;

export const createJobs = ({ database, clock, log, doJob, giveUpJob }: JobsSettings): Jobs => {
  const holder = newUuid();
  /** Lane → what is to be done in it; the first is under way or waits for room. */
  const lanes = new Map<string, Job[]>();
  const waiting: string[] = [];
  const held = new Set<string>();
  const idle: (() => void)[] = [];
  let busy = 0;
  let ending: AbortSignal | undefined;

  const lease = (): Lease => {
    const now = clock.now();
    return { holder, now, until: now + LEASE_MS };
  };

  const add = (jobs: readonly Job[]): void => {
    for (const job of jobs) {
      if (held.has(job.id)) continue;
      held.add(job.id);
      const lane = lanes.get(job.lane);
      if (lane) lane.push(job);
      else {
        lanes.set(job.lane, [job]);
        waiting.push(job.lane);
      }
    }
    start();
  };

  const start = (): void => {
    while (busy < MOST_LANES && waiting.length > 0 && ending?.aborted !== true) {
      busy += 1;
      void workOff(waiting.shift() as string).finally(() => {
        busy -= 1;
        start();
        if (busy === 0) for (const done of idle.splice(0)) done();
      });
    }
  };

  const workOff = async (lane: string): Promise<void> => {
    const jobs = lanes.get(lane) ?? [];
    while (jobs.length > 0 && ending?.aborted !== true) {
      const job = jobs[0] as Job;
      await persist(job);
      held.delete(job.id);
      jobs.shift();
    }
    lanes.delete(lane);
  };

  /** Until it is done, or nobody can do it. */
  const persist = async (job: Job): Promise<void> => {
    let pauseMs = FIRST_PAUSE_MS;
    for (let attempts = 1; ending?.aborted !== true; ) {
      try {
        await doJob(job);
        return;
      } catch (error) {
        const isAway = isDatabaseAway(error);
        log.error({ job: job.id, kind: job.body.kind, err: error, attempts }, 'script job failed');
        if (!isAway && attempts >= MOST_ATTEMPTS) return giveUp(job, error);
        if (!isAway) attempts += 1;
        await clock.sleep(pauseMs, ending);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  };

  const giveUp = async (job: Job, error: unknown): Promise<void> => {
    const reason = `failed ${MOST_ATTEMPTS} times, and is not tried again: ${describeError(error)}`;
    await giveUpJob(job, reason).catch((failure: unknown) => {
      log.error({ job: job.id, err: describeError(failure) }, 'script job not ended');
    });
  };

  const loop = createLoop({
    ...{ name: 'script jobs', clock, log, everyMs: EVERY_MS },
    turn: async () => {
      // What others have taken over meanwhile may be done twice, and is committed once.
      await renewJobs(database, lease());
      add(await claimJobs(database, lease()));
    },
  });

  /** Others need not wait until the lease is over. */
  const leave = async (): Promise<void> => {
    await renewJobs(database, { ...lease(), until: clock.now() }).catch((error: unknown) => {
      log.warn({ err: describeError(error) }, 'script jobs wait until their lease is over');
    });
  };

  const whenIdle = (): Promise<void> => (busy === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve)));

  return {
    lease,
    add,
    run: async (signal) => {
      ending = signal;
      await loop.run(signal);
      await whenIdle();
      await leave();
    },
    whenIdle,
  };
};
