// What is new in the ledger as an event stream: what came since the last event that a reader has,
// and then what comes. Readers of one process share what is read.

import { toIso } from '../../../core/clock.ts';
import type { Base } from '../../../database/base.ts';
import type { EventStream, StreamSource } from '../../../http/answers/event-stream.ts';
import { ApiError } from '../../../http/api-error.ts';
import { type LedgerFilter, matches } from '../../../ledger/search/filter.ts';
import type { FoundRow } from '../../../ledger/search/found-row.ts';
import { readSince } from '../../../ledger/search/read-since.ts';
import { FAR_BACK_MS, type Tail } from '../../../ledger/search/tail.ts';
import { fireRowOf } from './fire-row.ts';

/**
 * Rejects with TooManyRequests when there are too many readers. `after`: the last event that the
 * reader has.
 */
export type FollowFires = (
  filter: LedgerFilter,
  clientId: string,
  after: number | undefined,
) => Promise<(stream: EventStream) => StreamSource>;

export type FollowFiresSettings = Pick<Base, 'database' | 'clock'> & {
  readonly tail: Tail;
  /** Ends all streams. */
  readonly ending: AbortSignal;
};

const MOST_READERS = 500;
const MOST_OF_A_CLIENT = 250;
/** Rows that wait for a reader who is slow, or has not caught up yet. */
const MOST_WAITING = 5_000;
/** What is written before a reader is asked whether they take it: some hundred KB. */
const MOST_WRITTEN = 250;
const KEEP_ALIVE_MS = 15_000;
/** Then the stream ends, and who opens it again is asked for their scopes. */
const LONGEST_MS = 15 * 60_000;

/** By row: readers have the same rows, and each is written once. */
const texts = new WeakMap<FoundRow, string>();
const eventOf = (row: FoundRow): string => {
  const known = texts.get(row) ?? `id: ${row.seq}\ndata: ${JSON.stringify(fireRowOf(row))}\n\n`;
  texts.set(row, known);
  return known;
};

export const createFollowFires = ({ database, clock, tail, ending }: FollowFiresSettings): FollowFires => {
  const readers = new Map<string, number>();
  let count = 0;

  const enter = (clientId: string): (() => void) => {
    const ofClient = readers.get(clientId) ?? 0;
    if (count >= MOST_READERS || ofClient >= MOST_OF_A_CLIENT) {
      throw new ApiError(
        'TooManyRequests',
        'Too many follow the ledger already; end some streams, or try again later.',
      );
    }
    readers.set(clientId, ofClient + 1);
    count += 1;
    return () => {
      count -= 1;
      const left = (readers.get(clientId) ?? 1) - 1;
      if (left === 0) readers.delete(clientId);
      else readers.set(clientId, left);
    };
  };

  return async (filter, clientId, after) => {
    if (ending.aborted) throw new ApiError('ServiceUnavailable', 'The server is ending.');
    const leave = enter(clientId);
    let waiting: FoundRow[] = [];
    /** What was sent to catch up: of the latest of these, others may tell later. */
    let sent = new Map<number, number>();
    let [isCaughtUp, isBlocked, isOver] = [false, false, false];
    let to: EventStream | undefined;
    let cancelAlive = () => {};
    let whenTaken = Promise.withResolvers<void>();

    const write = (text: string) => {
      if (to && !to.write(text)) isBlocked = true;
    };
    const flush = () => {
      while (to && isCaughtUp && !isBlocked && !isOver && waiting.length > 0) {
        write(waiting.splice(0, MOST_WRITTEN).map(eventOf).join(''));
      }
    };
    const onNew = (rows: readonly FoundRow[]) => {
      const own = rows.filter((row) => matches(filter, row) && !sent.has(row.seq));
      if (own.length === 0) return;
      waiting.push(...own);
      if (waiting.length > MOST_WAITING)
        finish(); // it comes back, and catches up
      else flush();
    };
    const stopTail = await tail.follow(onNew).catch((error: unknown) => {
      leave();
      throw error;
    });
    const finish = () => {
      if (isOver) return;
      isOver = true;
      stopTail();
      leave();
      cancelAlive();
      cancelLast();
      ending.removeEventListener('abort', finish);
      whenTaken.resolve();
      to?.end();
    };
    const cancelLast = clock.after(LONGEST_MS, finish);
    ending.addEventListener('abort', finish, { once: true });
    const keepAlive = (blockedBy?: typeof whenTaken) => {
      cancelAlive = clock.after(KEEP_ALIVE_MS, () => {
        if (!isBlocked) write(':\n');
        else if (blockedBy === whenTaken) return finish(); // it has taken nothing for so long
        keepAlive(isBlocked ? whenTaken : undefined);
      });
    };

    const catchUp = async (seq: number) => {
      const since = await readSince({ database, clock }, seq, async (rows) => {
        for (const { seq, at } of rows) sent.set(seq, at);
        const own = rows.filter((row) => matches(filter, row));
        if (own.length > 0) write(own.map(eventOf).join(''));
        if (isBlocked && !isOver) await whenTaken.promise;
        return !isOver;
      });
      if (since !== undefined) write(`event: gap\ndata: ${JSON.stringify({ until: toIso(since) })}\n\n`);
      waiting = waiting.filter((row) => !sent.has(row.seq));
      const from = clock.now() - FAR_BACK_MS;
      sent = new Map([...sent].filter(([, at]) => at >= from));
    };

    return (stream) => {
      to = stream;
      keepAlive();
      write(':\n');
      void (after === undefined ? Promise.resolve() : catchUp(after)).then(() => {
        isCaughtUp = true;
        flush();
      }, finish);
      return {
        resume: () => {
          isBlocked = false;
          whenTaken.resolve();
          whenTaken = Promise.withResolvers();
          flush();
        },
        detach: finish,
      };
    };
  };
};
