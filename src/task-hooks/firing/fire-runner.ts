// A stored fire on its way to its outcome: attempts, backoff, leases, and taking up what a crash
// left behind.
import { backoff } from '../../core/backoff.ts';
import { type Clock, withDeadline } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Transaction } from '../../database/database.ts';
import type { FireOutcome } from '../../ledger/entry.ts';
import { type CreateTaskAnswer, errorOf, type Queue, type Refusal } from '../../queue/queue.ts';
import { hookRole } from '../definition.ts';
import type { Evaluation } from '../evaluation/evaluate.ts';
import type { Unrendered } from '../evaluation/template.ts';
import { named, sayAttempt, sayEnded } from './fire-log.ts';
import { fireMetricsOf } from './fire-metrics.ts';
import { type Fire, type FireStore, isRendered, type StoredFire, type UnrenderedFire } from './fire-store.ts';
import { givesUpAt } from './task-times.ts';

export type Ended =
  | { readonly outcome: 'created' }
  | { readonly outcome: 'failed'; readonly refusal: Refusal }
  | { readonly outcome: 'exhausted' };

export type Pursuit = AsyncDisposable & {
  /**
   * Pursues a fire that this process has just stored (and so holds the lease of). Resolves with how
   * it ended, or with undefined when that is not known within `patienceMs`: attempts go on by
   * themselves.
   */
  readonly pursue: (fire: Fire, patienceMs: number) => Promise<Ended | undefined>;
  /**
   * Pursues fires of events that nobody waits for, in this order, when their turn comes. This
   * process has just stored them and holds their leases.
   */
  readonly follow: (fires: readonly StoredFire[]) => void;
  /**
   * Whether more of them can be taken on. A fire that is not is stored as due at once, and is taken
   * up when there is room.
   */
  readonly hasRoom: () => boolean;
  /** Resolves when there is room, or `run` is told to end. */
  readonly whenRoom: () => Promise<void>;
  /** `run` was told to end: what is not stored yet is better left to others. */
  readonly isEnding: () => boolean;
  /**
   * Resolves when the fire ends in this process, or with undefined when it did not within
   * `patienceMs`.
   */
  readonly whenEnded: (key: string, patienceMs: number) => Promise<Ended | undefined>;
  /**
   * Takes up fires whose time has come, and keeps the leases of those under way, until the signal
   * aborts.
   */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /**
   * Resolves when the fires of this hook whose outcome is known to this process stand in the
   * ledger.
   */
  readonly settled: (hookUid: string) => Promise<void>;
  /** Resolves when nothing is under way in this process. */
  readonly whenIdle: () => Promise<void>;
};

/**
 * What else is to be done when a fire of which nobody waits for the answer ends without a task; in
 * the transaction that records it.
 */
export type Notice = (tx: Transaction, event: NoticedEvent, outcome: FireOutcome, error: unknown) => Promise<void>;
export type NoticedEvent = Pick<Fire, 'hookUid' | 'firedBy' | 'arrived' | 'taskId'>;

