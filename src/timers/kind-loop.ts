// The loop of a scheduler for one kind of timer: knows when the earliest is due, sleeps until then,
// takes a turn.
import { backoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { createLoop } from '../core/loop.ts';
import type { Turn } from './turn.ts';

export type KindLoop = {
  readonly kind: string;
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Something of this kind is due then. */
  readonly heard: (due: number) => void;
  /** Whether notifications arrive; after a gap in them the database is asked what was missed. */
  readonly setListening: (isListening: boolean) => void;
};

export type KindLoopSettings = {
  readonly kind: string;
  readonly clock: Clock;
  readonly log: Log;
  /** When the first one may be claimed, if there is one. */
  readonly findEarliest: () => Promise<number | undefined>;
  /** Handles what is due. */
  readonly takeTurn: () => Promise<Turn>;
};

/**
 * Nobody says when the wall clock is set: it is looked at this often, from memory, without a query.
 */
const LOOK_AT_CLOCK_MS = 1_000;
/** A notification may get lost with its connection; this often the database is asked even so. */
const LISTENING_POLL_MS = 10_000;
const DEAF_POLL_MS = 1_000;
/**
 * What another scheduler holds at the moment is not ours to wait for, and becomes ours if that one
 * dies.
 */
const HELD_BY_ANOTHER = { firstMs: 20, longestMs: 1_000 };

export const createKindLoop = ({ kind, clock, log, findEarliest, takeTurn }: KindLoopSettings): KindLoop => {
  let earliest = Number.POSITIVE_INFINITY;
  /** On the monotonic clock. */
  let nextPoll = Number.NEGATIVE_INFINITY;
  let isListening = true;
  let heardWhileAsking = Number.POSITIVE_INFINITY;
  let emptyTurns = 0;

  /** Asks the database when the first one is due, by `find`. */
  const ask = async (find: () => Promise<number | undefined>) => {
    // What is heard from here on may be newer than the answer; what was heard before, the answer
    // includes.
    heardWhileAsking = Number.POSITIVE_INFINITY;
    nextPoll = clock.monotonic() + (isListening ? LISTENING_POLL_MS : DEAF_POLL_MS);
    const found = (await find()) ?? Number.POSITIVE_INFINITY;
    earliest = Math.min(found, heardWhileAsking);
  };

  const isDue = () => earliest <= clock.now();

  /**
   * Answers for how long nothing is due, as far as is known; turns follow each other until then.
   */
  const handleDue = async (signal: AbortSignal): Promise<number> => {
    try {
      if (!isDue() && clock.monotonic() >= nextPoll) await ask(findEarliest);
      while (isDue() && !signal.aborted) {
        let handled = 0;
        await ask(async () => {
          const turn = await takeTurn();
          handled = turn.handled;
          return turn.next ? turn.next.due : findEarliest();
        });
        emptyTurns = handled === 0 && isDue() ? emptyTurns + 1 : 0;
        if (emptyTurns > 0) return backoff(emptyTurns - 1, HELD_BY_ANOTHER);
      }
    } catch (error) {
      nextPoll = Number.NEGATIVE_INFINITY;
      throw error;
    }
    emptyTurns = 0;
    return Math.max(Math.min(earliest - clock.now(), nextPoll - clock.monotonic()), 0);
  };

  let signal = AbortSignal.abort(); // of `run`
  const loop = createLoop({
    name: `timers of ${kind}`,
    ...{ clock, log, everyMs: LOOK_AT_CLOCK_MS },
    turn: () => handleDue(signal),
  });

  return {
    kind,
    run: (ofRun) => {
      signal = ofRun;
      return loop.run(ofRun);
    },
    heard: (due) => {
      heardWhileAsking = Math.min(heardWhileAsking, due);
      if (due >= earliest) return;
      earliest = due;
      loop.wake();
    },
    setListening: (value) => {
      isListening = value;
      nextPoll = Number.NEGATIVE_INFINITY;
      loop.wake();
    },
  };
};
