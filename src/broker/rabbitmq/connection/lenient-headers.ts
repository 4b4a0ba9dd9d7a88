// Headers of a message that the library cannot decode, because they are nested thousands of levels
// deep: the message is received without them. Otherwise the connection would end at it, RabbitMQ
// would hand it out again on the next one, and so on for ever, for all queues.
import type { ChannelModel } from 'amqplib';
import { partsOf } from './amqplib-parts.ts';

const HEADER_FRAME = 2;
const FRAME_HEAD_BYTES = 7;
/** Class, weight and size of the body. */
const BEFORE_FLAGS_BYTES = 12;
const HAS_CONTENT_TYPE = 0x8000;
const HAS_CONTENT_ENCODING = 0x4000;
const HAS_HEADERS = 0x2000;

export const receiveWithoutUnreadableHeaders = (model: ChannelModel): void => {
  const parts = partsOf(model);
  const receive = parts.recvFrame.bind(parts);
  parts.recvFrame = () => {
    const before = parts.rest;
    try {
      return receive();
    } catch (error) {
      // The frame was taken off what is there before it was decoded.
      const bare = parts.rest === before ? undefined : withoutHeaders(before);
      if (bare === undefined) throw error;
      parts.rest = Buffer.concat([bare, parts.rest]);
      return receive();
    }
  };
};

/** The frame at the beginning of these bytes; undefined when there is no such table in it. */
const withoutHeaders = (bytes: Buffer): Buffer | undefined => {
  const size = bytes.readUInt32BE(3);
  const flagsAt = FRAME_HEAD_BYTES + BEFORE_FLAGS_BYTES;
  if (bytes[0] !== HEADER_FRAME) return undefined;
  const flags = bytes.readUInt16BE(flagsAt);
  if ((flags & HAS_HEADERS) === 0) return undefined;
  let at = flagsAt + 2;
  for (const flag of [HAS_CONTENT_TYPE, HAS_CONTENT_ENCODING]) {
    if ((flags & flag) !== 0) at += 1 + bytes.readUInt8(at);
  }
  const tableBytes = 4 + bytes.readUInt32BE(at);
  const end = FRAME_HEAD_BYTES + size + 1;
  const bare = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + tableBytes, end)]);
  bare.writeUInt32BE(size - tableBytes, 3);
  bare.writeUInt16BE(flags & ~HAS_HEADERS, flagsAt);
  return bare;
};
