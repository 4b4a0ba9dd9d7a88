// The undocumented parts of amqplib that this program changes: where it reads what has arrived, and
// where it decodes it. check-amqplib.ts checks at the start that they work as assumed here.
import type { ChannelModel } from 'amqplib';

/** amqplib calls `read` until it answers null, whenever the stream is `readable`. */
export type IncomingStream = {
  read: (size?: number) => unknown;
  readonly emit: (event: 'readable') => boolean;
  readonly destroy: () => void;
};

export type ConnectionParts = {
  readonly stream: IncomingStream;
  /** What was read and is not a whole frame yet. */
  rest: Buffer;
  /** Takes a frame off `rest`, reading more if need be, and decodes it. */
  recvFrame: () => unknown;
};

export const partsOf = (model: ChannelModel): ConnectionParts => model.connection as unknown as ConnectionParts;
