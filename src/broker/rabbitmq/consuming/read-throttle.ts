// Bounds the bytes of messages that were received and are not over. Prefetch counts messages for
// each consumer and cannot bound bytes, so beyond the budget nothing more is read from the
// connection: TCP then holds RabbitMQ back, whatever the number of queues and the size of messages.
import type { Channel } from 'amqplib';
import type { Clock } from '../../../core/clock.ts';
import type { AmqpSession } from '../connection/connection.ts';

export type Flow = {
  /** Bytes came in, or (negative) went. */
  readonly count: (bytes: number) => void;
  /** Of the session that has just begun. Its earlier bytes do not count any more. */
  readonly begin: (session: AmqpSession, channel: Channel) => void;
  readonly bytes: () => number;
  /** From now on everything is read: nothing is kept any more. */
  readonly end: () => void;
};

/** Node's streams have `read`; the library calls it whenever something has arrived. */
type Readable = { read: (size?: number) => unknown; readonly emit: (event: 'readable') => boolean };

export const MOST_BYTES_IN_FLIGHT = 64 * 1024 * 1024;
/** Heartbeats are due every 10 s. One byte of what arrived keeps the connection alive. */
const SIP_EVERY_MS = 3_000;

export const createFlow = (clock: Clock, most = MOST_BYTES_IN_FLIGHT): Flow => {
  let bytes = 0;
  let isHeld = false;
  let isEnding = false;
  let sips = 0;
  let stream: Readable | undefined;
  let session: AmqpSession | undefined;

  const hold = async (held: AmqpSession) => {
    while (isHeld && session === held && !held.ended.aborted) {
      await clock.sleep(SIP_EVERY_MS, held.ended);
      if (!isHeld || session !== held) return;
      sips = 1;
      stream?.emit('readable');
    }
  };

  return {
    bytes: () => bytes,
    count: (change) => {
      bytes += change;
      if (!isHeld && !isEnding && bytes > most && session) {
        isHeld = true;
        void hold(session);
      } else if (isHeld && bytes <= most / 2) {
        isHeld = false;
        // In a turn of its own: the library may be in the middle of what it has read.
        setImmediate(() => stream?.emit('readable'));
      }
    },
    end: () => {
      isEnding = true;
      if (!isHeld) return;
      isHeld = false;
      stream?.emit('readable');
    },
    begin: (fresh, channel) => {
      session = fresh;
      bytes = 0;
      isHeld = false;
      const own = (channel as unknown as { readonly connection: { readonly stream: Readable } }).connection.stream;
      stream = own;
      const read = own.read.bind(own);
      own.read = (size) => {
        if (isHeld && stream === own) {
          if (sips === 0) return null;
          sips -= 1;
          return read(1); // any byte is a sign of life
        }
        return read(size);
      };
    },
  };
};
