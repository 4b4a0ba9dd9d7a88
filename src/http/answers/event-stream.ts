// An event stream over HTTP, that takes no more than its reader does.
import type { FastifyReply } from 'fastify';

/** Where events go, as the text of an event stream. */
export type EventStream = {
  /** false: enough for now; `StreamSource.resume` says when to go on. */
  readonly write: (text: string) => boolean;
  readonly end: () => void;
};

/** Who writes to a stream. */
export type StreamSource = {
  /** The stream can take more. */
  readonly resume: (stream: EventStream) => void;
  /** The stream has ended by itself. */
  readonly detach: (stream: EventStream) => void;
};

const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
  // A stream that ends takes its connection with it, so that a server can end.
  connection: 'close',
  'x-accel-buffering': 'no',
} as const;

/** Answers false, and sends nothing, when there is nobody to write to it. */
export const openStream = (reply: FastifyReply, attach: (stream: EventStream) => StreamSource | undefined): boolean => {
  const { raw } = reply;
  /** What waits for a reader may be sent while it is attached. */
  const begin = () => {
    if (raw.headersSent) return;
    reply.hijack();
    raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...HEAD });
    raw.flushHeaders();
  };
  const stream: EventStream = {
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
  const source = attach(stream);
  if (!source) return false;
  begin();
  const left = () => source.detach(stream);
  raw
    .on('drain', () => source.resume(stream))
    .on('error', left)
    .on('close', left);
  return true;
};
