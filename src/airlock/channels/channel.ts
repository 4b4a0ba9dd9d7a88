// A channel: the numbered events for one client, kept until the client has them, and the stream
// that carries them.
import type { Clock } from '../../core/clock.ts';
import type { EventStream } from '../../http/answers/event-stream.ts';

export type Stream = EventStream;

/** A subscription, as far as a channel counts its facts. */
export type Counted = { unacked: number };

export type Channel = {
  /** An event: the JSON of its data. Facts are counted for their subscription. */
  readonly push: (data: string, subscription?: Counted) => void;
  /** Until `release`, what comes by `pushLater` waits. */
  readonly hold: () => void;
  readonly release: () => void;
  /** `size`: characters that it keeps while it waits. */
  readonly pushLater: (size: number, push: () => void) => void;
  /** The client has all events until this one. */
  readonly ack: (eventId: number) => void;
  /**
   * Ends the stream before, sends what the client does not have, and goes on with what comes.
   * `lastEventId`: the client has it. false: the client speaks of another channel, one that had
   * this name before.
   */
  readonly attach: (stream: Stream, lastEventId: number | undefined) => boolean;
  /** The stream can take more. */
  readonly resume: (stream: Stream) => void;
  /** The stream has ended by itself. */
  readonly detach: (stream: Stream) => void;
  readonly hasStream: () => boolean;
  /** The client is there: without a stream, the time until it expires begins anew. */
  readonly touch: () => void;
  /** Ends its stream and forgets all; `onEnd` is not called. */
  readonly end: () => void;
  /** What it keeps. */
  readonly size: () => number;
};

export type Ended = 'expired' | 'full';

export type ChannelSettings = {
  readonly clock: Clock;
  /** It has ended by itself. */
  readonly onEnd: (why: Ended) => void;
  /** What it keeps has grown by so many characters, or shrunk. */
  readonly onGrowth: (characters: number) => void;
};

/** Proxies end connections on which nothing comes for a while, and clients do after 25 s. */
export const KEEP_ALIVE_MS = 15_000;
/** A client that has confirmed events comes back later; a command that is done does not. */
export const EXPIRY_MS = 5 * 60_000;
export const EXPIRY_AFTER_ACK_MS = 12 * 3_600_000;
/** A client confirms every twenty, but what comes at once it has not confirmed yet. */
export const MOST_EVENTS = 4_000;
/** Characters. */
export const LARGEST = 4 * 1024 * 1024;
/** A reader that takes nothing for so many keep-alives has gone. */
const LONGEST_BLOCKED = 4;
/** What an event takes beside its characters. */
const OVERHEAD = 100;

type Event = { readonly text: string; readonly counted: Counted | undefined };

export const createChannel = ({ clock, onEnd, onGrowth }: ChannelSettings): Channel => {
  let events: Event[] = [];
  /** Ids: of the first one in `events`, of the next one to be made, of the next one to be sent. */
  let [first, next, unsent] = [0, 0, 0];
  let size = 0;
  let later: { readonly size: number; readonly push: () => void }[] | undefined;
  let stream: Stream | undefined;
  let [hadStream, hasAcked, hasEnded] = [false, false, false];
  let blocked: number | undefined;
  let cancelTimer = () => {};

  const grow = (characters: number) => {
    size += characters;
    onGrowth(characters);
  };
  const pump = () => {
    while (stream && blocked === undefined && unsent < next) {
      const event = events[unsent - first] as Event;
      unsent += 1;
      if (!stream.write(event.text)) blocked = 0;
    }
  };
  const expireLater = () => {
    cancelTimer();
    cancelTimer = clock.after(hasAcked ? EXPIRY_AFTER_ACK_MS : EXPIRY_MS, () => finish('expired'));
  };
  const keepAlive = () => {
    cancelTimer();
    cancelTimer = clock.after(KEEP_ALIVE_MS, () => {
      if (!stream) return;
      if (blocked !== undefined) {
        blocked += 1;
        if (blocked >= LONGEST_BLOCKED) return leave();
      } else if (!stream.write(':\n')) blocked = 0;
      keepAlive();
    });
  };
  /** Ends the stream, and waits for another one. */
  const leave = () => {
    const left = stream;
    stream = undefined;
    blocked = undefined;
    left?.end();
    if (!hasEnded) expireLater();
  };
  const end = () => {
    hasEnded = true;
    leave();
    cancelTimer();
    events = [];
    later = undefined;
    grow(-size);
  };
  const finish = (why: Ended) => {
    if (hasEnded) return;
    end();
    onEnd(why);
  };
  const ack = (eventId: number) => {
    hasAcked = true;
    const count = Math.min(eventId + 1, next) - first;
    if (count <= 0) return;
    for (const { text, counted } of events.splice(0, count)) {
      grow(-text.length - OVERHEAD);
      if (counted) counted.unacked -= 1;
    }
    first += count;
    unsent = Math.max(unsent, first);
  };

  expireLater();
  return {
    push: (data, counted) => {
      if (hasEnded) return;
      const text = `id: ${next}\ndata: ${data}\n\n`;
      events.push({ text, counted });
      next += 1;
      if (counted) counted.unacked += 1;
      grow(text.length + OVERHEAD);
      if (events.length > MOST_EVENTS || size > LARGEST) return finish('full');
      pump();
    },
    hold: () => {
      later ??= [];
    },
    release: () => {
      const waiting = later ?? [];
      later = undefined;
      for (const held of waiting) {
        if (hasEnded) return;
        grow(-held.size);
        held.push();
      }
    },
    pushLater: (held, push) => {
      if (hasEnded) return;
      if (!later) return push();
      later.push({ size: held, push });
      grow(held);
      if (later.length > MOST_EVENTS || size > LARGEST) finish('full');
    },
    ack,
    attach: (opened, lastEventId) => {
      // Events that the client has were never on a stream of a channel that had none, nor are they
      // still to come.
      if (lastEventId !== undefined && (!hadStream || lastEventId >= next)) return false;
      leave();
      hadStream = true;
      if (lastEventId !== undefined) ack(lastEventId);
      stream = opened;
      unsent = first;
      keepAlive();
      pump();
      return true;
    },
    resume: (resumed) => {
      if (resumed !== stream) return;
      blocked = undefined;
      pump();
    },
    detach: (detached) => {
      if (detached === stream) leave();
    },
    hasStream: () => stream !== undefined,
    touch: () => {
      if (!stream && !hasEnded) expireLater();
    },
    end,
    size: () => size,
  };
};
