// The loop of a scheduler for one kind of timer: knows when the earliest is due, sleeps until then,
// takes a turn.
import { backoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

export type Watch = {
  readonly kind: string;
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Something of this kind is due then. */
  readonly heard: (due: number) => void;
  /** Whether notifications arrive; after a gap in them the database is asked what was missed. */
  readonly setListening: (isListening: boolean) => void;
};

export type WatchSettings = {
  readonly kind: string;
  readonly clock: Clock;
  readonly log: Log;
  /** When the first one may be claimed, if there is one. */
  readonly findEarliest: () => Promise<number | undefined>;
  /** Handles what is due; answers how many it found. */
  readonly takeTurn: () => Promise<number>;
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
const DATABASE_FAILED = { firstMs: 100, longestMs: 5_000 };

export const createWatch = ({ kind, clock, log, findEarliest, takeTurn }: WatchSettings): Watch => {
  let earliest = Number.POSITIVE_INFINITY;
  /** On the monotonic clock. */
  let nextPoll = Number.NEGATIVE_INFINITY;
  let isListening = true;
  let wakeUp: (() => void) | undefined;
  let heardWhileAsking = Number.POSITIVE_INFINITY;

  const ask = async () => {
    // What is heard from here on may be newer than the answer; what was heard before, the answer
    // includes.
    heardWhileAsking = Number.POSITIVE_INFINITY;
    nextPoll = clock.monotonic() + (isListening ? LISTENING_POLL_MS : DEAF_POLL_MS);
    const found = (await findEarliest()) ?? Number.POSITIVE_INFINITY;
    earliest = Math.min(found, heardWhileAsking);
  };

  const sleep = async (ms: number, signal: AbortSignal) => {
    const waking = new AbortController();
    const wake = () => waking.abort();
    wakeUp = wake;
    signal.addEventListener('abort', wake, { once: true });
    if (signal.aborted) wake();
    await clock.sleep(ms, waking.signal);
    signal.removeEventListener('abort', wake);
    wakeUp = undefined;
  };

  const sleepUntilDue = async (signal: AbortSignal) => {
    const untilDue = earliest - clock.now();
    const untilPoll = nextPoll - clock.monotonic();
    if (untilDue > 0 && untilPoll > 0) await sleep(Math.min(untilDue, untilPoll, LOOK_AT_CLOCK_MS), signal);
  };

  const run = async (signal: AbortSignal) => {
    let failures = 0;
    let emptyTurns = 0;
    while (!signal.aborted) {
      try {
        if (earliest <= clock.now()) {
          const handled = await takeTurn();
          await ask();
          emptyTurns = handled === 0 && earliest <= clock.now() ? emptyTurns + 1 : 0;
        } else if (clock.monotonic() >= nextPoll) {
          await ask();
        }
        failures = 0;
        if (emptyTurns > 0) await sleep(backoff(emptyTurns - 1, HELD_BY_ANOTHER), signal);
        else await sleepUntilDue(signal);
      } catch (error) {
        log.warn({ err: error, kind }, 'timers cannot be handled; trying again');
        nextPoll = Number.NEGATIVE_INFINITY;
        await sleep(backoff(failures, DATABASE_FAILED), signal);
        failures += 1;
      }
    }
  };

  return {
    kind,
    run,
    heard: (due) => {
      heardWhileAsking = Math.min(heardWhileAsking, due);
      if (due >= earliest) return;
      earliest = due;
      wakeUp?.();
    },
    setListening: (value) => {
      isListening = value;
      nextPoll = Number.NEGATIVE_INFINITY;
      wakeUp?.();
    },
  };
};
