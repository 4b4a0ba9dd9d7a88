// Bounds the bytes of messages that were received and are not over. Prefetch counts messages for
// each consumer and cannot bound bytes, so beyond the budget nothing more is read from the
// connection, whatever the number of queues and the size of messages.
import type { Clock } from '../../../core/clock.ts';
import type { AmqpSession } from '../connection/connection.ts';
import { createReadGate, type ReadGate } from './read-gate.ts';

export type ReadThrottle = {
  /** Bytes came in, or (negative) went. */
  readonly count: (bytes: number) => void;
  /** A session has begun. Bytes of earlier ones do not count any more. */
  readonly begin: (session: AmqpSession) => void;
  readonly bytes: () => number;
  /** From now on everything is read: nothing is kept any more. */
  readonly end: () => void;
};

export const MOST_BYTES_IN_FLIGHT = 64 * 1024 * 1024;
/** Heartbeats are due every 10 s. One byte of what arrived keeps the connection alive. */
const SIP_EVERY_MS = 3_000;

export const createReadThrottle = (clock: Clock, most = MOST_BYTES_IN_FLIGHT): ReadThrottle => {
  let bytes = 0;
  let isHeld = false;
  let holds = 0;
  let isEnding = false;
  let current: { readonly session: AmqpSession; readonly gate: ReadGate } | undefined;

  const hold = async ({ gate, session }: NonNullable<typeof current>) => {
    isHeld = true;
    holds += 1;
    const own = holds;
    gate.close();
    for (;;) {
      await clock.sleep(SIP_EVERY_MS, session.ended);
      if (!isHeld || holds !== own || session.ended.aborted) return;
      gate.sip();
    }
  };

  const release = () => {
    isHeld = false;
    const { gate } = current ?? {};
    // In a turn of its own: amqplib may be in the middle of what it has read.
    setImmediate(() => {
      if (!isHeld) gate?.open();
    });
  };

  return {
    bytes: () => bytes,
    count: (change) => {
      bytes += change;
      if (!isHeld && !isEnding && bytes > most && current) {
        void hold(current);
      } else if (isHeld && bytes <= most / 2) {
        release();
      }
    },
    end: () => {
      isEnding = true;
      if (isHeld) release();
    },
    begin: (session) => {
      current = { session, gate: createReadGate(session.incoming) };
      bytes = 0;
      isHeld = false;
    },
  };
};
