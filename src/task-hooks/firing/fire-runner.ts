// Stored fires until their outcomes: which are attempted when, leases, and taking up what a crash
// left behind. An attempt itself is in attempt.ts.
import type { Log } from '../../core/log.ts';
import { createLoop } from '../../core/loop.ts';
import { createBatch } from '../../database/batch.ts';
import { type AttemptSettings, createAttempt } from './attempt.ts';
import type { EndFires } from './end-fires.ts';
import { type AttemptsEnd, type Ending, type Fire, isRendered, keyOf, type StoredFire } from './fire.ts';
import type { FireStore } from './fire-store.ts';

export type FireRunner = AsyncDisposable & {
  /**
   * Attempts a fire that this process has just stored (and so holds the lease of). Resolves with
   * how it ended, or with undefined when that is not known within `patienceMs`: attempts go on by
   * themselves.
   */
  readonly attempt: (fire: Fire, patienceMs: number) => Promise<AttemptsEnd | undefined>;
  /**
   * Attempts fires of events that nobody waits for, in this order, when their turn comes. This
   * process has just stored them and holds their leases.
   */
  readonly enqueue: (fires: readonly StoredFire[]) => void;
  /**
   * Attempts the stored fire of this task now, whoever has its lease: that process may be dead, and
   * attempts are idempotent. Not when an attempt has failed already, so that whoever asks cannot
   * shorten the pauses. Resolves after the attempt, or when there is no such fire.
   */
  readonly takeOver: (taskId: string) => Promise<void>;
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
  readonly whenEnded: (key: string, patienceMs: number) => Promise<AttemptsEnd | undefined>;
  /**
   * Takes up fires whose time has come, and keeps the leases of those under way, until the signal
   * aborts.
   */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /**
   * Resolves when the fires of this hook, or of all, whose outcome is known to this process stand
   * in the ledger.
   */
  readonly whenRecorded: (hookUid?: string) => Promise<void>;
  /** Resolves when nothing is under way in this process. */
  readonly whenIdle: () => Promise<void>;
};

export type FireRunnerSettings = Omit<AttemptSettings, 'record' | 'answerWaiters'> & {
  readonly store: FireStore;
  readonly endFires: EndFires;
  readonly log: Log;
};

/**
 * How long a fire is this process's alone. Longer than the 5 s by which clocks may differ, plus
 * some renewals.
 */
