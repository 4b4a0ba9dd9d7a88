// Durable timers: "do this at that time", which survives crashes and is done by whichever scheduler
// comes first.
import { LATENCY_BUCKETS } from '../core/metrics.ts';
import type { Base } from '../database/base.ts';
import type { Transaction } from '../database/database.ts';
import { keepListening } from '../database/keep-listening.ts';
import { createKindLoop, type KindLoop } from './kind-loop.ts';
import { countOverdue, dueOf, earliestOf, put, remove, TIMERS_CHANNEL } from './statements.ts';
import { takeTurn } from './turn.ts';
import type { BatchTimerHandler, DueTimer, NewTimer, TimerHandler, TimerId } from './types.ts';

export type Timers = {
  /**
   * Sets a timer, or moves it and replaces its data, when the caller's transaction commits. Waits
   * for a turn that holds the timer at the moment; so whoever sets a timer and locks what that
   * timer's handler locks, sets the timer first.
   */
  readonly set: (tx: Transaction, timer: NewTimer) => Promise<void>;
  /** As `set`, for many in one statement. Of two with the same identity the last one counts. */
  readonly setMany: (tx: Transaction, timers: readonly NewTimer[]) => Promise<void>;
  /** Answers whether there was one. Waits for a turn that holds it, as `set` does. */
  readonly cancel: (tx: Transaction, timer: TimerId) => Promise<boolean>;
  /**
   * As `cancel`, and answers when it was due: it may have come due before, and nobody has handled
   * it.
   */
  readonly take: (tx: Transaction, timer: TimerId) => Promise<number | undefined>;
  /** When it is due, if there is such a timer. */
  readonly dueOf: (timer: TimerId) => Promise<number | undefined>;
  /**
   * How many timers came due before `before` and are still there, of each kind that has a handler;
   * each counted up to `upTo`.
   */
  readonly countOverdue: (before: number, upTo: number) => Promise<ReadonlyMap<string, number>>;
  /** Who does what is due, one timer at a time. All handlers are given before `run`. */
  readonly handle: (kind: string, handler: TimerHandler) => void;
  /** As `handle`, for a handler that takes up to `most` timers at once (default 500). */
  readonly handleBatch: (kind: string, handler: BatchTimerHandler, most?: number) => void;
  /**
   * Handles what is due until `signal` aborts, then finishes the turn under way. Leaves kinds alone
   * that have no handler here. Outlives the loss of the database.
   */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

const KIND = /^[a-z][a-z0-9.-]{0,60}$/;
const MOST_AT_ONCE = 500;
/** Lateness is also what a fire after an outage shows: to an hour. */
const LATENESS_BUCKETS = [...LATENCY_BUCKETS, 60, 300, 3_600];

/**
 * @example
 * timers.handle('greeting', async (tx, { key, due }) => ({ next: due + 60_000 }));
 * await database.transaction((tx) => timers.set(tx, { kind: 'greeting', key: 'world', due:
 * clock.now() }));
 * await timers.run(signal);
 */
export const createTimers = ({ database, clock, log, metrics }: Base): Timers => {
  const loops = new Map<string, KindLoop>();
  const help = 'How long after its due time a timer was claimed, in seconds';
  const lateness = metrics.histogram('hookwright_timer_lateness_seconds', help, ['kind'], LATENESS_BUCKETS);
  const failures = metrics.counter('hookwright_timer_failures_total', 'Turns of timers that failed', ['kind']);
  let isRunning = false;

  const handleBatch: Timers['handleBatch'] = (kind, handler, most = MOST_AT_ONCE) => {
    if (!KIND.test(kind)) throw new Error(`"${kind}" is not a name for a kind of timer`);
    if (loops.has(kind)) throw new Error(`timers of kind "${kind}" have a handler already`);
    if (isRunning) throw new Error(`the handler of "${kind}" comes too late: timers run already`);
    const turn = {
      ...{ database, clock, log, kind, handler, limit: most },
      onClaimed: ({ attempts }: DueTimer, lateMs: number) => {
        if (attempts === 0) lateness.observe({ kind }, Math.max(0, lateMs) / 1000); // a second try is late on purpose
      },
      onFailed: () => failures.inc({ kind }),
    };
    const findEarliest = () => earliestOf(database, kind);
    loops.set(kind, createKindLoop({ kind, clock, log, findEarliest, takeTurn: () => takeTurn(turn) }));
  };

  const onNotification = (payload: string) => {
    const [kind = '', due] = payload.split(' ');
    const ms = Number(due);
    loops.get(kind)?.heard(Number.isNaN(ms) ? Number.NEGATIVE_INFINITY : ms); // not ours to read: look at once
  };
  const onInterruption = (state: 'lost' | 'restored') => {
    for (const loop of loops.values()) loop.setListening(state === 'restored');
  };

  return {
    set: (tx, timer) => put(tx, [timer]),
    setMany: put,
    cancel: async (tx, timer) => (await remove(tx, timer)) !== undefined,
    take: remove,
    dueOf: (timer) => dueOf(database, timer),
    countOverdue: (before, upTo) => countOverdue(database, [...loops.keys()], before, upTo),
    handleBatch,
    handle: (kind, handler) =>
      handleBatch(kind, async (tx, due) => {
        const answers = [];
        for (const timer of due) answers.push(await handler(tx, timer));
        return answers;
      }),
    run: async (signal) => {
      isRunning = true;
      // Listening stands before the first question to the database, so that nothing is set unseen
      // in between.
      const listener = { onNotification, onInterruption };
      await using listening = await keepListening({ database, clock, log }, TIMERS_CHANNEL, listener, signal);
      if (listening) await Promise.all([...loops.values()].map((loop) => loop.run(signal)));
    },
  };
};
