// An event stream over HTTP, that takes no more than its reader does.
import type { FastifyReply } from 'fastify';
import type { Channel, Stream } from '../channels/channel.ts';

const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
  // A stream that ends takes its connection with it, so that a server can end.
  connection: 'close',
  'x-accel-buffering': 'no',
} as const;

/** Answers false, and sends nothing, when there is no channel. */
export const openStream = (reply: FastifyReply, attach: (stream: Stream) => Channel | undefined): boolean => {
  const { raw } = reply;
  /** What waits for a client may be sent while it is attached. */
  const begin = () => {
    if (raw.headersSent) return;
    reply.hijack();
    raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...HEAD });
    raw.flushHeaders();
  };
  const stream: Stream = {
    write: (text) => {
      begin();
      return raw.write(text);
    },
    end: () => {
      // A reader that takes nothing would keep the connection open for ever.
      if (raw.writableNeedDrain) raw.destroy();
      else raw.end();
    },
  };
  const channel = attach(stream);
  if (!channel) return false;
  begin();
  const left = () => channel.detach(stream);
  raw
    .on('drain', () => channel.resume(stream))
    .on('error', left)
    .on('close', left);
  return true;
};
