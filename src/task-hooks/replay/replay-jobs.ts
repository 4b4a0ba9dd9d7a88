// Events of many fires that come again, at a rate: a timer for each job, whose turn takes the next
// few of them. What a turn does is one transaction with the date of the next, so a job that is
// killed goes on where it was, with exactly one fire for each event.
import type { Clock } from '../../core/clock.ts';
import { nextTurn } from '../../core/clock.ts';
import type { Database, Transaction } from '../../database/database.ts';
import type { Timers } from '../../timers/create-timers.ts';
import type { BatchTimerHandler, DueTimer, TimerAnswer } from '../../timers/types.ts';
import type { BeginFires } from '../firing/begin-fires.ts';
import { isRendered } from '../firing/fire.ts';
import type { FireRunner } from '../firing/fire-runner.ts';
import { commitReplays, NOT_REPLAYED, type ReadyReplay } from './commit-replays.ts';
import type { ReplayEvents } from './replay-event.ts';
import {
  addJob,
  addReplays,
  type Done,
  endJob,
  FIRST,
  findJob,
  markBegun,
  type Place,
  type ReplayJob,
  type ReplayOf,
  readWaiting,
  type Waiting,
} from './replay-store.ts';

export const REPLAY_TIMER = 'hooks.replay';

export type ReplayJobs = {
  /** false: there is a job of this id. */
  readonly start: (job: NewJob, events: readonly ReplayOf[]) => Promise<boolean>;
  /** false: it is over. */
  readonly cancel: (id: string, by: string) => Promise<boolean>;
  /** Handles one timer at a time. */
  readonly handler: BatchTimerHandler;
};

export type NewJob = Pick<ReplayJob, 'id' | 'revision' | 'rate' | 'clientId'>;

export type ReplayJobsSettings = {
  readonly database: Database;
  readonly timers: Timers;
  readonly events: ReplayEvents;
  readonly beginFires: BeginFires;
  readonly runner: Pick<FireRunner, 'hasRoom'>;
  readonly clock: Clock;
};

/** Ten turns a second, of a job that is fast. */
const TURNS_A_SECOND = 10;
/** What a turn evaluates is committed after so long, whatever the rate. */
const LONGEST_MS = 500;
/** Rows of the ledger in one go; each payload has at most 256 KiB. */
const READ_AT_ONCE = 16;
/** Payloads and tasks. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Evaluations on this thread go on for so long before other things have their turn. */
const LONGEST_TURN_MS = 10;
/** After so many turns that failed, it is the next event that cannot be stored. */
const MOST_FAILED_TURNS = 5;
/** How long a hook that changes, or a machine without room, is left alone. */
const PAUSE_MS = 1_000;

export const createReplayJobs = (settings: ReplayJobsSettings): ReplayJobs => {
  const { database, timers, events, beginFires, runner, clock } = settings;

  /** In order, up to one that has to wait. */
  const evaluate = async (
    tx: Transaction,
    job: ReplayJob,
    waiting: readonly Waiting[],
  ): Promise<{ readonly ready: readonly ReadyReplay[]; readonly impossible: readonly Done[] }> => {
    const ready: ReadyReplay[] = [];
    const impossible: Done[] = [];
    const began = clock.monotonic();
    let turnBegan = began;
    let bytes = 0;
    for (let at = 0; at < waiting.length && bytes < MOST_BYTES; at += READ_AT_ONCE) {
      const some = waiting.slice(at, at + READ_AT_ONCE);
      const found = await Promise.all(some.map(({ row }) => row && events.find(tx, row, job.revision)));
      for (const [index, { seq, n }] of some.entries()) {
        const one = found[index] ?? 'The ledger does not have it any more.';
        if (typeof one === 'string') impossible.push({ seq, n, outcome: NOT_REPLAYED, reason: one, taskId: null });
        else {
          const fire = await events.evaluate(one, { seq, n }, { clientId: job.clientId, requestId: job.id });
          if (!fire) return { ready, impossible };
          ready.push({ key: { seq, n }, found: one, fire });
          bytes += one.event.payloadBytes + (isRendered(fire) ? fire.task.length : 0);
        }
        const now = clock.monotonic();
        if (now - began >= LONGEST_MS || bytes >= MOST_BYTES) return { ready, impossible };
        if (now - turnBegan < LONGEST_TURN_MS) continue;
        await nextTurn();
        turnBegan = clock.monotonic();
      }
    }
    return { ready, impossible };
  };

  const takeTurn = async (tx: Transaction, timer: DueTimer): Promise<TimerAnswer> => {
    const { key, due, attempts } = timer;
    const job = await findJob(tx, key);
    if (!job || job.ended !== null) return { next: 'never' };
    const quota = attempts > 0 ? 1 : Math.ceil(job.rate / TURNS_A_SECOND);
    const { after = FIRST } = (timer.data ?? {}) as { readonly after?: Place };
    const waiting = await readWaiting(tx, key, after, quota);
    if (waiting.length === 0) {
      await endJob(tx, key, clock.now(), null);
      return { next: 'never' };
    }
    if (attempts >= MOST_FAILED_TURNS) {
      const reason = `What comes of it cannot be stored: ${attempts} tries have failed.`;
      await markBegun(
        tx,
        waiting.map(({ seq, n }) => ({ seq, n, outcome: NOT_REPLAYED, reason, taskId: null })),
      );
      return { next: clock.now(), data: { after: placeOf(waiting.at(-1)) } };
    }
    const { ready, impossible } = await evaluate(tx, job, waiting);
    const committed = await commitReplays(tx, beginFires, ready, {
      atOnce: attempts === 0, // a turn that failed may have failed for its tasks
      leaseOf: runner.hasRoom() ? 'this process' : 'anybody',
    });
    await markBegun(tx, impossible);
    const isOver = new Set([...committed.done, ...impossible].map(({ seq }) => seq));
    const firstLeft = waiting.findIndex(({ seq }) => !isOver.has(seq));
    const last = firstLeft < 0 ? waiting.at(-1) : waiting[firstLeft - 1];
    const pause = isOver.size === 0 ? PAUSE_MS : (1_000 * isOver.size) / job.rate;
    return {
      next: Math.max(clock.now(), due + Math.round(pause)),
      data: { after: placeOf(last) ?? after },
      afterCommit: committed.afterCommit,
    };
  };

  return {
    start: async (job, replayed) =>
      database.transaction(async (tx) => {
        const now = clock.now();
        if (!(await addJob(tx, { ...job, total: replayed.length, created: now }))) return false;
        await addReplays(tx, replayed, { job: job.id, now });
        await timers.set(tx, { kind: REPLAY_TIMER, key: job.id, due: now, data: {} });
        return true;
      }),
    cancel: (id, by) =>
      database.transaction(async (tx) => {
        const isUnderWay = await timers.cancel(tx, { kind: REPLAY_TIMER, key: id });
        await endJob(tx, id, clock.now(), by);
        return isUnderWay;
      }),
    handler: async (tx, due) => {
      const answers: TimerAnswer[] = [];
      for (const timer of due) answers.push(await takeTurn(tx, timer));
      return answers;
    },
  };
};

const placeOf = (one: Waiting | undefined): Place | undefined => one && { at: one.at, seq: one.seq };
