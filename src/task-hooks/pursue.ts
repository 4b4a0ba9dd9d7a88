// A stored fire on its way to its outcome: attempts, backoff, leases, and taking up what a crash left behind.
import { backoff } from '../core/backoff.ts';
import { type Clock, withDeadline } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Metrics } from '../core/metrics.ts';
import type { FireOutcome } from '../ledger/entry.ts';
import type { CreateTaskAnswer, Queue } from '../queue/queue.ts';
import { hookRole } from './definition.ts';
import type { Fire, FireStore } from './fire-store.ts';

export type Ended =
  | { readonly outcome: 'created' }
  | { readonly outcome: 'failed'; readonly refusal: Refusal }
  | { readonly outcome: 'exhausted' };

export type Refusal = Extract<CreateTaskAnswer, { kind: 'refused' }>;

export type Pursuit = AsyncDisposable & {
  /**
   * Pursues a fire that this process has just stored (and so holds the lease of). Resolves with how it ended, or with undefined when that
   * is not known within `patienceMs`: attempts go on by themselves.
   */
  readonly pursue: (fire: Fire, patienceMs: number) => Promise<Ended | undefined>;
  /** Resolves when the fire ends in this process, or with undefined when it did not within `patienceMs`. */
  readonly whenEnded: (key: string, patienceMs: number) => Promise<Ended | undefined>;
  /** Takes up fires whose time has come, and keeps the leases of those under way, until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Resolves when the fires of this hook whose outcome is known to this process stand in the ledger. */
  readonly settled: (hookUid: string) => Promise<void>;
  /** Resolves when nothing is under way in this process. */
  readonly whenIdle: () => Promise<void>;
};

