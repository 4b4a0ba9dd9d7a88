// A gate between what has arrived from RabbitMQ and amqplib, which reads whatever it can.
import type { IncomingStream } from '../connection/amqplib-parts.ts';

export type ReadGate = {
  /** Nothing more is read: TCP then holds RabbitMQ back. */
  readonly close: () => void;
  /** What has arrived is read now, before this returns. */
  readonly open: () => void;
  /** One byte is read through the closed gate: any byte is a sign of life. */
  readonly sip: () => void;
};

export const createReadGate = (stream: IncomingStream): ReadGate => {
  let isClosed = false;
  let sips = 0;
  const read = stream.read.bind(stream);
  stream.read = (size) => {
    if (!isClosed) return read(size);
    if (sips === 0) return null;
    sips -= 1;
    return read(1);
  };
  return {
    close: () => {
      isClosed = true;
    },
    open: () => {
      isClosed = false;
      stream.emit('readable');
    },
    sip: () => {
      sips = 1;
      stream.emit('readable');
      sips = 0;
    },
  };
};