export const LEASE_MS = 15_000;
const RENEW_EVERY_MS = 4_000;
const LOOK_EVERY_MS = 1_000;
const MOST_UNDER_WAY = 500;
const MOST_TAKEN_UP = 100;
/** So that a hook whose tasks hang does not take all places. */
const MOST_UNDER_WAY_OF_A_HOOK = 50;
/** For tasks that wait for their turn in this process. The database holds the others. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024;
const SMALLEST_FIRE_BYTES = 1024;

export const createFireRunner = (settings: FireRunnerSettings): FireRunner => {
  const { store, endFires, clock, log, fireLog } = settings;
  const underWay = new Map<string, { readonly fire: StoredFire; readonly done: Promise<void> }>();
  const waiting: StoredFire[] = [];
  let waitingBytes = 0;
  let roomMade = Promise.withResolvers<void>();
  let isEnding = false;
  let mayHaveMore = false;
  const waiters = new Map<string, Set<(end: AttemptsEnd | undefined) => void>>();
  const recordings = new Map<string, Set<Promise<void>>>();

  const record = async (fire: StoredFire, ending: Ending): Promise<void> => {
    const ofHook = recordings.get(fire.hookUid) ?? new Set();
    const recording = endFires.stored(fire, ending);
    recordings.set(fire.hookUid, ofHook.add(recording));
    try {
      await recording;
    } finally {
      ofHook.delete(recording);
      if (ofHook.size === 0) recordings.delete(fire.hookUid);
    }
  };

  const answerWaiters = (fire: StoredFire, end: AttemptsEnd): void => {
    for (const resolve of waiters.get(keyOf(fire)) ?? []) resolve(end);
  };

  const tryOnce = createAttempt({ ...settings, record, answerWaiters });

  const start = (fire: StoredFire): Promise<void> => {
    const key = keyOf(fire);
    const done = tryOnce(fire)
      .catch((error: unknown) => fireLog.lost(fire, error))
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
    if (waiting.length === 0 && mayHaveMore && underWay.size < MOST_UNDER_WAY / 2) takingUp.wake();
  };

  const whenEnded: FireRunner['whenEnded'] = async (key, patienceMs) => {
    const ofFire = waiters.get(key) ?? new Set();
    const { promise, resolve } = Promise.withResolvers<AttemptsEnd | undefined>();
    waiters.set(key, ofFire.add(resolve));
    const cancel = clock.after(patienceMs, () => resolve(undefined));
    try {
      return await promise;
    } finally {
      cancel();
      ofFire.delete(resolve);
      if (ofFire.size === 0) waiters.delete(key);
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
    const claimed = await store.claimDue(now, now + LEASE_MS, room, busyHooks);
    mayHaveMore = claimed.length === room;
    for (const fire of claimed) {
      // A lease of ours that ran out although we are at work on it (the database was away) is only
      // renewed by that claim.
      if (!underWay.has(keyOf(fire))) void start(fire);
    }
  };

  const claimOfTask = createBatch<string, StoredFire | undefined>({
    maxItems: MOST_TAKEN_UP,
    concurrency: 1, // anybody may ask for a task
    run: async (taskIds) => {
      const claimed = await store.claimOfTasks(taskIds, clock.now() + LEASE_MS);
      return taskIds.map((taskId) => claimed.find((fire) => fire.taskId === taskId));
    },
  });

  const takeOver: FireRunner['takeOver'] = async (taskId) => {
    const fire = await claimOfTask(taskId);
    if (!fire) return;
    const place = waiting.findIndex((one) => keyOf(one) === keyOf(fire));
    if (place >= 0) {
      waiting.splice(place, 1);
      waitingBytes -= bytesOf(fire);
    }
    await (underWay.get(keyOf(fire))?.done ?? start(fire));
  };

  const renew = async (): Promise<void> => {
    const held = [...[...underWay.values()].map(({ fire }) => fire), ...waiting];
    if (held.length > 0) await store.extendLeases(held, clock.now() + LEASE_MS);
  };

  const takingUp = createLoop({ name: 'fire takeup', ...{ clock, log, everyMs: LOOK_EVERY_MS }, turn: takeUp });
  const renewing = createLoop({ name: 'lease renewal', ...{ clock, log, everyMs: RENEW_EVERY_MS }, turn: renew });

  return {
    whenEnded,
    takeOver,
    hasRoom,
    isEnding: () => isEnding,
    attempt: async (fire, patienceMs) => {
      const ended = whenEnded(keyOf(fire), patienceMs);
      if (!underWay.has(keyOf(fire))) void start(fire); // a repeat may have taken it over just before
      return ended;
    },
    enqueue: (more) => {
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
      await Promise.all([takingUp.run(signal), renewing.run(signal)]);
    },
    whenRecorded: async (hookUid) => {
      const all = hookUid === undefined ? [...recordings.values()].flatMap((ofHook) => [...ofHook]) : undefined;
      await Promise.allSettled(all ?? recordings.get(hookUid as string) ?? []);
    },
    whenIdle: async () => {
      while (underWay.size > 0) await Promise.all([...underWay.values()].map(({ done }) => done));
    },
    [Symbol.asyncDispose]: async () => {
      for (const ofFire of waiters.values()) for (const resolve of ofFire) resolve(undefined);
      const left = [...[...underWay.values()].map(({ fire }) => fire), ...waiting.splice(0)];
      // What is still under way is given back, so that nobody has to wait for the lease to run out.
      // Its attempt is idempotent.
      if (left.length > 0) await store.extendLeases(left, clock.now());
    },
  };
};