export type PursuitSettings = {
  readonly fires: FireStore;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** How long a fire is this process's alone. Longer than the 5 s by which clocks may differ, plus some renewals. */
export const LEASE_MS = 15_000;
const RENEW_EVERY_MS = 4_000;
/** A queue that has said nothing for so long is not going to. */
const ATTEMPT_DEADLINE_MS = 30_000;
const RETRY = { firstMs: 250, longestMs: 300_000 };
const LOOK_EVERY_MS = 1_000;
const MOST_UNDER_WAY = 500;
/** So that a hook whose tasks hang does not take all places. */
const MOST_UNDER_WAY_OF_A_HOOK = 50;

export const fireKey = ({ hookUid, cause }: { hookUid: string; cause: string }): string => `${hookUid} ${cause}`;

export const createPursuit = ({ fires, queue, clock, log, metrics }: PursuitSettings): Pursuit => {
  const underWay = new Map<string, { readonly fire: Fire; readonly done: Promise<void> }>();
  const watchers = new Map<string, Set<(ended: Ended | undefined) => void>>();
  const settling = new Map<string, Set<Promise<void>>>();
  const finished = metrics.counter('hookwright_fires_total', 'Finished fires', ['outcome', 'fired_by']);
  const lateness = metrics.histogram('hookwright_fire_seconds', 'From the event to the outcome of its fire', [
    'fired_by',
  ]);

  const attempt = async (fire: Fire): Promise<CreateTaskAnswer> =>
    withDeadline(
      clock,
      Math.min(ATTEMPT_DEADLINE_MS, Math.max(fire.givesUp - clock.now(), 1)),
      (signal) =>
        queue.createTask(
          { taskId: fire.taskId, task: fire.task, authorizedScopes: [`assume:${hookRole(fire)}`] },
          signal,
        ),
      () => new Error(`the queue did not answer within ${ATTEMPT_DEADLINE_MS / 1000} s`),
    );

  const settle = async ({ hookUid }: Fire, finishing: Promise<void>): Promise<void> => {
    const ofHook = settling.get(hookUid) ?? new Set();
    settling.set(hookUid, ofHook.add(finishing));
    try {
      await finishing;
    } finally {
      ofHook.delete(finishing);
      if (ofHook.size === 0) settling.delete(hookUid);
    }
  };

  const tell = (fire: Fire, ended: Ended): void => {
    for (const watcher of watchers.get(fireKey(fire)) ?? []) watcher(ended);
  };

  const end = async (fire: Fire, ended: Ended, error: unknown, attempts: number): Promise<void> => {
    const outcome: FireOutcome = ended.outcome;
    // The task is there and durable, so the caller need not wait for the ledger. Should its row be lost in a crash, the fire is
    // finished again. Whoever reads the ledger through this process waits for it (settled).
    if (outcome === 'created') tell(fire, ended);
    await settle(
      fire,
      fires.finish({ hookUid: fire.hookUid, cause: fire.cause, at: clock.now(), outcome, error, attempts }),
    );
    finished.inc({ outcome, fired_by: fire.firedBy });
    lateness.observe({ fired_by: fire.firedBy }, Math.max(clock.now() - fire.arrived, 0) / 1000);
    if (outcome !== 'created') log.info({ ...named(fire), outcome, error }, 'a fire ended without a task');
    if (outcome !== 'created') tell(fire, ended);
  };

  /** One attempt, and what follows from it. Throws only when the database cannot be told; the lease then runs out. */
  const tryOnce = async (fire: Fire): Promise<void> => {
    if (clock.now() >= fire.givesUp) {
      const message = `The task's deadline passed after ${fire.attempts} attempts.`;
      return end(fire, { outcome: 'exhausted' }, { message }, fire.attempts);
    }
    let answer: CreateTaskAnswer;
    try {
      answer = await attempt(fire);
    } catch (error) {
      const due = Math.min(clock.now() + backoff(fire.attempts, RETRY), Math.max(fire.givesUp, clock.now()));
      log.warn({ ...named(fire), err: error, due }, 'the queue could not be asked for a task; it will be tried again');
      return fires.postpone(fire, clock.now(), due, { message: describeError(error) });
    }
    if (answer.kind === 'created') return end(fire, { outcome: 'created' }, undefined, fire.attempts + 1);
    const { statusCode, code, message, missing } = answer;
    return end(
      fire,
      { outcome: 'failed', refusal: answer },
      { name: 'Error', message, code, statusCode, missing },
      fire.attempts + 1,
    );
  };

  const start = (fire: Fire): Promise<void> => {
    const key = fireKey(fire);
    const done = tryOnce(fire)
      .catch((error: unknown) => {
        log.error(
          { ...named(fire), err: error },
          'a fire could not be recorded; it is taken up again when its lease runs out',
        );
      })
      .finally(() => underWay.delete(key));
    underWay.set(key, { fire, done });
    return done;
  };

  const whenEnded: Pursuit['whenEnded'] = async (key, patienceMs) => {
    const waiting = watchers.get(key) ?? new Set();
    watchers.set(key, waiting);
    const { promise, resolve } = Promise.withResolvers<Ended | undefined>();
    waiting.add(resolve);
    const cancel = clock.after(patienceMs, () => resolve(undefined));
    try {
      return await promise;
    } finally {
      cancel();
      waiting.delete(resolve);
      if (waiting.size === 0) watchers.delete(key);
    }
  };

  const takeUp = async (): Promise<void> => {
    const busy = new Map<string, number>();
    for (const { fire } of underWay.values()) busy.set(fire.hookUid, (busy.get(fire.hookUid) ?? 0) + 1);
    const busyHooks = [...busy].filter(([, count]) => count >= MOST_UNDER_WAY_OF_A_HOOK).map(([uid]) => uid);
    const room = MOST_UNDER_WAY - underWay.size;
    if (room <= 0) return;
    const now = clock.now();
    for (const fire of await fires.claimDue(now, now + LEASE_MS, Math.min(room, 100), busyHooks)) {
      // A lease of ours that ran out although we are at work on it (the database was away) is only renewed by that claim.
      if (!underWay.has(fireKey(fire))) void start(fire);
    }
  };

  const every = async (ms: number, signal: AbortSignal, what: string, work: () => Promise<void>): Promise<void> => {
    for (let failures = 0; !signal.aborted; ) {
      await clock.sleep(failures === 0 ? ms : backoff(failures, { firstMs: ms, longestMs: 30_000 }), signal);
      if (signal.aborted) return;
      try {
        await work();
        failures = 0;
      } catch (error) {
        failures += 1;
        log.error({ err: error }, `${what} failed; trying again`);
      }
    }
  };

  const renew = async (): Promise<void> => {
    if (underWay.size > 0)
      await fires.extendLeases(
        [...underWay.values()].map(({ fire }) => fire),
        clock.now() + LEASE_MS,
      );
  };

  return {
    whenEnded,
    pursue: async (fire, patienceMs) => {
      const ended = whenEnded(fireKey(fire), patienceMs);
      void start(fire);
      return ended;
    },
    run: async (signal) => {
      await Promise.all([
        every(LOOK_EVERY_MS, signal, 'taking up fires', takeUp),
        every(RENEW_EVERY_MS, signal, 'renewing leases', renew),
      ]);
    },
    settled: async (hookUid) => {
      await Promise.allSettled(settling.get(hookUid) ?? []);
    },
    whenIdle: async () => {
      while (underWay.size > 0) await Promise.all([...underWay.values()].map(({ done }) => done));
    },
    [Symbol.asyncDispose]: async () => {
      for (const waiting of watchers.values()) for (const resolve of waiting) resolve(undefined);
      const left = [...underWay.values()].map(({ fire }) => fire);
      // What is still under way is given back, so that nobody has to wait for the lease to run out. Its attempt is idempotent.
      if (left.length > 0) await fires.extendLeases(left, clock.now());
    },
  };
};

const named = ({ hookGroupId, hookId, taskId, requestId }: Fire) => ({ hookGroupId, hookId, taskId, requestId });