export type PursuitSettings = {
  readonly fires: FireStore;
  readonly queue: Queue;
  /** Renders what was stored unrendered. Never rejects. */
  readonly render: (unrendered: Unrendered) => Promise<Evaluation>;
  readonly notice: Notice;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

/**
 * How long a fire is this process's alone. Longer than the 5 s by which clocks may differ, plus
 * some renewals.
 */
export const LEASE_MS = 15_000;
const RENEW_EVERY_MS = 4_000;
/** A queue that has said nothing for so long is not going to. */
const ATTEMPT_DEADLINE_MS = 30_000;
const RETRY = { firstMs: 250, longestMs: 300_000 };
const LOOK_EVERY_MS = 1_000;
const MOST_UNDER_WAY = 500;
const MOST_TAKEN_UP = 100;
/** So that a hook whose tasks hang does not take all places. */
const MOST_UNDER_WAY_OF_A_HOOK = 50;
/** Of tasks that wait for their turn in this process. The database holds the others. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024;
const SMALLEST_FIRE_BYTES = 1024;

export const fireKey = ({ hookUid, cause }: { hookUid: string; cause: string }): string => `${hookUid} ${cause}`;

export const createPursuit = ({ fires, queue, render, notice, clock, log, metrics }: PursuitSettings): Pursuit => {
  const underWay = new Map<string, { readonly fire: StoredFire; readonly done: Promise<void> }>();
  const waiting: StoredFire[] = [];
  let waitingBytes = 0;
  let roomMade = Promise.withResolvers<void>();
  let isEnding = false;
  let mayHaveMore = false;
  let lookNow: (() => void) | undefined;
  const watchers = new Map<string, Set<(ended: Ended | undefined) => void>>();
  const settling = new Map<string, Set<Promise<void>>>();
  const counted = fireMetricsOf(metrics);

  const attempt = async (fire: Fire): Promise<CreateTaskAnswer> => {
    if (fire.attempts === 0) counted.begun(fire, clock.now());
    sayAttempt(log, fire, fire.attempts + 1);
    return withDeadline(
      clock,
      Math.min(ATTEMPT_DEADLINE_MS, Math.max(fire.givesUp - clock.now(), 1)),
      (signal) =>
        queue.createTask(
          { taskId: fire.taskId, task: fire.task, authorizedScopes: [`assume:${hookRole(fire)}`] },
          signal,
        ),
      () => new Error(`the queue did not answer within ${ATTEMPT_DEADLINE_MS / 1000} s`),
    );
  };

  const settle = async ({ hookUid }: StoredFire, finishing: Promise<void>): Promise<void> => {
    const ofHook = settling.get(hookUid) ?? new Set();
    settling.set(hookUid, ofHook.add(finishing));
    try {
      await finishing;
    } finally {
      ofHook.delete(finishing);
      if (ofHook.size === 0) settling.delete(hookUid);
    }
  };

  const tell = (fire: StoredFire, ended: Ended): void => {
    for (const watcher of watchers.get(fireKey(fire)) ?? []) watcher(ended);
  };

  /** The outcome of a fire, into the ledger. */
  const record = async (fire: StoredFire, outcome: FireOutcome, error: unknown, attempts: number): Promise<void> => {
    const { hookUid, cause } = fire;
    const ending = { hookUid, cause, at: clock.now(), outcome, error, attempts };
    const isMissed = outcome !== 'created' && outcome !== 'declined' && hasNoCaller(fire);
    await settle(
      fire,
      isMissed ? fires.finishAnd(ending, (tx) => notice(tx, fire, outcome, error)) : fires.finish(ending),
    );
    counted.ended(fire, outcome, clock.now());
    sayEnded(log, fire, outcome, error);
  };

  const exhaust = (fire: StoredFire): Promise<void> => {
    const message = `The task's deadline passed after ${fire.attempts} attempts.`;
    return end(fire, { outcome: 'exhausted' }, { message }, fire.attempts);
  };

  const end = async (fire: StoredFire, ended: Ended, error: unknown, attempts: number): Promise<void> => {
    // The task is there and durable, so the caller need not wait for the ledger. Should its row be
    // lost in a crash, the fire is finished again. Whoever reads the ledger through this process
    // waits for it (settled).
    if (ended.outcome === 'created') tell(fire, ended);
    await record(fire, ended.outcome, error, attempts);
    if (ended.outcome !== 'created') tell(fire, ended);
  };

  const postpone = (fire: StoredFire, error: unknown, why: string): Promise<void> => {
    const due = Math.min(clock.now() + backoff(fire.attempts, RETRY), Math.max(fire.givesUp, clock.now()));
    log.warn({ ...named(fire), err: error, due }, why);
    return fires.postpone(fire, clock.now(), due, { message: describeError(error) });
  };

  /** undefined: it ended, or comes again. */
  const renderStored = async (stored: UnrenderedFire): Promise<Fire | undefined> => {
    const { unrendered, ...fire } = stored;
    const evaluation = await render(unrendered);
    switch (evaluation.outcome) {
      case 'rendered': {
        const { task, deadline } = evaluation;
        const givesUp = givesUpAt(deadline, Math.max(Date.parse(unrendered.context.now), fire.arrived));
        return (await fires.setTask(fire, task, givesUp)) ? { ...fire, task, givesUp } : undefined;
      }
      case 'declined':
        await record(stored, 'declined', { message: 'The template rendered to nothing.' }, fire.attempts);
        return undefined;
      case 'limited':
        if (evaluation.mayPass) {
          await postpone(
            stored,
            new Error(evaluation.message),
            'a template could not be rendered now; it will be tried again',
          );
          return undefined;
        }
        await record(stored, 'limited', { message: evaluation.message }, fire.attempts);
        return undefined;
      case 'failed':
        await record(stored, 'failed', { message: evaluation.message }, fire.attempts);
        return undefined;
      case 'rejected':
        throw new Error('a fire without a payload was rejected'); // only payloads are
    }
  };

  /**
   * One attempt, and what follows from it. Throws only when the database cannot be told; the lease
   * then runs out.
   */
  const tryOnce = async (stored: StoredFire): Promise<void> => {
    if (clock.now() >= stored.givesUp) return exhaust(stored);
    const fire = isRendered(stored) ? stored : await renderStored(stored);
    if (!fire) return;
    if (clock.now() >= fire.givesUp) return exhaust(fire);
    let answer: CreateTaskAnswer;
    try {
      answer = await attempt(fire);
    } catch (error) {
      return postpone(fire, error, 'the queue could not be asked for a task; it will be tried again');
    }
    if (answer.kind === 'created') return end(fire, { outcome: 'created' }, undefined, fire.attempts + 1);
    return end(fire, { outcome: 'failed', refusal: answer }, errorOf(answer), fire.attempts + 1);
  };

  const start = (fire: StoredFire): Promise<void> => {
    const key = fireKey(fire);
    const done = tryOnce(fire)
      .catch((error: unknown) => {
        log.error(
          { ...named(fire), err: error },
          'a fire could not be recorded; it is taken up again when its lease runs out',
        );
      })
      .finally(() => {
        underWay.delete(key);
        startWaiting();
      });
    underWay.set(key, { fire, done });
    return done;
  };

  const bytesOf = (fire: StoredFire): number =>
    isRendered(fire) ? Math.max(fire.task.length, SMALLEST_FIRE_BYTES) : SMALLEST_FIRE_BYTES;

  const hasRoom = () => waitingBytes < MOST_WAITING_BYTES;

  const endWaiting = (): void => {
    isEnding = true;
    roomMade.resolve();
  };

  const startWaiting = (): void => {
    while (underWay.size < MOST_UNDER_WAY && waiting.length > 0) {
      const fire = waiting.shift() as StoredFire;
      waitingBytes -= bytesOf(fire);
      void start(fire);
    }
    if (hasRoom()) {
      roomMade.resolve();
      roomMade = Promise.withResolvers();
    }
    if (waiting.length === 0 && mayHaveMore && underWay.size < MOST_UNDER_WAY / 2) lookNow?.();
  };

  const whenEnded: Pursuit['whenEnded'] = async (key, patienceMs) => {
    const waitingFor = watchers.get(key) ?? new Set();
    watchers.set(key, waitingFor);
    const { promise, resolve } = Promise.withResolvers<Ended | undefined>();
    waitingFor.add(resolve);
    const cancel = clock.after(patienceMs, () => resolve(undefined));
    try {
      return await promise;
    } finally {
      cancel();
      waitingFor.delete(resolve);
      if (waitingFor.size === 0) watchers.delete(key);
    }
  };

  const takeUp = async (): Promise<void> => {
    const busy = new Map<string, number>();
    for (const { fire } of underWay.values()) busy.set(fire.hookUid, (busy.get(fire.hookUid) ?? 0) + 1);
    const busyHooks = [...busy].filter(([, count]) => count >= MOST_UNDER_WAY_OF_A_HOOK).map(([uid]) => uid);
    const room = Math.min(MOST_UNDER_WAY - underWay.size, MOST_TAKEN_UP);
    mayHaveMore = room <= 0 || waiting.length > 0;
    if (mayHaveMore) return;
    const now = clock.now();
    const claimed = await fires.claimDue(now, now + LEASE_MS, room, busyHooks);
    mayHaveMore = claimed.length === room;
    for (const fire of claimed) {
      // A lease of ours that ran out although we are at work on it (the database was away) is only
      // renewed by that claim.
      if (!underWay.has(fireKey(fire))) void start(fire);
    }
  };

  const every = async (
    signal: AbortSignal,
    what: string,
    pause: (ms: number) => Promise<void>,
    ms: number,
    work: () => Promise<void>,
  ): Promise<void> => {
    for (let failures = 0; !signal.aborted; ) {
      await (failures === 0 ? pause(ms) : clock.sleep(backoff(failures, { firstMs: ms, longestMs: 30_000 }), signal));
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

  /** As sleep, but ends early when there is reason to look. */
  const pauseUntilWanted = (signal: AbortSignal) => async (ms: number) => {
    const wanted = new AbortController();
    const end = () => wanted.abort();
    lookNow = end;
    signal.addEventListener('abort', end, { once: true });
    await clock.sleep(ms, wanted.signal);
    signal.removeEventListener('abort', end);
    lookNow = undefined;
  };

  const renew = async (): Promise<void> => {
    const held = [...[...underWay.values()].map(({ fire }) => fire), ...waiting];
    if (held.length > 0) await fires.extendLeases(held, clock.now() + LEASE_MS);
  };

  return {
    whenEnded,
    hasRoom,
    isEnding: () => isEnding,
    pursue: async (fire, patienceMs) => {
      const ended = whenEnded(fireKey(fire), patienceMs);
      void start(fire);
      return ended;
    },
    follow: (more) => {
      for (const fire of more) {
        waiting.push(fire);
        waitingBytes += bytesOf(fire);
      }
      startWaiting();
    },
    whenRoom: async () => {
      while (!hasRoom() && !isEnding) await roomMade.promise;
    },
    run: async (signal) => {
      signal.addEventListener('abort', endWaiting, { once: true });
      const sleep = (ms: number) => clock.sleep(ms, signal);
      await Promise.all([
        every(signal, 'taking up fires', pauseUntilWanted(signal), LOOK_EVERY_MS, takeUp),
        every(signal, 'renewing leases', sleep, RENEW_EVERY_MS, renew),
      ]);
    },
    settled: async (hookUid) => {
      await Promise.allSettled(settling.get(hookUid) ?? []);
    },
    whenIdle: async () => {
      while (underWay.size > 0) await Promise.all([...underWay.values()].map(({ done }) => done));
    },
    [Symbol.asyncDispose]: async () => {
      for (const watching of watchers.values()) for (const resolve of watching) resolve(undefined);
      const left = [...[...underWay.values()].map(({ fire }) => fire), ...waiting.splice(0)];
      // What is still under way is given back, so that nobody has to wait for the lease to run out.
      // Its attempt is idempotent.
      if (left.length > 0) await fires.extendLeases(left, clock.now());
    },
  };
};

/** Of events at which nobody stands by: their owner learns of a failure only when he is told. */
const hasNoCaller = ({ firedBy }: StoredFire): boolean => firedBy === 'schedule' || firedBy === 'pulseMessage';
